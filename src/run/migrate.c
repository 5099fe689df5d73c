#include "bana/app.h"
#include "bana/buf.h"
#include "bana/crypto.h"
#include "bana/ctx.h"
#include "bana/log.h"
#include "bana/pg.h"
#include "bana/run.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

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

static void close_file(void *file)
{
	fclose(file);
}

static BANA_RES fail_file(struct bana_ctx *ctx, const char *path)
{
	return bana_fail(ctx, BANA_INTERNAL,
		bana_print(ctx->arena, "%s: %s", path, strerror(errno)),
		"see APP_ENV_MIGRATIONS_DIR");
}

static BANA_RES read_file(struct bana_ctx *ctx, const char *path, bana_str *text)
{
	FILE *file = fopen(path, "re");
	if (file == NULL)
		return fail_file(ctx, path);
	bana_defer(ctx->arena, close_file, file);
	struct stat st;
	if (fstat(fileno(file), &st) != 0 || st.st_size > FILE_BYTES_MAX)
		return fail_file(ctx, path);
	char *bytes = bana_alloc(ctx->arena, (size_t)st.st_size + 1);
	size_t len = fread(bytes, 1, (size_t)st.st_size, file);
	if (ferror(file))
		return fail_file(ctx, path);
	*text = (bana_str){bytes, len};
	return BANA_DONE;
}

/* Run `each` for the scripts of a folder in order of their numbers. */
static BANA_RES for_scripts(struct bana_ctx *ctx, const char *folder,
	BANA_RES (*each)(struct bana_ctx *ctx, const char *name, bana_str sql))
{
	const char *path = bana_print(ctx->arena, "%s/%s%s", ctx->app->settings->migrations_dir,
		ctx->app->service->name, folder);
	struct dirent **entries;
	int count = scandir(path, &entries, is_script, by_number);
	if (count < 0)
		return fail_file(ctx, path);
	bana_res result = BANA_DONE;
	for (int i = 0; i < count; i++) {
		const char *name =
			bana_copy(ctx->arena, entries[i]->d_name, strlen(entries[i]->d_name));
		bana_str sql;
		if (result.fault == BANA_OK)
			result = read_file(ctx, bana_print(ctx->arena, "%s/%s", path, name), &sql);
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

/* A transaction that one migrating process at a time can be in; the lock goes with it. */
static BANA_RES begin(struct bana_ctx *ctx)
{
	const char *name = bana_join(ctx->arena, "bana migrate ", ctx->app->service->name, NULL);
	TRY(bana_pg_begin(ctx));
	return bana_pg_exec(
		ctx, "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", 1, &name, NULL);
}

static BANA_RES apply(struct bana_ctx *ctx, const char *name, bana_str text)
{
	unsigned char digest[BANA_SHA256_BYTES];
	bana_sha256(text, digest);
	const char *values[] = {name, bana_hex(ctx->arena, digest, sizeof digest)};
	const struct bana_rows *rows;
	TRY(begin(ctx));
	TRY(bana_pg_exec(ctx, sql(ctx, "SELECT checksum FROM ", ".\"Migration\" WHERE name = $1"),
		1, values, &rows));
	if (bana_rows_count(rows) > 0) {
		if (strcmp(bana_rows_text(rows, 0, 0), values[1]) == 0)
			return bana_pg_commit(ctx);
		return bana_fail(ctx, BANA_CONFLICT,
			"an applied migration was changed; write a new one instead", NULL);
	}
	TRY(bana_pg_script(ctx, text.at, LIMIT_MS));
	TRY(bana_pg_exec(ctx,
		sql(ctx, "INSERT INTO ", ".\"Migration\" (name, checksum) VALUES ($1, $2)"), 2,
		values, NULL));
	TRY(bana_pg_commit(ctx));
	bana_log(ctx, BANA_INFO, "migration applied", "name", name, NULL);
	return BANA_DONE;
}

static BANA_RES sow(struct bana_ctx *ctx, const char *name, bana_str text)
{
	TRY(begin(ctx));
	TRY(bana_pg_script(ctx, text.at, LIMIT_MS));
	TRY(bana_pg_commit(ctx));
	bana_log(ctx, BANA_INFO, "seed applied", "name", name, NULL);
	return BANA_DONE;
}

BANA_RES bana_run_seed(struct bana_ctx *ctx)
{
	return for_scripts(ctx, "/seed", sow);
}

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
	TRY(for_scripts(ctx, "", apply));
	return for_scripts(ctx, "/seed", sow);
}
