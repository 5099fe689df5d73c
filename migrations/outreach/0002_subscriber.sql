-- One row per newsletter address; addresses compare without regard to case.
CREATE TABLE outreach."Subscriber" (
	id                  bigint PRIMARY KEY,
	created_at          timestamptz(3) NOT NULL DEFAULT now(),
	modified_at         timestamptz(3) NOT NULL DEFAULT now(),
	created_by          text,
	modified_by         text,
	email               text NOT NULL,
	first_name          text,
	locale              text,
	topics              text[] NOT NULL DEFAULT '{}',
	source              text,
	status              text NOT NULL DEFAULT '201_ACTIVATED',
	subscribed_at       timestamptz(3),
	confirmed_at        timestamptz(3),
	unsubscribed_at     timestamptz(3),
	unsubscribe_reason  text,
	consent_version     text,
	consented_at        timestamptz(3),
	unsubscribe_token   bigint NOT NULL,
	confirm_token_hash  text,
	ip_hash             text,
	deleted_at          timestamptz(3)
);

CREATE UNIQUE INDEX "UQ_Subscriber_email"
	ON outreach."Subscriber" (lower(email)) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX "UQ_Subscriber_unsubscribeToken"
	ON outreach."Subscriber" (unsubscribe_token);
