-- The role the processes of the service log in as: it owns nothing, changes no schema, reads every
-- table and writes the audit log; whatever else it may, the service's own seeds say. Made only if it
-- is missing; its password, if it needs one, is the operator's.
DO $$
BEGIN
	IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{service}_app') THEN
		CREATE ROLE {service}_app LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION;
	END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
	NULL; -- another database of this cluster was seeded in the same moment
END
$$;

GRANT USAGE ON SCHEMA {service} TO {service}_app;
GRANT SELECT ON ALL TABLES IN SCHEMA {service} TO {service}_app;
GRANT INSERT ON {service}."AuditLog" TO {service}_app;
GRANT INSERT, UPDATE, DELETE ON {service}."IdempotencyKey" TO {service}_app;
REVOKE EXECUTE ON FUNCTION {service}.seed_rule FROM PUBLIC;
