-- Double opt-in: until when the link that confirms an address counts. The old binary neither reads
-- nor writes the column.
ALTER TABLE outreach."Subscriber" ADD COLUMN confirm_expires_at timestamptz(3);

-- A link proves that the address is theirs to which its mail went, and no other one. Triggers fire in the order of
-- their names: the copy is that of the new address here.
CREATE FUNCTION outreach.subscriber_confirm_void() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	NEW.confirm_token_hash := NULL;
	NEW.confirm_expires_at := NULL;
	RETURN NEW;
END
$$;
CREATE TRIGGER "TR_Subscriber_emailVoidsLink" BEFORE UPDATE OF email ON outreach."Subscriber"
	FOR EACH ROW WHEN (NEW.email_normalized IS DISTINCT FROM OLD.email_normalized)
	EXECUTE FUNCTION outreach.subscriber_confirm_void();

-- Proof of consent: one row each time somebody asked for a subscription, and each time an address was
-- confirmed. Never overwritten by a later one; emptied with the person (docs/subscriptions.md).
CREATE TABLE outreach."Consent" (
	id               bigint PRIMARY KEY,
	created_at       timestamptz(3) NOT NULL DEFAULT now(),
	modified_at      timestamptz(3) NOT NULL DEFAULT now(),
	modified_by      text,
	subscriber_id    bigint NOT NULL,
	email            text NOT NULL,
	email_normalized text NOT NULL,
	action           text NOT NULL,
	status           text NOT NULL,
	consent_version  text,
	source           text,
	ip_hash          text,
	version          integer NOT NULL DEFAULT 1
);
-- A person's data is looked for by the address.
CREATE INDEX "IDX_Consent_emailNormalized" ON outreach."Consent" (email_normalized, id);
CREATE INDEX "IDX_Consent_email" ON outreach."Consent" (lower(email), id);
