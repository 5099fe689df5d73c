#include "bana/crypto.h"

#include <assert.h>
#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/rand.h>

#include "bana/buf.h"
#include "bana/ctx.h"

enum { COORDINATE_BYTES = 32, IV_BYTES = 16, TAG_BYTES = 16 };

void bana_sha256(bana_str text, unsigned char digest[BANA_SHA256_BYTES])
{
	/* Kept for the process: OpenSSL 3 takes longer to set a digest up than to run it. */
	static EVP_MD *sha256;
	static EVP_MD_CTX *c;
	if (c == NULL) {
		sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
		c = EVP_MD_CTX_new();
	}
	bool done = EVP_DigestInit_ex(c, sha256, NULL) == 1 &&
		    EVP_DigestUpdate(c, text.at, text.len) == 1 &&
		    EVP_DigestFinal_ex(c, digest, NULL) == 1;
	assert(done);
}

struct bana_hmac *bana_hmac_new(bana_str key)
{
	char name[] = "SHA256";
	const OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0),
		OSSL_PARAM_construct_end()};
	EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	EVP_MAC_CTX *c = mac == NULL ? NULL : EVP_MAC_CTX_new(mac);
	EVP_MAC_free(mac);
	int done = c == NULL ? 0 : EVP_MAC_init(c, (const unsigned char *)key.at, key.len, params);
	assert(done == 1);
	return (struct bana_hmac *)c;
}

void bana_hmac_free(struct bana_hmac *hmac)
{
	EVP_MAC_CTX_free((EVP_MAC_CTX *)hmac);
}

void bana_hmac(struct bana_hmac *hmac, bana_str text, unsigned char digest[BANA_SHA256_BYTES])
{
	EVP_MAC_CTX *c = (EVP_MAC_CTX *)hmac;
	size_t bytes = 0;
	bool done = EVP_MAC_init(c, NULL, 0, NULL) == 1 && /* the same key again */
		    EVP_MAC_update(c, (const unsigned char *)text.at, text.len) == 1 &&
		    EVP_MAC_final(c, digest, &bytes, BANA_SHA256_BYTES) == 1;
	assert(done);
}

bool bana_same_secret(const void *a, const void *b, size_t bytes)
{
	return CRYPTO_memcmp(a, b, bytes) == 0;
}

void bana_random(void *at, size_t bytes)
{
	int made = RAND_bytes(at, (int)bytes);
	assert(made == 1); /* no safe way to go on without */
}

uint64_t bana_random_word(void)
{
	uint64_t word;
	bana_random(&word, sizeof word);
	return word | (word == 0);
}

char *bana_uuid(struct bana_ctx *ctx)
{
	unsigned char b[16];
	bana_random(b, sizeof b);
	b[6] = (unsigned char)((b[6] & 0x0F) | 0x40);
	b[8] = (unsigned char)((b[8] & 0x3F) | 0x80);
	const char *hex = bana_hex(ctx->arena, b, sizeof b);
	return bana_print(ctx->arena, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16,
		hex + 20);
}

static void free_key(void *key)
{
	EVP_PKEY_free(key);
}

static void free_bio(void *bio)
{
	BIO_free(bio);
}

static const char *bio_text(struct bana_ctx *ctx, BIO *bio)
{
	char *at;
	long len = BIO_get_mem_data(bio, &at);
	return bana_copy(ctx->arena, at, (size_t)len);
}

static BANA_RES point_key(struct bana_ctx *ctx, bana_str x, bana_str y, EVP_PKEY **key)
{
	if (x.len != COORDINATE_BYTES || y.len != COORDINATE_BYTES)
		return BANA_IS(MALFORMED);
	unsigned char point[1 + 2 * COORDINATE_BYTES] = {POINT_CONVERSION_UNCOMPRESSED};
	memcpy(point + 1, x.at, x.len);
	memcpy(point + 1 + COORDINATE_BYTES, y.at, y.len);
	char curve[] = SN_X9_62_prime256v1;
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, curve, 0),
		OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point),
		OSSL_PARAM_construct_end()};
	EVP_PKEY_CTX *maker = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	*key = NULL;
	bool made = maker != NULL && EVP_PKEY_fromdata_init(maker) == 1 &&
		    EVP_PKEY_fromdata(maker, key, EVP_PKEY_PUBLIC_KEY, params) == 1;
	EVP_PKEY_CTX_free(maker);
	bana_defer(ctx->arena, free_key, *key);
	return made ? BANA_DONE : BANA_IS(MALFORMED);
}

BANA_RES bana_p256_pem(struct bana_ctx *ctx, bana_str x, bana_str y, const char **pem)
{
	EVP_PKEY *key;
	TRY(point_key(ctx, x, y, &key));
	BIO *bio = BIO_new(BIO_s_mem());
	bana_defer(ctx->arena, free_bio, bio);
	if (bio == NULL || PEM_write_bio_PUBKEY(bio, key) != 1)
		return BANA_IS(MALFORMED);
	*pem = bio_text(ctx, bio);
	return BANA_DONE;
}

BANA_RES bana_p256_new(struct bana_ctx *ctx, const char **pem)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	bana_defer(ctx->arena, free_key, key);
	BIO *bio = BIO_new(BIO_s_mem());
	bana_defer(ctx->arena, free_bio, bio);
	if (key == NULL || bio == NULL ||
		PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) != 1)
		return BANA_IS(INTERNAL);
	*pem = bio_text(ctx, bio);
	return BANA_DONE;
}

BANA_RES bana_p256_point(struct bana_ctx *ctx, bana_str pem, bana_str *x, bana_str *y)
{
	BIO *bio = BIO_new_mem_buf(pem.at, (int)pem.len);
	bana_defer(ctx->arena, free_bio, bio);
	EVP_PKEY *key = bio == NULL ? NULL : PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
	bana_defer(ctx->arena, free_key, key);
	char curve[32] = "";
	if (key == NULL || EVP_PKEY_get_group_name(key, curve, sizeof curve, NULL) != 1 ||
		strcmp(curve, SN_X9_62_prime256v1) != 0)
		return BANA_IS(MALFORMED);
	static const char *const names[] = {OSSL_PKEY_PARAM_EC_PUB_X, OSSL_PKEY_PARAM_EC_PUB_Y};
	bana_str *const out[] = {x, y};
	for (size_t i = 0; i < 2; i++) {
		BIGNUM *n = NULL;
		if (EVP_PKEY_get_bn_param(key, names[i], &n) != 1)
			return BANA_IS(MALFORMED);
		unsigned char *bytes = bana_alloc(ctx->arena, COORDINATE_BYTES);
		BN_bn2binpad(n, bytes, COORDINATE_BYTES);
		BN_free(n);
		*out[i] = (bana_str){(char *)bytes, COORDINATE_BYTES};
	}
	return BANA_DONE;
}

static void free_cipher(void *cipher)
{
	EVP_CIPHER_CTX_free(cipher);
}

BANA_RES bana_aes256_open(struct bana_ctx *ctx, bool gcm, const unsigned char key[32],
	bana_str sealed, bana_str *plain)
{
	size_t front = IV_BYTES + (gcm ? TAG_BYTES : 0);
	if (sealed.len < front || sealed.len > INT32_MAX)
		return BANA_IS(MALFORMED);
	const unsigned char *in = (const unsigned char *)sealed.at;
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	bana_defer(ctx->arena, free_cipher, c);
	unsigned char *out = bana_alloc(ctx->arena, sealed.len + IV_BYTES);
	unsigned char tag[TAG_BYTES];
	memcpy(tag, in + (gcm ? IV_BYTES : 0), sizeof tag);
	int n = 0, last = 0;
	bool good =
		c != NULL &&
		EVP_DecryptInit_ex(
			c, gcm ? EVP_aes_256_gcm() : EVP_aes_256_cbc(), NULL, NULL, NULL) == 1 &&
		(!gcm || EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_IVLEN, IV_BYTES, NULL) == 1) &&
		EVP_DecryptInit_ex(c, NULL, NULL, key, in) == 1 &&
		(!gcm || EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_TAG, TAG_BYTES, tag) == 1) &&
		EVP_DecryptUpdate(c, out, &n, in + front, (int)(sealed.len - front)) == 1 &&
		EVP_DecryptFinal_ex(c, out + n, &last) == 1;
	if (!good)
		return BANA_IS(MALFORMED);
	*plain = (bana_str){(char *)out, (size_t)(n + last)};
	return BANA_DONE;
}
