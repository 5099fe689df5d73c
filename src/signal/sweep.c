/*
 * What is removed because its time is over, a piece at a time.
 */
#include "signal/service.h"

#include "bana/app.h"
#include "bana/ctx.h"
#include "bana/pg.h"
#include "bana/pool.h"

#define PIECE "1000"
enum { PIECE_ROWS = 1000 };

/* Those whose recipient is being written to this moment wait for the next time. */
static const char notifications_sql[] =
	"WITH old AS (SELECT n.id, n.recipient_id,"
	" (NOT n.is_read AND n.archived_at IS NULL AND n.deleted_at IS NULL) AS unread"
	" FROM signal.\"ActivityNotification\" n WHERE n.expires_at < now()"
	" ORDER BY n.expires_at LIMIT " PIECE "),"
	" state AS (SELECT recipient_id FROM signal.\"RecipientState\""
	" WHERE recipient_id IN (SELECT recipient_id FROM old) ORDER BY recipient_id"
	" FOR UPDATE SKIP LOCKED),"
	" gone AS (DELETE FROM signal.\"ActivityNotification\" n USING old, state"
	" WHERE n.id = old.id AND old.recipient_id = state.recipient_id"
	" RETURNING n.recipient_id, (NOT n.is_read AND n.archived_at IS NULL"
	" AND n.deleted_at IS NULL) AS unread),"
	" less AS (UPDATE signal.\"RecipientState\" s SET unread_count = s.unread_count - g.unread"
	" FROM (SELECT recipient_id, count(*) FILTER (WHERE unread) AS unread FROM gone GROUP BY "
	"1) g"
	" WHERE s.recipient_id = g.recipient_id) "
	"SELECT (SELECT count(*) FROM gone), (SELECT count(*) FROM old)";

static const char events_sql[] =
	"WITH gone AS (DELETE FROM signal.\"ConsumedEvent\" WHERE key IN (SELECT key FROM "
	"signal.\"ConsumedEvent\""
	" WHERE consumed_at < now() - $1::int * interval '1 day' LIMIT " PIECE ") RETURNING 1)"
	" SELECT count(*) FROM gone";

static const char letters_sql[] =
	"WITH gone AS (DELETE FROM signal.\"DeadLetter\" WHERE id IN (SELECT id FROM "
	"signal.\"DeadLetter\""
	" WHERE resolved_at < now() - $1::int * interval '1 day' LIMIT " PIECE ") RETURNING 1)"
	" SELECT count(*) FROM gone";

static int64_t number(const struct bana_rows *rows, size_t column)
{
	int64_t value = 0;
	bana_ignore(
		bana_parse_int(bana_str_of(bana_rows_text(rows, 0, column)), 0, INT32_MAX, &value),
		"it is a count");
	return value;
}

BANA_RES signal_sweep(struct bana_ctx *ctx, bool *more)
{
	const char *days = bana_print(ctx->arena, "%lld", (long long)signal_settings.event_days);
	struct bana_step steps[] = {{notifications_sql, 0, NULL, NULL},
		{events_sql, 1, &days, NULL}, {letters_sql, 1, &days, NULL}};
	TRY(bana_pg_batch(ctx, steps, 3));
	int64_t gone = number(steps[0].rows, 0), picked = number(steps[0].rows, 1);
	bana_count(ctx->app->pool, BANA_METRIC_EXPIRED, (uint64_t)gone);
	*more = (picked >= PIECE_ROWS && gone > 0) || number(steps[1].rows, 0) >= PIECE_ROWS ||
		number(steps[2].rows, 0) >= PIECE_ROWS;
	return BANA_DONE;
}
