/*
 * A page far into a million rows costs what the first one does. The statements are those that the
 * service made, explained on the connection that prepared them.
 */
#include "db/outreach/requests.h"

#include "bana/crud.h"
#include "bana/page.h"

enum { ROWS = 1000000, PAGE = 25, FAR = 250000 };

static void fill(struct db *db)
{
	char sql[1024];
	snprintf(sql, sizeof sql,
		"INSERT INTO outreach.\"Inquiry\" (id, created_at, first_name, email, message, "
		"status) "
		"SELECT (1000000 + n)::bigint << 22, timestamptz '2026-01-01' + n * interval '7 "
		"s', 'Ada',"
		" 'a' || (n::bigint * 7919 %% %d) || '@example.com', 'Hello',"
		" (ARRAY['100_NEW', '203_PROCESSING', '303_COMPLETED'])[1 + n %% 3] "
		"FROM generate_series(1, %d) AS n",
		ROWS, ROWS);
	ask(db->admin, sql);
	ask(db->admin, "VACUUM ANALYZE outreach.\"Inquiry\"");
}

static const struct bana_route route = {
	"GET", "/inquiries", &bana_crud_find, &outreach_inquiry, "Inquiry.find", "read", 0, ""};

/* A list as the service answers it, without the guard; the arena lives until the next one. */
static struct bana_req *list(struct desk *d, const char *order, const char *cursor)
{
	static const struct param params[] = {{"HTTP_PREFER", "count=none"}, {NULL, NULL}};
	struct unit *u = d->db.u;
	db_fresh(&d->db);
	struct bana_req *q = bana_alloc(u->ctx.arena, sizeof *q);
	req_init(q, u, "GET",
		bana_print(u->ctx.arena, "/inquiries?filter={\"order\":%s,\"limit\":%d}%s%s", order,
			PAGE, cursor == NULL ? "" : "&cursor=", cursor == NULL ? "" : cursor),
		params);
	q->route = &route;
	assert_ok(route.call->handle(q));
	return q;
}

/* The statement that was prepared last, with these values: blocks it touches, and its plan. */
static long blocks_of(struct desk *d, const char *values, char plan[8192])
{
	const struct bana_rows *rows;
	struct bana_ctx *ctx = db_fresh(&d->db);
	assert_ok(bana_pg_once(ctx,
		"SELECT name FROM pg_prepared_statements WHERE statement LIKE 'SELECT \"id\"%ORDER "
		"BY%'"
		" ORDER BY substr(name, 2)::int DESC LIMIT 1",
		0, NULL, &rows));
	const char *sql =
		bana_print(ctx->arena, "EXPLAIN (ANALYZE, BUFFERS, COSTS OFF) EXECUTE %s(%s)",
			bana_rows_text(rows, 0, 0), values);
	assert_ok(bana_pg_once(ctx, sql, 0, NULL, &rows));
	char *at = plan;
	for (size_t i = 0; i < bana_rows_count(rows); i++)
		at += snprintf(at, (size_t)(plan + 8192 - at), "%s\n", bana_rows_text(rows, i, 0));
	long hit = 0, read = 0;
	const char *buffers = strstr(plan, "Buffers: shared ");
	assert_non_null(buffers);
	if (strncmp(buffers + 16, "hit=", 4) == 0)
		hit = strtol(buffers + 20, NULL, 10);
	const char *read_at = strstr(buffers, "read=");
	if (read_at != NULL && read_at < strchr(buffers, '\n'))
		read = strtol(read_at + 5, NULL, 10);
	return hit + read;
}

static void page_10000_costs_what_page_1_does(void **state)
{
	/* clang-format off */
	static const struct { const char *order, *sql, *columns[2]; } rows[] = {
		{"[]", "id", {"id"}},
		{"[%22id%20DESC%22]", "id DESC", {"id"}},
		{"[%22createdAt%20DESC%22]", "created_at DESC, id DESC", {"created_at", "id"}},
		{"[%22createdAt%22]", "created_at, id", {"created_at", "id"}},
		{"[%22status%22]", "status, id", {"status", "id"}},
		{"[%22status%20DESC%22,%22id%20DESC%22]", "status DESC, id DESC", {"status", "id"}},
		{"[%22email%22]", "lower(email), id", {"lower(email)", "id"}},
	};
	/* clang-format on */
	struct desk d;
	desk_open(&d, state);
	fill(&d.db);
	for (size_t i = 0; i < COUNT(rows); i++) {
		char first[8192], far_away[8192], sql[512];
		bool two = rows[i].columns[1] != NULL;
		list(&d, rows[i].order, NULL);
		long begin = blocks_of(&d, "26, 0", first);
		snprintf(sql, sizeof sql,
			"SELECT concat_ws(', ', quote_literal(%s), quote_literal(%s)) FROM "
			"outreach.\"Inquiry\" WHERE deleted_at IS NULL ORDER BY %s OFFSET %d LIMIT "
			"1",
			rows[i].columns[0], two ? rows[i].columns[1] : "NULL", rows[i].sql,
			FAR - 1);
		char values[256];
		snprintf(values, sizeof values, "%.200s, 26, 0", ask(d.db.admin, sql));
		/* a cursor of the first page makes the statement; its values are put in here */
		struct bana_req *q = list(&d, rows[i].order, NULL);
		const char *mark = strstr(q->headers.at, "cursor=");
		assert_non_null(mark);
		char cursor[1024];
		snprintf(cursor, sizeof cursor, "%.*s", (int)strcspn(mark + 7, ">"), mark + 7);
		list(&d, rows[i].order, cursor);
		long there = blocks_of(&d, values, far_away);
		assert_row(strstr(first, "Index") != NULL && strstr(first, "Sort") == NULL &&
				   strstr(first, "Seq Scan") == NULL,
			"%s: page 1:\n%s", rows[i].sql, first);
		assert_row(strstr(far_away, "Index Cond") != NULL &&
				   strstr(far_away, "Sort") == NULL &&
				   strstr(far_away, "Seq Scan") == NULL,
			"%s: page 10000:\n%s", rows[i].sql, far_away);
		assert_row(there <= begin + begin / 2 + 8, "%s: %ld blocks, then %ld:\n%s\n%s",
			rows[i].sql, begin, there, first, far_away);
		print_message(
			"%-26s page 1: %ld blocks, page 10000: %ld\n", rows[i].sql, begin, there);
	}
	desk_close(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {unit_case(page_10000_costs_what_page_1_does)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
