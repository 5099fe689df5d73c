#include "outreach/outreach.h"

#include "bana/app.h"
#include "bana/change.h"
#include "bana/crud.h"
#include "bana/crypto.h"
#include "bana/live.h"
#include "bana/pg.h"
#include "bana/req.h"
#include "bana/row.h"
#include "bana/sql.h"
#include "outreach/gate.h"

/* clang-format off */
enum {
	ID, CREATED_AT, MODIFIED_AT, CREATED_BY, MODIFIED_BY, TYPE, STATUS, FIRST_NAME, LAST_NAME,
	EMAIL, PHONE, BUSINESS_NAME, SUBJECT, MESSAGE, LOCALE, PAGE_URL, REFERRER, METADATA,
	CANCEL_REASON, SPAM_SCORE, SPAM_REASONS, QUARANTINED_AT, ASSIGNEE_ID, HANDLED_AT, COMPLETED_AT,
	DELETED_AT, IP_HASH, USER_AGENT, CONTENT_HASH, VERSION, EMAIL_NORMALIZED,
	WEBSITE, FORM_STAMP, ALTCHA, FIELDS
};

static const struct bana_choice types[] = {
	{"100_GENERAL", "Anything"},
	{"200_SALES", "Buying"},
	{"300_SUPPORT", "Help with what one has"},
	{"400_PARTNERSHIP", "Working together"},
	{"900_OTHER", "Something else"},
	{NULL, NULL},
};
static const struct bana_choice statuses[] = {
	{"100_NEW", "Nobody has looked at it"},
	{"104_IN_REVIEW", "Somebody looks at it"},
	{"203_PROCESSING", "Being worked on"},
	{"303_COMPLETED", "Answered"},
	{"405_ARCHIVED", "Put away"},
	{"505_CANCELLED", "Not to be worked on; `cancelReason` says why"},
	{NULL, NULL},
};
static const struct bana_choice cancel_reasons[] = {
	{"100_SPAM", "Unwanted"},
	{"200_DUPLICATE", "There is another one"},
	{"300_TEST", "A test of ours"},
	{"400_WITHDRAWN", "The visitor took it back"},
	{"900_OTHER", "Something else"},
	{NULL, NULL},
};

static const struct bana_field fields[FIELDS] = {
	/*                name            column            type          min  max   flags                          choices         default */
	[ID]            = {"id",            "id",             BANA_ID,      0, 0,    READ | BANA_SNOWFLAKE,                          NULL,           NULL,
		"Snowflake, decimal: sorts by time.", "\"249557679503089664\""},
	[CREATED_AT]    = {"createdAt",     "created_at",     BANA_INSTANT, 0, 0,    READ | BANA_MADE,              NULL,           NULL,
		"When the row was made.", "\"2026-11-20T15:33:07.361Z\""},
	[MODIFIED_AT]   = {"modifiedAt",    "modified_at",    BANA_INSTANT, 0, 0,    READ | BANA_MADE,              NULL,           NULL,
		"When it was last changed.", "\"2026-11-20T15:33:07.361Z\""},
	[CREATED_BY]    = {"createdBy",     "created_by",     BANA_TEXT,    0, 128,  READ | NULLS,                          NULL,           NULL,
		"Who made it: `userId` of the token; null: a visitor.", "null"},
	[MODIFIED_BY]   = {"modifiedBy",    "modified_by",    BANA_TEXT,    0, 128,  READ | NULLS,                          NULL,           NULL,
		"Who changed it last; null: nobody, or a visitor.", "\"42\""},
	[TYPE]          = {"type",          "type",           BANA_ENUM,    0, 0,    READ | ANY,                    types,          "100_GENERAL",
		"What it is about.", "\"200_SALES\""},
	[STATUS]        = {"status",        "status",         BANA_ENUM,    0, 0,    READ | BANA_STAFF,             statuses,       "100_NEW",
		"Where it stands; only the moves of the table of moves are possible.", "\"100_NEW\""},
	[FIRST_NAME]    = {"firstName",     "first_name",     BANA_TEXT,    1, 100,  READ | ANY | BANA_REQUIRED | BANA_PERSONAL,    NULL,           NULL,
		"First name.", "\"Ada\""},
	[LAST_NAME]     = {"lastName",      "last_name",      BANA_TEXT,    0, 100,  READ | ANY | NULLS | BANA_PERSONAL,            NULL,           NULL,
		"Last name.", "\"Lovelace\""},
	[EMAIL]         = {"email",         "email",          BANA_EMAIL,   3, 254,  READ | ANY | BANA_REQUIRED | BANA_MASKED | BANA_PERSONAL,    NULL,           NULL,
		"Where to answer. Compared without regard to case and to how an international domain is written.", "\"ada@example.com\""},
	[PHONE]         = {"phone",         "phone",          BANA_TEXT,    0, 32,   BANA_SHOWN | ANY | NULLS | BANA_MASKED | BANA_PERSONAL,      NULL,           NULL,
		"As the visitor wrote it.", "\"+49 30 1234567\""},
	[BUSINESS_NAME] = {"businessName",  "business_name",  BANA_TEXT,    0, 200,  READ | ANY | NULLS | BANA_PERSONAL,            NULL,           NULL,
		"Company.", "\"Analytical Engines Ltd\""},
	[SUBJECT]       = {"subject",       "subject",        BANA_TEXT,    0, 200,  READ | ANY | NULLS | BANA_PERSONAL,            NULL,           NULL,
		"Subject.", "\"Ten more seats\""},
	[MESSAGE]       = {"message",       "message",        BANA_TEXT,    1, 5000, BANA_SHOWN | ANY | BANA_REQUIRED | BANA_PERSONAL, NULL,        NULL,
		"What the visitor wrote.", "\"We would like ten more seats.\""},
	[LOCALE]        = {"locale",        "locale",         BANA_TEXT,    0, 16,   READ | BANA_PUBLIC | NULLS,    NULL,           NULL,
		"Language of the page.", "\"en-GB\""},
	[PAGE_URL]      = {"pageUrl",       "page_url",       BANA_TEXT,    0, 2048, BANA_SHOWN | BANA_PUBLIC | NULLS | BANA_PERSONAL, NULL,        NULL,
		"The page the form was on.", "\"https://www.example.com/contact\""},
	[REFERRER]      = {"referrer",      "referrer",       BANA_TEXT,    0, 2048, BANA_SHOWN | BANA_PUBLIC | NULLS | BANA_PERSONAL, NULL,        NULL,
		"Where the visitor came from.", "\"https://www.example.com/\""},
	[METADATA]      = {"metadata",      "metadata",       BANA_OBJECT,  0, 4096, READ | ANY | NULLS | BANA_PERSONAL,      NULL,           NULL,
		"Whatever the page adds; members are filtered by path: `metadata.campaign`.", "{\"campaign\":\"spring\"}"},
	[CANCEL_REASON] = {"cancelReason",  "cancel_reason",  BANA_ENUM,    0, 0,    READ | BANA_STAFF | NULLS,     cancel_reasons, NULL,
		"Why it was cancelled; only with `505_CANCELLED`.", "null"},
	[SPAM_SCORE]    = {"spamScore",     "spam_score",     BANA_SMALL,   0, 32767, READ | NULLS,                         NULL,           NULL,
		"How much it looks like spam; null: not judged.", "null"},
	[SPAM_REASONS]  = {"spamReasons",   "spam_reasons",   BANA_TEXTS,   64, 20,  READ | NULLS,                          NULL,           NULL,
		"What makes it look so.", "null"},
	[QUARANTINED_AT] = {"quarantinedAt", "quarantined_at", BANA_INSTANT, 0, 0,   READ | NULLS,                          NULL,           NULL,
		"When the gate set it aside as spam; null: it did not, or staff took it back.", "null"},
	[ASSIGNEE_ID]   = {"assigneeId",    "assignee_id",    BANA_TEXT,    0, 128,  READ | BANA_STAFF | NULLS,     NULL,           NULL,
		"Who takes care of it.", "\"42\""},
	[HANDLED_AT]    = {"handledAt",     "handled_at",     BANA_INSTANT, 0, 0,    READ | NULLS,                          NULL,           NULL,
		"When it first left `100_NEW`.", "null"},
	[COMPLETED_AT]  = {"completedAt",   "completed_at",   BANA_INSTANT, 0, 0,    READ | NULLS,                          NULL,           NULL,
		"When it was completed.", "null"},
	[DELETED_AT]    = {"deletedAt",     "deleted_at",     BANA_INSTANT, 0, 0,    0,                             NULL,           NULL,
		"Soft deletion.", NULL},
	[IP_HASH]       = {"ipHash",        "ip_hash",        BANA_TEXT,    0, 64,    NULLS | BANA_PERSONAL,                             NULL,           NULL,
		"HMAC of the address it came from.", NULL},
	[USER_AGENT]    = {"userAgent",     "user_agent",     BANA_TEXT,    0, 256,   NULLS | BANA_PERSONAL,                             NULL,           NULL,
		"Browser it came from.", NULL},
	[CONTENT_HASH]  = {"contentHash",   "content_hash",   BANA_TEXT,    0, 64,    NULLS | BANA_PERSONAL,                             NULL,           NULL,
		"SHA-256 of who wrote and what.", NULL},
	[VERSION]       = {"version",       "version",        BANA_INT,     0, 0,    BANA_MADE,                     NULL,           NULL,
		"Counts the changes: the ETag.", NULL},
	[EMAIL_NORMALIZED] = {"emailNormalized", "email_normalized", BANA_EMAIL_KEY, 0, 254, 0, NULL, NULL,
		"The address as it is compared.", NULL},
	[WEBSITE]       = {"website",       NULL,             BANA_TEXT,    0, 200,  BANA_PUBLIC | NULLS,           NULL,           NULL,
		"Leave empty: people do not see it. Whoever fills it in is taken for a program. Not stored.", "\"\""},
	[FORM_STAMP]    = {"formStamp",     NULL,             BANA_TEXT,    0, 100,  BANA_PUBLIC | NULLS,           NULL,           NULL,
		"When the form was opened: `stamp` of `GET /form-stamp`. Not stored.", "null"},
	[ALTCHA]        = {"altcha",        NULL,             BANA_TEXT,    0, 4096, BANA_PUBLIC | NULLS,           NULL,           NULL,
		"The solution of a challenge of `GET /challenge`, as ALTCHA's widget sends it. Good once. Not stored.", "null"},
};

/* Contract: from NEW anywhere; what is done can be taken up again. */
#define N "100_NEW"
#define R "104_IN_REVIEW"
#define P "203_PROCESSING"
#define D "303_COMPLETED"
#define A "405_ARCHIVED"
#define C "505_CANCELLED"
static const struct bana_move moves[] = {
	{N, R}, {N, P}, {N, D}, {N, A}, {N, C},
	{R, N}, {R, P}, {R, D}, {R, A}, {R, C},
	{P, R}, {P, D}, {P, A}, {P, C},
	{D, P}, {D, A},
	{A, N}, {A, P},
	{C, N}, {C, A},
};
static const struct bana_effect effects[] = {
	{R, HANDLED_AT, BANA_FIRST}, {P, HANDLED_AT, BANA_FIRST}, {D, HANDLED_AT, BANA_FIRST},
	{A, HANDLED_AT, BANA_FIRST}, {C, HANDLED_AT, BANA_FIRST},
	{D, COMPLETED_AT, BANA_NOW}, {P, COMPLETED_AT, BANA_CLEAR}, {N, COMPLETED_AT, BANA_CLEAR},
	{N, CANCEL_REASON, BANA_CLEAR}, {N, QUARANTINED_AT, BANA_CLEAR}, {P, QUARANTINED_AT, BANA_CLEAR}, {A, CANCEL_REASON, BANA_CLEAR},
};
static const struct bana_need needs[] = {{CANCEL_REASON, C}};

static const struct bana_statistic statistics[] = {
	{.name = "byStatus", .kind = BANA_BY, .field = STATUS, .says = "Inquiries by status."},
	{.name = "byType", .kind = BANA_BY, .field = TYPE, .says = "Inquiries by type."},
	{.name = "perDay", .kind = BANA_DAYS, .days = {{"count", CREATED_AT}},
		.says = "Inquiries made on each day of the time zone; without `from` the last 30 days."},
	{.name = "medianSecondsToFirstHandling", .kind = BANA_VALUE,
		.sql = "round((percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM handled_at - created_at)"
		       "::float8))::numeric, 3)::float8",
		.says = "Median of the seconds from the submit to the first move away from `100_NEW`; null: none was handled."},
	{.name = "spamShare", .kind = BANA_VALUE,
		.sql = "round(avg((cancel_reason IS NOT DISTINCT FROM '100_SPAM')::int), 4)::float8",
		.says = "Part of the inquiries that are cancelled as spam at present, 0 to 1; null: there are none."},
};
/* clang-format on */

static const struct bana_life life = {
	.status = STATUS,
	.begin = N,
	.moves = moves,
	.move_count = sizeof moves / sizeof *moves,
	.effects = effects,
	.effect_count = sizeof effects / sizeof *effects,
	.needs = needs,
	.need_count = sizeof needs / sizeof *needs,
};
#undef N
#undef R
#undef P
#undef D
#undef A
#undef C

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

/* What is taken out of quarantine is announced then, and webhooks are told of all. */
static size_t tell(
	struct bana_ctx *ctx, const struct bana_journal *journal, struct bana_step *steps)
{
	for (size_t i = 0; i < journal->count; i++) {
		const struct bana_row *before = journal->entries[i].before;
		const struct bana_row *after = journal->entries[i].after;
		if (before != NULL && before->cells[QUARANTINED_AT].text != NULL &&
			after->cells[QUARANTINED_AT].text == NULL)
			announce(ctx, after);
	}
	return outreach_webhook_journal(ctx, journal, steps);
}

const struct bana_entity outreach_inquiry = {
	.name = "Inquiry",
	.table = "outreach.\"Inquiry\"",
	.fields = fields,
	.count = FIELDS,
	.path = "/inquiries",
	.says = "What visitors of the public site ask.",
	.life = &life,
	.statistics = statistics,
	.statistic_count = sizeof statistics / sizeof *statistics,
	.same = "content_hash",
	.aside = "quarantined_at",
	.journal = tell,
};

/* Who wrote and what, whatever form it came by: the same again has the same. */
static void set_content_hash(struct bana_ctx *ctx, struct bana_row *row)
{
	static const unsigned char content[] = {
		TYPE, FIRST_NAME, LAST_NAME, PHONE, BUSINESS_NAME, SUBJECT, MESSAGE};
	unsigned char digest[BANA_SHA256_BYTES];
	struct bana_buf b;
	bana_buf_init(&b, ctx->arena);
	/* with its tag: not every host has tags, and nobody is to be lost */
	bana_buf_json_str(&b, bana_str_of(row->cells[EMAIL_NORMALIZED].text));
	for (size_t i = 0; i < sizeof content; i++) {
		const struct bana_cell *cell = &row->cells[content[i]];
		const char *text = cell->set ? cell->text : fields[content[i]].fallback;
		bana_buf_json_str(&b, bana_str_of(text == NULL ? "" : text));
	}
	bana_sha256(bana_buf_str(&b), digest);
	bana_row_set(row, CONTENT_HASH, bana_hex(ctx->arena, digest, sizeof digest));
}

/* What is kept of where it came from: a hash, and a short user agent. */
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
	bana_row_set(row, IP_HASH, outreach_address_hash(q));
}

/* What the gate found goes into the row. */
static BANA_RES judge(struct bana_req *q, struct bana_row *row, struct outreach_verdict *verdict)
{
	const struct bana_cell *c = row->cells;
	const struct outreach_submission submission = {
		.address = c[EMAIL_NORMALIZED].text,
		.message = c[MESSAGE].text,
		.names = {c[FIRST_NAME].text, c[LAST_NAME].text, c[BUSINESS_NAME].text,
			c[SUBJECT].text},
		.website = c[WEBSITE].text,
		.stamp = c[FORM_STAMP].text,
		.proof = c[ALTCHA].text,
	};
	TRY(outreach_gate_judge(q, &submission, verdict));
	bana_row_set(row, SPAM_SCORE, verdict->score);
	bana_row_set(row, SPAM_REASONS, verdict->reasons);
	if (!verdict->over)
		return BANA_DONE;
	bana_row_set(row, STATUS, "505_CANCELLED");
	bana_row_set(row, CANCEL_REASON, "100_SPAM");
	bana_row_set(row, QUARANTINED_AT, "now"); /* PostgreSQL's word for it */
	return BANA_DONE;
}

/* Whoever sends no key may press twice all the same. */
static BANA_RES store(struct bana_req *q, struct bana_row *row, struct bana_once *once)
{
	struct bana_ctx *ctx = &q->ctx;
	if (outreach_settings.gate && once->within_s > 0 &&
		bana_req_header(q, "HTTP_IDEMPOTENCY_KEY") == NULL)
		return bana_row_insert_once(ctx, &outreach_inquiry, row, once);
	once->fresh = true;
	TRY(bana_row_insert(ctx, &outreach_inquiry, row));
	return once->begun ? bana_pg_commit(ctx) : BANA_DONE;
}

/* The row is good, and one like it is in quarantine: that one is taken out, for whoever sent both
 * is to see one id, or could tell by it what was made of the first. Where another did that, was
 * faster to delete or erase it, the row is stored as if for the first time. */
static BANA_RES take_out(struct bana_ctx *ctx, struct bana_row *row,
	const struct outreach_verdict *verdict, struct bana_once *once)
{
	struct bana_row *patch = bana_alloc(ctx->arena, sizeof *patch);
	struct bana_sql *where = bana_alloc(ctx->arena, sizeof *where);
	struct bana_change change = {
		.entity = &outreach_inquiry, .action = "update", .patch = patch, .rows_max = 1};
	bana_row_set(patch, STATUS, "100_NEW");
	bana_row_set(patch, SPAM_SCORE, verdict->score);
	bana_row_set(patch, SPAM_REASONS, verdict->reasons);
	bana_sql_init(where, ctx->arena);
	bana_sql_text(
		where, "quarantined_at IS NOT NULL AND deleted_at IS NULL AND content_hash = ");
	bana_sql_value(where, row->cells[CONTENT_HASH].text, "text");
	bana_sql_text(where, " AND id = ");
	bana_sql_value(where, row->cells[ID].text, "bigint");
	TRY(bana_change_run(ctx, &change, where));
	if (change.count > 0)
		return BANA_DONE;
	row->cells[ID] = (struct bana_cell){0}; /* was that of the other one */
	once->begun = false;
	TRY(bana_row_insert_once(ctx, &outreach_inquiry, row, once));
	return once->aside ? bana_fail_later(ctx, NULL, "one like it came meanwhile") : BANA_DONE;
}

static BANA_RES submit(struct bana_req *q)
{
	struct bana_ctx *ctx = &q->ctx;
	struct bana_row *row = bana_alloc(ctx->arena, sizeof *row);
	struct outreach_verdict verdict;
	TRY(bana_req_row(q, &outreach_inquiry, BANA_PUBLIC, row));
	set_traces(q, row);
	bana_row_derive(ctx, &outreach_inquiry, row);
	set_content_hash(ctx, row);
	TRY(judge(q, row, &verdict));
	struct bana_once once = {
		outreach_settings.gate_repeat_minutes * 60, verdict.begun, false, false};
	TRY(store(q, row, &once));
	bool out = once.aside && !verdict.over;
	if (out)
		TRY(take_out(ctx, row, &verdict, &once));
	outreach_gate_decided(ctx, !once.fresh && !out ? OUTREACH_REPEATED
				   : verdict.over      ? OUTREACH_QUARANTINED
						       : OUTREACH_PASSED);
	if (once.fresh && !verdict.over)
		announce(ctx, row);
	bana_row_set(row, STATUS, "100_NEW"); /* the same for all */
	bana_reply_header(q, "Location",
		bana_join(ctx->arena, ctx->app->base_path, outreach_inquiry.path, "/",
			row->cells[ID].text, NULL));
	return bana_reply_one(q, 201, view(ctx, row, receipt, sizeof receipt));
}

BANA_RES outreach_inquiry_exists(struct bana_ctx *ctx, const char *id)
{
	struct bana_row *row = bana_alloc(ctx->arena, sizeof *row);
	return bana_row_find(ctx, &outreach_inquiry, bana_str_of(id), row);
}

/* clang-format off */
const struct bana_call outreach_submit = {
	.handle = submit, .name = "submit", .status = 201, .gives = BANA_GIVES_OTHER,
	.body = BANA_PUBLIC, .takes_entity = &outreach_inquiry, .headers = "Location",
	.media = "text/html; charset=utf-8", .page = outreach_submit_page,
	.schema = "{\"type\":\"object\",\"required\":[\"id\",\"type\",\"status\",\"createdAt\"],"
		"\"additionalProperties\":false,\"description\":\"What the visitor is told.\",\"properties\":{"
		"\"id\":{\"$ref\":\"#/components/schemas/Id\"},"
		"\"type\":{\"type\":\"string\",\"examples\":[\"200_SALES\"]},"
		"\"status\":{\"type\":\"string\",\"examples\":[\"100_NEW\"]},"
		"\"createdAt\":{\"$ref\":\"#/components/schemas/Instant\"}}}",
};
/* clang-format on */
