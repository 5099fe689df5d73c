-- Versions of rows, for ETag and If-Match. A constant default rewrites no table, and the old binary
-- neither reads nor writes the column.
ALTER TABLE outreach."Inquiry" ADD COLUMN version integer NOT NULL DEFAULT 1;
ALTER TABLE outreach."Subscriber" ADD COLUMN version integer NOT NULL DEFAULT 1;
