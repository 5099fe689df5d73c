#include "bana/audit.h"

#include "bana/actor.h"
#include "bana/app.h"
#include "bana/pg.h"
#include "bana/pool.h"
#include "bana/req.h"
#include "bana/row.h"
#include "bana/sql.h"

/* clang-format off */
enum { READ = BANA_SHOWN | BANA_FILTERED };

static const struct bana_choice actions[] = {
	{"create", "Staff made the row"}, {"update", "Fields were changed"},
	{"delete", "Deleted; it can be restored"}, {"restore", "No longer deleted"},
	{"upsert", "Made or changed among many; only what it is now is told"},
	{"erase", "Personal data was erased"}, {NULL, NULL}};

const struct bana_field bana_audit_fields[BANA_AUDIT_FIELDS] = {
	[BANA_AUDIT_ID]         = {"id",        "id",         BANA_ID,      0, 0,    READ | BANA_SNOWFLAKE, NULL, NULL,
		"Snowflake, decimal: sorts by time.", "\"249557679503089664\""},
	[BANA_AUDIT_CREATED_AT] = {"createdAt", "created_at", BANA_INSTANT, 0, 0,    READ | BANA_MADE,      NULL, NULL,
		"When it happened.", "\"2026-11-20T15:33:07.361Z\""},
	[BANA_AUDIT_ENTITY]     = {"entity",    "entity",     BANA_TEXT,    1, 64,   READ | BANA_REQUIRED,  NULL, NULL,
		"What kind of row.", "\"Inquiry\""},
	[BANA_AUDIT_ENTITY_ID]  = {"entityId",  "entity_id",  BANA_ID,      0, 0,    READ | BANA_REQUIRED,  NULL, NULL,
		"Id of the row.", "\"249557679503089664\""},
	[BANA_AUDIT_ACTION]     = {"action",    "action",     BANA_ENUM,    0, 0,    READ | BANA_REQUIRED,  actions, NULL,
		"What was done.", "\"update\""},
	[BANA_AUDIT_ACTOR_ID]   = {"actorId",   "actor_id",   BANA_TEXT,    0, 128,  READ | BANA_NULLABLE,  NULL, NULL,
		"Who did it: `userId` of the token.", "\"42\""},
	[BANA_AUDIT_ACTOR_TYPE] = {"actorType", "actor_type", BANA_TEXT,    0, 32,   READ | BANA_NULLABLE,  NULL, NULL,
		"`principalType` of the token.", "\"User\""},
	[BANA_AUDIT_REQUEST_ID] = {"requestId", "request_id", BANA_TEXT,    1, 255,  READ | BANA_REQUIRED,  NULL, NULL,
		"The request that did it: X-Request-Id, and the log's `requestId`.", "\"4f2c0e5a-7d0e-4f57-9c51-0c4a3f6d9b11\""},
	[BANA_AUDIT_CHANGES]    = {"changes",   "changes",    BANA_OBJECT,  0, 65536, BANA_SHOWN | BANA_REQUIRED, NULL, NULL,
		"Old and new value of each field that changed; of personal and hidden fields only that they did (`***`).",
		"{\"status\":{\"old\":\"100_NEW\",\"new\":\"104_IN_REVIEW\"}}"},
	[BANA_AUDIT_SUBJECT]    = {"subject",   "subject",    BANA_TEXT,    0, 64,   READ | BANA_NULLABLE,  NULL, NULL,
		"Of an erasure: pseudonym of the person, an HMAC of the address.", NULL},
};
/* clang-format on */

void bana_audit_begin(struct bana_ctx *ctx, struct bana_audit *audit,
	const struct bana_entity *entity, const char *action)
{
	struct bana_buf *const lists[3] = {&audit->ids, &audit->entity_ids, &audit->changes};
	audit->entity = entity;
	audit->action = action;
	audit->subject = NULL;
	audit->count = 0;
	for (size_t i = 0; i < 3; i++) {
		bana_buf_init(lists[i], ctx->arena);
		bana_buf_text(lists[i], "{");
	}
}

static void write_value(struct bana_buf *out, const struct bana_field *f, const char *text)
{
	bool open = (f->flags & BANA_SHOWN) && !(f->flags & BANA_PERSONAL);
	if (text != NULL && !open)
		bana_buf_text(out, "\"***\"");
	else
		bana_cell_write(out, f, text);
}

/* What the row's own bookkeeping changes with everything says nothing. */
static bool noted(const struct bana_field *f)
{
	return f->column != NULL && !(f->flags & BANA_MADE) && f->type != BANA_EMAIL_KEY &&
	       strcmp(f->column, "modified_by") != 0;
}

void bana_audit_add(struct bana_ctx *ctx, struct bana_audit *audit, const char *id,
	const struct bana_row *before, const struct bana_row *after)
{
	struct bana_buf json;
	char digits[BANA_INT_BYTES];
	bana_buf_init(&json, ctx->arena);
	bana_buf_text(&json, "{");
	for (size_t i = 0; i < audit->entity->count; i++) {
		const struct bana_field *f = &audit->entity->fields[i];
		const char *old = before == NULL ? NULL : before->cells[i].text;
		if (!noted(f) || !after->cells[i].set || bana_cell_same(old, after->cells[i].text))
			continue;
		bana_buf_json_name(&json, f->name);
		bana_buf_text(&json, "{\"old\":");
		write_value(&json, f, old);
		bana_buf_text(&json, ",\"new\":");
		write_value(&json, f, after->cells[i].text);
		bana_buf_text(&json, "}");
	}
	bana_buf_text(&json, "}");
	const char *own = bana_int_write(bana_snowflake(ctx->app->pool), digits);
	bana_array_add(&audit->ids, bana_str_of(own));
	bana_array_add(&audit->entity_ids, bana_str_of(id));
	bana_array_add(&audit->changes, bana_buf_str(&json));
	audit->count++;
}

void bana_audit_step(struct bana_ctx *ctx, struct bana_audit *audit, struct bana_step *step)
{
	enum { VALUES = 9 };
	bana_buf_text(&audit->ids, "}");
	bana_buf_text(&audit->entity_ids, "}");
	bana_buf_text(&audit->changes, "}");
	const char **values = bana_alloc(ctx->arena, VALUES * sizeof *values);
	const struct bana_actor *actor = ctx->actor;
	size_t n = 0;
	values[n++] = audit->ids.at;
	values[n++] = audit->entity_ids.at;
	values[n++] = audit->changes.at;
	values[n++] = audit->entity->name;
	values[n++] = audit->action;
	values[n++] = actor == NULL ? NULL : actor->user_id;
	values[n++] = actor == NULL ? NULL : actor->principal_type;
	values[n++] = ctx->request_id;
	values[n++] = audit->subject;
	*step = (struct bana_step){
		bana_join(ctx->arena, "INSERT INTO ", ctx->app->service->audit->table,
			" (id, entity_id, changes, entity, action, actor_id, actor_type,"
			" request_id, subject) SELECT a.id, a.entity_id, a.changes::json, $4, $5,"
			" $6, $7, $8, $9 FROM unnest($1::bigint[], $2::bigint[], $3::text[])"
			" AS a (id, entity_id, changes)",
			NULL),
		n, values, NULL};
}
