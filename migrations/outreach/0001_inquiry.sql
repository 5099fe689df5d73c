-- One row per inquiry; written before the visitor is answered. Limits are those of the entity
-- table in src/outreach/inquiry.c, which alone writes here.
CREATE TABLE outreach."Inquiry" (
	id             bigint PRIMARY KEY,
	created_at     timestamptz(3) NOT NULL DEFAULT now(),
	modified_at    timestamptz(3) NOT NULL DEFAULT now(),
	created_by     text,
	modified_by    text,
	type           text NOT NULL DEFAULT '100_GENERAL',
	status         text NOT NULL DEFAULT '100_NEW',
	first_name     text NOT NULL,
	last_name      text,
	email          text NOT NULL,
	phone          text,
	business_name  text,
	subject        text,
	message        text NOT NULL,
	locale         text,
	page_url       text,
	referrer       text,
	metadata       json,           -- not jsonb, which would print 1e308 with 309 digits
	cancel_reason  text,
	spam_score     smallint,
	spam_reasons   text[],
	assignee_id    text,
	handled_at     timestamptz(3),
	completed_at   timestamptz(3),
	deleted_at     timestamptz(3),
	ip_hash        text,
	user_agent     text,
	content_hash   text
);
