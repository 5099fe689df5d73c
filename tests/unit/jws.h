/*
 * A signer that signs whatever header and claims it is given, right or wrong.
 */
#ifndef TEST_JWS_H
#define TEST_JWS_H

#include "unit/support.h"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>

#include "bana/buf.h"
#include "bana/crypto.h"

struct signer {
	EVP_PKEY *key;
	char x[64], y[64]; /* base64url */
	char pem[512];     /* of the public key */
};

static inline void signer_init(struct signer *s, struct bana_ctx *ctx)
{
	const char *pem, *public_pem;
	bana_str x, y;
	assert_ok(bana_p256_new(ctx, &pem));
	assert_ok(bana_p256_point(ctx, bana_str_of(pem), &x, &y));
	assert_ok(bana_p256_pem(ctx, x, y, &public_pem));
	BIO *bio = BIO_new_mem_buf(pem, -1);
	s->key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
	BIO_free(bio);
	snprintf(s->x, sizeof s->x, "%s", bana_base64url(ctx->arena, x.at, x.len));
	snprintf(s->y, sizeof s->y, "%s", bana_base64url(ctx->arena, y.at, y.len));
	snprintf(s->pem, sizeof s->pem, "%s", public_pem);
}

static inline void signer_done(struct signer *s)
{
	EVP_PKEY_free(s->key);
}

/* r and s of 32 bytes each, as JWS wants them. */
static inline void sign_es256(
	const struct signer *s, const char *text, size_t len, unsigned char raw[64])
{
	unsigned char der[128];
	size_t der_len = sizeof der;
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	assert_int_equal(1, EVP_DigestSignInit(c, NULL, EVP_sha256(), NULL, s->key));
	assert_int_equal(1, EVP_DigestSign(c, der, &der_len, (const unsigned char *)text, len));
	EVP_MD_CTX_free(c);
	const unsigned char *at = der;
	ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &at, (long)der_len);
	BN_bn2binpad(ECDSA_SIG_get0_r(sig), raw, 32);
	BN_bn2binpad(ECDSA_SIG_get0_s(sig), raw + 32, 32);
	ECDSA_SIG_free(sig);
}

/* header.claims, in base64url. */
static inline char *jws_input(struct bana_ctx *ctx, const char *header, const char *claims)
{
	return bana_print(ctx->arena, "%s.%s", bana_base64url(ctx->arena, header, strlen(header)),
		bana_base64url(ctx->arena, claims, strlen(claims)));
}

static inline const char *jws(
	struct bana_ctx *ctx, const struct signer *s, const char *header, const char *claims)
{
	unsigned char raw[64];
	const char *input = jws_input(ctx, header, claims);
	sign_es256(s, input, strlen(input), raw);
	return bana_print(ctx->arena, "%s.%s", input, bana_base64url(ctx->arena, raw, sizeof raw));
}

/* What an attacker makes of a public key: an HS256 token keyed with its PEM. */
static inline const char *jws_hs256(
	struct bana_ctx *ctx, const char *key, const char *header, const char *claims)
{
	unsigned char mac[32];
	unsigned bytes = sizeof mac;
	const char *input = jws_input(ctx, header, claims);
	HMAC(EVP_sha256(), key, (int)strlen(key), (const unsigned char *)input, strlen(input), mac,
		&bytes);
	return bana_print(ctx->arena, "%s.%s", input, bana_base64url(ctx->arena, mac, sizeof mac));
}

static inline const char *jwk_text(
	struct bana_ctx *ctx, const struct signer *s, const char *kid, const char *more)
{
	return bana_print(ctx->arena,
		"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"%s\",\"y\":\"%s\",\"kid\":\"%s\"%s}",
		s->x, s->y, kid, more);
}

#endif
