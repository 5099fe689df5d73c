-- Without it the planner knows nothing of the tables until autovacuum has been there.
SELECT format('VACUUM (ANALYZE) %s', oid::regclass) FROM pg_class
WHERE relnamespace = :'service'::regnamespace AND relkind = 'r' \gexec

SELECT format('%-9s %s', name, rows) FROM jsonb_each_text(:'manifest'::jsonb -> 'rows') AS r (name, rows) ORDER BY name;
SELECT format('node %s: the last id in it is %s, of %s%s', node, id,
	to_char(given_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.MS UTC'),
	CASE WHEN given_at > clock_timestamp() THEN ': LATER THAN NOW, see "Ids" in docs/operations.md' ELSE '' END)
FROM jsonb_each_text(:'manifest'::jsonb -> 'lastIds') AS l (node, id),
	to_timestamp(((id::bigint >> 22) + 1735689600000) / 1000.0) AS given_at ORDER BY node::int;
