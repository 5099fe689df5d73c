-- without transaction
-- What the abuse gate set aside, and when; and the content of inquiries, by which one that comes twice is found.
-- The version before knows neither: its rows are not set aside, and its content_hash is of the message alone.
ALTER TABLE outreach."Inquiry" ADD COLUMN IF NOT EXISTS quarantined_at timestamptz(3);
DROP INDEX CONCURRENTLY IF EXISTS outreach."IDX_Inquiry_quarantinedAt";
CREATE INDEX CONCURRENTLY "IDX_Inquiry_quarantinedAt" ON outreach."Inquiry" (quarantined_at, id)
	WHERE quarantined_at IS NOT NULL AND deleted_at IS NULL;
-- Hash: a fifth of a tree over 64 characters, and asked for equality only.
DROP INDEX CONCURRENTLY IF EXISTS outreach."IDX_Inquiry_contentHash";
CREATE INDEX CONCURRENTLY "IDX_Inquiry_contentHash" ON outreach."Inquiry" USING hash (content_hash);
