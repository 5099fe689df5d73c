#include "fuzz/fuzz.h"

#include "bana/page.h"
#include "bana/req.h"
#include "outreach/outreach.h"

static const char *no_param(void *source, const char *name)
{
	(void)source;
	(void)name;
	return NULL;
}

/* $1 ... $n are all there, and nothing of the client stands outside of them: what is text of ours
 * has no quote but those around names, and no character that begins a comment or ends a statement.
 */
static void check_sql(const struct bana_sql *sql)
{
	size_t highest = 0;
	MUST(strstr(sql->text.at, "--") == NULL && strchr(sql->text.at, ';') == NULL);
	for (const char *c = sql->text.at; (c = strchr(c, '$')) != NULL; c++) {
		size_t n = c[1] < '0' || c[1] > '9' ? 0 : (size_t)strtoul(c + 1, NULL, 10);
		MUST(n <= sql->count);
		highest = n > highest ? n : highest;
	}
	MUST(highest == sql->count);
}

/* The query string of a list: filter and cursor, as they come. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static const struct bana_route route = {
		"GET", "/inquiries", NULL, &outreach_inquiry, "Inquiry.find", "read", 0, ""};
	struct bana_ctx *ctx = fuzz_ctx();
	struct bana_query *query = bana_alloc(ctx->arena, sizeof *query);
	struct bana_req q = {
		.ctx = *ctx, .param = no_param, .query = fuzz_str(bytes, len), .route = &route};
	struct bana_page page;
	bana_failure_clear(&q.ctx);
	q.masked = len % 2 == 1;
	bana_res r = bana_query_read(&q, 0, query);
	if (r.fault == BANA_OK)
		r = bana_page_begin(&q, query, &page);
	if (r.fault != BANA_OK) {
		MUST(r.fault == BANA_INVALID || r.fault == BANA_MALFORMED ||
			(r.fault == BANA_FORBIDDEN && q.masked));
		MUST(q.ctx.failure.issue_count > 0 && q.ctx.failure.message != NULL);
		return 0;
	}
	MUST(query->limit >= 0 && query->limit <= BANA_QUERY_LIMIT_MAX && query->skip >= 0);
	MUST(query->view_count <= outreach_inquiry.count && query->order_count > 0);
	bana_order_add(query);
	check_sql(&query->sql);
	return 0;
}
