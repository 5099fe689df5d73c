#include "bana/pg.h"
#include "bana/req.h"
#include "bana/run.h"

BANA_RES bana_health_live(struct bana_req *q)
{
	return bana_reply_text(q, 200, NULL, BANA_STR("{\"status\":\"ok\"}"));
}

/* Only the database is needed to take a submit. */
BANA_RES bana_health_ready(struct bana_req *q)
{
	TRY(bana_pg_exec(&q->ctx, "SELECT 1", 0, NULL, NULL));
	return bana_reply_text(
		q, 200, NULL, BANA_STR("{\"status\":\"ok\",\"checks\":{\"database\":\"ok\"}}"));
}
