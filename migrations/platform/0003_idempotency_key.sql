-- The answers of requests that carried an Idempotency-Key, written with what the request did.
CREATE TABLE {service}."IdempotencyKey" (
	id           text PRIMARY KEY,       -- SHA-256 of caller, path and key
	created_at   timestamptz(3) NOT NULL DEFAULT now(),
	fingerprint  text NOT NULL,          -- SHA-256 of query and body
	by_user      boolean NOT NULL,       -- false: by a visitor, who is told nothing of any person
	status       smallint NOT NULL,
	media        text,                   -- null: application/json
	headers      text NOT NULL,
	body         text                    -- null: erased with a person
);
CREATE INDEX "IDX_IdempotencyKey_createdAt" ON {service}."IdempotencyKey" (created_at);
-- Those that an erasure looks through, out of the many of visitors.
CREATE INDEX "IDX_IdempotencyKey_byUser" ON {service}."IdempotencyKey" (id) WHERE by_user;
