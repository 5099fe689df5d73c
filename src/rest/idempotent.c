#include "bana/idempotent.h"

#include "bana/actor.h"
#include "bana/app.h"
#include "bana/crypto.h"
#include "bana/pg.h"
#include "bana/req.h"

enum { KEY_BYTES_MAX = 255 };

#define TABLE ".\"IdempotencyKey\""

struct once {
	const char *id;          /* of caller, path and key */
	const char *fingerprint; /* of the rest of the request */
	const char *hours;
};

/* A string of RFC 8941 as the draft wants it, or the same bare, as many send it. */
static BANA_RES read_key(struct bana_ctx *ctx, const char *header, bana_str *key)
{
	bana_str text = bana_str_of(header);
	bool quoted = text.len >= 2 && text.at[0] == '"' && text.at[text.len - 1] == '"';
	if (quoted)
		text = (bana_str){text.at + 1, text.len - 2};
	bool good = text.len >= 1 && text.len <= KEY_BYTES_MAX;
	for (size_t i = 0; good && i < text.len; i++)
		good = text.at[i] > ' ' && text.at[i] < 0x7F && text.at[i] != '"' &&
		       text.at[i] != '\\';
	*key = text;
	if (good)
		return BANA_DONE;
	bana_issue_add(ctx, "Idempotency-Key", "invalid_format", NULL,
		"Invalid key: expected 1 to 255 visible ASCII characters without quotes and "
		"backslashes");
	return bana_fail(ctx, BANA_MALFORMED, "Invalid Idempotency-Key", NULL);
}

/* No part but the last may hold a line feed. */
static void name_request(struct bana_req *q, bana_str key, struct once *once)
{
	struct bana_ctx *ctx = &q->ctx;
	struct bana_buf id, rest;
	unsigned char digest[BANA_SHA256_BYTES];
	bana_buf_init(&id, ctx->arena);
	bana_buf_init(&rest, ctx->arena);
	bana_buf_print(&id, "%s\n%s\n%s\n%.*s\n%.*s", ctx->actor == NULL ? "visitor" : "user",
		ctx->actor == NULL ? "" : ctx->actor->principal_type,
		ctx->actor == NULL ? "" : ctx->actor->user_id, (int)q->path.len, q->path.at,
		(int)key.len, key.at);
	bana_buf_print(&rest, "%.*s\n", (int)q->query.len, q->query.at);
	bana_buf_add(&rest, q->body.at, q->body.len);
	bana_sha256(bana_buf_str(&rest), digest);
	once->fingerprint = bana_hex(ctx->arena, digest, sizeof digest);
	bana_sha256(bana_buf_str(&id), digest);
	once->id = bana_hex(ctx->arena, digest, sizeof digest);
	once->hours =
		bana_print(ctx->arena, "%lld", (long long)ctx->app->settings->idempotency_hours);
}

enum { FINGERPRINT, STATUS, MEDIA, HEADERS, BODY };

static BANA_RES repeat(struct bana_req *q, const struct once *once, const struct bana_rows *rows)
{
	struct bana_ctx *ctx = &q->ctx;
	int64_t status;
	if (strcmp(bana_rows_text(rows, 0, FINGERPRINT), once->fingerprint) != 0) {
		bana_issue_add(ctx, "Idempotency-Key", "custom", NULL,
			"The key was used with another request: take a new one for other content");
		return bana_issues_close(ctx);
	}
	if (bana_rows_text(rows, 0, BODY) == NULL)
		return bana_fail(ctx, BANA_CONFLICT,
			"The first answer was erased, on demand of the person in it", NULL);
	TRY(bana_parse_int(bana_str_of(bana_rows_text(rows, 0, STATUS)), 100, 599, &status));
	bana_buf_text(&q->headers, bana_rows_text(rows, 0, HEADERS));
	bana_reply_header(q, "Idempotent-Replayed", "true");
	return bana_reply_text(q, (int)status, bana_rows_text(rows, 0, MEDIA),
		bana_str_of(bana_rows_text(rows, 0, BODY)));
}

/* The lock is the database's, so it holds over all pools, and is gone with the one who held it.
 * What was committed under it is seen by the statement after; that needs no lock to be given again.
 */
static BANA_RES look(struct bana_ctx *ctx, const struct once *once, const struct bana_rows **rows)
{
	const char *sql = bana_join(ctx->arena,
		"SELECT fingerprint, status, media, headers, body FROM ", ctx->app->service->name,
		TABLE " WHERE id = $1 AND created_at > now() - make_interval(hours => $2::int)",
		NULL);
	const char *values[] = {once->id, once->hours};
	struct bana_step steps[] = {{.sql = "BEGIN"},
		{"SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0))", 1, values, NULL},
		{sql, 2, values, NULL}};
	TRY(bana_pg_batch(ctx, steps, 3));
	*rows = steps[2].rows;
	if (bana_rows_count(*rows) > 0 || *bana_rows_text(steps[1].rows, 0, 0) == 't')
		return BANA_DONE;
	ctx->failure.retry_after_s = 1;
	return bana_fail(
		ctx, BANA_CONFLICT, "A request with this Idempotency-Key is still running", NULL);
}

/* A bounded piece, now and then, after the reply: as many go as came, and a few more. */
static void prune(struct bana_ctx *ctx, void *hours)
{
	const char *values[] = {hours};
	const char *table = bana_join(ctx->arena, ctx->app->service->name, TABLE, NULL);
	bana_ignore(bana_pg_exec(ctx,
			    bana_join(ctx->arena, "DELETE FROM ", table,
				    " WHERE id = ANY (ARRAY(SELECT id FROM ", table,
				    " WHERE created_at < now() - make_interval(hours => $1::int)"
				    " ORDER BY created_at LIMIT 100 FOR UPDATE SKIP LOCKED))",
				    NULL),
			    1, values, NULL),
		"those that are too old are not found in any case");
}

static BANA_RES keep(struct bana_req *q, const struct once *once)
{
	enum { ONE_OF = 32 };
	struct bana_ctx *ctx = &q->ctx;
	char status[BANA_INT_BYTES];
	const char *sql = bana_join(ctx->arena, "INSERT INTO ", ctx->app->service->name,
		TABLE " AS k (id, fingerprint, status, media, headers, body, by_user)"
		      " VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (id) DO UPDATE SET"
		      " (created_at, fingerprint, status, media, headers, body) = (now(),"
		      " excluded.fingerprint, excluded.status, excluded.media, excluded.headers,"
		      " excluded.body)", /* too old, and not yet pruned */
		NULL);
	const char *values[] = {once->id, once->fingerprint, bana_int_write(q->status, status),
		q->media, bana_copy(ctx->arena, q->headers.at, q->headers.len),
		bana_copy(ctx->arena, q->reply.at, q->reply.len), ctx->actor == NULL ? "f" : "t"};
	struct bana_step steps[] = {{sql, 7, values, NULL}, {.sql = "COMMIT"}};
	TRY(bana_pg_batch(ctx, steps, 2));
	if (bana_random_word() % ONE_OF == 0)
		bana_after_add(ctx, prune, (void *)(uintptr_t)once->hours);
	return BANA_DONE;
}

static BANA_RES once_only(struct bana_req *q, const struct once *once)
{
	const struct bana_rows *rows;
	TRY(look(&q->ctx, once, &rows));
	if (bana_rows_count(rows) > 0)
		return repeat(q, once, rows);
	bana_pg_hold(&q->ctx, true);
	TRY(q->route->call->handle(q));
	bana_pg_hold(&q->ctx, false);
	return keep(q, once);
}

BANA_RES bana_idempotent(struct bana_req *q)
{
	const char *header = bana_req_header(q, "HTTP_IDEMPOTENCY_KEY");
	struct once once;
	bana_str key;
	if (header == NULL || strcmp(q->route->verb, "POST") != 0)
		return q->route->call->handle(q);
	TRY(read_key(&q->ctx, header, &key));
	name_request(q, key, &once);
	return once_only(q, &once);
}

void bana_idempotent_forget_step(struct bana_ctx *ctx, const char *texts, struct bana_step *step)
{
	const char **values = bana_alloc(ctx->arena, sizeof *values);
	values[0] = texts;
	*step = (struct bana_step){
		bana_join(ctx->arena, "UPDATE ", ctx->app->service->name,
			TABLE " SET body = NULL, headers = '' WHERE by_user AND EXISTS (SELECT FROM"
			      " unnest($1::text[]) AS t (text)"
			      " WHERE strpos(lower(body), lower(t.text)) > 0)",
			NULL),
		1, values, NULL};
}
