/*
 * libjwt 1.10 takes the algorithm from the token, forgives bad base64url and checks no claim. So
 * the token is split, decoded and its header judged here first; libjwt only sees the signature of a
 * token whose header says ES256, with a key that can only be an EC public key.
 */
#include "bana/token.h"

#include "bana/actor.h"
#include "bana/app.h"
#include "bana/clock.h"
#include "bana/crypto.h"
#include "bana/ctx.h"
#include "bana/json.h"
#include "bana/jwt.h"
#include "bana/pool.h"

#include <stdlib.h>
#include <strings.h>

enum { TOKEN_BYTES_MAX = 8192, SIGNATURE_BYTES = 64, KID_BYTES_MAX = 128 };

static BANA_RES refuse(struct bana_ctx *ctx, const char *why)
{
	return bana_fail(ctx, BANA_NO_TOKEN, NULL, why);
}

static BANA_RES read_part(struct bana_ctx *ctx, bana_str part, const struct bana_json **object)
{
	bana_str text;
	struct bana_failure before = ctx->failure;
	if (bana_base64url_decode(ctx->arena, part, &text).fault == BANA_OK &&
		bana_json_parse(ctx, text, BANA_JSON_DEPTH_MAX, object).fault == BANA_OK &&
		bana_json_kind(*object) == BANA_JSON_OBJECT)
		return BANA_DONE;
	ctx->failure = before;
	return refuse(ctx, "a part is no base64url of a JSON object");
}

/* alg is exactly ES256; typ, when there, is JWT; nothing critical that we would have to know. */
static BANA_RES check_header(struct bana_ctx *ctx, const struct bana_json *header, const char **kid)
{
	const struct bana_json *value;
	if (!bana_json_get(header, "alg", &value) || bana_json_kind(value) != BANA_JSON_STRING ||
		!bana_str_is(bana_json_str(value), "ES256"))
		return refuse(ctx, "alg is not ES256");
	if (bana_json_get(header, "typ", &value) &&
		(bana_json_kind(value) != BANA_JSON_STRING || bana_json_str(value).len != 3 ||
			strncasecmp(bana_json_str(value).at, "JWT", 3) != 0))
		return refuse(ctx, "typ is not JWT");
	if (bana_json_get(header, "crit", &value) || bana_json_get(header, "b64", &value))
		return refuse(ctx, "critical header");
	*kid = NULL;
	if (!bana_json_get(header, "kid", &value))
		return BANA_DONE;
	if (bana_json_kind(value) != BANA_JSON_STRING || bana_json_str(value).len == 0 ||
		bana_json_str(value).len > KID_BYTES_MAX)
		return refuse(ctx, "kid is no short text");
	*kid = bana_copy(ctx->arena, bana_json_str(value).at, bana_json_str(value).len);
	return BANA_DONE;
}

BANA_RES bana_token_verify(struct bana_ctx *ctx, const struct bana_settings *settings,
	struct bana_jwks *jwks, bana_str token, struct bana_actor *actor, uint64_t *generation)
{
	if (token.len > TOKEN_BYTES_MAX)
		return refuse(ctx, "too long");
	bana_str rest, signature_text, signature;
	bana_str header_text = bana_str_cut(token, '.', &rest);
	bana_str claims_text = bana_str_cut(rest, '.', &signature_text);
	const struct bana_json *header, *claims;
	const char *kid, *pem;
	TRY(read_part(ctx, header_text, &header));
	TRY(check_header(ctx, header, &kid));
	TRY(read_part(ctx, claims_text, &claims));
	if (bana_base64url_decode(ctx->arena, signature_text, &signature).fault != BANA_OK ||
		signature.len != SIGNATURE_BYTES)
		return refuse(ctx, "signature is not 64 bytes of base64url");
	TRY(bana_jwks_key(ctx, jwks, kid, &pem, generation));
	TRY(bana_jwt_check(ctx, bana_copy(ctx->arena, token.at, token.len), pem));
	return bana_claims_read(ctx, settings, claims, actor);
}

/* ---- the cache: 4 places a set, the digest chooses the set ------------------------------------
 */

enum { SETS = 64, WAYS = 4 };

struct entry {
	unsigned char digest[BANA_SHA256_BYTES];
	struct bana_actor actor;
	uint64_t generation; /* of the key set it was verified with; 0: empty */
};

struct bana_token_cache {
	struct entry entries[SETS][WAYS];
	unsigned char next[SETS];
};

struct bana_token_cache *bana_token_cache_new(void)
{
	struct bana_token_cache *cache = calloc(1, sizeof *cache);
	if (cache == NULL)
		abort();
	return cache;
}

void bana_token_cache_free(struct bana_token_cache *cache)
{
	free(cache);
}

static const struct bana_actor *look_up(
	const struct bana_token_cache *cache, const unsigned char *digest, uint64_t generation)
{
	const struct entry *set = cache->entries[digest[0] % SETS];
	for (size_t i = 0; i < WAYS; i++) {
		if (set[i].generation == generation && generation != 0 &&
			memcmp(set[i].digest, digest, BANA_SHA256_BYTES) == 0 &&
			set[i].actor.expires_at > bana_now_us())
			return &set[i].actor;
	}
	return NULL;
}

static void keep(struct bana_token_cache *cache, const unsigned char *digest, uint64_t generation,
	const struct bana_actor *actor)
{
	size_t set = digest[0] % SETS;
	struct entry *e = &cache->entries[set][cache->next[set]++ % WAYS];
	memcpy(e->digest, digest, sizeof e->digest);
	e->actor = *actor;
	e->generation = generation;
}

static BANA_RES admit(struct bana_ctx *ctx, bana_str token)
{
	const struct bana_app *app = ctx->app;
	unsigned char digest[BANA_SHA256_BYTES];
	bana_sha256(token, digest);
	uint64_t generation = atomic_load(&app->pool->shared->keys_generation);
	const struct bana_actor *known = look_up(app->tokens, digest, generation);
	struct bana_actor *actor = bana_alloc(ctx->arena, sizeof *actor);
	bool trusted = known != NULL && !bana_jwks_aged(app->jwks);
	bana_count(app->pool, trusted ? BANA_METRIC_TOKEN_KNOWN : BANA_METRIC_TOKEN_NEW, 1);
	if (trusted) {
		*actor = *known;
	} else {
		TRY(bana_token_verify(ctx, app->settings, app->jwks, token, actor, &generation));
		keep(app->tokens, digest, generation, actor);
	}
	ctx->actor = actor;
	return BANA_DONE;
}

BANA_RES bana_token_admit(struct bana_ctx *ctx, bana_str token)
{
	bana_res admitted = admit(ctx, token);
	if (admitted.fault == BANA_NO_TOKEN)
		bana_count(ctx->app->pool, BANA_METRIC_TOKEN_REFUSED, 1);
	return admitted;
}
