#include "unit/jws.h"
#include "unit/pool.h"

#include "bana/actor.h"
#include "bana/clock.h"
#include "bana/pool.h"
#include "bana/token.h"

/* The wall clock of this program. */
static int64_t now_us;
int64_t __wrap_bana_now_us(void);
int64_t __wrap_bana_now_us(void)
{
	return now_us;
}

enum { NOW = 1800000000 }; /* seconds; claims in the tables are around it */

struct stage {
	struct unit *u;
	struct signer mine, other;
	struct bana_jwks *jwks;
};

static void stage_open(struct stage *s, void **state)
{
	s->u = *state;
	now_us = NOW * (int64_t)1000000;
	signer_init(&s->mine, &s->u->ctx);
	signer_init(&s->other, &s->u->ctx);
	s->jwks = bana_jwks_new(&s->u->settings, NULL);
	assert_ok(bana_jwks_load(
		&s->u->ctx, s->jwks, bana_str_of(jwk_text(&s->u->ctx, &s->mine, "k1", ""))));
}

static void stage_close(struct stage *s)
{
	bana_jwks_free(s->jwks);
	signer_done(&s->mine);
	signer_done(&s->other);
}

static bana_res verify(struct stage *s, bana_str token, struct bana_actor *actor)
{
	uint64_t generation;
	return bana_token_verify(&s->u->ctx, &s->u->settings, s->jwks, token, actor, &generation);
}

#define HEADER "{\"alg\":\"ES256\",\"kid\":\"k1\"}"
#define CLAIMS "{\"userId\":\"u-1\",\"exp\":1800000100}"

static void headers_are_judged_before_the_signature(void **state)
{
	/* clang-format off */
	static const struct { bool good; const char *header; } rows[] = {
		{true, HEADER}, {true, "{\"alg\":\"ES256\"}"}, {true, "{\"alg\":\"ES256\",\"typ\":\"JWT\",\"kid\":\"k1\"}"},
		{true, "{\"typ\":\"jwt\",\"alg\":\"ES256\"}"}, {true, " { \"alg\" : \"ES256\" } "},
		{true, "{\"alg\":\"\\u0045S256\"}"}, {true, "{\"alg\":\"ES256\",\"x5t\":\"ignored\"}"},
		{true, "{\"alg\":\"ES256\",\"jku\":\"https://evil.example\",\"kid\":\"k1\"}"},
		{false, "{}"}, {false, "{\"alg\":\"none\"}"}, {false, "{\"alg\":\"None\"}"}, {false, "{\"alg\":\"\"}"},
		{false, "{\"alg\":\"es256\"}"}, {false, "{\"alg\":\"ES256 \"}"}, {false, "{\"alg\":\"ES384\"}"},
		{false, "{\"alg\":\"ES256K\"}"}, {false, "{\"alg\":\"HS256\"}"}, {false, "{\"alg\":\"RS256\"}"},
		{false, "{\"alg\":null}"}, {false, "{\"alg\":[\"ES256\"]}"}, {false, "{\"alg\":5}"},
		{false, "{\"Alg\":\"ES256\"}"}, {false, "{\"alg\":\"none\",\"alg\":\"ES256\"}"},
		{false, "{\"alg\":\"ES256\",\"alg\":\"ES256\"}"}, {false, "{\"alg\":\"ES256\",\"typ\":\"at+jwt\"}"},
		{false, "{\"alg\":\"ES256\",\"typ\":5}"}, {false, "{\"alg\":\"ES256\",\"typ\":\"\"}"},
		{false, "{\"alg\":\"ES256\",\"crit\":[\"exp\"],\"exp\":1}"}, {false, "{\"alg\":\"ES256\",\"crit\":[]}"},
		{false, "{\"alg\":\"ES256\",\"crit\":null}"}, {false, "{\"alg\":\"ES256\",\"b64\":false}"},
		{false, "{\"alg\":\"ES256\",\"b64\":true}"}, {false, "{\"alg\":\"ES256\",\"kid\":\"k2\"}"},
		{false, "{\"alg\":\"ES256\",\"kid\":\"\"}"}, {false, "{\"alg\":\"ES256\",\"kid\":5}"},
		{false, "{\"alg\":\"ES256\",\"kid\":null}"}, {false, "{\"alg\":\"ES256\",\"kid\":[\"k1\"]}"},
		{false, "{\"alg\":\"ES256\",\"kid\":\"K1\"}"}, {false, "{\"alg\":\"ES256\",\"kid\":\"k1 \"}"},
		{false, "{\"alg\":\"ES256\",\"kid\":\"k1\\u0000\"}"}, {false, "{\"alg\":\"ES256\",\"kid\":\"../../k1\"}"},
		{false, "[\"ES256\"]"}, {false, "\"ES256\""}, {false, "null"}, {false, ""}, {false, "{\"alg\":\"ES256\"}x"},
		{false, "{\"alg\":\"ES256\",}"}, {false, "{'alg':'ES256'}"}, {false, "{\"alg\":\"ES256\"/**/}"},
	};
	/* clang-format on */
	struct stage s;
	stage_open(&s, state);
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct bana_actor actor;
		const char *token = jws(&s.u->ctx, &s.mine, rows[i].header, CLAIMS);
		bana_res r = verify(&s, bana_str_of(token), &actor);
		assert_row((r.fault == BANA_OK) == rows[i].good, "%s: %s", rows[i].header,
			s.u->ctx.failure.why == NULL ? "" : s.u->ctx.failure.why);
		assert_row(r.fault == BANA_OK || r.fault == BANA_NO_TOKEN, "%s", rows[i].header);
		assert_row(
			r.fault == BANA_OK || s.u->ctx.failure.why != NULL, "%s", rows[i].header);
		fresh(s.u);
	}
	char *long_kid = bana_print(s.u->ctx.arena, "{\"alg\":\"ES256\",\"kid\":\"%0129d\"}", 1);
	struct bana_actor actor;
	assert_fault(NO_TOKEN,
		verify(&s, bana_str_of(jws(&s.u->ctx, &s.mine, long_kid, CLAIMS)), &actor));
	assert_string_equal(s.u->ctx.failure.why, "kid is no short text");
	stage_close(&s);
}

static void claims_are_checked_by_type_and_time(void **state)
{
	/* clang-format off */
	static const struct { bool good; const char *claims; } rows[] = {
		{true, CLAIMS}, {true, "{\"userId\":7,\"exp\":1800000100}"}, {true, "{\"exp\":1800000001,\"userId\":\"u\"}"},
		{true, "{\"userId\":\"u\",\"exp\":1800000100,\"nbf\":1800000000,\"iat\":1800000000}"},
		{true, "{\"userId\":\"u\",\"exp\":1800000100,\"nbf\":1800000005,\"iat\":1800000005}"},
		{true, "{\"userId\":\"u\",\"exp\":1800000100,\"nbf\":0,\"iat\":0}"},
		{true, "{\"userId\":\"u\",\"exp\":9223372036854}"}, {true, "{\"userId\":\"u\",\"exp\":1800000100,\"roles\":\"x\"}"},
		{true, "{\"userId\":\"u\",\"exp\":1800000100,\"roles\":[1,null,{},[\"x\"]]}"},
		{false, "{\"userId\":\"u\"}"}, {false, "{\"userId\":\"u\",\"exp\":1800000000}"},
		{false, "{\"userId\":\"u\",\"exp\":1799999999}"}, {false, "{\"userId\":\"u\",\"exp\":0}"},
		{false, "{\"userId\":\"u\",\"exp\":-1}"}, {false, "{\"userId\":\"u\",\"exp\":\"1800000100\"}"},
		{false, "{\"userId\":\"u\",\"exp\":1800000100.5}"}, {false, "{\"userId\":\"u\",\"exp\":1.9e9}"},
		{false, "{\"userId\":\"u\",\"exp\":null}"}, {false, "{\"userId\":\"u\",\"exp\":true}"},
		{false, "{\"userId\":\"u\",\"exp\":[1800000100]}"}, {false, "{\"userId\":\"u\",\"exp\":9223372036855}"},
		{false, "{\"userId\":\"u\",\"exp\":9223372036854775807}"}, {false, "{\"userId\":\"u\",\"exp\":92233720368547758070}"},
		{false, "{\"userId\":\"u\",\"exp\":1800000100,\"exp\":1800000200}"},
		{false, "{\"userId\":\"u\",\"exp\":1800000100,\"nbf\":1800000006}"},
		{false, "{\"userId\":\"u\",\"exp\":1800000100,\"iat\":1800000006}"},
		{false, "{\"userId\":\"u\",\"exp\":1800000100,\"nbf\":\"0\"}"}, {false, "{\"userId\":\"u\",\"exp\":1800000100,\"iat\":null}"},
		{false, "{\"userId\":\"u\",\"exp\":1800000100,\"nbf\":1.5}"}, {false, "{\"userId\":\"u\",\"exp\":1800000100,\"nbf\":-1}"},
		{false, "{\"exp\":1800000100}"}, {false, "{\"userId\":\"\",\"exp\":1800000100}"},
		{false, "{\"userId\":null,\"exp\":1800000100}"}, {false, "{\"userId\":{},\"exp\":1800000100}"},
		{false, "{\"userId\":true,\"exp\":1800000100}"}, {false, "{\"userId\":1.5,\"exp\":1800000100}"},
		{false, "{\"sub\":\"u\",\"exp\":1800000100}"}, {false, "{\"userId\":\"a\\u0000b\",\"exp\":1800000100}"},
		{false, "[]"}, {false, "[{\"userId\":\"u\",\"exp\":1800000100}]"}, {false, "\"x\""}, {false, "null"}, {false, ""},
		{false, "{\"userId\":\"u\",\"exp\":1800000100}{}"}, {false, "{\"userId\":\"u\",\"exp\":NaN}"},
		{false, "{\"userId\":\"u\",\"exp\":1800000100,\"principalType\":\"\"}"},
		{false, "{\"userId\":\"u\",\"exp\":1800000100,\"principalType\":\"01234567890123456789012345678901\"}"},
	};
	/* clang-format on */
	struct stage s;
	stage_open(&s, state);
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct bana_actor actor;
		const char *token = jws(&s.u->ctx, &s.mine, HEADER, rows[i].claims);
		bana_res r = verify(&s, bana_str_of(token), &actor);
		assert_row((r.fault == BANA_OK) == rows[i].good, "%s: %s", rows[i].claims,
			s.u->ctx.failure.why == NULL ? "" : s.u->ctx.failure.why);
		assert_row(r.fault == BANA_OK || r.fault == BANA_NO_TOKEN, "%s", rows[i].claims);
		fresh(s.u);
	}
	stage_close(&s);
}

static void parties_are_checked_when_they_are_set(void **state)
{
	/* clang-format off */
	static const struct { const char *issuer, *audience, *more; bool good; } rows[] = {
		{"", "", "", true}, {"", "", ",\"iss\":\"x\",\"aud\":\"y\"", true},
		{"me", "", ",\"iss\":\"me\"", true}, {"me", "", "", false}, {"me", "", ",\"iss\":\"Me\"", false},
		{"me", "", ",\"iss\":[\"me\"]", false}, {"me", "", ",\"iss\":\"me \"", false},
		{"", "bo", ",\"aud\":\"bo\"", true}, {"", "bo", ",\"aud\":[\"x\",\"bo\"]", true}, {"", "bo", "", false},
		{"", "bo", ",\"aud\":[]", false}, {"", "bo", ",\"aud\":\"x\"", false}, {"", "bo", ",\"aud\":[1,[\"bo\"]]", false},
		{"", "bo", ",\"aud\":null", false}, {"", "bo", ",\"aud\":{\"bo\":1}", false}, {"", "bo", ",\"aud\":\"bo,x\"", false},
	};
	/* clang-format on */
	struct stage s;
	stage_open(&s, state);
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct bana_actor actor;
		char claims[256];
		s.u->settings.jwt_issuer = rows[i].issuer;
		s.u->settings.jwt_audience = rows[i].audience;
		snprintf(claims, sizeof claims, "{\"userId\":\"u\",\"exp\":1800000100%s}",
			rows[i].more);
		const char *token = jws(&s.u->ctx, &s.mine, HEADER, claims);
		assert_row(
			(verify(&s, bana_str_of(token), &actor).fault == BANA_OK) == rows[i].good,
			"%zu %s", i, claims);
		fresh(s.u);
	}
	stage_close(&s);
}

static void a_token_has_three_strict_parts(void **state)
{
	struct stage s;
	stage_open(&s, state);
	struct bana_ctx *ctx = &s.u->ctx;
	const char *good = jws(ctx, &s.mine, HEADER, CLAIMS);
	const char *first = strchr(good, '.'), *second = strrchr(good, '.');
	size_t len = strlen(good);
	const char *const rows[] = {"", ".", "..", "...", "a.b.c", "a",
		bana_print(ctx->arena, "%s.", good), bana_print(ctx->arena, ".%s", good),
		bana_print(ctx->arena, "%s.x", good), bana_print(ctx->arena, "%s=", good),
		bana_print(ctx->arena, "%s==", good), bana_print(ctx->arena, "%s ", good),
		bana_print(ctx->arena, " %s", good), bana_print(ctx->arena, "%s\n", good),
		bana_print(ctx->arena, "%sA", good), bana_print(ctx->arena, "%sAA", good),
		bana_print(ctx->arena, "%s!!", good), bana_print(ctx->arena, "%s*", good),
		bana_print(ctx->arena, "%.*s", (int)(len - 1), good),
		bana_print(ctx->arena, "%.*s", (int)(second - good), good),
		bana_print(ctx->arena, "%.*s.", (int)(second - good), good),
		bana_print(ctx->arena, "%.*s%s", (int)(first - good), good, second),
		bana_print(ctx->arena, "%.*s.%s", (int)(first - good), good, second),
		bana_print(ctx->arena, "%.*s=%s", (int)(first - good), good, first),
		bana_print(ctx->arena, "%.*s %s", (int)(second - good), good, second),
		bana_print(ctx->arena, "%.*s.%s", (int)(second - good), good, first + 1),
		bana_print(ctx->arena, "Bearer %s", good)};
	struct bana_actor actor;
	assert_ok(verify(&s, bana_str_of(good), &actor));
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_row(verify(&s, bana_str_of(rows[i]), &actor).fault == BANA_NO_TOKEN,
			"%zu %s", i, rows[i]);
	/* every single character matters */
	for (size_t i = 0; i < len; i++) {
		char *bent = bana_copy(ctx->arena, good, len);
		bent[i] = bent[i] == 'A' ? 'B' : 'A';
		assert_row(verify(&s, (bana_str){bent, len}, &actor).fault == BANA_NO_TOKEN,
			"byte %zu", i);
		bent[i] = '\0';
		assert_row(verify(&s, (bana_str){bent, len}, &actor).fault == BANA_NO_TOKEN,
			"byte %zu", i);
	}
	char *huge = bana_alloc(ctx->arena, 10001);
	memset(huge, 'A', 10000);
	assert_fault(NO_TOKEN, verify(&s, (bana_str){huge, 10000}, &actor));
	stage_close(&s);
}

static void only_the_named_key_signs(void **state)
{
	struct stage s;
	stage_open(&s, state);
	struct bana_ctx *ctx = &s.u->ctx;
	struct bana_actor actor;
	const char *foreign = jws(ctx, &s.other, HEADER, CLAIMS);
	assert_fault(NO_TOKEN, verify(&s, bana_str_of(foreign), &actor));
	unsigned char raw[128] = {0};
	const char *input = jws_input(ctx, HEADER, CLAIMS);
	sign_es256(&s.mine, input, strlen(input), raw);
	static const size_t lengths[] = {0, 1, 32, 63, 65, 66, 96, 128};
	for (size_t i = 0; i < COUNT(lengths); i++) {
		const char *token = bana_print(
			ctx->arena, "%s.%s", input, bana_base64url(ctx->arena, raw, lengths[i]));
		assert_row(verify(&s, bana_str_of(token), &actor).fault == BANA_NO_TOKEN,
			"%zu bytes", lengths[i]);
	}
	memset(raw, 0, sizeof raw); /* CVE-2022-21449: r = s = 0 */
	const char *zero =
		bana_print(ctx->arena, "%s.%s", input, bana_base64url(ctx->arena, raw, 64));
	assert_fault(NO_TOKEN, verify(&s, bana_str_of(zero), &actor));
	memset(raw, 0xFF, sizeof raw);
	const char *high =
		bana_print(ctx->arena, "%s.%s", input, bana_base64url(ctx->arena, raw, 64));
	assert_fault(NO_TOKEN, verify(&s, bana_str_of(high), &actor));
	stage_close(&s);
}

static void the_algorithm_is_not_the_tokens_choice(void **state)
{
	struct stage s;
	stage_open(&s, state);
	struct bana_ctx *ctx = &s.u->ctx;
	struct bana_actor actor;
	static const char *const headers[] = {"{\"alg\":\"HS256\",\"kid\":\"k1\"}",
		"{\"alg\":\"HS256\",\"typ\":\"JWT\"}", "{\"alg\":\"none\"}", HEADER};
	for (size_t i = 0; i < COUNT(headers); i++) {
		const char *token = jws_hs256(ctx, s.mine.pem, headers[i], CLAIMS);
		assert_row(verify(&s, bana_str_of(token), &actor).fault == BANA_NO_TOKEN, "%s",
			headers[i]);
		token = bana_print(ctx->arena, "%s.", jws_input(ctx, headers[i], CLAIMS));
		assert_row(verify(&s, bana_str_of(token), &actor).fault == BANA_NO_TOKEN, "%s",
			headers[i]);
	}
	stage_close(&s);
}

static void the_actor_is_what_the_claims_say(void **state)
{
	struct stage s;
	stage_open(&s, state);
	struct bana_actor actor;
	const char *claims =
		"{\"userId\":\"u-1\",\"exp\":1800000100,\"principalType\":\"Service\",\"roles\":["
		"\"owner\",\"900_EMPLOYEE\",\"7|010_Shop-Owner|10\",{\"identifier\":\"001_"
		"cashier\","
		"\"name\":\"no\"},{\"name\":\"named\"},{\"id\":\"by-id\"},{\"id\":5},\"\",\"900_\","
		"\"90_x\",\"|x\",\"a|\",5,null]}";
	assert_ok(verify(&s, bana_str_of(jws(&s.u->ctx, &s.mine, HEADER, claims)), &actor));
	static const char *const roles[] = {"OWNER", "EMPLOYEE", "SHOP-OWNER", "CASHIER", "NAMED",
		"BY-ID", "900_", "90_X", "X", "A"};
	assert_string_equal(actor.user_id, "u-1");
	assert_string_equal(actor.principal_type, "Service");
	assert_int_equal(1800000100LL * 1000000, actor.expires_at);
	for (size_t i = 0; i < COUNT(roles); i++)
		assert_row(strcmp(actor.roles[i], roles[i]) == 0, "%zu: %s", i, actor.roles[i]);
	assert_int_equal(COUNT(roles), actor.role_count);
	assert_ok(verify(&s,
		bana_str_of(jws(&s.u->ctx, &s.mine, HEADER, "{\"userId\":42,\"exp\":1800000100}")),
		&actor));
	assert_string_equal(actor.user_id, "42");
	assert_string_equal(actor.principal_type, "User");
	assert_int_equal(0, actor.role_count);
	stage_close(&s);
}

static void too_many_or_too_long_roles_permit_nothing_more(void **state)
{
	struct stage s;
	struct bana_buf b;
	struct bana_actor actor;
	stage_open(&s, state);
	bana_buf_init(&b, s.u->ctx.arena);
	bana_buf_print(
		&b, "{\"userId\":\"u\",\"exp\":1800000100,\"roles\":[\"%064d\",\"%063d\"", 1, 2);
	for (int i = 0; i < 40; i++)
		bana_buf_print(&b, ",\"r%d\"", i);
	bana_buf_text(&b, "]}");
	assert_ok(verify(&s, bana_str_of(jws(&s.u->ctx, &s.mine, HEADER, b.at)), &actor));
	assert_int_equal(BANA_ROLES_MAX, actor.role_count);
	assert_int_equal(63, strlen(actor.roles[0]));
	assert_string_equal(actor.roles[BANA_ROLES_MAX - 1], "R14");
	char *user = bana_print(s.u->ctx.arena, "{\"userId\":\"%0128d\",\"exp\":1800000100}", 1);
	assert_fault(
		NO_TOKEN, verify(&s, bana_str_of(jws(&s.u->ctx, &s.mine, HEADER, user)), &actor));
	stage_close(&s);
}

/* A cache that is asked what bana_token_admit asks of it. */
struct cached {
	struct stage s;
	struct bana_pool pool;
	char dir[32], path[64];
};

static void cached_open(struct cached *c, void **state)
{
	char why[256], url[80];
	stage_open(&c->s, state);
	strcpy(c->dir, "/tmp/bana-token-XXXXXX");
	assert_non_null(mkdtemp(c->dir));
	snprintf(c->path, sizeof c->path, "%s/keys", c->dir);
	FILE *file = fopen(c->path, "w");
	fputs(jwk_text(&c->s.u->ctx, &c->s.mine, "k1", ""), file);
	fclose(file);
	assert_ok(bana_pool_open(&c->pool, c->dir, 1, 1, why, sizeof why));
	snprintf(url, sizeof url, "file://%s", c->path);
	c->s.u->settings.jwks_url = bana_copy(c->s.u->ctx.arena, url, strlen(url));
	bana_jwks_free(c->s.jwks);
	c->s.jwks = bana_jwks_new(&c->s.u->settings, &c->pool);
	c->s.u->app.pool = &c->pool;
	c->s.u->app.jwks = c->s.jwks;
	c->s.u->app.tokens = bana_token_cache_new();
}

static void cached_close(struct cached *c)
{
	bana_token_cache_free(c->s.u->app.tokens);
	stage_close(&c->s);
	bana_pool_close(&c->pool);
	pool_files_remove(c->dir);
	unlink(c->path);
	rmdir(c->dir);
}

static bool admitted(struct cached *c, const char *token)
{
	c->s.u->ctx.actor = NULL;
	bana_res r = bana_token_admit(&c->s.u->ctx, bana_str_of(token));
	assert_int_equal(r.fault == BANA_OK, c->s.u->ctx.actor != NULL);
	return r.fault == BANA_OK;
}

static void a_cached_token_ends_with_its_time(void **state)
{
	struct cached c;
	cached_open(&c, state);
	const char *token = jws(&c.s.u->ctx, &c.s.mine, HEADER, CLAIMS);
	assert_true(admitted(&c, token));
	assert_true(admitted(&c, token));
	assert_string_equal(c.s.u->ctx.actor->user_id, "u-1");
	now_us += 99 * 1000000LL;
	assert_true(admitted(&c, token));
	now_us += 1 * 1000000LL;
	assert_false(admitted(&c, token));
	cached_close(&c);
}

static void a_cached_token_ends_with_its_key_set(void **state)
{
	struct cached c;
	cached_open(&c, state);
	struct bana_ctx *ctx = &c.s.u->ctx;
	const char *token = jws(ctx, &c.s.mine, HEADER, CLAIMS);
	assert_true(admitted(&c, token));
	/* another worker of the pool fetched a set in which k1 is another key */
	const char *rotated = jwk_text(ctx, &c.s.other, "k1", "");
	memcpy(c.pool.shared->keys, rotated, strlen(rotated));
	c.pool.shared->keys_bytes = (uint32_t)strlen(rotated);
	atomic_fetch_add(&c.pool.shared->keys_generation, 1);
	assert_false(admitted(&c, token));
	assert_true(admitted(&c, jws(ctx, &c.s.other, HEADER, CLAIMS)));
	cached_close(&c);
}

static void a_refused_token_is_not_cached(void **state)
{
	struct cached c;
	cached_open(&c, state);
	const char *foreign = jws(&c.s.u->ctx, &c.s.other, HEADER, CLAIMS);
	for (int i = 0; i < 3; i++)
		assert_false(admitted(&c, foreign));
	cached_close(&c);
}

static void more_tokens_than_places_are_still_told_apart(void **state)
{
	struct cached c;
	cached_open(&c, state);
	const char *tokens[400];
	for (size_t i = 0; i < COUNT(tokens); i++) {
		char claims[64];
		snprintf(claims, sizeof claims, "{\"userId\":\"u-%zu\",\"exp\":1800000100}", i);
		tokens[i] = jws(&c.s.u->ctx, &c.s.mine, HEADER, claims);
	}
	for (size_t round = 0; round < 2; round++) {
		for (size_t i = 0; i < COUNT(tokens); i++) {
			char user[16];
			snprintf(user, sizeof user, "u-%zu", i);
			assert_true(admitted(&c, tokens[i]));
			assert_string_equal(c.s.u->ctx.actor->user_id, user);
		}
	}
	cached_close(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		unit_case(headers_are_judged_before_the_signature),
		unit_case(claims_are_checked_by_type_and_time),
		unit_case(parties_are_checked_when_they_are_set),
		unit_case(a_token_has_three_strict_parts),
		unit_case(only_the_named_key_signs),
		unit_case(the_algorithm_is_not_the_tokens_choice),
		unit_case(the_actor_is_what_the_claims_say),
		unit_case(too_many_or_too_long_roles_permit_nothing_more),
		unit_case(a_cached_token_ends_with_its_time),
		unit_case(a_cached_token_ends_with_its_key_set),
		unit_case(a_refused_token_is_not_cached),
		unit_case(more_tokens_than_places_are_still_told_apart),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
