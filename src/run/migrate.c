#include "bana/app.h"
#include "bana/buf.h"
#include "bana/clock.h"
#include "bana/crypto.h"
#include "bana/ctx.h"
#include "bana/file.h"
#include "bana/log.h"
#include "bana/pg.h"
#include "bana/run.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "run/mend.h"

enum { FILE_BYTES_MAX = 4 * 1024 * 1024, LIMIT_MS = 600000 };

/* "0001_what.sql", "10_what.sql": a number, then a name. */
static int is_script(const struct dirent *entry)
{
	size_t digits = strspn(entry->d_name, "0123456789"), len = strlen(entry->d_name);
	return digits > 0 && entry->d_name[digits] == '_' && len > 4 &&
	       strcmp(entry->d_name + len - 4, ".sql") == 0;
}

static int by_number(const struct dirent **a, const struct dirent **b)
{
	return strverscmp((*a)->d_name, (*b)->d_name);
}

static BANA_RES fail_file(struct bana_ctx *ctx, const char *path, const char *why)
{
	return bana_fail(ctx, BANA_INTERNAL, bana_print(ctx->arena, "%s: %s", path, why),
		"see APP_ENV_MIGRATIONS_DIR");
}

static BANA_RES read_file(struct bana_ctx *ctx, const char *path, bana_str *text)
{
	const char *why = bana_file_read(ctx->arena, path, FILE_BYTES_MAX, text);
	return why == NULL ? BANA_DONE : fail_file(ctx, path, why);
}

static const char platform[] = "platform"; /* the folder of what every service has */

/* Scripts of the platform say {service} where the name of its schema stands. */
static bana_str fill(struct bana_ctx *ctx, bana_str text)
{
	static const char mark[] = "{service}";
	struct bana_buf out;
	bana_buf_init(&out, ctx->arena);
	for (const char *at; (at = strstr(text.at, mark)) != NULL;) {
		bana_buf_add(&out, text.at, (size_t)(at - text.at));
		bana_buf_text(&out, ctx->app->service->name);
		text.at = at + strlen(mark);
	}
	bana_buf_text(&out, text.at);
	return bana_buf_str(&out);
}

/* Run `each` for the scripts of a folder (`below` the service's or the platform's) in order of
 * their numbers. The platform's are known by "platform/<name>". */
static BANA_RES for_scripts(struct bana_ctx *ctx, const char *owner, const char *below,
	BANA_RES (*each)(struct bana_ctx *ctx, const char *name, bana_str sql))
{
	const char *path =
		bana_print(ctx->arena, "%s/%s%s", ctx->app->settings->migrations_dir, owner, below);
	struct dirent **entries;
	int count = scandir(path, &entries, is_script, by_number);
	if (count < 0)
		return fail_file(ctx, path, strerror(errno));
	bana_res result = BANA_DONE;
	for (int i = 0; i < count; i++) {
		const char *name = bana_join(ctx->arena, owner == platform ? platform : "",
			owner == platform ? "/" : "", entries[i]->d_name, NULL);
		bana_str sql;
		if (result.fault == BANA_OK)
			result = read_file(ctx,
				bana_join(ctx->arena, path, "/", entries[i]->d_name, NULL), &sql);
		if (result.fault == BANA_OK)
			result = each(ctx, name, sql);
		if (result.fault != BANA_OK && ctx->failure.detail == NULL)
			ctx->failure.detail = name; /* the first that failed */
		free(entries[i]);
	}
	free(entries);
	return result;
}

static const char *sql(struct bana_ctx *ctx, const char *before, const char *after)
{
	return bana_print(ctx->arena, "%s%s%s", before, ctx->app->service->name, after);
}

/* One migrating process at a time. Asked for again and again rather than waited for: a waiting
 * statement holds a snapshot, and whoever builds an index concurrently waits for that. */
static BANA_RES lock(struct bana_ctx *ctx, const char *kind, bool *locked)
{
	const char *name = bana_join(ctx->arena, "bana migrate ", ctx->app->service->name, NULL);
	const struct bana_rows *rows;
	TRY(bana_pg_exec(ctx,
		bana_join(ctx->arena, "SELECT pg_try_advisory_", kind, "(hashtextextended($1, 0))",
			NULL),
		1, &name, &rows));
	*locked = strcmp(bana_rows_text(rows, 0, 0), "t") == 0;
	return BANA_DONE;
}

static BANA_RES pause(struct bana_ctx *ctx, int64_t deadline)
{
	if (bana_tick_us() > deadline)
		return bana_fail_later(ctx, "another migration does not end", NULL);
	nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
	return BANA_DONE;
}

/* A transaction with the lock, which goes with it. */
static BANA_RES begin(struct bana_ctx *ctx)
{
	int64_t deadline = bana_tick_us() + LIMIT_MS * 1000LL;
	for (;;) {
		bool locked;
		TRY(bana_pg_begin(ctx));
		TRY(lock(ctx, "xact_lock", &locked));
		if (locked)
			return BANA_DONE;
		bana_pg_rollback(ctx);
		TRY(pause(ctx, deadline));
	}
}

struct migration {
	const char *name;
	bana_str text;
	const char *checksum;
};

/* CONFLICT: it was applied, and has changed since. */
static BANA_RES applied(struct bana_ctx *ctx, const struct migration *m, bool *done)
{
	const struct bana_rows *rows;
	TRY(bana_pg_exec(ctx, sql(ctx, "SELECT checksum FROM ", ".\"Migration\" WHERE name = $1"),
		1, &m->name, &rows));
	*done = bana_rows_count(rows) > 0;
	if (!*done || strcmp(bana_rows_text(rows, 0, 0), m->checksum) == 0)
		return BANA_DONE;
	return bana_fail(ctx, BANA_CONFLICT,
		"an applied migration was changed; write a new one instead", NULL);
}

static BANA_RES note(struct bana_ctx *ctx, const struct migration *m)
{
	const char *values[] = {m->name, m->checksum};
	return bana_pg_exec(ctx,
		sql(ctx, "INSERT INTO ", ".\"Migration\" (name, checksum) VALUES ($1, $2)"), 2,
		values, NULL);
}

static BANA_RES apply_in_transaction(struct bana_ctx *ctx, const struct migration *m, bool *done)
{
	TRY(begin(ctx));
	TRY(applied(ctx, m, done));
	if (*done)
		return bana_pg_commit(ctx);
	TRY(bana_pg_script(ctx, fill(ctx, m->text).at, LIMIT_MS));
	TRY(note(ctx, m));
	return bana_pg_commit(ctx);
}

/* One statement after the other; each ends with a ; at the end of a line. */
static BANA_RES run_statements(struct bana_ctx *ctx, bana_str text)
{
	while (text.len > 0) {
		const char *end = strstr(text.at, ";\n");
		size_t len = end == NULL ? text.len : (size_t)(end - text.at) + 2;
		TRY(bana_pg_script(ctx, bana_copy(ctx->arena, text.at, len), LIMIT_MS));
		text = (bana_str){text.at + len, text.len - len};
	}
	return BANA_DONE;
}

/* What PostgreSQL does outside of transactions only (CREATE INDEX CONCURRENTLY). Killed in between
 * it is done again from its first statement on, so each must bear that. */
static BANA_RES apply_alone(struct bana_ctx *ctx, const struct migration *m, bool *done)
{
	int64_t deadline = bana_tick_us() + LIMIT_MS * 1000LL;
	bool locked;
	for (;;) {
		TRY(lock(ctx, "lock", &locked)); /* the session's: it goes with the connection */
		if (locked)
			break;
		TRY(pause(ctx, deadline));
	}
	TRY(applied(ctx, m, done));
	if (!*done) {
		TRY(run_statements(ctx, fill(ctx, m->text)));
		TRY(note(ctx, m));
	}
	return bana_pg_exec(ctx, "SELECT pg_advisory_unlock_all()", 0, NULL, NULL);
}

static BANA_RES apply(struct bana_ctx *ctx, const char *name, bana_str text)
{
	static const char alone[] = "-- without transaction";
	unsigned char digest[BANA_SHA256_BYTES];
	bana_sha256(text, digest);
	struct migration m = {name, text, bana_hex(ctx->arena, digest, sizeof digest)};
	bool done;
	if (strncmp(text.at, alone, strlen(alone)) == 0)
		TRY(apply_alone(ctx, &m, &done));
	else
		TRY(apply_in_transaction(ctx, &m, &done));
	if (!done)
		bana_log(ctx, BANA_INFO, "migration applied", "name", name, NULL);
	return BANA_DONE;
}

static BANA_RES sow(struct bana_ctx *ctx, const char *name, bana_str text)
{
	TRY(begin(ctx));
	TRY(bana_pg_script(ctx, fill(ctx, text).at, LIMIT_MS));
	TRY(bana_pg_commit(ctx));
	bana_log(ctx, BANA_INFO, "seed applied", "name", name, NULL);
	return BANA_DONE;
}

BANA_RES bana_run_seed(struct bana_ctx *ctx)
{
	TRY(for_scripts(ctx, platform, "/seed", sow));
	return for_scripts(ctx, ctx->app->service->name, "/seed", sow);
}

/* The platform's come after the service's own: Outreach had those tables before the platform did.
 */
BANA_RES bana_run_migrate(struct bana_ctx *ctx)
{
	TRY(begin(ctx));
	TRY(bana_pg_script(ctx, sql(ctx, "CREATE SCHEMA IF NOT EXISTS ", ""), LIMIT_MS));
	TRY(bana_pg_script(ctx,
		sql(ctx, "CREATE TABLE IF NOT EXISTS ",
			".\"Migration\" (name text PRIMARY KEY, checksum text NOT NULL,"
			" status text NOT NULL DEFAULT '302_SUCCESS',"
			" applied_at timestamptz NOT NULL DEFAULT now())"),
		LIMIT_MS));
	TRY(bana_pg_commit(ctx));
	TRY(for_scripts(ctx, ctx->app->service->name, "", apply));
	TRY(for_scripts(ctx, platform, "", apply));
	TRY(run_mend(ctx));
	return bana_run_seed(ctx);
}
