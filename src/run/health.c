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
/* clang-format on */
