-- Who changed what and when. Written in the transaction of the change; never changed, never deleted.
CREATE TABLE IF NOT EXISTS {service}."AuditLog" (
	id          bigint PRIMARY KEY,
	created_at  timestamptz(3) NOT NULL DEFAULT now(),
	entity      text NOT NULL,
	entity_id   bigint NOT NULL,
	action      text NOT NULL,
	actor_id    text,
	actor_type  text,
	request_id  text NOT NULL,
	changes     json NOT NULL,
	subject     text
);
CREATE INDEX IF NOT EXISTS "IDX_AuditLog_entityId" ON {service}."AuditLog" (entity_id, id);
CREATE INDEX IF NOT EXISTS "IDX_AuditLog_createdAt" ON {service}."AuditLog" (created_at, id);

CREATE OR REPLACE FUNCTION {service}.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	RAISE EXCEPTION 'the audit log is append-only' USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE OR REPLACE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {service}."AuditLog"
	FOR EACH STATEMENT EXECUTE FUNCTION {service}.refuse_change();
