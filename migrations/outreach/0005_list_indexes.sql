-- What lists are sorted and searched by most; each with the id behind it, so that a page begins where
-- the one before ended. Every index costs a submit something: other orders sort what the filter leaves.
CREATE INDEX "IDX_Inquiry_createdAt" ON outreach."Inquiry" (created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX "IDX_Inquiry_status" ON outreach."Inquiry" (status, id) WHERE deleted_at IS NULL;
CREATE INDEX "IDX_Inquiry_assigneeId" ON outreach."Inquiry" (assignee_id, id)
	WHERE deleted_at IS NULL AND assignee_id IS NOT NULL;
-- Not only of rows that are there: a person's data is looked for among the deleted ones, too.
CREATE INDEX "IDX_Inquiry_email" ON outreach."Inquiry" (lower(email), id);
CREATE INDEX "IDX_Subscriber_createdAt" ON outreach."Subscriber" (created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX "IDX_Subscriber_email" ON outreach."Subscriber" (lower(email), id);
