#include "fuzz/fuzz.h"

#include "bana/actor.h"
#include "bana/json.h"
#include "bana/token.h"

/* The key of RFC 7515 appendix A.3: its private half is public, but no mutation will sign with it.
 * The one token in the corpus that is signed has expired, so nothing may ever be accepted. */
static const char jwk[] = "{\"kty\":\"EC\",\"crv\":\"P-256\","
			  "\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
			  "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}";

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static struct bana_jwks *jwks;
	struct bana_ctx *ctx = fuzz_ctx();
	struct bana_actor actor;
	uint64_t generation;
	if (jwks == NULL) {
		jwks = bana_jwks_new(fuzz_settings(), NULL);
		MUST(bana_jwks_load(ctx, jwks, bana_str_of(jwk)).fault == BANA_OK);
		ctx = fuzz_ctx();
	}
	bana_res r = bana_token_verify(
		ctx, fuzz_settings(), jwks, fuzz_str(bytes, len), &actor, &generation);
	MUST(r.fault == BANA_NO_TOKEN && ctx->failure.why != NULL);
	/* and the claims alone, as if they had been signed */
	const struct bana_json *claims;
	ctx = fuzz_ctx();
	if (bana_json_parse(ctx, fuzz_str(bytes, len), BANA_JSON_DEPTH_MAX, &claims).fault !=
		BANA_OK)
		return 0;
	r = bana_claims_read(ctx, fuzz_settings(), claims, &actor);
	MUST(r.fault == BANA_OK || r.fault == BANA_NO_TOKEN);
	if (r.fault == BANA_OK)
		MUST(*actor.user_id != '\0' && *actor.principal_type != '\0' &&
			actor.expires_at > 0 && actor.role_count <= BANA_ROLES_MAX);
	return 0;
}
