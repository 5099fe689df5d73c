/*
 * Cryptography (OpenSSL): digests, random bytes, P-256 keys, the ciphers of ignis claims.
 */
#ifndef BANA_CRYPTO_H
#define BANA_CRYPTO_H

#include "bana/text.h"

struct bana_ctx;

enum { BANA_SHA256_BYTES = 32 };

void bana_sha256(bana_str text, unsigned char digest[BANA_SHA256_BYTES]);

/* HMAC-SHA-256 with a key set up once (that takes longer than to use it). Process lifetime. */
struct bana_hmac;
struct bana_hmac *bana_hmac_new(bana_str key);
void bana_hmac_free(struct bana_hmac *hmac);
void bana_hmac(struct bana_hmac *hmac, bana_str text, unsigned char digest[BANA_SHA256_BYTES]);

/* In a time that depends on `bytes` only. */
bool bana_same_secret(const void *a, const void *b, size_t bytes);

void bana_random(void *at, size_t bytes);
uint64_t bana_random_word(void); /* never 0 */

/* A random UUID (version 4), lower case, in the arena. */
char *bana_uuid(struct bana_ctx *ctx);

/* The public key of a P-256 point as PEM (SubjectPublicKeyInfo). MALFORMED: x or y is not 32
 * bytes, or the point is not on the curve. */
BANA_RES bana_p256_pem(struct bana_ctx *ctx, bana_str x, bana_str y, const char **pem);

/* A new private key as PEM (PKCS#8). */
BANA_RES bana_p256_new(struct bana_ctx *ctx, const char **pem);

/* The public point of a private key in PEM. MALFORMED: not a P-256 private key. */
BANA_RES bana_p256_point(struct bana_ctx *ctx, bana_str pem, bana_str *x, bana_str *y);

/* AES-256-CBC (IV16, ciphertext, PKCS#7) or AES-256-GCM (IV16, tag16, ciphertext) as ignis writes
 * them. MALFORMED: does not decrypt. */
BANA_RES bana_aes256_open(struct bana_ctx *ctx, bool gcm, const unsigned char key[32],
	bana_str sealed, bana_str *plain);

#endif
