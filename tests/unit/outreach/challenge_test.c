#include "outreach/challenge.h"

#include "outreach/outreach.h"
#include "unit/req.h"

static char secret[] = "0123456789abcdef0123456789abcdef";

/* The wall clock of this program. */
static int64_t now_us;
int64_t __wrap_bana_now_us(void);
int64_t __wrap_bana_now_us(void)
{
	return now_us;
}

enum { EXPIRES = 2000000000 };

/* altcha-lib made these, with the key of this secret. */
#define SALT      "0123456789abcdef01234567?expires=2000000000&"
#define CHALLENGE "9b1d7383b41b81576e59e052b215ed5ff0527fbfbd73f5f3b315962af2e5771a"
#define SIGNATURE "dacc5e6369c6677ecf770cb8250bf23bf591d3ff48b52d1b4e07c5cdbcfe6e03"
#define PAYLOAD                                                                                    \
	"eyJhbGdvcml0aG0iOiJTSEEtMjU2IiwiY2hhbGxlbmdlIjoiOWIxZDczODNiNDFiODE1NzZlNTllMDUyYjIxNWVk" \
	"NWZmMDUyN2ZiZmJkNzNmNWYzYjMxNTk2MmFmMmU1NzcxYSIsIm51bWJlciI6MTIzNCwic2FsdCI6IjAxMjM0NTY3" \
	"ODlhYmNkZWYwMTIzNDU2Nz9leHBpcmVzPTIwMDAwMDAwMDAmIiwic2lnbmF0dXJlIjoiZGFjYzVlNjM2OWM2Njc3" \
	"ZWNmNzcwY2I4MjUwYmYyM2JmNTkxZDNmZjQ4YjUyZDFiNGUwN2M1Y2RiY2ZlNmUwMyIsInRvb2siOjEyLjV9"

#define MEMBERS(challenge, number, salt, signature)                              \
	"\"challenge\":\"" challenge "\",\"number\":" number ",\"salt\":\"" salt \
	"\",\"signature\":\"" signature "\""
#define JSON(challenge, number, salt, signature) \
	"{\"algorithm\":\"SHA-256\"," MEMBERS(challenge, number, salt, signature) "}"

static bana_str base64(struct bana_arena *arena, const char *text)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t len = strlen(text), n = 0;
	char *out = bana_alloc(arena, len / 3 * 4 + 5);
	for (size_t i = 0; i < len; i += 3) {
		uint32_t word = 0;
		for (size_t j = 0; j < 3; j++)
			word = word << 8 | (i + j < len ? (unsigned char)text[i + j] : 0);
		for (size_t j = 0; j < 4; j++)
			out[n++] = i + j > len ? '=' : digits[word >> (18 - 6 * j) & 63];
	}
	return (bana_str){out, n};
}

static enum outreach_proof check(struct bana_ctx *ctx, bana_str payload)
{
	enum outreach_proof proof;
	const char *digest = NULL;
	assert_ok(outreach_challenge_check(ctx, payload, &proof, &digest));
	assert_null(ctx->failure.message);
	if (proof == OUTREACH_PROOF_GOOD)
		assert_string_equal(digest, CHALLENGE);
	return proof;
}

static int begin(void **state)
{
	unit_open(state);
	now_us = (EXPIRES - 1) * 1000000LL;
	outreach_settings = (struct outreach_settings){
		.secret = secret, .challenge_max_number = 50000, .challenge_expiry_s = 600};
	return 0;
}

static void a_solution_of_the_official_library_is_good_until_it_expires(void **state)
{
	struct unit *u = *state;
	assert_int_equal(OUTREACH_PROOF_GOOD, check(&u->ctx, BYTES(PAYLOAD)));
	assert_int_equal(OUTREACH_PROOF_GOOD,
		check(&u->ctx, base64(u->ctx.arena, JSON(CHALLENGE, "1234", SALT, SIGNATURE))));
	now_us = EXPIRES * 1000000LL - 1;
	assert_int_equal(OUTREACH_PROOF_GOOD, check(&u->ctx, BYTES(PAYLOAD)));
	now_us = EXPIRES * 1000000LL;
	assert_int_equal(OUTREACH_PROOF_EXPIRED, check(&u->ctx, BYTES(PAYLOAD)));
}

static void whatever_is_altered_is_bad(void **state)
{
	struct unit *u = *state;
	/* clang-format off */
	static const char *const rows[] = {
		/* not what it says */
		JSON(CHALLENGE, "1235", SALT, SIGNATURE), JSON(CHALLENGE, "1234", "1123456789abcdef01234567?expires=2000000000&", SIGNATURE),
		JSON(CHALLENGE, "1234", "0123456789abcdef01234567?expires=3000000000&", SIGNATURE),
		JSON("9b1d7383b41b81576e59e052b215ed5ff0527fbfbd73f5f3b315962af2e5771b", "1234", SALT, SIGNATURE),
		JSON(CHALLENGE, "1234", SALT, "dacc5e6369c6677ecf770cb8250bf23bf591d3ff48b52d1b4e07c5cdbcfe6e04"),
		JSON(CHALLENGE, "1234", SALT, "DACC5E6369C6677ECF770CB8250BF23BF591D3FF48B52D1B4E07C5CDBCFE6E03"),
		JSON("9B1D7383b41b81576e59e052b215ed5ff0527fbfbd73f5f3b315962af2e5771a", "1234", SALT, SIGNATURE),
		JSON(CHALLENGE, "1234", SALT, ""), JSON("", "1234", SALT, SIGNATURE), JSON(CHALLENGE, "1234", SALT, SIGNATURE "0"),
		/* digits moved between salt and number: the same hash */
		JSON(CHALLENGE, "234", SALT "1", SIGNATURE), JSON(CHALLENGE, "4", SALT "123", SIGNATURE),
		/* well signed, but no challenge of ours: none without an end, or with more in its salt */
		JSON("4d29b67b1318cb6361690f31556e3d2a9bf48a2b7fe86602cb50120c63befe0d", "1234", "0123456789abcdef01234567&",
			"76621a3536de24aaaa3d3ad2c777801e5ee75970a04525fe52672355e3381a57"),
		JSON("01a14707f48dcc73916d187ddeec0769fb8edb0f86f134830be00f59f1aa2ab9", "1234",
			"0123456789abcdef01234567?expires=2000000000&x=1&", "31c69c65bc9cbbc961fb75d4a983839d58f93b07f13d71952f9bec3329877b54"),
		JSON("7cbfb1023e943a091345db1eb27eed7bcdc38c99ea9d66d6c7ccfeaaf9358403", "1234",
			"0123456789abcdef01234567?expires=2000000000", "1eb3070baeb6e119a4582f4be4025e5a6fa2e453df133c02807d6faf18e7e519"),
		JSON("196c94dcf97225abb24142391ff0d89065725f5aea37e401616c7297eeef9a54", "1234",
			"0123456789abcdef0123456Z?expires=2000000000&", "d3ea12b435c12de0d5b4efe05b59bbfc5d1851642e9e4209c712905f4386fcf6"),
		/* of another kind, or not there */
		JSON(CHALLENGE, "\"1234\"", SALT, SIGNATURE), JSON(CHALLENGE, "1234.5", SALT, SIGNATURE), JSON(CHALLENGE, "null", SALT, SIGNATURE),
		JSON(CHALLENGE, "-1234", SALT, SIGNATURE), JSON(CHALLENGE, "1e99999", SALT, SIGNATURE),
		"{" MEMBERS(CHALLENGE, "1234", SALT, SIGNATURE) "}",
		"{\"algorithm\":\"SHA-512\"," MEMBERS(CHALLENGE, "1234", SALT, SIGNATURE) "}",
		"{\"algorithm\":\"sha-256\"," MEMBERS(CHALLENGE, "1234", SALT, SIGNATURE) "}",
		"{\"algorithm\":[\"SHA-256\"]," MEMBERS(CHALLENGE, "1234", SALT, SIGNATURE) "}",
		"{\"algorithm\":\"SHA-256\"}", "{}", "[]", "null", "true", "\"x\"", "[[[[]]]]", "{", "x", "\xff", " ",
		"{\"algorithm\":\"SHA-256\",\"number\":1,\"salt\":\"\",\"challenge\":\"\",\"signature\":\"\"}",
		"{\"algorithm\":\"SHA-256\",\"number\":1,\"salt\":\"\\u0000\",\"challenge\":\"\",\"signature\":\"\"}",
		JSON(CHALLENGE, "1234", "0123456789abcdef01234567?expires=&", SIGNATURE),
		JSON(CHALLENGE, "1234", "0123456789abcdef01234567?expires=", SIGNATURE),
		JSON(CHALLENGE, "1234", "0123456789abcdef01234567?expires=99999999999999999999&", SIGNATURE),
	};
	/* clang-format on */
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_row(check(&u->ctx, base64(u->ctx.arena, rows[i])) == OUTREACH_PROOF_BAD,
			"%s", rows[i]);
}

static void each_character_of_a_payload_counts(void **state)
{
	struct unit *u = *state;
	char bent[] = PAYLOAD;
	const size_t took = strlen(PAYLOAD) - 20; /* the last member is not ours to check */
	for (size_t i = 0; i < took; i++) {
		bent[i] = PAYLOAD[i] == 'Q' ? 'R' : 'Q';
		assert_row(check(fresh(u), bana_str_of(bent)) == OUTREACH_PROOF_BAD, "%zu", i);
		bent[i] = PAYLOAD[i];
	}
	assert_int_equal(OUTREACH_PROOF_BAD, check(&u->ctx, BYTES(PAYLOAD "A")));
	assert_int_equal(OUTREACH_PROOF_BAD, check(&u->ctx, BYTES("=" PAYLOAD)));
	assert_int_equal(OUTREACH_PROOF_BAD, check(&u->ctx, BYTES(" " PAYLOAD)));
	assert_int_equal(OUTREACH_PROOF_BAD, check(&u->ctx, BYTES("\0")));
}

static void nothing_is_nothing(void **state)
{
	struct unit *u = *state;
	assert_int_equal(OUTREACH_PROOF_NONE, check(&u->ctx, BYTES("")));
	assert_int_equal(OUTREACH_PROOF_NONE, check(&u->ctx, bana_str_of(NULL)));
	outreach_settings.secret = "";
	assert_int_equal(OUTREACH_PROOF_NONE, check(&u->ctx, BYTES(PAYLOAD)));
}

static const char *member(struct bana_arena *arena, const struct bana_req *q, const char *name)
{
	const char *mark = bana_print(arena, "\"%s\":", name);
	const char *at = strstr(q->reply.at, mark);
	assert_non_null(at);
	at += strlen(mark);
	at += *at == '"';
	return bana_copy(arena, at, strcspn(at, "\",}"));
}

static void what_is_given_can_be_solved_within_its_limit_and_is_taken(void **state)
{
	struct unit *u = *state;
	struct bana_req q;
	outreach_settings.challenge_max_number = 200;
	for (int round = 0; round < 20; round++) {
		fresh(u);
		req_init(&q, u, "GET", "/challenge", NULL);
		assert_ok(outreach_challenge.handle(&q));
		struct bana_arena *arena = u->ctx.arena;
		assert_string_equal(member(arena, &q, "algorithm"), "SHA-256");
		assert_string_equal(member(arena, &q, "maxnumber"), "200");
		const char *salt = member(arena, &q, "salt");
		assert_string_equal(
			salt + 24, bana_print(arena, "?expires=%d&", EXPIRES - 1 + 600));
		enum outreach_proof proof = OUTREACH_PROOF_BAD;
		const char *digest = NULL;
		for (int n = 0; n <= 200 && proof == OUTREACH_PROOF_BAD; n++) {
			const char *json = bana_print(arena, JSON("%s", "%d", "%s", "%s"),
				member(arena, &q, "challenge"), n, salt,
				member(arena, &q, "signature"));
			assert_ok(outreach_challenge_check(
				&u->ctx, base64(arena, json), &proof, &digest));
		}
		assert_int_equal(OUTREACH_PROOF_GOOD, proof);
		assert_string_equal(digest, member(arena, &q, "challenge"));
	}
}

static void without_a_secret_none_is_given(void **state)
{
	struct unit *u = *state;
	struct bana_req q;
	outreach_settings.secret = "";
	req_init(&q, u, "GET", "/challenge", NULL);
	assert_fault(NOT_FOUND, outreach_challenge.handle(&q));
	assert_non_null(strstr(q.ctx.failure.message, "APP_ENV_OUTREACH_SECRET"));
}

#define challenge_case(test) cmocka_unit_test_setup_teardown(test, begin, unit_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		challenge_case(a_solution_of_the_official_library_is_good_until_it_expires),
		challenge_case(whatever_is_altered_is_bad),
		challenge_case(each_character_of_a_payload_counts),
		challenge_case(nothing_is_nothing),
		challenge_case(what_is_given_can_be_solved_within_its_limit_and_is_taken),
		challenge_case(without_a_secret_none_is_given),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
