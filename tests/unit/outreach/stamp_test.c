#include "outreach/stamp.h"

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

/* The signature was computed with another implementation. */
#define MADE  "2000000000000"
#define STAMP MADE ".qiOf_QwHyPQrag"

enum { NONE = OUTREACH_STAMP_NONE, GOOD = OUTREACH_STAMP_GOOD, FORGED = OUTREACH_STAMP_FORGED };

static int begin(void **state)
{
	unit_open(state);
	now_us = 2000000004321LL * 1000 + 999;
	outreach_settings = (struct outreach_settings){.secret = secret};
	return 0;
}

static void stamps_are_told_from_what_is_none(void **state)
{
	struct unit *u = *state;
	/* clang-format off */
	static const struct { bana_str text; int result; } rows[] = {
		{BYTES(STAMP), GOOD}, {BYTES(""), NONE},
		{BYTES("2000000000001.qiOf_QwHyPQrag"), FORGED}, {BYTES("0" STAMP), FORGED}, {BYTES("-" STAMP), FORGED},
		{BYTES(" " STAMP), FORGED}, {BYTES(STAMP " "), FORGED}, {BYTES(STAMP "A"), FORGED}, {BYTES(STAMP "\0"), FORGED},
		{BYTES(MADE), FORGED}, {BYTES(MADE "."), FORGED}, {BYTES(MADE ".qiOf_QwHyPQra"), FORGED}, {BYTES(".qiOf_QwHyPQrag"), FORGED},
		{BYTES("."), FORGED}, {BYTES("x"), FORGED}, {BYTES("\0"), FORGED}, {BYTES("\xff"), FORGED},
		{BYTES("99999999999999999999.qiOf_QwHyPQrag"), FORGED},
		/* a signature of ours, of another thing */
		{BYTES("123456789012345678.TPEaAE3UgttwEA"), FORGED},
	};
	/* clang-format on */
	for (size_t i = 0; i < COUNT(rows); i++) {
		enum outreach_stamp result;
		int64_t age_ms = -77;
		assert_ok(outreach_stamp_check(&u->ctx, rows[i].text, &result, &age_ms));
		assert_row((int)result == rows[i].result, "%zu: %d", i, (int)result);
		assert_row(age_ms == (rows[i].result == GOOD ? 4321 : -77), "%zu: %lld", i,
			(long long)age_ms);
	}
}

static void each_bit_of_the_signature_counts(void **state)
{
	struct unit *u = *state;
	char bent[] = STAMP;
	for (size_t i = 0; i < strlen(STAMP); i++) {
		enum outreach_stamp result;
		int64_t age_ms;
		bent[i] = STAMP[i] == '1' ? '3' : '1';
		assert_ok(outreach_stamp_check(&u->ctx, bana_str_of(bent), &result, &age_ms));
		assert_row(result == OUTREACH_STAMP_FORGED, "%s", bent);
		bent[i] = STAMP[i];
	}
}

static void what_is_given_is_good_and_grows_old(void **state)
{
	struct unit *u = *state;
	struct bana_req q;
	enum outreach_stamp result;
	int64_t age_ms;
	req_init(&q, u, "GET", "/form-stamp", NULL);
	assert_ok(outreach_form_stamp.handle(&q));
	static const char begin[] = "{\"count\":1,\"data\":{\"stamp\":\"2000000004321.";
	assert_int_equal(0, strncmp(q.reply.at, begin, strlen(begin)));
	const char *text = strchr(q.reply.at, '2');
	bana_str stamp = {text, strcspn(text, "\"")};
	static const int64_t ages_ms[] = {0, 1, 2999, 86400000, -5000};
	for (size_t i = 0; i < COUNT(ages_ms); i++) {
		now_us = (2000000004321LL + ages_ms[i]) * 1000;
		assert_ok(outreach_stamp_check(&u->ctx, stamp, &result, &age_ms));
		assert_int_equal(OUTREACH_STAMP_GOOD, result);
		assert_int_equal(ages_ms[i], age_ms);
	}
}

static void without_a_secret_there_are_none(void **state)
{
	struct unit *u = *state;
	struct bana_req q;
	enum outreach_stamp result;
	int64_t age_ms;
	outreach_settings.secret = "";
	assert_ok(outreach_stamp_check(&u->ctx, BYTES(STAMP), &result, &age_ms));
	assert_int_equal(OUTREACH_STAMP_NONE, result);
	req_init(&q, u, "GET", "/form-stamp", NULL);
	assert_fault(NOT_FOUND, outreach_form_stamp.handle(&q));
	assert_non_null(strstr(q.ctx.failure.message, "APP_ENV_OUTREACH_SECRET"));
}

#define stamp_case(test) cmocka_unit_test_setup_teardown(test, begin, unit_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		stamp_case(stamps_are_told_from_what_is_none),
		stamp_case(each_bit_of_the_signature_counts),
		stamp_case(what_is_given_is_good_and_grows_old),
		stamp_case(without_a_secret_there_are_none),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
