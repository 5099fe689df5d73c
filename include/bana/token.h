/*
 * Bearer tokens: compact JWS, ES256 only, keys from a JWK set (RFC 7515, 7517, 7519; claims as
 * ignis writes them, ignis.md 4.2 to 4.4).
 */
#ifndef BANA_TOKEN_H
#define BANA_TOKEN_H

#include "bana/text.h"

struct bana_actor;
struct bana_ctx;
struct bana_jwks;
struct bana_json;
struct bana_pool;
struct bana_settings;
struct bana_token_cache;

/* ---- the key set ------------------------------------------------------------------------------
 */

/* Shared by the workers of a pool: one of them fetches, all see the result. Never fetched more
 * often than APP_ENV_JWKS_REFETCH_MS allows; the last good set is kept while the issuer is away. */
struct bana_jwks *bana_jwks_new(const struct bana_settings *settings, struct bana_pool *pool);
void bana_jwks_free(struct bana_jwks *jwks);

/* Replace the keys by those of a JWK set or a single JWK (verdict program, tests).
 * MALFORMED: no usable P-256 signing key in it. */
BANA_RES bana_jwks_load(struct bana_ctx *ctx, struct bana_jwks *jwks, bana_str text);

/* PEM of the key that `kid` names (NULL: the only one). Fetches when there is none, when the set
 * has aged, or when the kid is unknown. NO_TOKEN: no such key; UNAVAILABLE: no set could be had
 * yet. *generation changes with the set. The PEM lives until the set changes. */
BANA_RES bana_jwks_key(struct bana_ctx *ctx, struct bana_jwks *jwks, const char *kid,
	const char **pem, uint64_t *generation);

/* Is the set old enough, and the last fetch long enough ago, for the next one? */
bool bana_jwks_aged(const struct bana_jwks *jwks);

/* ---- one token --------------------------------------------------------------------------------
 */

/* Verify without a cache. NO_TOKEN with the reason for the log (never for the client). */
BANA_RES bana_token_verify(struct bana_ctx *ctx, const struct bana_settings *settings,
	struct bana_jwks *jwks, bana_str token, struct bana_actor *actor, uint64_t *generation);

/* Verified tokens by SHA-256 until they expire or the key set changes. Bounded, per process. */
struct bana_token_cache *bana_token_cache_new(void);
void bana_token_cache_free(struct bana_token_cache *cache);

/* As bana_token_verify with everything from ctx->app; sets ctx->actor (in the arena). */
BANA_RES bana_token_admit(struct bana_ctx *ctx, bana_str token);

/* The claims of a payload (a JSON object) as an actor; decrypts them when the settings hold a
 * secret. NO_TOKEN: anything missing, of the wrong type, expired, not yet valid or not for us. */
BANA_RES bana_claims_read(struct bana_ctx *ctx, const struct bana_settings *settings,
	const struct bana_json *claims, struct bana_actor *actor);

#endif
