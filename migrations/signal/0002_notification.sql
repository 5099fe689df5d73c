-- One row per event and recipient. `seq` counts the rows of a recipient without gaps, in the order in
-- which they were committed, so that whoever has seen N asks for what came after N.
CREATE TABLE signal."ActivityNotification" (
	id            bigint PRIMARY KEY,
	created_at    timestamptz(3) NOT NULL DEFAULT now(),
	type          text NOT NULL,
	organizer_id  text,
	merchant_id   text,
	recipient_id  text NOT NULL,
	actor_id      text NOT NULL,
	actor         json NOT NULL,        -- not jsonb, which would print 1e308 with 309 digits
	content       text NOT NULL,
	action_url    text,
	data          json NOT NULL,
	is_read       boolean NOT NULL DEFAULT false,
	read_at       timestamptz(3),
	seen_at       timestamptz(3),
	archived_at   timestamptz(3),
	deleted_at    timestamptz(3),
	occurred_at   timestamptz(3) NOT NULL,
	seq           integer NOT NULL,
	expires_at    timestamptz(3) NOT NULL,
	dedup_key     text NOT NULL,        -- SHA-256 of the event, see "ConsumedEvent"
	CONSTRAINT "UQ_ActivityNotification_event" UNIQUE (dedup_key, recipient_id),
	CONSTRAINT "UQ_ActivityNotification_seq" UNIQUE (recipient_id, seq)
);
CREATE INDEX "IDX_ActivityNotification_recipientId" ON signal."ActivityNotification" (recipient_id, id)
	WHERE deleted_at IS NULL;
CREATE INDEX "IDX_ActivityNotification_expiresAt" ON signal."ActivityNotification" (expires_at);

-- What is known of a recipient without counting: the last `seq` given, and how many of the rows are
-- neither read nor archived nor deleted. Locked by whoever changes one of them.
CREATE TABLE signal."RecipientState" (
	recipient_id  text PRIMARY KEY,
	last_seq      integer NOT NULL DEFAULT 0,
	unread_count  integer NOT NULL DEFAULT 0 CHECK (unread_count >= 0)
) WITH (fillfactor = 70);

-- Which events were taken, whatever is delivered again: SHA-256 of topic, key and value, or of topic
-- and the producer's `event-id`. Not topic, partition and offset: offsets start anew with a topic.
CREATE TABLE signal."ConsumedEvent" (
	key          text PRIMARY KEY,
	consumed_at  timestamptz(3) NOT NULL DEFAULT now()
);
CREATE INDEX "IDX_ConsumedEvent_consumedAt" ON signal."ConsumedEvent" (consumed_at);
