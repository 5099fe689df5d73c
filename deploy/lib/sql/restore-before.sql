-- Everything up to the COMMIT of restore-after.sql is one transaction: it is all there, or nothing changed.
-- :manifest is the backup's, :service is whose archive it is, :replace is on or off.
SET statement_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
BEGIN;
SET LOCAL lock_timeout = '10s';
SELECT set_config('bana.manifest', :'manifest', true), set_config('bana.replace', :'replace', true), set_config('bana.service', :'service', true) \g /dev/null

DO $$
DECLARE
	manifest jsonb := current_setting('bana.manifest');
	service text := current_setting('bana.service');
	missing text;
BEGIN
	IF (manifest ->> 'format') IS DISTINCT FROM '1' OR (manifest ->> 'service') IS DISTINCT FROM service THEN
		RAISE EXCEPTION 'this is a backup of % in format %, not of % in format 1', manifest ->> 'service', manifest ->> 'format', service;
	END IF;
	IF current_setting('server_version_num')::int / 10000 < split_part(manifest ->> 'server', '.', 1)::int THEN
		RAISE EXCEPTION 'the backup is of PostgreSQL %, this is %', manifest ->> 'server', current_setting('server_version');
	END IF;
	SELECT string_agg(name, ', ') INTO missing FROM jsonb_array_elements_text(manifest -> 'roles') AS role (name)
	WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name);
	IF missing IS NOT NULL THEN
		RAISE EXCEPTION 'roles that the backup grants to are missing: %; CREATE ROLE ... LOGIN first', missing;
	END IF;
	IF to_regnamespace(service) IS NULL THEN
		RETURN;
	END IF;
	IF current_setting('bana.replace') <> 'on' THEN
		RAISE EXCEPTION 'the database % has a schema %: give an empty database, or --replace', current_database(), service;
	END IF;
	IF EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND usesysid IS NOT NULL) THEN
		RAISE EXCEPTION 'somebody is connected to the database %: stop the pool first', current_database();
	END IF;
	EXECUTE format('DROP SCHEMA %I CASCADE', service);
END
$$;
