-- The role the workers log in as: it owns nothing, changes no schema, deletes nothing, and cannot
-- rewrite an id. Made only if it is missing; its password, if it needs one, is the operator's.
DO $$
BEGIN
	IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'outreach_app') THEN
		CREATE ROLE outreach_app LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION;
	END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
	NULL; -- another database of this cluster was seeded in the same moment
END
$$;

GRANT USAGE ON SCHEMA outreach TO outreach_app;
GRANT SELECT ON ALL TABLES IN SCHEMA outreach TO outreach_app;
GRANT INSERT ON outreach."Inquiry", outreach."Subscriber", outreach."AuditLog" TO outreach_app;
GRANT INSERT, DELETE, UPDATE (expires_at) ON outreach."UsedChallenge" TO outreach_app;  -- UPDATE: to lock what is pruned
-- A consent is proof: all that may change is that a person is erased from it.
GRANT INSERT, UPDATE (email, email_normalized, ip_hash, modified_at, modified_by, version) ON outreach."Consent" TO outreach_app;

-- What a webhook was told is forgotten after a while; an endpoint is not.
GRANT INSERT ON outreach."Webhook" TO outreach_app;
GRANT INSERT, DELETE ON outreach."WebhookEvent" TO outreach_app;
GRANT INSERT ON outreach."WebhookDelivery" TO outreach_app;
GRANT UPDATE (payload) ON outreach."WebhookEvent" TO outreach_app;

-- UPDATE on every column but the id and the time it was made.
DO $$
DECLARE
	columns record;
BEGIN
	FOR columns IN
		SELECT table_name, string_agg(quote_ident(column_name), ', ') AS list
		FROM information_schema.columns
		WHERE table_schema = 'outreach' AND table_name IN ('Inquiry', 'Subscriber', 'Webhook', 'WebhookDelivery')
			AND column_name NOT IN ('id', 'created_at', 'event_id', 'webhook_id')
		GROUP BY table_name
	LOOP
		EXECUTE format('GRANT UPDATE (%s) ON outreach.%I TO outreach_app',
			columns.list, columns.table_name);
	END LOOP;
END
$$;
