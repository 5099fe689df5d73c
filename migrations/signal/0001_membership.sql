-- Who belongs to which organisation and merchant: whom an event for one of them concerns.
CREATE TABLE signal."Membership" (
	id            bigint PRIMARY KEY,
	created_at    timestamptz(3) NOT NULL DEFAULT now(),
	modified_at   timestamptz(3) NOT NULL DEFAULT now(),
	created_by    text,
	modified_by   text,
	user_id       text NOT NULL,
	organizer_id  text NOT NULL,
	merchant_id   text,
	role          text NOT NULL,
	status        text NOT NULL DEFAULT '201_ACTIVATED',
	locale        text,
	deleted_at    timestamptz(3),
	version       integer NOT NULL DEFAULT 1
);

-- One of a user for an organisation, and one for each of its merchants.
CREATE UNIQUE INDEX "UQ_Membership_user" ON signal."Membership" (organizer_id, user_id, (coalesce(merchant_id, '')))
	WHERE deleted_at IS NULL;
CREATE INDEX "IDX_Membership_merchantId" ON signal."Membership" (merchant_id, user_id)
	WHERE deleted_at IS NULL AND merchant_id IS NOT NULL;
CREATE INDEX "IDX_Membership_userId" ON signal."Membership" (user_id, id);
