#include "unit/support.h"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "bana/crypto.h"

static bana_str unhex(struct bana_ctx *ctx, const char *hex)
{
	size_t len = strlen(hex) / 2;
	char *bytes = bana_alloc(ctx->arena, len + 1);
	for (size_t i = 0; i < len; i++)
		bytes[i] = (char)strtoul((char[]){hex[2 * i], hex[2 * i + 1], '\0'}, NULL, 16);
	return (bana_str){bytes, len};
}

/* FIPS 180-4 examples. */
static void sha256_is_that_of_the_standard(void **state)
{
	struct unit *u = *state;
	/* clang-format off */
	static const struct { const char *text, *digest; } rows[] = {
		{"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
		{"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
		{"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
			"248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
	};
	/* clang-format on */
	for (size_t i = 0; i < COUNT(rows); i++) {
		unsigned char digest[BANA_SHA256_BYTES];
		bana_sha256(bana_str_of(rows[i].text), digest);
		assert_string_equal(bana_hex(u->ctx.arena, digest, sizeof digest), rows[i].digest);
	}
}

/* RFC 4231 section 4, each twice: the key is set up once and used again. */
static void hmac_is_that_of_the_standard(void **state)
{
	struct unit *u = *state;
	char bs[20], as[131];
	memset(bs, 0x0b, sizeof bs);
	memset(as, 0xaa, sizeof as);
	/* clang-format off */
	const struct { bana_str key; const char *text, *digest; } rows[] = {
		{{bs, sizeof bs}, "Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
		{BYTES("Jefe"), "what do ya want for nothing?",
			"5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
		{{as, sizeof as}, "Test Using Larger Than Block-Size Key - Hash Key First",
			"60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
	};
	/* clang-format on */
	for (size_t i = 0; i < COUNT(rows); i++) {
		unsigned char digest[BANA_SHA256_BYTES];
		struct bana_hmac *hmac = bana_hmac_new(rows[i].key);
		for (int round = 0; round < 2; round++) {
			bana_hmac(hmac, bana_str_of(rows[i].text), digest);
			assert_string_equal(
				bana_hex(u->ctx.arena, digest, sizeof digest), rows[i].digest);
			bana_hmac(hmac, BYTES("something else"), digest);
		}
		bana_hmac_free(hmac);
	}
	bana_hmac_free(NULL);
}

static void secrets_compare_by_their_bytes(void **state)
{
	(void)state;
	assert_true(bana_same_secret("abc", "abc", 3));
	assert_false(bana_same_secret("abc", "abd", 3));
	assert_true(bana_same_secret("abc", "abd", 2));
	assert_false(bana_same_secret("\0a", "\0b", 2));
}

static void uuids_are_random_and_of_version_4(void **state)
{
	struct unit *u = *state;
	const char *last = "";
	for (int i = 0; i < 200; i++) {
		const char *id = bana_uuid(&u->ctx);
		assert_int_equal(36, strlen(id));
		assert_int_equal(36, strspn(id, "0123456789abcdef-"));
		assert_int_equal('4', id[14]);
		assert_non_null(strchr("89ab", id[19]));
		assert_true(id[8] == '-' && id[13] == '-' && id[18] == '-' && id[23] == '-');
		assert_string_not_equal(id, last);
		last = id;
	}
}

/* The key of RFC 7515 appendix A.3. */
static const char x_text[] = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU";
static const char y_text[] = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0";

static void a_point_of_the_curve_becomes_a_public_key(void **state)
{
	struct unit *u = *state;
	bana_str x, y;
	const char *pem;
	assert_ok(bana_base64url_decode(u->ctx.arena, bana_str_of(x_text), &x));
	assert_ok(bana_base64url_decode(u->ctx.arena, bana_str_of(y_text), &y));
	assert_ok(bana_p256_pem(&u->ctx, x, y, &pem));
	BIO *bio = BIO_new_mem_buf(pem, -1);
	EVP_PKEY *key = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
	assert_non_null(key);
	assert_int_equal(EVP_PKEY_EC, EVP_PKEY_get_base_id(key));
	assert_int_equal(256, EVP_PKEY_get_bits(key));
	EVP_PKEY_free(key);
	BIO_free(bio);
}

static void a_point_off_the_curve_is_refused(void **state)
{
	struct unit *u = *state;
	bana_str x, y;
	assert_ok(bana_base64url_decode(u->ctx.arena, bana_str_of(x_text), &x));
	assert_ok(bana_base64url_decode(u->ctx.arena, bana_str_of(y_text), &y));
	char bent[32], zero[32] = {0}, high[32];
	memcpy(bent, y.at, 32);
	bent[31] ^= 1;
	memset(high, 0xFF, sizeof high);
	/* clang-format off */
	const struct { bana_str x, y; const char *says; } rows[] = {
		{x, {bent, 32}, "not on the curve"}, {y, x, "swapped"}, {{zero, 32}, {zero, 32}, "zero"},
		{{high, 32}, {high, 32}, "not below p"}, {x, {y.at, 31}, "y too short"},
		{{x.at, 31}, y, "x too short"}, {x, {zero, 0}, "no y"}, {{zero, 0}, {zero, 0}, "nothing"},
	};
	/* clang-format on */
	for (size_t i = 0; i < COUNT(rows); i++) {
		const char *pem = NULL;
		assert_row(
			bana_p256_pem(&u->ctx, rows[i].x, rows[i].y, &pem).fault == BANA_MALFORMED,
			"%s", rows[i].says);
		assert_null(pem);
	}
	char longer[33] = {0};
	memcpy(longer + 1, x.at, 32);
	const char *pem;
	assert_fault(MALFORMED, bana_p256_pem(&u->ctx, (bana_str){longer, 33}, y, &pem));
}

static void a_new_key_has_a_point_on_the_curve(void **state)
{
	struct unit *u = *state;
	const char *pem, *other, *public_pem;
	bana_str x, y;
	assert_ok(bana_p256_new(&u->ctx, &pem));
	assert_ok(bana_p256_new(&u->ctx, &other));
	assert_string_not_equal(pem, other);
	assert_ok(bana_p256_point(&u->ctx, bana_str_of(pem), &x, &y));
	assert_int_equal(32, x.len);
	assert_int_equal(32, y.len);
	assert_ok(bana_p256_pem(&u->ctx, x, y, &public_pem));
	assert_fault(MALFORMED, bana_p256_point(&u->ctx, bana_str_of(public_pem), &x, &y));
	assert_fault(MALFORMED, bana_p256_point(&u->ctx, BYTES(""), &x, &y));
	assert_fault(MALFORMED,
		bana_p256_point(&u->ctx, BYTES("-----BEGIN PRIVATE KEY-----\n"), &x, &y));
}

static void only_keys_of_the_one_curve_are_taken(void **state)
{
	struct unit *u = *state;
	EVP_PKEY *keys[] = {EVP_EC_gen("P-384"), EVP_EC_gen("secp256k1"), EVP_RSA_gen(1024)};
	for (size_t i = 0; i < COUNT(keys); i++) {
		char *text;
		bana_str x, y;
		BIO *bio = BIO_new(BIO_s_mem());
		assert_non_null(keys[i]);
		PEM_write_bio_PKCS8PrivateKey(bio, keys[i], NULL, NULL, 0, NULL, NULL);
		long len = BIO_get_mem_data(bio, &text);
		assert_fault(
			MALFORMED, bana_p256_point(&u->ctx, (bana_str){text, (size_t)len}, &x, &y));
		BIO_free(bio);
		EVP_PKEY_free(keys[i]);
	}
}

static const unsigned char aes_key[] = "0123456789abcdef0123456789abcdef";

/* Sealed with another implementation, as ignis seals claims. */
static void what_others_sealed_is_opened(void **state)
{
	struct unit *u = *state;
	/* clang-format off */
	static const struct { bool gcm; const char *sealed, *plain; } rows[] = {
		{false, "0014283c5064788ca0b4c8dcf004182ceecfbf0fc6981f865026ea2b67f987d5", ""},
		{false, "d0e4f80c2034485c708498acc0d4e8fced500f2b4f9eb41cc815b4d8c79798c1", "a"},
		{false, "a0b4c8dcf004182c4054687c90a4b8cc3bd50965e69bbb07cb2a12cd02a2a1e848f47d341f592e2b3f7f9b3052d11c9e", "exactly sixteen."},
		{false, "708498acc0d4e8fc1024384c6074889c1fa2c776dc890969f556b7221e210fe6", "\xc3\xbcn\xc3\xaf"},
		{true, "4054687c90a4b8cce0f4081c3044586c0bb91fe946ee9f0214dc3c49f4445186", ""},
		{true, "1024384c6074889cb0c4d8ec0014283cd0203973d594c483c3da4f7813c35e0ef3", "a"},
		{true, "e0f4081c3044586c8094a8bcd0e4f80cc6c2d7d2b7519b46c95ae5ad61ee42da414947f74c66a1c31e8c832408c2499c", "exactly sixteen."},
	};
	/* clang-format on */
	for (size_t i = 0; i < COUNT(rows); i++) {
		bana_str plain;
		bana_str sealed = unhex(&u->ctx, rows[i].sealed);
		assert_ok(bana_aes256_open(&u->ctx, rows[i].gcm, aes_key, sealed, &plain));
		assert_true(bana_str_is(plain, rows[i].plain));
		unsigned char wrong[32];
		memcpy(wrong, aes_key, 32);
		wrong[31] ^= 1;
		bool opened = bana_aes256_open(&u->ctx, rows[i].gcm, wrong, sealed, &plain).fault ==
			      BANA_OK;
		assert_false(opened && bana_str_is(plain, rows[i].plain));
	}
}

static void what_was_cut_or_bent_is_refused(void **state)
{
	struct unit *u = *state;
	static const char cbc[] =
		"d0e4f80c2034485c708498acc0d4e8fced500f2b4f9eb41cc815b4d8c79798c1";
	static const char gcm[] =
		"1024384c6074889cb0c4d8ec0014283cd0203973d594c483c3da4f7813c35e0ef3";
	bana_str plain;
	for (size_t len = 0; len < sizeof cbc / 2; len++) {
		bana_str cut = {unhex(&u->ctx, cbc).at, len};
		assert_fault(MALFORMED, bana_aes256_open(&u->ctx, false, aes_key, cut, &plain));
	}
	bana_str whole = unhex(&u->ctx, gcm);
	for (size_t i = 0; i < whole.len; i++) {
		char bent[64];
		assert_fault(MALFORMED,
			bana_aes256_open(&u->ctx, true, aes_key, (bana_str){whole.at, i}, &plain));
		memcpy(bent, whole.at, whole.len);
		bent[i] ^= 0x10;
		assert_fault(MALFORMED, bana_aes256_open(&u->ctx, true, aes_key,
						(bana_str){bent, whole.len}, &plain));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		unit_case(sha256_is_that_of_the_standard),
		unit_case(hmac_is_that_of_the_standard),
		cmocka_unit_test(secrets_compare_by_their_bytes),
		unit_case(uuids_are_random_and_of_version_4),
		unit_case(a_point_of_the_curve_becomes_a_public_key),
		unit_case(a_point_off_the_curve_is_refused),
		unit_case(a_new_key_has_a_point_on_the_curve),
		unit_case(only_keys_of_the_one_curve_are_taken),
		unit_case(what_others_sealed_is_opened),
		unit_case(what_was_cut_or_bent_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
