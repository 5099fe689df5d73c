-- Events that can never succeed as they are, kept whole: nothing that came is lost.
CREATE TABLE signal."DeadLetter" (
	id             bigint PRIMARY KEY,
	created_at     timestamptz(3) NOT NULL DEFAULT now(),
	topic          text NOT NULL,
	"partition"    integer NOT NULL,
	"offset"       bigint NOT NULL,
	message_key    text,                 -- base64
	event_id       text,                 -- base64
	payload        text NOT NULL,        -- base64: it may be no text at all
	payload_bytes  integer NOT NULL,
	excerpt        text NOT NULL,        -- its beginning, as far as it can be shown
	reason         text NOT NULL,
	attempts       integer NOT NULL DEFAULT 1,
	status         text NOT NULL DEFAULT '100_NEW',
	resolved_at    timestamptz(3),
	resolved_by    text,
	dedup_key      text NOT NULL,        -- of the event; one letter each, however often it is delivered
	CONSTRAINT "UQ_DeadLetter_event" UNIQUE (dedup_key)
);
CREATE INDEX "IDX_DeadLetter_createdAt" ON signal."DeadLetter" (created_at, id);
