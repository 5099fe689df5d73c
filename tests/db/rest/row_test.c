#include "db/support.h"

#include "bana/app.h"
#include "bana/entity.h"
#include "bana/json.h"
#include "outreach/outreach.h"

/* PostgreSQL's name of each field type. */
static const char *const types[] = {
	[BANA_TEXT] = "text",
	[BANA_EMAIL] = "text",
	[BANA_EMAIL_KEY] = "text",
	[BANA_ENUM] = "text",
	[BANA_ID] = "bigint",
	[BANA_OBJECT] = "json",
	[BANA_TEXTS] = "text[]",
	[BANA_SMALL] = "smallint",
	[BANA_INSTANT] = "timestamp(3) with time zone",
	[BANA_INT] = "integer",
	[BANA_BOOL] = "boolean",
};

static const char *column(
	struct db *db, const struct bana_entity *e, const char *name, const char *what)
{
	char sql[512];
	snprintf(sql, sizeof sql,
		"SELECT %s FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid "
		"AND "
		"d.adnum = a.attnum WHERE a.attrelid = '%s'::regclass AND a.attname = '%s' AND NOT "
		"attisdropped",
		what, e->table, name);
	return ask(db->admin, sql);
}

static void every_field_has_its_column_and_every_column_its_field(void **state)
{
	struct db db;
	db_open(&db, state);
	for (const struct bana_entity *const *list = outreach_service.entities; *list != NULL;
		list++) {
		const struct bana_entity *e = *list;
		char sql[256];
		long stored = 0;
		for (size_t i = 0; i < e->count; i++) {
			const struct bana_field *f = &e->fields[i];
			if (f->column == NULL) { /* read from a body, and gone with the request */
				assert_row((f->flags & ~(unsigned)BANA_NULLABLE) == BANA_PUBLIC,
					"%s.%s", e->name, f->name);
				continue;
			}
			stored++;
			const char *type =
				column(&db, e, f->column, "format_type(atttypid, atttypmod)");
			assert_row(strcmp(type, types[f->type]) == 0, "%s.%s is '%s'", e->name,
				f->column, type);
			bool not_null = strcmp(column(&db, e, f->column, "attnotnull"), "t") == 0;
			bool has_default = strcmp(column(&db, e, f->column,
							  "d.oid IS NOT NULL OR attidentity <> ''"),
						   "t") == 0;
			/* what nobody must give is filled by someone, or may be empty */
			assert_row(!(f->flags & BANA_NULLABLE) || !not_null, "%s.%s takes null",
				e->name, f->name);
			assert_row((f->flags & BANA_NULLABLE) || not_null ||
					   !(f->flags & (BANA_SHOWN | BANA_FILTERED)),
				"%s.%s may be null", e->name, f->name);
			assert_row(!(f->flags & BANA_REQUIRED) || not_null, "%s.%s is required",
				e->name, f->name);
			assert_row(!(f->flags & BANA_MADE) || has_default,
				"%s.%s is made by the database", e->name, f->name);
			assert_row(f->fallback == NULL || (not_null && has_default),
				"%s.%s has a fallback", e->name, f->name);
		}
		snprintf(sql, sizeof sql,
			"SELECT count(*) FROM pg_attribute WHERE attrelid = '%s'::regclass AND "
			"attnum > 0 "
			"AND NOT attisdropped",
			e->table);
		assert_row(
			number(db.admin, sql) == stored, "%s has columns no field knows", e->name);
		assert_row(strcmp(column(&db, e, "id", "attnotnull"), "t") == 0, "%s", e->name);
	}
	db_close(&db);
}

/* Every table of the schema is an entity's or one of the platform's own. */
static void no_table_is_without_an_entity(void **state)
{
	struct db db;
	db_open(&db, state);
	assert_string_equal(
		ask(db.admin, "SELECT string_agg(relname, ',' ORDER BY relname) FROM pg_class "
			      "WHERE relnamespace = 'outreach'::regnamespace AND relkind = 'r'"),
		"AuditLog,CasbinRule,Consent,IdempotencyKey,Inquiry,Migration,SeededRule,"
		"Subscriber,UsedChallenge,Webhook,WebhookDelivery,WebhookEvent");
	db_close(&db);
}

static void what_is_inserted_is_found_again(void **state)
{
	static const char body[] = "{\"firstName\":\"  Zo\xc3\xab "
				   "\xf0\x9f\x98\x80\",\"email\":\"Zoe@Example.com\",\"message\":"
				   "\"line 1\\nline 2 \\\"quoted\\\" \\\\ ' ; -- "
				   "$1\",\"metadata\":{\"a\":[1,2.50,null,\"\xc3\xa4\"]},"
				   "\"lastName\":null,\"subject\":\"\"}";
	struct db db;
	db_open(&db, state);
	struct bana_ctx *ctx = db_fresh(&db);
	const struct bana_json *json;
	struct bana_row in = {0}, out = {0};
	assert_ok(bana_json_parse(ctx, bana_str_of(body), 16, &json));
	assert_ok(bana_row_take(ctx, &outreach_inquiry, BANA_PUBLIC, json, &in));
	bana_row_set(&in, 0, "9223372036854775807");
	assert_ok(bana_row_insert(ctx, &outreach_inquiry, &in));
	assert_ok(bana_row_find(ctx, &outreach_inquiry, BANA_STR("9223372036854775807"), &out));
	struct bana_buf b;
	bana_buf_init(&b, ctx->arena);
	bana_row_write(&b, &outreach_inquiry, &out, NULL, 0);
	const struct bana_json *found, *value;
	assert_ok(bana_json_parse(ctx, bana_buf_str(&b), 16, &found));
	/* clang-format off */
	static const struct { const char *name, *json; } rows[] = {
		{"id", "\"9223372036854775807\""}, {"type", "\"100_GENERAL\""}, {"status", "\"100_NEW\""},
		{"firstName", "\"Zo\xc3\xab \xf0\x9f\x98\x80\""}, {"email", "\"Zoe@Example.com\""},
		{"message", "\"line 1\\nline 2 \\\"quoted\\\" \\\\ ' ; -- $1\""},
		{"metadata", "{\"a\":[1,2.50,null,\"\xc3\xa4\"]}"}, {"lastName", "null"}, {"subject", "\"\""},
		{"phone", "null"}, {"spamScore", "null"}, {"spamReasons", "null"}, {"assigneeId", "null"},
	};
	/* clang-format on */
	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_row(bana_json_get(found, rows[i].name, &value), "%s", rows[i].name);
		assert_string_equal(bana_json_write(ctx, value).at, rows[i].json);
	}
	static const char *const hidden[] = {"deletedAt", "ipHash", "userAgent", "contentHash"};
	for (size_t i = 0; i < COUNT(hidden); i++)
		assert_false(bana_json_get(found, hidden[i], &value));
	/* times: what the insert told is what is read, ISO 8601 with milliseconds */
	assert_true(bana_json_get(found, "createdAt", &value));
	bana_str at = bana_json_str(value);
	assert_int_equal(24, at.len);
	assert_true(at.at[10] == 'T' && at.at[19] == '.' && at.at[23] == 'Z');
	unsigned char views[] = {1};
	struct bana_buf made;
	bana_buf_init(&made, ctx->arena);
	bana_row_write(&made, &outreach_inquiry, &in, views, 1);
	assert_non_null(strstr(made.at, at.at));
	db_close(&db);
}

static void a_deleted_or_missing_row_is_not_found(void **state)
{
	struct db db;
	struct bana_row row = {0};
	db_open(&db, state);
	ask(db.admin, "INSERT INTO outreach.\"Inquiry\" (id, first_name, email, message, "
		      "deleted_at) VALUES "
		      "(1, 'a', 'a@b.de', 'm', now()), (2, 'a', 'a@b.de', 'm', NULL)");
	assert_fault(
		NOT_FOUND, bana_row_find(db_fresh(&db), &outreach_inquiry, BANA_STR("1"), &row));
	assert_string_equal(db.u->ctx.failure.message, "Inquiry not found");
	assert_fault(
		NOT_FOUND, bana_row_find(db_fresh(&db), &outreach_inquiry, BANA_STR("3"), &row));
	assert_ok(bana_row_find(db_fresh(&db), &outreach_inquiry, BANA_STR("2"), &row));
	assert_fault(
		NOT_FOUND, bana_row_find(db_fresh(&db), &outreach_inquiry, BANA_STR("x"), &row));
	db_close(&db);
}

static void lists_survive_the_way_to_the_database_and_back(void **state)
{
	static const char *const lists[] = {"[]", "[\"a\"]",
		"[\"a\\\"b\",\"c\\\\d\",\"{,}\",\"NULL\",\"'\"]",
		"[\"\xc3\xa4\",\"a b\",\"\\t x\"]"};
	static const char *const back[] = {"[]", "[\"a\"]",
		"[\"a\\\"b\",\"c\\\\d\",\"{,}\",\"NULL\",\"'\"]", "[\"\xc3\xa4\",\"a b\",\"x\"]"};
	struct db db;
	db_open(&db, state);
	for (size_t i = 0; i < COUNT(lists); i++) {
		struct bana_ctx *ctx = db_fresh(&db);
		const struct bana_json *json, *value;
		struct bana_row in = {0}, out = {0};
		char *id = bana_print(ctx->arena, "%zu", i + 1);
		char *body = bana_print(
			ctx->arena, "{\"email\":\"a%zu@b.de\",\"topics\":%s}", i, lists[i]);
		assert_ok(bana_json_parse(ctx, bana_str_of(body), 16, &json));
		assert_ok(bana_row_take(ctx, &outreach_subscriber, BANA_PUBLIC, json, &in));
		bana_row_set(&in, 0, id);
		const struct bana_field *token =
			bana_field_stored(&outreach_subscriber, "unsubscribe_token");
		bana_row_set(&in, bana_field_place(&outreach_subscriber, token), id);
		assert_ok(bana_row_insert(ctx, &outreach_subscriber, &in));
		assert_ok(bana_row_find(ctx, &outreach_subscriber, bana_str_of(id), &out));
		struct bana_buf b;
		bana_buf_init(&b, ctx->arena);
		bana_row_write(&b, &outreach_subscriber, &out, NULL, 0);
		assert_ok(bana_json_parse(ctx, bana_buf_str(&b), 16, &json));
		assert_true(bana_json_get(json, "topics", &value));
		assert_string_equal(bana_json_write(ctx, value).at, back[i]);
		assert_false(bana_json_get(json, "unsubscribeToken", &value));
	}
	db_close(&db);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		unit_case(every_field_has_its_column_and_every_column_its_field),
		unit_case(no_table_is_without_an_entity),
		unit_case(what_is_inserted_is_found_again),
		unit_case(a_deleted_or_missing_row_is_not_found),
		unit_case(lists_survive_the_way_to_the_database_and_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
