#include "outreach/outreach.h"

#include "bana/app.h"
#include "bana/crypto.h"
#include "bana/entity.h"
#include "bana/live.h"
#include "bana/pg.h"
#include "bana/pool.h"
#include "bana/req.h"

/* clang-format off */
enum {
	ID, CREATED_AT, MODIFIED_AT, CREATED_BY, MODIFIED_BY, TYPE, STATUS, FIRST_NAME, LAST_NAME,
	EMAIL, PHONE, BUSINESS_NAME, SUBJECT, MESSAGE, LOCALE, PAGE_URL, REFERRER, METADATA,
	CANCEL_REASON, SPAM_SCORE, SPAM_REASONS, ASSIGNEE_ID, HANDLED_AT, COMPLETED_AT,
	DELETED_AT, IP_HASH, USER_AGENT, CONTENT_HASH, FIELDS
};

static const char *const types[] = {
	"100_GENERAL", "200_SALES", "300_SUPPORT", "400_PARTNERSHIP", "900_OTHER", NULL};
static const char *const statuses[] = {
	"100_NEW", "104_IN_REVIEW", "203_PROCESSING", "303_COMPLETED", "405_ARCHIVED", "505_CANCELLED", NULL};
static const char *const cancel_reasons[] = {
	"100_SPAM", "200_DUPLICATE", "300_TEST", "400_WITHDRAWN", "900_OTHER", NULL};

static const struct bana_field fields[FIELDS] = {
	/*                name            column            type          min  max   flags                          choices         default */
	[ID]            = {"id",            "id",             BANA_ID,      0, 0,    READ,                          NULL,           NULL},
	[CREATED_AT]    = {"createdAt",     "created_at",     BANA_INSTANT, 0, 0,    READ | BANA_MADE,              NULL,           NULL},
	[MODIFIED_AT]   = {"modifiedAt",    "modified_at",    BANA_INSTANT, 0, 0,    READ | BANA_MADE,              NULL,           NULL},
	[CREATED_BY]    = {"createdBy",     "created_by",     BANA_TEXT,    0, 128,  READ,                          NULL,           NULL},
	[MODIFIED_BY]   = {"modifiedBy",    "modified_by",    BANA_TEXT,    0, 128,  READ,                          NULL,           NULL},
	[TYPE]          = {"type",          "type",           BANA_ENUM,    0, 0,    READ | ANY,                    types,          "100_GENERAL"},
	[STATUS]        = {"status",        "status",         BANA_ENUM,    0, 0,    READ | BANA_STAFF,             statuses,       "100_NEW"},
	[FIRST_NAME]    = {"firstName",     "first_name",     BANA_TEXT,    1, 100,  READ | ANY | BANA_REQUIRED,    NULL,           NULL},
	[LAST_NAME]     = {"lastName",      "last_name",      BANA_TEXT,    0, 100,  READ | ANY | NULLS,            NULL,           NULL},
	[EMAIL]         = {"email",         "email",          BANA_EMAIL,   3, 254,  READ | ANY | BANA_REQUIRED,    NULL,           NULL},
	[PHONE]         = {"phone",         "phone",          BANA_TEXT,    0, 32,   BANA_SHOWN | ANY | NULLS,      NULL,           NULL},
	[BUSINESS_NAME] = {"businessName",  "business_name",  BANA_TEXT,    0, 200,  READ | ANY | NULLS,            NULL,           NULL},
	[SUBJECT]       = {"subject",       "subject",        BANA_TEXT,    0, 200,  READ | ANY | NULLS,            NULL,           NULL},
	[MESSAGE]       = {"message",       "message",        BANA_TEXT,    1, 5000, BANA_SHOWN | ANY | BANA_REQUIRED, NULL,        NULL},
	[LOCALE]        = {"locale",        "locale",         BANA_TEXT,    0, 16,   READ | BANA_PUBLIC | NULLS,    NULL,           NULL},
	[PAGE_URL]      = {"pageUrl",       "page_url",       BANA_TEXT,    0, 2048, BANA_SHOWN | BANA_PUBLIC | NULLS, NULL,        NULL},
	[REFERRER]      = {"referrer",      "referrer",       BANA_TEXT,    0, 2048, BANA_SHOWN | BANA_PUBLIC | NULLS, NULL,        NULL},
	[METADATA]      = {"metadata",      "metadata",       BANA_OBJECT,  0, 4096, BANA_SHOWN | ANY | NULLS,      NULL,           NULL},
	[CANCEL_REASON] = {"cancelReason",  "cancel_reason",  BANA_ENUM,    0, 0,    READ | BANA_STAFF | NULLS,     cancel_reasons, NULL},
	[SPAM_SCORE]    = {"spamScore",     "spam_score",     BANA_SMALL,   0, 32767, READ,                         NULL,           NULL},
	[SPAM_REASONS]  = {"spamReasons",   "spam_reasons",   BANA_TEXTS,   64, 20,  READ,                          NULL,           NULL},
	[ASSIGNEE_ID]   = {"assigneeId",    "assignee_id",    BANA_TEXT,    0, 128,  READ | BANA_STAFF | NULLS,     NULL,           NULL},
	[HANDLED_AT]    = {"handledAt",     "handled_at",     BANA_INSTANT, 0, 0,    READ,                          NULL,           NULL},
	[COMPLETED_AT]  = {"completedAt",   "completed_at",   BANA_INSTANT, 0, 0,    READ,                          NULL,           NULL},
	[DELETED_AT]    = {"deletedAt",     "deleted_at",     BANA_INSTANT, 0, 0,    0,                             NULL,           NULL},
	[IP_HASH]       = {"ipHash",        "ip_hash",        BANA_TEXT,    0, 64,   0,                             NULL,           NULL},
	[USER_AGENT]    = {"userAgent",     "user_agent",     BANA_TEXT,    0, 256,  0,                             NULL,           NULL},
	[CONTENT_HASH]  = {"contentHash",   "content_hash",   BANA_TEXT,    0, 64,   0,                             NULL,           NULL},
};
/* clang-format on */

const struct bana_entity outreach_inquiry = {
	"Inquiry", "outreach.\"Inquiry\"", fields, sizeof fields / sizeof *fields};

/* What the visitor is told. */
static const unsigned char receipt[] = {ID, TYPE, STATUS, CREATED_AT};

/* Source document: payload of observation/outreach/inquiry/submitted, exactly these, this order. */
static const unsigned char announced[] = {
	ID, TYPE, FIRST_NAME, LAST_NAME, EMAIL, BUSINESS_NAME, SUBJECT, CREATED_AT};

static bana_str view(
	struct bana_ctx *ctx, const struct bana_row *row, const unsigned char *names, size_t count)
{
	struct bana_buf b;
	bana_buf_init(&b, ctx->arena);
	bana_row_write(&b, &outreach_inquiry, row, names, count);
	return bana_buf_str(&b);
}

static void announce(struct bana_ctx *ctx, const struct bana_row *row)
{
	const char *id = row->cells[ID].text;
	bana_announce(ctx, &(struct bana_announcement){
				   .event = "observation/outreach/inquiry/submitted",
				   .data = view(ctx, row, announced, sizeof announced),
				   .rooms = {"outreach/inquiries",
					   bana_print(ctx->arena, "outreach/inquiries/%s", id)},
				   .log_message = "WS notifyInquiry SENT",
				   .id_name = "inquiryId",
				   .id = id,
			   });
}

/* Who sent it and what, as far as it may be kept: hashes, and a short user agent. */
static void set_traces(struct bana_req *q, struct bana_row *row)
{
	enum { USER_AGENT_CHARACTERS = 256 };
	const char *agent = bana_req_header(q, "HTTP_USER_AGENT");
	if (agent != NULL && bana_utf8_valid(bana_str_of(agent))) {
		size_t bytes = 0, characters = 0;
		while (agent[bytes] != '\0' &&
			(characters += (agent[bytes] & 0xC0) != 0x80) <= USER_AGENT_CHARACTERS)
			bytes++;
		bana_row_set(row, USER_AGENT, bana_copy(q->ctx.arena, agent, bytes));
	}
	unsigned char digest[BANA_SHA256_BYTES];
	bana_sha256(bana_str_of(row->cells[MESSAGE].text), digest);
	bana_row_set(row, CONTENT_HASH, bana_hex(q->ctx.arena, digest, sizeof digest));
	bana_row_set(row, IP_HASH, outreach_address_hash(q));
}

BANA_RES outreach_inquiry_submit(struct bana_req *q)
{
	struct bana_ctx *ctx = &q->ctx;
	struct bana_row *row = bana_alloc(ctx->arena, sizeof *row);
	TRY(bana_req_row(q, &outreach_inquiry, BANA_PUBLIC, row));
	set_traces(q, row);
	const char *id = bana_print(ctx->arena, "%lld", (long long)bana_snowflake(ctx->app->pool));
	bana_row_set(row, ID, id);
	TRY(bana_row_insert(ctx, &outreach_inquiry, row));
	announce(ctx, row);
	bana_reply_header(
		q, "Location", bana_print(ctx->arena, "%s/inquiries/%s", ctx->app->base_path, id));
	return bana_reply_one(q, 201, view(ctx, row, receipt, sizeof receipt));
}

/* An id is what bana_snowflake makes: decimal, positive, 63 bits, no leading zero. */
static BANA_RES check_id(struct bana_ctx *ctx, bana_str text)
{
	int64_t id;
	if (bana_parse_int(text, 1, INT64_MAX, &id).fault == BANA_OK)
		return BANA_DONE;
	return bana_fail(ctx, BANA_NOT_FOUND, "Inquiry not found", NULL);
}

BANA_RES outreach_inquiry_read(struct bana_req *q)
{
	struct bana_ctx *ctx = &q->ctx;
	struct bana_row *row = bana_alloc(ctx->arena, sizeof *row);
	TRY(check_id(ctx, q->args[0]));
	const char *id = bana_copy(ctx->arena, q->args[0].at, q->args[0].len);
	TRY(bana_row_find(ctx, &outreach_inquiry, id, row));
	return bana_reply_one(q, 200, view(ctx, row, NULL, 0));
}

BANA_RES outreach_inquiry_exists(struct bana_ctx *ctx, const char *id)
{
	const struct bana_rows *rows;
	TRY(check_id(ctx, bana_str_of(id)));
	TRY(bana_pg_exec(ctx,
		"SELECT 1 FROM outreach.\"Inquiry\" WHERE id = $1 AND deleted_at IS NULL", 1, &id,
		&rows));
	if (bana_rows_count(rows) > 0)
		return BANA_DONE;
	return bana_fail(ctx, BANA_NOT_FOUND, "Inquiry not found", NULL);
}
