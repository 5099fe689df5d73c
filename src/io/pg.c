#include "bana/pg.h"

#include <assert.h>
#include <libpq-fe.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "bana/clock.h"
#include "bana/ctx.h"
#include "bana/log.h"
#include "bana/pool.h"
#include "bana/text.h"

enum {
	STATEMENTS_MAX = 128,
	GRACE_MS = 500, /* the server's own time-out comes first and keeps the connection */
	BACKOFF_FIRST_US = 50 * 1000,
	BACKOFF_MOST_US = 500 * 1000,
};

struct bana_pg {
	struct bana_pg_options options;
	PGconn *conn;
	struct statement {
		char name[BANA_INT_BYTES + 1]; /* never used twice on a connection */
		char *sql;
		uint32_t hash;
		uint64_t used; /* when it was, counted in uses: the oldest makes room */
	} prepared[STATEMENTS_MAX];
	size_t prepared_count;
	uint64_t uses, names;
	int64_t backoff_us, retry_tick;
	bool in_transaction; /* then a lost connection is not replaced: it took the work with it */
	bool held;           /* by bana_pg_hold: neither BEGIN nor COMMIT goes out */
};

bool bana_pg_url_valid(const char *url)
{
	char *error = NULL;
	PQconninfoOption *parsed = PQconninfoParse(url, &error);
	PQfreemem(error);
	PQconninfoFree(parsed);
	return parsed != NULL;
}

struct bana_pg *bana_pg_new(const struct bana_pg_options *options)
{
	struct bana_pg *pg = calloc(1, sizeof *pg);
	if (pg == NULL)
		abort();
	pg->options = *options;
	return pg;
}

void bana_pg_leave(struct bana_pg *pg)
{
	PQfinish(pg->conn);
	pg->conn = NULL;
	for (size_t i = 0; i < pg->prepared_count; i++)
		free(pg->prepared[i].sql);
	pg->prepared_count = 0;
}

void bana_pg_free(struct bana_pg *pg)
{
	if (pg == NULL)
		return;
	bana_pg_leave(pg);
	free(pg);
}

/* clang-format off */
static const struct {
	const char *prefix; /* of the SQLSTATE; the longest that fits comes first */
	enum bana_fault fault;
	bool drop; /* the connection is of no more use */
	const char *message;
} states[] = {
	{"23505", BANA_CONFLICT,    false, "Unique constraint violation"},
	{"23P01", BANA_CONFLICT,    false, "Exclusion constraint violation"},
	{"23503", BANA_CONFLICT,    false, "Foreign key constraint violation"},
	{"23",    BANA_INVALID,     false, "Check constraint violation"},
	{"22",    BANA_INVALID,     false, "A value is not acceptable to the database"},
	{"54",    BANA_INVALID,     false, "A value is too big for the database"},
	{"40",    BANA_UNAVAILABLE, false, "Conflict with another transaction"},
	{"55P03", BANA_UNAVAILABLE, false, "The record is locked"},
	{"57014", BANA_UNAVAILABLE, false, "The database took too long"},
	{"57",    BANA_UNAVAILABLE, true,  "The database is not available"},
	{"53",    BANA_UNAVAILABLE, false, "The database is out of resources"},
	{"08",    BANA_UNAVAILABLE, true,  "The database is not available"},
	{"25006", BANA_UNAVAILABLE, true,  "The database is read-only"},
	{"0A000", BANA_UNAVAILABLE, true,  "The database changed"}, /* cached plan after a migration */
	{"26000", BANA_UNAVAILABLE, true,  "The database changed"},
	{"",      BANA_INTERNAL,    false, NULL},
};
/* clang-format on */

static BANA_RES fail_state(struct bana_ctx *ctx, struct bana_pg *pg, const PGresult *result)
{
	const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	const char *text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
	if (state == NULL) /* made by libpq itself: the connection broke */
		state = "08006";
	const char *why = bana_print(ctx->arena, "SQLSTATE %s %s", state, text == NULL ? "" : text);
	size_t i = 0;
	while (strncmp(state, states[i].prefix, strlen(states[i].prefix)) != 0)
		i++;
	if (states[i].drop || PQstatus(pg->conn) == CONNECTION_BAD)
		bana_pg_leave(pg);
	if (states[i].fault == BANA_UNAVAILABLE)
		return bana_fail_later(ctx, states[i].message, why);
	return bana_fail(ctx, states[i].fault, states[i].message, why);
}

static BANA_RES fail_lost(struct bana_ctx *ctx, struct bana_pg *pg, const char *why)
{
	why = bana_copy(ctx->arena, why, strcspn(why, "\n"));
	bana_pg_leave(pg);
	return bana_fail_later(ctx, "The database is not available", why);
}

static void clear(void *result)
{
	PQclear(result);
}

/* Hand over all that was queued; the server may have to be listened to meanwhile. */
static BANA_RES flush(struct bana_ctx *ctx, struct bana_pg *pg, int64_t deadline)
{
	for (;;) {
		int left = PQflush(pg->conn);
		if (left == 0)
			return BANA_DONE;
		if (left < 0 || PQconsumeInput(pg->conn) == 0)
			return fail_lost(ctx, pg, PQerrorMessage(pg->conn));
		if (!bana_wait_fd(PQsocket(pg->conn), POLLIN | POLLOUT, deadline))
			return fail_lost(ctx, pg, "not taken in time");
	}
}

/* The next result; NULL at the end of a statement's. Cleared with the arena. */
static BANA_RES next_result(
	struct bana_ctx *ctx, struct bana_pg *pg, int64_t deadline, PGresult **next)
{
	while (PQisBusy(pg->conn)) {
		if (!bana_wait_fd(PQsocket(pg->conn), POLLIN, deadline))
			return fail_lost(ctx, pg, "no answer in time");
		if (PQconsumeInput(pg->conn) == 0)
			return fail_lost(ctx, pg, PQerrorMessage(pg->conn));
	}
	*next = PQgetResult(pg->conn);
	bana_defer(ctx->arena, clear, *next);
	if (*next != NULL && PQresultStatus(*next) >= PGRES_COPY_OUT &&
		PQresultStatus(*next) <= PGRES_COPY_IN)
		return fail_lost(ctx, pg, "COPY is not for this module");
	return BANA_DONE;
}

static bool failed(const PGresult *result)
{
	return PQresultStatus(result) == PGRES_FATAL_ERROR;
}

/* A round trip is over. */
static bana_res counted(const struct bana_pg *pg, int64_t begun_tick, bana_res result)
{
	enum bana_metric metric = result.fault == BANA_OK            ? BANA_METRIC_DB_OK
				  : result.fault == BANA_UNAVAILABLE ? BANA_METRIC_DB_UNAVAILABLE
				  : result.fault == BANA_INTERNAL    ? BANA_METRIC_DB_FAILED
								     : BANA_METRIC_DB_REFUSED;
	bana_count(pg->options.pool, metric, 1);
	bana_count(pg->options.pool, BANA_METRIC_DB_US, (uint64_t)(bana_tick_us() - begun_tick));
	return result;
}

/* Everything that was sent is answered; the last result, or the first error, is the answer. */
static BANA_RES take_all(
	struct bana_ctx *ctx, struct bana_pg *pg, int64_t limit_ms, PGresult **answer)
{
	int64_t deadline = bana_tick_us() + limit_ms * 1000;
	PGresult *kept = NULL, *next = NULL;
	TRY(flush(ctx, pg, deadline));
	do {
		TRY(next_result(ctx, pg, deadline, &next));
		if (next != NULL && (kept == NULL || !failed(kept)))
			kept = next;
	} while (next != NULL);
	if (kept == NULL || failed(kept))
		return fail_state(ctx, pg, kept);
	*answer = kept;
	return BANA_DONE;
}

static BANA_RES collect(
	struct bana_ctx *ctx, struct bana_pg *pg, int64_t limit_ms, PGresult **answer)
{
	const int64_t begun_tick = bana_tick_us();
	return counted(pg, begun_tick, take_all(ctx, pg, limit_ms, answer));
}

/* What a session must be like before work is done in it. */
static BANA_RES settle(struct bana_ctx *ctx, struct bana_pg *pg)
{
	const struct bana_pg_options *o = &pg->options;
	const char *sql = bana_print(ctx->arena,
		"SET TimeZone = 'UTC'; SET DateStyle = ISO; SET client_encoding = 'UTF8';"
		"SET statement_timeout = %lld; SET lock_timeout = %lld;"
		"SET idle_in_transaction_session_timeout = 10000;"
		"SELECT set_config('synchronous_commit', CASE current_setting('synchronous_commit')"
		" WHEN 'off' THEN 'on' ELSE current_setting('synchronous_commit') END, false),"
		" current_setting('fsync') = 'on' AND current_setting('full_page_writes') = 'on'",
		(long long)o->statement_ms, (long long)o->lock_ms);
	if (PQsendQuery(pg->conn, sql) == 0)
		return fail_lost(ctx, pg, PQerrorMessage(pg->conn));
	PGresult *answer;
	TRY(collect(ctx, pg, o->connect_ms + GRACE_MS, &answer));
	if (*PQgetvalue(answer, 0, 1) == 't' || o->allow_unsafe)
		return BANA_DONE;
	return fail_lost(ctx, pg,
		"fsync or full_page_writes is off, acknowledged work could be lost; see "
		"APP_ENV_DATABASE_ALLOW_UNSAFE");
}

static BANA_RES connect_within(struct bana_ctx *ctx, struct bana_pg *pg)
{
	const struct bana_pg_options *o = &pg->options;
	const char *names[] = {"dbname", "fallback_application_name", "tcp_user_timeout", NULL};
	const char *values[] = {o->url, o->name,
		bana_print(ctx->arena, "%lld", (long long)o->statement_ms + GRACE_MS), NULL};
	int64_t deadline = bana_tick_us() + o->connect_ms * 1000;
	pg->conn = PQconnectStartParams(names, values, 1);
	if (pg->conn == NULL)
		abort();
	if (PQstatus(pg->conn) == CONNECTION_BAD)
		return fail_lost(ctx, pg, PQerrorMessage(pg->conn));
	PostgresPollingStatusType need = PGRES_POLLING_WRITING;
	while (need != PGRES_POLLING_OK) {
		short events = need == PGRES_POLLING_READING ? POLLIN : POLLOUT;
		if (!bana_wait_fd(PQsocket(pg->conn), events, deadline))
			return fail_lost(ctx, pg, "no connection in time");
		need = PQconnectPoll(pg->conn);
		if (need == PGRES_POLLING_FAILED)
			return fail_lost(ctx, pg, PQerrorMessage(pg->conn));
	}
	/* nothing is ever written without a deadline: flush waits */
	if (PQsetnonblocking(pg->conn, 1) != 0)
		return fail_lost(ctx, pg, PQerrorMessage(pg->conn));
	return settle(ctx, pg);
}

/* Nothing is owed to us while we are idle, so whatever there is to read is a good-bye (a server
 * that restarts says it before it hangs up). Found out before anything is sent, so that it costs no
 * request; the rare notice of a changed configuration costs a new connection. */
static bool gone(struct bana_pg *pg)
{
	struct pollfd p = {.fd = PQsocket(pg->conn), .events = POLLIN};
	return poll(&p, 1, 0) != 0;
}

BANA_RES bana_pg_ready(struct bana_ctx *ctx, struct bana_pg *pg)
{
	if (pg->conn != NULL && gone(pg))
		bana_pg_leave(pg);
	if (pg->conn != NULL)
		return BANA_DONE;
	if (pg->in_transaction)
		return bana_fail_later(
			ctx, "The database is not available", "connection lost in a transaction");
	if (bana_tick_us() < pg->retry_tick)
		return bana_fail_later(
			ctx, "The database is not available", "waiting before the next connection");
	bana_res connected = connect_within(ctx, pg);
	bana_count(pg->options.pool,
		connected.fault == BANA_OK ? BANA_METRIC_DB_CONNECTED
					   : BANA_METRIC_DB_NOT_CONNECTED,
		1);
	if (connected.fault == BANA_OK) {
		pg->backoff_us = 0;
		return connected;
	}
	pg->backoff_us = pg->backoff_us == 0 ? BACKOFF_FIRST_US : pg->backoff_us * 2;
	if (pg->backoff_us > BACKOFF_MOST_US)
		pg->backoff_us = BACKOFF_MOST_US;
	pg->retry_tick = bana_tick_us() + pg->backoff_us;
	return connected;
}

/* A place for one more statement; the one that was not used for longest makes room. */
static BANA_RES make_room(struct bana_ctx *ctx, struct bana_pg *pg, struct statement **place)
{
	if (pg->prepared_count < STATEMENTS_MAX) {
		*place = &pg->prepared[pg->prepared_count];
		return BANA_DONE;
	}
	struct statement *oldest = &pg->prepared[0];
	for (size_t i = 1; i < STATEMENTS_MAX; i++) {
		if (pg->prepared[i].used < oldest->used)
			oldest = &pg->prepared[i];
	}
	PGresult *answer;
	if (PQsendQuery(pg->conn, bana_join(ctx->arena, "DEALLOCATE ", oldest->name, NULL)) == 0)
		return fail_lost(ctx, pg, PQerrorMessage(pg->conn));
	TRY(collect(ctx, pg, pg->options.statement_ms + GRACE_MS, &answer));
	bana_count(pg->options.pool, BANA_METRIC_STATEMENT_EVICTED, 1);
	free(oldest->sql);
	*oldest = pg->prepared[--pg->prepared_count];
	*place = &pg->prepared[pg->prepared_count];
	return BANA_DONE;
}

/* The name of `sql` prepared, now if need be; a copy in the arena. */
static BANA_RES prepare(
	struct bana_ctx *ctx, struct bana_pg *pg, const char *sql, const char **name)
{
	const uint32_t hash = bana_hash(sql); /* texts of an entity begin alike */
	for (size_t i = 0; i < pg->prepared_count; i++) {
		struct statement *s = &pg->prepared[i];
		if (s->hash != hash || strcmp(s->sql, sql) != 0)
			continue;
		bana_count(pg->options.pool, BANA_METRIC_STATEMENT_KNOWN, 1);
		s->used = ++pg->uses;
		*name = bana_copy(ctx->arena, s->name, strlen(s->name));
		return BANA_DONE;
	}
	struct statement *place = NULL;
	char digits[BANA_INT_BYTES];
	PGresult *answer;
	TRY(make_room(ctx, pg, &place));
	const char *fresh =
		bana_join(ctx->arena, "s", bana_int_write((int64_t)++pg->names, digits), NULL);
	if (PQsendPrepare(pg->conn, fresh, sql, 0, NULL) == 0)
		return fail_lost(ctx, pg, PQerrorMessage(pg->conn));
	TRY(collect(ctx, pg, pg->options.statement_ms + GRACE_MS, &answer));
	*place = (struct statement){.sql = strdup(sql), .hash = hash, .used = ++pg->uses};
	if (place->sql == NULL)
		abort();
	snprintf(place->name, sizeof place->name, "%s", fresh);
	pg->prepared_count++;
	bana_count(pg->options.pool, BANA_METRIC_STATEMENT_PREPARED, 1);
	*name = fresh;
	return BANA_DONE;
}

BANA_RES bana_pg_exec(struct bana_ctx *ctx, const char *sql, size_t count,
	const char *const *values, const struct bana_rows **rows)
{
	struct bana_pg *pg = ctx->db;
	const char *name;
	PGresult *answer;
	TRY(bana_pg_ready(ctx, pg));
	TRY(prepare(ctx, pg, sql, &name));
	if (PQsendQueryPrepared(pg->conn, name, (int)count, values, NULL, NULL, 0) == 0)
		return fail_lost(ctx, pg, PQerrorMessage(pg->conn));
	TRY(collect(ctx, pg, pg->options.statement_ms + GRACE_MS, &answer));
	if (rows != NULL)
		*rows = (const struct bana_rows *)answer;
	return BANA_DONE;
}

BANA_RES bana_pg_once(struct bana_ctx *ctx, const char *sql, size_t count,
	const char *const *values, const struct bana_rows **rows)
{
	struct bana_pg *pg = ctx->db;
	PGresult *answer;
	TRY(bana_pg_ready(ctx, pg));
	if (PQsendQueryParams(pg->conn, sql, (int)count, NULL, values, NULL, NULL, 0) == 0)
		return fail_lost(ctx, pg, PQerrorMessage(pg->conn));
	TRY(collect(ctx, pg, pg->options.statement_ms + GRACE_MS, &answer));
	if (rows != NULL)
		*rows = (const struct bana_rows *)answer;
	return BANA_DONE;
}

/* One result a step, then that of the sync; the first error is the batch's. */
static BANA_RES take_steps(
	struct bana_ctx *ctx, struct bana_pg *pg, struct bana_step *steps, size_t count)
{
	int64_t deadline = bana_tick_us() + (pg->options.statement_ms + GRACE_MS) * 1000;
	const PGresult *error = NULL;
	PGresult *result, *end;
	TRY(flush(ctx, pg, deadline));
	for (size_t i = 0; i < count; i++) {
		TRY(next_result(ctx, pg, deadline, &result));
		TRY(next_result(ctx, pg, deadline, &end)); /* NULL, between two statements */
		if (error == NULL && failed(result))
			error = result;
		steps[i].rows = (const struct bana_rows *)result;
	}
	TRY(next_result(ctx, pg, deadline, &end)); /* the sync's own */
	if (PQexitPipelineMode(pg->conn) == 0)
		return fail_lost(ctx, pg, PQerrorMessage(pg->conn));
	return error == NULL ? BANA_DONE : fail_state(ctx, pg, error);
}

static BANA_RES collect_steps(
	struct bana_ctx *ctx, struct bana_pg *pg, struct bana_step *steps, size_t count)
{
	const int64_t begun_tick = bana_tick_us();
	return counted(pg, begun_tick, take_steps(ctx, pg, steps, count));
}

static PGresult *result_of(const struct bana_rows *rows)
{
	return (PGresult *)(uintptr_t)rows; /* libpq's readers differ in what they call const */
}

/* PostgreSQL answers COMMIT of a failed transaction with ROLLBACK, and calls that success. */
static BANA_RES check_committed(struct bana_ctx *ctx, const struct bana_rows *done)
{
	if (strcmp(PQcmdStatus(result_of(done)), "COMMIT") == 0)
		return BANA_DONE;
	return bana_fail(ctx, BANA_INTERNAL, NULL, "a failed transaction was to be committed");
}

static bool is(const struct bana_step *step, const char *sql)
{
	return strcmp(step->sql, sql) == 0;
}

BANA_RES bana_pg_batch(struct bana_ctx *ctx, struct bana_step *steps, size_t count)
{
	enum { STEPS_MAX = 16 };
	struct bana_pg *pg = ctx->db;
	const char *names[STEPS_MAX];
	assert(count > 0 && count <= STEPS_MAX);
	size_t first = pg->held && is(steps, "BEGIN");
	steps += first;
	count -= first;
	count -= count > 0 && pg->held && is(&steps[count - 1], "COMMIT");
	if (count == 0)
		return BANA_DONE;
	TRY(bana_pg_ready(ctx, pg));
	for (size_t i = 0; i < count; i++)
		TRY(prepare(ctx, pg, steps[i].sql, &names[i]));
	bool sent = PQenterPipelineMode(pg->conn) == 1;
	for (size_t i = 0; i < count && sent; i++)
		sent = PQsendQueryPrepared(pg->conn, names[i], (int)steps[i].count, steps[i].values,
			       NULL, NULL, 0) == 1;
	if (!sent || PQpipelineSync(pg->conn) == 0)
		return fail_lost(ctx, pg, PQerrorMessage(pg->conn));
	bool commits = is(&steps[count - 1], "COMMIT");
	pg->in_transaction = pg->in_transaction || is(steps, "BEGIN");
	bana_res result = collect_steps(ctx, pg, steps, count);
	if (commits)
		pg->in_transaction = false;
	TRY(result);
	return commits ? check_committed(ctx, steps[count - 1].rows) : BANA_DONE;
}

BANA_RES bana_pg_script(struct bana_ctx *ctx, const char *sql, int64_t limit_ms)
{
	struct bana_pg *pg = ctx->db;
	TRY(bana_pg_ready(ctx, pg));
	if (PQsendQuery(pg->conn, sql) == 0)
		return fail_lost(ctx, pg, PQerrorMessage(pg->conn));
	return collect(ctx, pg, limit_ms, &(PGresult *){NULL});
}

BANA_RES bana_pg_begin(struct bana_ctx *ctx)
{
	return bana_pg_batch(ctx, &(struct bana_step){.sql = "BEGIN"}, 1);
}

BANA_RES bana_pg_commit(struct bana_ctx *ctx)
{
	return bana_pg_batch(ctx, &(struct bana_step){.sql = "COMMIT"}, 1);
}

void bana_pg_hold(struct bana_ctx *ctx, bool held)
{
	ctx->db->held = held;
}

void bana_pg_rollback(struct bana_ctx *ctx)
{
	struct bana_pg *pg = ctx->db;
	if (pg == NULL)
		return;
	/* unprepared: to make room for it in the cache is nothing a failed transaction would allow
	 */
	if (pg->conn != NULL && PQtransactionStatus(pg->conn) != PQTRANS_IDLE)
		bana_ignore(bana_pg_once(ctx, "ROLLBACK", 0, NULL, NULL), "it is looked at below");
	if (pg->conn != NULL && PQtransactionStatus(pg->conn) != PQTRANS_IDLE)
		bana_pg_leave(pg);
	pg->in_transaction = pg->held = false;
}

size_t bana_rows_count(const struct bana_rows *rows)
{
	return (size_t)PQntuples(result_of(rows));
}

const char *bana_rows_text(const struct bana_rows *rows, size_t row, size_t column)
{
	PGresult *r = result_of(rows); /* libpq looks at the bounds itself */
	return PQgetisnull(r, (int)row, (int)column) ? NULL : PQgetvalue(r, (int)row, (int)column);
}
