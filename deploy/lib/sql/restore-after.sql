-- Still in the transaction of restore-before.sql: what came is what was counted (:counts is of counts.sql).
SELECT set_config('bana.rows', jsonb_object_agg(name, rows)::text, true) FROM (:counts) AS c \g /dev/null

DO $$
DECLARE
	manifest jsonb := current_setting('bana.manifest');
	role text;
BEGIN
	IF current_setting('bana.rows')::jsonb IS DISTINCT FROM manifest -> 'rows' THEN
		RAISE EXCEPTION 'the rows are not those of the backup: %, not %', current_setting('bana.rows'), manifest -> 'rows';
	END IF;
	-- What a dump of a schema does not hold.
	FOR role IN SELECT jsonb_array_elements_text(manifest -> 'roles') LOOP
		IF NOT has_database_privilege(role, current_database(), 'CONNECT') THEN
			EXECUTE format('GRANT CONNECT ON DATABASE %I TO %I', current_database(), role);
		END IF;
		IF NOT has_database_privilege(role, current_database(), 'CONNECT') THEN
			RAISE EXCEPTION '% may not connect to %, and only the owner of the database can let it', role, current_database();
		END IF;
	END LOOP;
END
$$;
COMMIT;
