#include "outreach/link.h"

#include "outreach/outreach.h"
#include "unit/req.h"

static char secret[] = "0123456789abcdef0123456789abcdef";

/* The signature was computed with another implementation. */
#define NUMBER "123456789012345678"
#define SIGNED NUMBER ".TPEaAE3UgttwEA"

static void tokens_are_read_or_refused(void **state)
{
	struct unit *u = *state;
	/* clang-format off */
	static const struct { bana_str token; bool bare; const char *snowflake; } rows[] = {
		{BYTES(NUMBER), true, NUMBER}, {BYTES(NUMBER), false, "0"}, {BYTES("1"), true, "1"},
		{BYTES("9223372036854775807"), true, "9223372036854775807"},
		{BYTES(SIGNED), true, NUMBER}, {BYTES(SIGNED), false, NUMBER},
		/* well-formed, but not ours: as a token that no row has */
		{BYTES(NUMBER ".TPEaAE3UgttwEQ"), true, "0"}, {BYTES(NUMBER ".AAAAAAAAAAAAAA"), true, "0"},
		{BYTES("123456789012345679.TPEaAE3UgttwEA"), true, "0"}, {BYTES("1.TPEaAE3UgttwEA"), false, "0"},
		/* neither form */
		{BYTES(""), true, NULL}, {BYTES("0"), true, NULL}, {BYTES("-1"), true, NULL}, {BYTES("01"), true, NULL},
		{BYTES("9223372036854775808"), true, NULL}, {BYTES("abc"), true, NULL}, {BYTES(" 1"), true, NULL},
		{BYTES("1 "), true, NULL}, {BYTES("1e3"), true, NULL}, {BYTES("."), true, NULL}, {BYTES("1."), true, NULL},
		{BYTES(".TPEaAE3UgttwEA"), true, NULL}, {BYTES(SIGNED "A"), true, NULL}, {BYTES(SIGNED "="), true, NULL},
		{BYTES(NUMBER ".TPEaAE3UgttwE"), true, NULL}, {BYTES(NUMBER ".TPEaAE3Ugttw+A"), true, NULL},
		{BYTES(NUMBER ".TPEaAE3Ugttw A"), true, NULL}, {BYTES(SIGNED ".x"), true, NULL},
		{BYTES(NUMBER "\0"), true, NULL}, {BYTES("1'--"), true, NULL}, {BYTES("\xd9\xa1"), true, NULL},
		{BYTES("0.TPEaAE3UgttwEA"), true, NULL},
	};
	/* clang-format on */
	outreach_settings.secret = secret;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const char *snowflake = NULL;
		struct bana_ctx *ctx = fresh(u);
		outreach_settings.bare_tokens = rows[i].bare;
		bana_res r = outreach_link_read(ctx, rows[i].token, &snowflake);
		if (rows[i].snowflake == NULL) {
			assert_row(r.fault == BANA_INVALID, "%zu %s", i, rows[i].token.at);
			assert_string_equal(ctx->failure.issues->path, "token");
			continue;
		}
		assert_row(r.fault == BANA_OK, "%zu %s", i, rows[i].token.at);
		assert_row(strcmp(snowflake, rows[i].snowflake) == 0, "%s gave %s",
			rows[i].token.at, snowflake);
	}
}

static void what_is_written_is_read(void **state)
{
	struct unit *u = *state;
	outreach_settings.secret = secret;
	outreach_settings.bare_tokens = false;
	const char *snowflake, *token = outreach_link_write(&u->ctx, NUMBER);
	assert_string_equal(token, SIGNED);
	assert_ok(outreach_link_read(&u->ctx, bana_str_of(token), &snowflake));
	assert_string_equal(snowflake, NUMBER);
	size_t dot = strcspn(token, ".");
	for (size_t i = dot + 1; token[i] != '\0'; i++) { /* each of the 80 bits counts */
		char *bent = bana_copy(u->ctx.arena, token, strlen(token));
		bent[i] = bent[i] == 'Q' ? 'A' : 'Q';
		bana_res r = outreach_link_read(&u->ctx, bana_str_of(bent), &snowflake);
		assert_true(r.fault == BANA_INVALID || strcmp(snowflake, "0") == 0);
	}
}

static void confirm_tokens_have_a_key_of_their_own(void **state)
{
	struct unit *u = *state;
	outreach_settings.secret = secret;
	outreach_settings.bare_tokens = true;
	const char *snowflake, *hash, *token = outreach_confirm_write(&u->ctx, NUMBER);
	assert_string_equal(token, NUMBER ".oJjTAysFgUPsqw");
	assert_ok(outreach_confirm_read(&u->ctx, bana_str_of(token), &snowflake, &hash));
	assert_string_equal(snowflake, NUMBER);
	assert_string_equal(hash, outreach_confirm_hash(&u->ctx, token));
	assert_int_equal(64, strlen(hash));
	assert_ok(outreach_confirm_read(&u->ctx, BYTES(SIGNED), &snowflake, &hash));
	assert_string_not_equal(hash, outreach_confirm_hash(&u->ctx, token));
	assert_ok(outreach_link_read(&u->ctx, bana_str_of(token), &snowflake));
	assert_string_equal(snowflake, "0"); /* and it unsubscribes nobody */
	static const bana_str malformed[] = {BYTES(""), BYTES(NUMBER), BYTES(NUMBER "."),
		BYTES("."), BYTES(SIGNED "A"), BYTES("0.TPEaAE3UgttwEA"),
		BYTES(NUMBER ".TPEaAE3Ugttw+A"), BYTES(SIGNED "\0")};
	for (size_t i = 0; i < COUNT(malformed); i++)
		assert_row(outreach_confirm_read(fresh(u), malformed[i], &snowflake, &hash).fault ==
				   BANA_INVALID,
			"%zu", i);
	outreach_settings.secret = "";
	assert_null(outreach_confirm_write(&u->ctx, NUMBER));
	assert_null(outreach_confirm_hash(&u->ctx, NULL));
}

static void without_a_secret_nothing_is_signed(void **state)
{
	struct unit *u = *state;
	const char *snowflake;
	outreach_settings.secret = "";
	outreach_settings.bare_tokens = true;
	assert_null(outreach_link_write(&u->ctx, NUMBER));
	assert_ok(outreach_link_read(&u->ctx, BYTES(SIGNED), &snowflake));
	assert_string_equal(snowflake, "0");
}

static void addresses_are_kept_as_hashes_only(void **state)
{
	struct unit *u = *state;
	static const struct param from[] = {{"REMOTE_ADDR", "192.0.2.7"}, {NULL, NULL}};
	struct bana_req q;
	outreach_settings.secret = secret;
	req_init(&q, u, "POST", "/x", from);
	assert_string_equal(outreach_address_hash(&q),
		"0fc5fa5ba9f79f2975fb742a0fb38fe64d9e458c750b1ca914c2a454c93e5179");
	req_init(&q, u, "POST", "/x", NULL);
	assert_null(outreach_address_hash(&q));
	outreach_settings.secret = "";
	req_init(&q, u, "POST", "/x", from);
	assert_null(outreach_address_hash(&q));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		unit_case(tokens_are_read_or_refused),
		unit_case(what_is_written_is_read),
		unit_case(confirm_tokens_have_a_key_of_their_own),
		unit_case(without_a_secret_nothing_is_signed),
		unit_case(addresses_are_kept_as_hashes_only),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
