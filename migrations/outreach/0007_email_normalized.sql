-- without transaction
-- The copy of each address by which addresses are compared (docs/email-addresses.md). This version writes it
-- with every address; the one before does not know it, and the trigger writes it for that one. Each statement
-- bears being run again.
ALTER TABLE outreach."Inquiry" ADD COLUMN IF NOT EXISTS email_normalized text;
ALTER TABLE outreach."Subscriber" ADD COLUMN IF NOT EXISTS email_normalized text;

-- Of an address that came without its copy: lower case, ASCII letters only. SQL knows no A-labels; `migrate`
-- mends these copies. A change whose copy stays the same is one of this version when the copy has an A-label
-- for the same local part (another spelling of one domain), else one of the version before.
CREATE OR REPLACE FUNCTION outreach.email_normalized() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	NEW.email_normalized := CASE
		WHEN TG_OP = 'INSERT' THEN lower(NEW.email COLLATE "C")
		WHEN NEW.email_normalized IS DISTINCT FROM OLD.email_normalized THEN NEW.email_normalized
		WHEN NEW.email ~ '[^\x01-\x7f]' AND NEW.email_normalized ~ '[@.]xn--'
			AND split_part(NEW.email_normalized, '@', 1) = lower(split_part(NEW.email, '@', 1) COLLATE "C")
			THEN NEW.email_normalized
		ELSE lower(NEW.email COLLATE "C") END
	; RETURN NEW
; END $$;
CREATE OR REPLACE TRIGGER "TR_Inquiry_emailInserted" BEFORE INSERT ON outreach."Inquiry"
	FOR EACH ROW WHEN (NEW.email_normalized IS NULL) EXECUTE FUNCTION outreach.email_normalized();
CREATE OR REPLACE TRIGGER "TR_Inquiry_emailUpdated" BEFORE UPDATE OF email ON outreach."Inquiry"
	FOR EACH ROW EXECUTE FUNCTION outreach.email_normalized();

-- Two unique indexes know an address now, that of each version, and ON CONFLICT names one of them only: of two who
-- subscribe one address in the same moment the second waits here, or the other index would refuse it.
-- And a subscription that the version before left with a copy without A-labels is the same one when it comes again.
-- Triggers fire in the order of their names.
CREATE OR REPLACE FUNCTION outreach.subscriber_email_normalized() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	PERFORM pg_advisory_xact_lock(hashtextextended('Subscriber by lower case ' || lower(NEW.email), 0))
	; PERFORM pg_advisory_xact_lock(hashtextextended('Subscriber ' || NEW.email_normalized, 0))
	; IF NEW.email ~ '[^\x01-\x7f]' THEN
		NEW.email_normalized := coalesce((SELECT s.email_normalized FROM outreach."Subscriber" AS s
			WHERE lower(s.email) = lower(NEW.email) AND s.deleted_at IS NULL), NEW.email_normalized)
	; END IF
	; RETURN NEW
; END $$;
CREATE OR REPLACE TRIGGER "TR_Subscriber_emailInserted" BEFORE INSERT ON outreach."Subscriber"
	FOR EACH ROW WHEN (NEW.email_normalized IS NULL) EXECUTE FUNCTION outreach.email_normalized();
CREATE OR REPLACE TRIGGER "TR_Subscriber_emailUpdated" BEFORE UPDATE OF email ON outreach."Subscriber"
	FOR EACH ROW EXECUTE FUNCTION outreach.email_normalized();
CREATE OR REPLACE TRIGGER "TR_Subscriber_emailKnown" BEFORE INSERT ON outreach."Subscriber"
	FOR EACH ROW EXECUTE FUNCTION outreach.subscriber_email_normalized();

-- What is there already, a part at a time, so that nobody waits for a row long.
DO $$ DECLARE done bigint := 0; part bigint; BEGIN LOOP
	SELECT max(id) INTO part FROM (SELECT id FROM outreach."Inquiry" WHERE id > done ORDER BY id LIMIT 20000) AS next
	; EXIT WHEN part IS NULL
	; UPDATE outreach."Inquiry" SET email_normalized = lower(email COLLATE "C")
		WHERE id > done AND id <= part AND email_normalized IS NULL
	; COMMIT
	; done := part
; END LOOP; END $$;
DO $$ DECLARE done bigint := 0; part bigint; BEGIN LOOP
	SELECT max(id) INTO part FROM (SELECT id FROM outreach."Subscriber" WHERE id > done ORDER BY id LIMIT 20000) AS next
	; EXIT WHEN part IS NULL
	; UPDATE outreach."Subscriber" SET email_normalized = lower(email COLLATE "C")
		WHERE id > done AND id <= part AND email_normalized IS NULL
	; COMMIT
	; done := part
; END LOOP; END $$;

-- One subscription an address. Deleted rows are in the others: a person's data is looked for among them.
DROP INDEX CONCURRENTLY IF EXISTS outreach."UQ_Subscriber_emailNormalized";
CREATE UNIQUE INDEX CONCURRENTLY "UQ_Subscriber_emailNormalized" ON outreach."Subscriber" (email_normalized)
	WHERE deleted_at IS NULL;
DROP INDEX CONCURRENTLY IF EXISTS outreach."IDX_Subscriber_emailNormalized";
CREATE INDEX CONCURRENTLY "IDX_Subscriber_emailNormalized" ON outreach."Subscriber" (email_normalized, id);
DROP INDEX CONCURRENTLY IF EXISTS outreach."IDX_Inquiry_emailNormalized";
CREATE INDEX CONCURRENTLY "IDX_Inquiry_emailNormalized" ON outreach."Inquiry" (email_normalized, id);
