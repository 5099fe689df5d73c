#include "signal/service.h"

#include "bana/actor.h"
#include "bana/app.h"
#include "bana/audit.h"
#include "bana/ctx.h"
#include "bana/json.h"
#include "bana/pg.h"
#include "bana/pool.h"
#include "bana/req.h"
#include "bana/row.h"
#include "bana/sql.h"

/* clang-format off */
enum {
	ID, CREATED_AT, MODIFIED_AT, CREATED_BY, MODIFIED_BY, USER_ID, ORGANIZER_ID, MERCHANT_ID,
	ROLE, STATUS, LOCALE, DELETED_AT, VERSION, FIELDS
};

static const struct bana_choice statuses[] = {
	{"201_ACTIVATED",   "Belongs to it, and is told"},
	{"401_DEACTIVATED", "Not told for the time being"},
	{NULL, NULL},
};

static const struct bana_field fields[FIELDS] = {
	/*               name           column          type          min  max   flags                                     choices   default */
	[ID]           = {"id",          "id",           BANA_ID,      0, 0,   READ | BANA_SNOWFLAKE,                      NULL,     NULL,
		"Snowflake, decimal: sorts by time.", "\"249557679503089664\""},
	[CREATED_AT]   = {"createdAt",   "created_at",   BANA_INSTANT, 0, 0,   READ | BANA_MADE,                           NULL,     NULL,
		"When the row was made.", "\"2026-11-20T15:33:07.361Z\""},
	[MODIFIED_AT]  = {"modifiedAt",  "modified_at",  BANA_INSTANT, 0, 0,   READ | BANA_MADE,                           NULL,     NULL,
		"When it was last changed.", "\"2026-11-20T15:33:07.361Z\""},
	[CREATED_BY]   = {"createdBy",   "created_by",   BANA_TEXT,    0, 128, READ | NULLS,                               NULL,     NULL,
		"Who made it: `userId` of the token.", "\"1\""},
	[MODIFIED_BY]  = {"modifiedBy",  "modified_by",  BANA_TEXT,    0, 128, READ | NULLS,                               NULL,     NULL,
		"Who changed it last; null: nobody.", "null"},
	[USER_ID]      = {"userId",      "user_id",      BANA_TEXT,    1, 128, READ | BANA_STAFF | BANA_REQUIRED,          NULL,     NULL,
		"The member: `userId` of their tokens.", "\"42\""},
	[ORGANIZER_ID] = {"organizerId", "organizer_id", BANA_TEXT,    1, 128, READ | BANA_STAFF | BANA_REQUIRED,          NULL,     NULL,
		"The organisation.", "\"7\""},
	[MERCHANT_ID]  = {"merchantId",  "merchant_id",  BANA_TEXT,    1, 128, READ | BANA_STAFF | NULLS,                  NULL,     NULL,
		"The merchant of it; null: the organisation as such.", "null"},
	[ROLE]         = {"role",        "role",         BANA_TEXT,    1, 64,  READ | BANA_STAFF | BANA_REQUIRED,          NULL,     NULL,
		"`OWNER` members of the organisation are told what concerns any of its merchants.", "\"OWNER\""},
	[STATUS]       = {"status",      "status",       BANA_ENUM,    0, 0,   READ | BANA_STAFF,                          statuses, "201_ACTIVATED",
		"Only who is activated is told.", "\"201_ACTIVATED\""},
	[LOCALE]       = {"locale",      "locale",       BANA_TEXT,    0, 16,  READ | BANA_STAFF | NULLS,                  NULL,     NULL,
		"Language of their notifications; null: APP_ENV_SIGNAL_LOCALE.", "\"de\""},
	[DELETED_AT]   = {"deletedAt",   "deleted_at",   BANA_INSTANT, 0, 0,   0,                                          NULL,     NULL,
		"Soft deletion.", NULL},
	[VERSION]      = {"version",     "version",      BANA_INT,     0, 0,   BANA_MADE,                                  NULL,     NULL,
		"Counts changes, for ETag.", NULL},
};
/* clang-format on */

const struct bana_entity signal_membership = {
	.name = "Membership",
	.table = "signal.\"Membership\"",
	.fields = fields,
	.count = FIELDS,
	.path = "/memberships",
	.says = "Who belongs to which organisation and merchant.",
};

/* ---- many at once ---------------------------------------------------------------------------- */

/* Of two rows for the same membership the last one counts. What is as wanted is left alone. */
static const char upsert_sql[] =
	"WITH wanted AS (SELECT DISTINCT ON (organizer_id, user_id, coalesce(merchant_id, '')) *"
	" FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[],"
	" $7::text[]) WITH ORDINALITY AS w (id, user_id, organizer_id, merchant_id, role, status,"
	" locale, ord) ORDER BY organizer_id, user_id, coalesce(merchant_id, ''), ord DESC) "
	"INSERT INTO signal.\"Membership\" AS m (id, user_id, organizer_id, merchant_id, role, "
	"status,"
	" locale, created_by) SELECT id, user_id, organizer_id, merchant_id, role, status, locale, "
	"$8"
	" FROM wanted ON CONFLICT (organizer_id, user_id, coalesce(merchant_id, ''))"
	" WHERE deleted_at IS NULL DO UPDATE SET role = EXCLUDED.role, status = EXCLUDED.status,"
	" locale = EXCLUDED.locale, modified_at = now(), modified_by = $8, version = m.version + 1"
	" WHERE (m.role, m.status, m.locale) IS DISTINCT FROM"
	" (EXCLUDED.role, EXCLUDED.status, EXCLUDED.locale) "
	"RETURNING id, version = 1, role, status, locale, user_id, organizer_id, merchant_id";

/* The columns of upsert_sql that a row of the body fills. */
static const unsigned char given[] = {USER_ID, ORGANIZER_ID, MERCHANT_ID, ROLE, STATUS, LOCALE};
enum { GIVEN = sizeof given };

static BANA_RES read_list(struct bana_req *q, const char *values[GIVEN + 2])
{
	struct bana_ctx *ctx = &q->ctx;
	const struct bana_json *list;
	struct bana_columns columns;
	int64_t most = ctx->app->settings->bulk_rows_max;
	TRY(bana_req_json(q, &list));
	if (bana_json_kind(list) != BANA_JSON_ARRAY)
		bana_issue_type(ctx, "root", "array", list);
	else if (bana_json_len(list) == 0 || bana_json_len(list) > (size_t)most)
		bana_issue_add(ctx, "root", "too_big", NULL,
			bana_print(ctx->arena, "Expected 1 to %lld memberships", (long long)most));
	TRY(bana_issues_close(ctx));
	bana_columns_begin(ctx->arena, &columns, GIVEN + 1);
	for (size_t i = 0; i < bana_json_len(list); i++) {
		struct bana_row row = {0};
		struct bana_issue **from = ctx->failure.end;
		bana_ignore(bana_row_take(ctx, &signal_membership, BANA_STAFF,
				    bana_json_at(list, i), &row),
			"all issues are closed together");
		for (struct bana_issue *issue = *from; issue != NULL; issue = issue->next)
			issue->path = bana_print(ctx->arena, "%zu.%s", i, issue->path);
		bana_columns_add_int(&columns, 0, bana_snowflake(ctx->app->pool));
		for (size_t c = 0; c < GIVEN; c++) {
			const struct bana_cell *cell = &row.cells[given[c]];
			const char *text = cell->set ? cell->text : fields[given[c]].fallback;
			bana_columns_add(&columns, c + 1, text);
		}
	}
	bana_columns_end(&columns, values);
	values[GIVEN + 1] = ctx->actor->user_id;
	return bana_issues_close(ctx);
}

/* The rows that were made or changed, in the transaction that made them. */
static BANA_RES write_audit(struct bana_ctx *ctx, const struct bana_rows *rows)
{
	struct bana_audit audit;
	struct bana_step steps[2];
	bana_audit_begin(ctx, &audit, &signal_membership, "upsert");
	for (size_t i = 0; i < bana_rows_count(rows); i++) {
		struct bana_row after = {0};
		bana_row_set(&after, ROLE, bana_rows_text(rows, i, 2));
		bana_row_set(&after, STATUS, bana_rows_text(rows, i, 3));
		bana_row_set(&after, LOCALE, bana_rows_text(rows, i, 4));
		bana_row_set(&after, USER_ID, bana_rows_text(rows, i, 5));
		bana_row_set(&after, ORGANIZER_ID, bana_rows_text(rows, i, 6));
		bana_row_set(&after, MERCHANT_ID, bana_rows_text(rows, i, 7));
		bana_audit_add(ctx, &audit, bana_rows_text(rows, i, 0), NULL, &after);
	}
	bana_audit_step(ctx, &audit, &steps[0]);
	steps[1] = (struct bana_step){"COMMIT", 0, NULL, NULL};
	return bana_pg_batch(ctx, steps, 2);
}

/* PUT /memberships [{userId, organizerId, ...}, ...] */
static BANA_RES upsert(struct bana_req *q)
{
	struct bana_ctx *ctx = &q->ctx;
	const char *values[GIVEN + 2];
	size_t made = 0;
	TRY(read_list(q, values));
	struct bana_step steps[] = {
		{"BEGIN", 0, NULL, NULL}, {upsert_sql, GIVEN + 2, values, NULL}};
	TRY(bana_pg_batch(ctx, steps, 2));
	const struct bana_rows *rows = steps[1].rows;
	for (size_t i = 0; i < bana_rows_count(rows); i++)
		made += *bana_rows_text(rows, i, 1) == 't';
	TRY(write_audit(ctx, rows));
	return bana_reply_one(q, 200,
		bana_str_of(bana_print(ctx->arena, "{\"created\":%zu,\"updated\":%zu}", made,
			bana_rows_count(rows) - made)));
}

/* clang-format off */
const struct bana_call signal_upsert_memberships = {
	.handle = upsert, .name = "upsert", .status = 200, .gives = BANA_GIVES_OTHER,
	.body = BANA_STAFF, .faults = "422",
	.body_schema = "{\"type\":\"array\",\"minItems\":1,\"description\":\"APP_ENV_BULK_ROWS_MAX is the most; of two for the same membership the last counts.\","
		"\"items\":{\"$ref\":\"#/components/schemas/@Input\"}}",
	.schema = "{\"type\":\"object\",\"required\":[\"created\",\"updated\"],\"additionalProperties\":false,\"properties\":{"
		"\"created\":{\"type\":\"integer\",\"minimum\":0},"
		"\"updated\":{\"type\":\"integer\",\"minimum\":0,\"description\":\"Those that were not as wanted.\"}}}",
};
/* clang-format on */
