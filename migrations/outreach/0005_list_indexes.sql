-- without transaction
-- What lists are sorted and searched by most; each with the id behind it, so that a page begins where
-- the one before ended. Every index costs a submit something: other orders sort what the filter leaves.
-- Built while submits go on; one that was left half built is dropped first.
DROP INDEX CONCURRENTLY IF EXISTS outreach."IDX_Inquiry_createdAt";
CREATE INDEX CONCURRENTLY "IDX_Inquiry_createdAt" ON outreach."Inquiry" (created_at, id) WHERE deleted_at IS NULL;
DROP INDEX CONCURRENTLY IF EXISTS outreach."IDX_Inquiry_status";
CREATE INDEX CONCURRENTLY "IDX_Inquiry_status" ON outreach."Inquiry" (status, id) WHERE deleted_at IS NULL;
DROP INDEX CONCURRENTLY IF EXISTS outreach."IDX_Inquiry_assigneeId";
CREATE INDEX CONCURRENTLY "IDX_Inquiry_assigneeId" ON outreach."Inquiry" (assignee_id, id)
	WHERE deleted_at IS NULL AND assignee_id IS NOT NULL;
-- Of deleted rows, too: a person's data is looked for among them.
DROP INDEX CONCURRENTLY IF EXISTS outreach."IDX_Inquiry_email";
CREATE INDEX CONCURRENTLY "IDX_Inquiry_email" ON outreach."Inquiry" (lower(email), id);
DROP INDEX CONCURRENTLY IF EXISTS outreach."IDX_Subscriber_createdAt";
CREATE INDEX CONCURRENTLY "IDX_Subscriber_createdAt" ON outreach."Subscriber" (created_at, id) WHERE deleted_at IS NULL;
DROP INDEX CONCURRENTLY IF EXISTS outreach."IDX_Subscriber_email";
CREATE INDEX CONCURRENTLY "IDX_Subscriber_email" ON outreach."Subscriber" (lower(email), id);
