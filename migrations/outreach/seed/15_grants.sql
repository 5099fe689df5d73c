-- Beside what the platform's seed gives: the workers make rows and change them. They delete nothing
-- and cannot rewrite an id.
GRANT INSERT ON outreach."Inquiry", outreach."Subscriber" TO outreach_app;

-- UPDATE on every column but the id and the time it was made.
DO $$
DECLARE
	columns record;
BEGIN
	FOR columns IN
		SELECT table_name, string_agg(quote_ident(column_name), ', ') AS list
		FROM information_schema.columns
		WHERE table_schema = 'outreach' AND table_name IN ('Inquiry', 'Subscriber')
			AND column_name NOT IN ('id', 'created_at')
		GROUP BY table_name
	LOOP
		EXECUTE format('GRANT UPDATE (%s) ON outreach.%I TO outreach_app',
			columns.list, columns.table_name);
	END LOOP;
END
$$;
