#include "bana/app.h"
#include "bana/metric.h"
#include "bana/pg.h"
#include "bana/req.h"
#include "bana/run.h"

static BANA_RES live(struct bana_req *q)
{
	return bana_reply_text(q, 200, NULL, BANA_STR("{\"status\":\"ok\"}"));
}

/* Only the database is needed to take a submit. */
static BANA_RES ready(struct bana_req *q)
{
	TRY(bana_pg_exec(&q->ctx, "SELECT 1", 0, NULL, NULL));
	return bana_reply_text(
		q, 200, NULL, BANA_STR("{\"status\":\"ok\",\"checks\":{\"database\":\"ok\"}}"));
}

static BANA_RES metrics(struct bana_req *q)
{
	struct bana_buf text;
	bana_buf_init(&text, q->ctx.arena);
	bana_metrics_write(q->ctx.app->pool, &text);
	return bana_reply_text(
		q, 200, "text/plain; version=0.0.4; charset=utf-8", bana_buf_str(&text));
}

/* clang-format off */
const struct bana_call bana_health_live = {
	.handle = live, .name = "healthz", .status = 200, .gives = BANA_GIVES_PLAIN,
	.schema = "{\"type\":\"object\",\"required\":[\"status\"],\"properties\":{"
		"\"status\":{\"type\":\"string\",\"const\":\"ok\"}}}",
};
const struct bana_call bana_health_ready = {
	.handle = ready, .name = "readyz", .status = 200, .gives = BANA_GIVES_PLAIN,
	.schema = "{\"type\":\"object\",\"required\":[\"status\",\"checks\"],\"properties\":{"
		"\"status\":{\"type\":\"string\",\"const\":\"ok\"},"
		"\"checks\":{\"type\":\"object\",\"additionalProperties\":{\"type\":\"string\"},"
		"\"examples\":[{\"database\":\"ok\"}]}}}",
};
const struct bana_call bana_metrics = {
	.handle = metrics, .name = "metrics", .status = 200, .gives = BANA_GIVES_TEXT, .media = "text/plain",
};
/* clang-format on */
