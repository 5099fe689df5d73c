/*
 * One person's data, known by the e-mail address: all of it, or none any more (GDPR articles 15 and
 * 17). Over every entity of the service that has an address among its PERSONAL fields, deleted rows
 * included.
 */
#include "bana/actor.h"
#include "bana/app.h"
#include "bana/audit.h"
#include "bana/crud.h"
#include "bana/ctx.h"
#include "bana/email.h"
#include "bana/idempotent.h"
#include "bana/pg.h"
#include "bana/req.h"
#include "bana/row.h"
#include "bana/sql.h"

enum { ENTITIES_MAX = 3, ROWS_MAX = 1000 }; /* their steps are one batch */

/* A person's address, as it was given and normalised. */
struct subject {
	const char *given, *key;
};

static const struct bana_field *address_of(const struct bana_entity *e)
{
	return bana_field_email(e, BANA_PERSONAL);
}

/* Rows of the person. By the address as given, too: a version that knows nothing of normalised
 * copies leaves those of non-ASCII domains as they were written, until the next migration. */
static void add_person(
	struct bana_sql *sql, const struct bana_entity *e, const struct subject *subject)
{
	const struct bana_field *key = bana_field_email_key(e);
	bana_buf_print(&sql->text, " WHERE (lower(\"%s\") = lower(", address_of(e)->column);
	bana_sql_value(sql, subject->given, "text");
	bana_sql_text(sql, ")");
	if (key != NULL) {
		bana_buf_print(&sql->text, " OR \"%s\" = ", key->column);
		bana_sql_value(sql, subject->key, "text");
	}
	bana_sql_text(sql, ")");
}

/* The entities that know people, in the service's order. */
static size_t find_entities(
	const struct bana_service *service, const struct bana_entity *entities[ENTITIES_MAX])
{
	size_t count = 0;
	for (const struct bana_entity *const *e = service->entities; *e != NULL; e++) {
		if (address_of(*e) != NULL && count < ENTITIES_MAX)
			entities[count++] = *e;
	}
	return count;
}

static BANA_RES read_address(struct bana_req *q, struct subject *subject)
{
	bana_str text = bana_utf8_trim(q->args[0]);
	if (bana_email_normalise(q->ctx.arena, text, &subject->key).fault != BANA_OK) {
		bana_issue_add(&q->ctx, "email", "invalid_format", NULL, "Invalid email address");
		return bana_fail(&q->ctx, BANA_INVALID, "ValidationError", NULL);
	}
	subject->given = bana_copy(q->ctx.arena, text.at, text.len);
	return BANA_DONE;
}

static BANA_RES nothing_known(struct bana_ctx *ctx)
{
	return bana_fail(ctx, BANA_NOT_FOUND, "Nothing is stored about this address", NULL);
}

/* ---- export -----------------------------------------------------------------------------------
 */

/* What people may know of themselves: what staff sees, and what was noted about them besides. */
static size_t view_of(const struct bana_entity *e, unsigned char view[BANA_FIELDS_MAX])
{
	return bana_view_of(e, BANA_SHOWN | BANA_PERSONAL, view);
}

static void select_step(struct bana_ctx *ctx, const struct bana_entity *e,
	const struct subject *subject, struct bana_step *step)
{
	unsigned char view[BANA_FIELDS_MAX];
	struct bana_sql *sql = bana_alloc(ctx->arena, sizeof *sql);
	unsigned n = 0;
	size_t count = view_of(e, view);
	bana_sql_init(sql, ctx->arena);
	bana_sql_text(sql, "SELECT ");
	for (size_t i = 0; i < count; i++)
		bana_column_add(&sql->text, &e->fields[view[i]], &n);
	bana_buf_print(&sql->text, " FROM %s", e->table);
	add_person(sql, e, subject);
	bana_buf_print(&sql->text, " ORDER BY id LIMIT %d", ROWS_MAX + 1);
	*step = (struct bana_step){sql->text.at, sql->count, sql->values, NULL};
}

static void write_entity(
	struct bana_buf *json, const struct bana_entity *e, const struct bana_rows *rows)
{
	unsigned char view[BANA_FIELDS_MAX];
	size_t count = view_of(e, view);
	struct bana_row row;
	bana_buf_json_name(json, e->path + 1);
	bana_buf_text(json, "[");
	for (size_t i = 0; i < bana_rows_count(rows); i++) {
		bana_buf_text(json, i == 0 ? "" : ",");
		bana_row_read(rows, i, 0, view, count, &row);
		bana_row_write(json, e, &row, view, count);
	}
	bana_buf_text(json, "]");
}

static BANA_RES export_subject(struct bana_req *q)
{
	struct bana_ctx *ctx = &q->ctx;
	const struct bana_entity *entities[ENTITIES_MAX] = {NULL};
	struct bana_step steps[ENTITIES_MAX] = {{0}};
	struct bana_buf json;
	struct subject subject;
	size_t found = 0, most = 0, count = find_entities(ctx->app->service, entities);
	TRY(read_address(q, &subject));
	for (size_t i = 0; i < count; i++)
		select_step(ctx, entities[i], &subject, &steps[i]);
	TRY(bana_pg_batch(ctx, steps, count));
	bana_buf_init(&json, ctx->arena);
	bana_buf_text(&json, "{");
	bana_buf_json_member(&json, "email", subject.given);
	for (size_t i = 0; i < count; i++) {
		write_entity(&json, entities[i], steps[i].rows);
		found += bana_rows_count(steps[i].rows);
		most = bana_rows_count(steps[i].rows) > most ? bana_rows_count(steps[i].rows)
							     : most;
	}
	bana_buf_text(&json, "}");
	if (found == 0)
		return nothing_known(ctx);
	if (most > ROWS_MAX) /* a part would pass for all */
		return bana_fail(ctx, BANA_CONFLICT,
			"More rows than one answer holds: use the lists or exports of each kind, "
			"with a filter on email",
			NULL);
	return bana_reply_one(q, 200, bana_buf_str(&json));
}

/* ---- erasure ----------------------------------------------------------------------------------
 */

/* An address nobody has (RFC 6761), different in every row; text that says so; or nothing. */
static void add_erasure(struct bana_sql *sql, const struct bana_field *f)
{
	if (f->flags & BANA_NULLABLE)
		bana_sql_text(sql, "NULL");
	else if (f->type == BANA_EMAIL || f->type == BANA_EMAIL_KEY)
		bana_sql_text(sql, "'erased-' || id || '@erased.invalid'");
	else
		bana_sql_text(sql, f->type == BANA_TEXT ? "'[erased]'" : "NULL");
}

/* The status of the erased, with the time that it brings. */
static void add_last_status(struct bana_sql *sql, const struct bana_entity *e)
{
	const struct bana_life *life = e->life;
	bana_buf_print(&sql->text, "\"%s\" = ", e->fields[life->status].column);
	bana_sql_value(sql, life->erased, "text");
	bana_sql_text(sql, ", ");
	for (size_t i = 0; i < life->effect_count; i++) {
		const char *column = e->fields[life->effects[i].field].column;
		if (strcmp(life->effects[i].status, life->erased) == 0 &&
			life->effects[i].kind != BANA_CLEAR)
			bana_buf_print(
				&sql->text, "\"%s\" = coalesce(\"%s\", now()), ", column, column);
	}
}

static void erase_step(struct bana_ctx *ctx, const struct bana_entity *e,
	const struct subject *subject, struct bana_step *step)
{
	struct bana_sql *sql = bana_alloc(ctx->arena, sizeof *sql);
	bana_sql_init(sql, ctx->arena);
	bana_buf_print(&sql->text, "WITH erased AS (UPDATE %s SET ", e->table);
	for (size_t i = 0; i < e->count; i++) {
		const struct bana_field *f = &e->fields[i];
		if (!(f->flags & BANA_PERSONAL) && f->type != BANA_EMAIL_KEY)
			continue;
		bana_buf_print(&sql->text, "\"%s\" = ", f->column);
		add_erasure(sql, f);
		bana_sql_text(sql, ", ");
	}
	if (e->life != NULL && e->life->erased != NULL)
		add_last_status(sql, e);
	bana_sql_text(sql, "version = version + 1, modified_at = now(), modified_by = ");
	bana_sql_value(sql, ctx->actor->user_id, "text");
	add_person(sql, e, subject);
	bana_sql_text(sql, " RETURNING id) SELECT id FROM erased ORDER BY id");
	*step = (struct bana_step){sql->text.at, sql->count, sql->values, NULL};
}

/* What the log says: these fields were erased, of the person behind this pseudonym. */
static void audit_entity(struct bana_ctx *ctx, const struct bana_entity *e,
	const struct bana_rows *rows, struct bana_audit *audit)
{
	struct bana_row before = {0}, after = {0};
	for (size_t i = 0; i < e->count; i++) {
		if (!(e->fields[i].flags & BANA_PERSONAL))
			continue;
		before.cells[i].text = "what it was";
		bana_row_set(&after, i, "[erased]");
	}
	for (size_t i = 0; i < bana_rows_count(rows); i++)
		bana_audit_add(ctx, audit, bana_rows_text(rows, i, 0), &before, &after);
}

static size_t journal_entity(struct bana_ctx *ctx, const struct bana_entity *e,
	const struct bana_rows *rows, struct bana_step *steps)
{
	size_t count = bana_rows_count(rows);
	size_t id = bana_field_place(e, bana_field_stored(e, "id"));
	if (e->journal == NULL)
		return 0;
	struct bana_entry *entries = bana_alloc(ctx->arena, (count + 1) * sizeof *entries);
	for (size_t i = 0; i < count; i++) {
		struct bana_row *after = bana_alloc(ctx->arena, sizeof *after);
		bana_row_set(after, id, bana_rows_text(rows, i, 0));
		entries[i].after = after;
	}
	return bana_journal_steps(ctx, e, "erase", entries, count, steps);
}

/* Kept answers have the person's address, in whatever spelling, or were about one of these rows. */
static void forget_answers(struct bana_ctx *ctx, const struct subject *subject,
	const struct bana_step *erased, size_t count, struct bana_step *step)
{
	struct bana_buf texts;
	bana_buf_init(&texts, ctx->arena);
	bana_buf_text(&texts, "{");
	bana_array_add(&texts, bana_str_of(subject->given));
	bana_array_add(&texts, bana_str_of(subject->key));
	for (size_t i = 0; i < count; i++) {
		for (size_t k = 0; k < bana_rows_count(erased[i].rows); k++)
			bana_array_add(&texts, bana_str_of(bana_print(ctx->arena, "\"id\":\"%s\"",
						       bana_rows_text(erased[i].rows, k, 0))));
	}
	bana_buf_text(&texts, "}");
	bana_idempotent_forget_step(ctx, texts.at, step);
}

/* And the journals, what is to be forgotten, and COMMIT. */
static BANA_RES write_audit(struct bana_ctx *ctx, const struct bana_entity *const *entities,
	const struct bana_step *erased, size_t count, const struct subject *subject)
{
	const char *name = ctx->app->service->pseudonym(ctx, bana_str_of(subject->key));
	struct bana_audit *audits = bana_alloc(ctx->arena, count * sizeof *audits);
	struct bana_step steps[ENTITIES_MAX * (1 + BANA_JOURNAL_STEPS) + 2] = {{0}};
	size_t step = 0;
	for (size_t i = 0; i < count; i++) {
		bana_audit_begin(ctx, &audits[i], entities[i], "erase");
		audits[i].subject = name;
		audit_entity(ctx, entities[i], erased[i].rows, &audits[i]);
		bana_audit_step(ctx, &audits[i], &steps[step++]);
		step += journal_entity(ctx, entities[i], erased[i].rows, steps + step);
	}
	forget_answers(ctx, subject, erased, count, &steps[step++]);
	steps[step++] = (struct bana_step){"COMMIT", 0, NULL, NULL};
	return bana_pg_batch(ctx, steps, step);
}

static BANA_RES erase_subject(struct bana_req *q)
{
	struct bana_ctx *ctx = &q->ctx;
	const struct bana_entity *entities[ENTITIES_MAX] = {NULL};
	struct bana_step steps[ENTITIES_MAX + 1] = {{"BEGIN", 0, NULL, NULL}};
	struct bana_step *erased = steps + 1;
	struct bana_buf json;
	struct subject subject;
	size_t found = 0, count = find_entities(ctx->app->service, entities);
	TRY(read_address(q, &subject));
	for (size_t i = 0; i < count; i++)
		erase_step(ctx, entities[i], &subject, &erased[i]);
	TRY(bana_pg_batch(ctx, steps, count + 1));
	bana_buf_init(&json, ctx->arena);
	bana_buf_text(&json, "{");
	for (size_t i = 0; i < count; i++) {
		size_t rows = bana_rows_count(erased[i].rows);
		bana_buf_json_member_int(&json, entities[i]->path + 1, (long long)rows);
		found += rows;
	}
	bana_buf_text(&json, "}");
	TRY(write_audit(ctx, entities, erased, count, &subject));
	if (found == 0) /* but maybe in an answer that was kept */
		return nothing_known(ctx);
	return bana_reply_one(q, 200, bana_buf_str(&json));
}

const struct bana_call bana_privacy_export = {
	.handle = export_subject,
	.name = "exportSubject",
	.status = 200,
	.gives = BANA_GIVES_OTHER, /* schemas of both are made from the entities */
	.faults = "404,409,422",
};
const struct bana_call bana_privacy_erase = {
	.handle = erase_subject,
	.name = "eraseSubject",
	.status = 200,
	.gives = BANA_GIVES_OTHER,
	.faults = "404,422",
};
