/*
 * Signatures of compact tokens (libjwt), ES256 only. libjwt takes the algorithm from the token and
 * checks no claim, so the caller (auth/token) has parsed the header strictly before, hands in a key
 * that can only be an EC public key, and checks the claims itself afterwards.
 */
#ifndef BANA_JWT_H
#define BANA_JWT_H

#include "bana/text.h"

struct bana_ctx;

/* NO_TOKEN: the signature of `token` is not that of `public_pem`'s owner, or libjwt finds another
 * algorithm than ES256. */
BANA_RES bana_jwt_check(struct bana_ctx *ctx, const char *token, const char *public_pem);

/* A token over `claims` (a JSON object) signed with a P-256 private key; for tools and tests.
 * `kid` may be NULL. MALFORMED: key or claims are unusable. */
BANA_RES bana_jwt_sign(struct bana_ctx *ctx, const char *claims, const char *kid,
	const char *private_pem, const char **token);

#endif
