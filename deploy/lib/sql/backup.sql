-- The archive and what is said about it are of one snapshot: submits go on meanwhile, and none of them is half in it.
-- The manifest goes to standard output, once the archive (ARCHIVE of the environment) is whole.
\getenv version VERSION
\getenv service SERVICE
SET lock_timeout = '10s';
SET statement_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
SELECT pg_export_snapshot() AS snapshot \gset
\setenv SNAPSHOT :snapshot
\ir counts.sql
\set whole `pg_dump --format=custom --schema="$SERVICE" --no-owner --lock-wait-timeout=10s --snapshot="$SNAPSHOT" --file="$ARCHIVE" -d "$DATABASE" && echo on || echo off`

-- :ids becomes the query of all ids that we gave out: those of the sequences of PostgreSQL are others.
SELECT string_agg(format('SELECT %I FROM %s', attname, attrelid::regclass), ' UNION ALL ') AS ids
FROM pg_attribute JOIN pg_class AS c ON c.oid = attrelid
WHERE relnamespace = :'service'::regnamespace AND relkind IN ('r', 'p') AND NOT attisdropped
	AND attname IN ('id', 'unsubscribe_token') AND atttypid = 'bigint'::regtype AND attidentity = '' \gset

-- Ids are (ms since 2025) << 22 | node << 12 | sequence: the last of each node tells when it was given out.
WITH ids (id) AS (
	:ids
), last (node, id) AS (
	SELECT id >> 12 & 1023, max(id) FROM ids GROUP BY 1
), grantees (name) AS (
	SELECT DISTINCT pg_get_userbyid(a.grantee) FROM pg_namespace AS n, aclexplode(n.nspacl) AS a
	WHERE n.nspname = :'service' AND a.grantee NOT IN (0, n.nspowner)
)
SELECT jsonb_pretty(jsonb_build_object(
	'format', 1,
	'service', :'service',
	'version', :'version',
	'server', current_setting('server_version'),
	'takenAt', to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
	'migrations', (SELECT jsonb_object_agg(name, checksum) FROM :"service"."Migration"),
	'roles', (SELECT coalesce(jsonb_agg(name), '[]') FROM grantees),
	'lastIds', (SELECT coalesce(jsonb_object_agg(node, id::text), '{}') FROM last),
	'rows', (SELECT jsonb_object_agg(name, rows) FROM (:counts) AS c)))
WHERE :'whole' = 'on';
COMMIT;
