/*
 * PostgreSQL (libpq): one connection a process, made when first needed and made again, with
 * back-off, when it was lost. Statements are prepared once a connection. Every wait has a deadline;
 * nothing blocks for ever on a server that is away, frozen or locked.
 */
#ifndef BANA_PG_H
#define BANA_PG_H

#include "bana/result.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bana_ctx;
struct bana_pg;
struct bana_pool;
struct bana_rows; /* a result; lives until the arena's reset */

struct bana_pg_options {
	const char *url;  /* libpq URI or key=value text; must outlive the connection */
	const char *name; /* application_name */
	int64_t connect_ms, statement_ms, lock_ms;
	bool allow_unsafe;            /* accept fsync=off or full_page_writes=off */
	const struct bana_pool *pool; /* counts; NULL: nobody does */
};

/* Can libpq read it? */
bool bana_pg_url_valid(const char *url);

/* Does not connect yet. */
struct bana_pg *bana_pg_new(const struct bana_pg_options *options);
void bana_pg_free(struct bana_pg *pg);

/* Give the connection back; the next statement makes another. */
void bana_pg_leave(struct bana_pg *pg);

/* Connect if need be; the faults of bana_pg_exec. */
BANA_RES bana_pg_ready(struct bana_ctx *ctx, struct bana_pg *pg);

/*
 * Run one statement on ctx->db; values are text, NULL is SQL NULL, `$n` in `sql`. `rows` may be
 * NULL. UNAVAILABLE: no connection, a time-out, a lock not got, the server going down; the outcome
 * of a writing statement is then unknown. CONFLICT: unique, exclusion or foreign key. INVALID: a
 * value or check the database refused. INTERNAL: anything else, our mistake.
 * Outside a transaction a statement is its own transaction, committed when OK comes back. In one, a
 * lost connection is UNAVAILABLE and not replaced before the rollback.
 */
BANA_RES bana_pg_exec(struct bana_ctx *ctx, const char *sql, size_t count,
	const char *const *values, const struct bana_rows **rows);

/* The same, without preparing it: for a statement that is not likely to come again, or whose
 * columns change (FETCH of a cursor). */
BANA_RES bana_pg_once(struct bana_ctx *ctx, const char *sql, size_t count,
	const char *const *values, const struct bana_rows **rows);

struct bana_step {
	const char *sql;
	size_t count;
	const char *const *values;
	const struct bana_rows *rows; /* set when the batch is OK */
};

/*
 * Several statements (at most 16) in one round trip. The first that fails ends the batch, and its
 * fault comes back; what stood before it is undone with it. "BEGIN" as the first step opens a
 * transaction that outlives the batch, "COMMIT" as the last one ends it; without either the batch
 * is a transaction of its own.
 * All of it has the time of one statement.
 */
BANA_RES bana_pg_batch(struct bana_ctx *ctx, struct bana_step *steps, size_t count);

/* Several statements in one text, without values, within `limit_ms` in all. No COPY. */
BANA_RES bana_pg_script(struct bana_ctx *ctx, const char *sql, int64_t limit_ms);

/* A transaction; the frame rolls back what was begun and not committed. OK of commit means
 * committed; INTERNAL: a statement in it had failed. */
BANA_RES bana_pg_begin(struct bana_ctx *ctx);
BANA_RES bana_pg_commit(struct bana_ctx *ctx);
void bana_pg_rollback(struct bana_ctx *ctx); /* nothing when no transaction is open */

/* While held, the transaction that is open stays open: "BEGIN" and "COMMIT" of whatever is called
 * are left out, and succeed. So a caller makes its own statements part of what it calls. A rollback
 * ends it. */
void bana_pg_hold(struct bana_ctx *ctx, bool held);

size_t bana_rows_count(const struct bana_rows *rows);

/* NULL for SQL NULL. */
const char *bana_rows_text(const struct bana_rows *rows, size_t row, size_t column);

#endif
