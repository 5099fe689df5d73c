#include "bana/token.h"

#include "bana/clock.h"
#include "bana/crypto.h"
#include "bana/ctx.h"
#include "bana/http.h"
#include "bana/json.h"
#include "bana/log.h"
#include "bana/pool.h"
#include "bana/setting.h"

#include <stdlib.h>
#include <time.h>

enum { KEYS_MAX = 16, KID_BYTES_MAX = 128, NO_KEYS_RETRY_MS = 2000, FIRST_KEYS_WAIT_MS = 200 };

struct key {
	const char *kid; /* "" when the JWK has none */
	const char *pem;
};

struct bana_jwks {
	const struct bana_settings *settings;
	struct bana_pool *pool;
	struct bana_arena *arena; /* of the keys at hand */
	struct key keys[KEYS_MAX];
	size_t count;
	uint64_t generation; /* of the pool's set that was loaded; 0: none */
};

struct bana_jwks *bana_jwks_new(const struct bana_settings *settings, struct bana_pool *pool)
{
	struct bana_jwks *jwks = calloc(1, sizeof *jwks);
	if (jwks == NULL)
		abort();
	jwks->settings = settings;
	jwks->pool = pool;
	jwks->arena = bana_arena_new();
	return jwks;
}

void bana_jwks_free(struct bana_jwks *jwks)
{
	if (jwks == NULL)
		return;
	bana_arena_free(jwks->arena);
	free(jwks);
}

static bool text_member(const struct bana_json *jwk, const char *name, bana_str *text)
{
	const struct bana_json *value;
	if (!bana_json_get(jwk, name, &value) || bana_json_kind(value) != BANA_JSON_STRING)
		return false;
	*text = bana_json_str(value);
	return true;
}

/* Absent is fine; present it must say so. */
static bool says(const struct bana_json *jwk, const char *name, const char *wanted)
{
	const struct bana_json *value;
	bana_str text;
	return !bana_json_get(jwk, name, &value) ||
	       (text_member(jwk, name, &text) && bana_str_is(text, wanted));
}

/* RFC 7517 section 4.3: key_ops, when there, must allow what we do. */
static bool may_verify(const struct bana_json *jwk)
{
	const struct bana_json *ops;
	if (!bana_json_get(jwk, "key_ops", &ops))
		return true;
	for (size_t i = 0; bana_json_kind(ops) == BANA_JSON_ARRAY && i < bana_json_len(ops); i++) {
		const struct bana_json *op = bana_json_at(ops, i);
		if (bana_json_kind(op) == BANA_JSON_STRING &&
			bana_str_is(bana_json_str(op), "verify"))
			return true;
	}
	return false;
}

/* False: not a key for us; others of the set may be. */
static bool read_key(struct bana_ctx *ctx, struct bana_arena *arena, const struct bana_json *jwk,
	struct key *key)
{
	bana_str kty, crv, x, y, kid = {"", 0};
	const char *pem;
	if (!text_member(jwk, "kty", &kty) || !bana_str_is(kty, "EC") ||
		!text_member(jwk, "crv", &crv) || !bana_str_is(crv, "P-256") ||
		!says(jwk, "use", "sig") || !says(jwk, "alg", "ES256") || !may_verify(jwk) ||
		!text_member(jwk, "x", &x) || !text_member(jwk, "y", &y))
		return false;
	if (bana_base64url_decode(ctx->arena, x, &x).fault != BANA_OK ||
		bana_base64url_decode(ctx->arena, y, &y).fault != BANA_OK ||
		bana_p256_pem(ctx, x, y, &pem).fault != BANA_OK)
		return false;
	const struct bana_json *any;
	if (bana_json_get(jwk, "kid", &any) &&
		(!text_member(jwk, "kid", &kid) || kid.len > KID_BYTES_MAX))
		return false;
	key->kid = bana_copy(arena, kid.at, kid.len);
	key->pem = bana_copy(arena, pem, strlen(pem));
	return true;
}

BANA_RES bana_jwks_load(struct bana_ctx *ctx, struct bana_jwks *jwks, bana_str text)
{
	const struct bana_json *set, *list;
	TRY(bana_json_parse(ctx, text, BANA_JSON_DEPTH_MAX, &set));
	struct bana_arena *arena = bana_arena_new();
	struct key keys[KEYS_MAX];
	size_t count = 0;
	if (!bana_json_get(set, "keys", &list)) {
		count = read_key(ctx, arena, set, &keys[0]) ? 1 : 0;
	} else if (bana_json_kind(list) == BANA_JSON_ARRAY) {
		for (size_t i = 0; i < bana_json_len(list) && count < KEYS_MAX; i++)
			count += read_key(ctx, arena, bana_json_at(list, i), &keys[count]) ? 1 : 0;
	}
	if (count == 0) {
		bana_arena_free(arena);
		return bana_fail(ctx, BANA_MALFORMED, NULL, "no usable ES256 key in the set");
	}
	bana_arena_free(jwks->arena);
	jwks->arena = arena;
	memcpy(jwks->keys, keys, sizeof keys);
	jwks->count = count;
	return BANA_DONE;
}

/* Take over what another worker fetched. Under the pool's lock. */
static BANA_RES adopt(struct bana_ctx *ctx, struct bana_jwks *jwks)
{
	struct bana_pool_shared *s = jwks->pool->shared;
	uint64_t generation = atomic_load(&s->keys_generation);
	if (generation == jwks->generation || s->keys_bytes > sizeof s->keys)
		return BANA_DONE;
	TRY(bana_jwks_load(ctx, jwks,
		(bana_str){bana_copy(ctx->arena, s->keys, s->keys_bytes), s->keys_bytes}));
	jwks->generation = generation;
	return BANA_DONE;
}

/* Fetch and share. Under the pool's lock; a set that is no good leaves the last one in place. */
static BANA_RES fetch(struct bana_ctx *ctx, struct bana_jwks *jwks)
{
	struct bana_pool_shared *s = jwks->pool->shared;
	const struct bana_settings *set = jwks->settings;
	bana_str text;
	TRY(bana_http_get(ctx, set->jwks_url, set->jwks_timeout_ms, sizeof s->keys, &text));
	TRY(bana_jwks_load(ctx, jwks, text));
	atomic_store(&s->keys_fetched_tick, bana_tick_us());
	if (jwks->generation != 0 && text.len == s->keys_bytes &&
		memcmp(s->keys, text.at, text.len) == 0)
		return BANA_DONE; /* the same keys: cached tokens stay good */
	s->keys_bytes = 0;        /* being killed here leaves no set rather than a torn one */
	memcpy(s->keys, text.at, text.len);
	s->keys_bytes = (uint32_t)text.len;
	jwks->generation = atomic_fetch_add(&s->keys_generation, 1) + 1;
	return BANA_DONE;
}

/* Adopt or fetch, under the pool's lock. The next fetch is due a gap after this one has ended; a
 * shorter one as long as there are no keys at all. */
static BANA_RES update_locked(struct bana_ctx *ctx, struct bana_jwks *jwks)
{
	struct bana_pool_shared *s = jwks->pool->shared;
	uint64_t had = jwks->generation;
	bana_res result = adopt(ctx, jwks);
	if (jwks->generation != had || bana_tick_us() < atomic_load(&s->keys_next_fetch_tick))
		return result;
	result = fetch(ctx, jwks);
	bana_count(jwks->pool,
		result.fault == BANA_OK ? BANA_METRIC_KEYS_FETCHED : BANA_METRIC_KEYS_NOT_FETCHED,
		1);
	atomic_store(&s->keys_failed, result.fault != BANA_OK);
	int64_t gap_ms = jwks->settings->jwks_refetch_ms;
	if (jwks->count == 0 && gap_ms > NO_KEYS_RETRY_MS)
		gap_ms = NO_KEYS_RETRY_MS;
	atomic_store(&s->keys_next_fetch_tick, bana_tick_us() + gap_ms * 1000);
	return result;
}

/* The lock at once when there are keys to go on with; else for as long as a healthy issuer takes. A
 * worker never waits for another one's fetch from an issuer that hangs. */
static bool lock_soon(struct bana_jwks *jwks)
{
	for (int ms = jwks->count == 0 ? FIRST_KEYS_WAIT_MS : 0;
		!bana_pool_try_lock(jwks->pool, BANA_LOCK_KEYS); ms--) {
		if (ms <= 0)
			return false;
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	}
	return true;
}

/* Bring the keys up to date, fetching only if the gap since the last fetch allows. */
static void update(struct bana_ctx *ctx, struct bana_jwks *jwks)
{
	if (jwks->pool == NULL || *jwks->settings->jwks_url == '\0')
		return;
	struct bana_pool_shared *s = jwks->pool->shared;
	if (jwks->generation == atomic_load(&s->keys_generation) &&
		bana_tick_us() < atomic_load(&s->keys_next_fetch_tick))
		return; /* nothing to adopt, nothing due */
	if (!lock_soon(jwks))
		return;
	struct bana_failure before = ctx->failure;
	bana_res result = update_locked(ctx, jwks);
	bana_pool_unlock(jwks->pool, BANA_LOCK_KEYS);
	if (result.fault != BANA_OK)
		bana_log(ctx, BANA_WARN, "key set not fetched, the last good one stays", "why",
			ctx->failure.why == NULL ? ctx->failure.detail : ctx->failure.why, NULL);
	ctx->failure = before;
}

static const struct key *find(const struct bana_jwks *jwks, const char *kid)
{
	if (kid == NULL)
		return jwks->count == 1 ? &jwks->keys[0] : NULL;
	for (size_t i = 0; i < jwks->count; i++) {
		if (strcmp(jwks->keys[i].kid, kid) == 0)
			return &jwks->keys[i];
	}
	return NULL;
}

bool bana_jwks_aged(const struct bana_jwks *jwks)
{
	struct bana_pool_shared *s = jwks->pool->shared;
	int64_t age = bana_tick_us() - atomic_load(&s->keys_fetched_tick);
	return age > jwks->settings->jwks_cache_s * 1000000 &&
	       bana_tick_us() >= atomic_load(&s->keys_next_fetch_tick);
}

BANA_RES bana_jwks_key(struct bana_ctx *ctx, struct bana_jwks *jwks, const char *kid,
	const char **pem, uint64_t *generation)
{
	bool stale = jwks->pool != NULL &&
		     (jwks->generation != atomic_load(&jwks->pool->shared->keys_generation) ||
			     bana_jwks_aged(jwks));
	if (stale || find(jwks, kid) == NULL)
		update(ctx, jwks);
	const struct key *key = find(jwks, kid);
	*generation = jwks->generation;
	if (*jwks->settings->jwks_url == '\0' && jwks->count == 0)
		return bana_fail(ctx, BANA_NO_TOKEN, NULL, "no key set is configured");
	if (key == NULL && jwks->count == 0)
		return bana_fail_later(ctx, "No key set yet", "no key set");
	if (key == NULL)
		return bana_fail(ctx, BANA_NO_TOKEN, NULL, "unknown kid");
	*pem = key->pem;
	return BANA_DONE;
}
