-- Webhooks: whom to tell (Webhook), what happened (WebhookEvent, written in the transaction of what
-- happened), and how far telling it is (WebhookDelivery, one for each event and endpoint).
CREATE TABLE outreach."Webhook" (
	id                     bigint PRIMARY KEY,
	created_at             timestamptz(3) NOT NULL DEFAULT now(),
	modified_at            timestamptz(3) NOT NULL DEFAULT now(),
	created_by             text,
	modified_by            text,
	url                    text NOT NULL,
	description            text,
	events                 text[] NOT NULL DEFAULT '{}',   -- empty: all
	enabled                boolean NOT NULL DEFAULT true,
	disabled_reason        text,
	failing_since          timestamptz(3),                 -- null: the last attempt was taken
	secret                 text NOT NULL,                  -- whsec_ and base64
	previous_secret        text,
	previous_secret_until  timestamptz(3),
	deleted_at             timestamptz(3),
	version                integer NOT NULL DEFAULT 1
);

CREATE TABLE outreach."WebhookEvent" (
	id          bigint PRIMARY KEY,
	created_at  timestamptz(3) NOT NULL DEFAULT now(),
	type        text NOT NULL,
	inquiry_id  bigint,
	payload     text                        -- the very bytes that are signed; null: erased with a person
);
CREATE INDEX "IDX_WebhookEvent_inquiryId" ON outreach."WebhookEvent" (inquiry_id);
CREATE INDEX "IDX_WebhookEvent_createdAt" ON outreach."WebhookEvent" (created_at);

CREATE TABLE outreach."WebhookDelivery" (
	id                bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	created_at        timestamptz(3) NOT NULL DEFAULT now(),
	event_id          bigint NOT NULL REFERENCES outreach."WebhookEvent" (id) ON DELETE CASCADE,
	webhook_id        bigint NOT NULL REFERENCES outreach."Webhook" (id),
	type              text NOT NULL,
	status            text NOT NULL DEFAULT '100_PENDING',
	attempts          integer NOT NULL DEFAULT 0,
	next_attempt_at   timestamptz(3) DEFAULT now(),        -- null: none will be made
	leased_until      timestamptz(3),                      -- a sender is at it
	last_attempt_at   timestamptz(3),
	last_status_code  integer,
	last_error        text,
	delivered_at      timestamptz(3),
	CONSTRAINT "UQ_WebhookDelivery_event_webhook" UNIQUE (event_id, webhook_id)
);
CREATE INDEX "IDX_WebhookDelivery_due" ON outreach."WebhookDelivery" (webhook_id, next_attempt_at, id)
	WHERE status = '100_PENDING';
CREATE INDEX "IDX_WebhookDelivery_leased" ON outreach."WebhookDelivery" (webhook_id, leased_until)
	WHERE leased_until IS NOT NULL;
CREATE INDEX "IDX_WebhookDelivery_createdAt" ON outreach."WebhookDelivery" (created_at, id);
