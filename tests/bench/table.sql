-- The rows of a work: :rows inquiries, the texts of :bodies in turn.
TRUNCATE outreach."Inquiry";
ALTER TABLE outreach."Inquiry" SET (autovacuum_enabled = off);
INSERT INTO outreach."Inquiry" (id, created_at, modified_at, type, status, first_name, last_name, email, phone,
	business_name, subject, message, locale, page_url, referrer, metadata, handled_at, ip_hash, user_agent, content_hash)
SELECT 249000000000000000 + n * 1000, made, made, coalesce(b ->> 'type', '100_GENERAL'),
	(ARRAY['303_COMPLETED', '100_NEW', '104_IN_REVIEW', '303_COMPLETED'])[n % 4 + 1],
	b ->> 'firstName', b ->> 'lastName', b ->> 'email', b ->> 'phone', b ->> 'businessName', b ->> 'subject', b ->> 'message',
	b ->> 'locale', b ->> 'pageUrl', b ->> 'referrer', compact,
	CASE WHEN n % 4 <> 1 THEN made + interval '1 hour' END,
	encode(sha256(n::text::bytea), 'hex'), 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0', sum
FROM (SELECT n, timestamptz '2026-01-01 00:00:00Z' + n * interval '7.003 s' AS made FROM generate_series(1, :rows) AS n) AS r
JOIN (SELECT at - 1 AS at, b, replace(replace(b ->> 'metadata', ': ', ':'), ', ', ',')::json AS compact,
		encode(sha256((b ->> 'message')::bytea), 'hex') AS sum
	FROM json_array_elements(:'bodies') WITH ORDINALITY AS a (b, at)) AS texts ON at = n % 12
ORDER BY n;
VACUUM (ANALYZE) outreach."Inquiry";
