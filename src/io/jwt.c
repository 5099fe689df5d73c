#include "bana/jwt.h"

#include <jwt.h>
#include <stdlib.h>

#include "bana/ctx.h"

static void free_jwt(void *jwt)
{
	jwt_free(jwt);
}

BANA_RES bana_jwt_check(struct bana_ctx *ctx, const char *token, const char *public_pem)
{
	jwt_t *jwt = NULL;
	int error =
		jwt_decode(&jwt, token, (const unsigned char *)public_pem, (int)strlen(public_pem));
	bana_defer(ctx->arena, free_jwt, jwt);
	if (error != 0 || jwt == NULL || jwt_get_alg(jwt) != JWT_ALG_ES256)
		return bana_fail(ctx, BANA_NO_TOKEN, NULL, "signature");
	return BANA_DONE;
}

BANA_RES bana_jwt_sign(struct bana_ctx *ctx, const char *claims, const char *kid,
	const char *private_pem, const char **token)
{
	jwt_t *jwt = NULL;
	if (jwt_new(&jwt) != 0)
		abort();
	bana_defer(ctx->arena, free_jwt, jwt);
	if (jwt_add_grants_json(jwt, claims) != 0 ||
		(kid != NULL && jwt_add_header(jwt, "kid", kid) != 0) ||
		jwt_set_alg(jwt, JWT_ALG_ES256, (const unsigned char *)private_pem,
			(int)strlen(private_pem)) != 0)
		return BANA_IS(MALFORMED);
	char *text = jwt_encode_str(jwt);
	if (text == NULL)
		return BANA_IS(MALFORMED);
	*token = bana_copy(ctx->arena, text, strlen(text));
	free(text);
	return BANA_DONE;
}
