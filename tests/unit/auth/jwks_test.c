#include "unit/jws.h"
#include "unit/pool.h"

#include <sys/wait.h>

#include "bana/clock.h"
#include "bana/pool.h"
#include "bana/token.h"

/* The monotonic clock of this program: the real one and what a test adds. */
static int64_t ahead_us;
int64_t __real_bana_tick_us(void);
int64_t __wrap_bana_tick_us(void);
int64_t __wrap_bana_tick_us(void)
{
	return __real_bana_tick_us() + ahead_us;
}

struct stage {
	struct unit *u;
	struct signer a, b;
	struct bana_pool pool;
	struct bana_jwks *jwks;
	char dir[32], path[64], url[80];
};

static void publish(struct stage *s, const char *text)
{
	FILE *file = fopen(s->path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void stage_open(struct stage *s, void **state)
{
	char why[256];
	s->u = *state;
	signer_init(&s->a, &s->u->ctx);
	signer_init(&s->b, &s->u->ctx);
	strcpy(s->dir, "/tmp/bana-jwks-XXXXXX");
	assert_non_null(mkdtemp(s->dir));
	snprintf(s->path, sizeof s->path, "%s/keys", s->dir);
	snprintf(s->url, sizeof s->url, "file://%s", s->path);
	s->u->settings.jwks_url = s->url;
	assert_ok(bana_pool_open(&s->pool, s->dir, 1, 1, why, sizeof why));
	s->jwks = bana_jwks_new(&s->u->settings, &s->pool);
	ahead_us = 0;
}

static void stage_close(struct stage *s)
{
	bana_jwks_free(s->jwks);
	bana_pool_close(&s->pool);
	pool_files_remove(s->dir);
	unlink(s->path);
	rmdir(s->dir);
	signer_done(&s->a);
	signer_done(&s->b);
}

/* The fault, with the PEM checked against the signer it should be. */
static int find(
	struct stage *s, struct bana_jwks *jwks, const char *kid, const struct signer *owner)
{
	const char *pem = NULL;
	uint64_t generation;
	struct bana_ctx ctx;
	bana_ctx_init(&ctx, s->u->ctx.arena, &s->u->app);
	bana_res r = bana_jwks_key(&ctx, jwks, kid, &pem, &generation);
	assert_int_equal(r.fault == BANA_OK, pem != NULL);
	if (pem != NULL)
		assert_string_equal(pem, owner->pem);
	return (int)r.fault;
}

static const char *set_of(struct stage *s, const char *kid_a, const char *kid_b)
{
	struct bana_ctx *ctx = &s->u->ctx;
	return bana_print(ctx->arena, "{\"keys\":[%s,%s]}", jwk_text(ctx, &s->a, kid_a, ""),
		jwk_text(ctx, &s->b, kid_b, ",\"use\":\"sig\",\"alg\":\"ES256\""));
}

static void keys_are_found_by_kid(void **state)
{
	struct stage s;
	stage_open(&s, state);
	publish(&s, set_of(&s, "a", "b"));
	assert_int_equal(BANA_OK, find(&s, s.jwks, "a", &s.a));
	assert_int_equal(BANA_OK, find(&s, s.jwks, "b", &s.b));
	assert_int_equal(BANA_NO_TOKEN, find(&s, s.jwks, "c", NULL));
	assert_int_equal(BANA_NO_TOKEN, find(&s, s.jwks, NULL, NULL)); /* two: which one? */
	stage_close(&s);
}

static void a_single_key_needs_no_kid(void **state)
{
	struct stage s;
	stage_open(&s, state);
	publish(&s, jwk_text(&s.u->ctx, &s.a, "a", ""));
	assert_int_equal(BANA_OK, find(&s, s.jwks, NULL, &s.a));
	assert_int_equal(BANA_OK, find(&s, s.jwks, "a", &s.a));
	assert_int_equal(BANA_NO_TOKEN, find(&s, s.jwks, "", NULL));
	stage_close(&s);
}

static void what_is_no_es256_key_is_passed_over(void **state)
{
	struct stage s;
	stage_open(&s, state);
	struct bana_ctx *ctx = &s.u->ctx;
	/* clang-format off */
	const struct { const char *jwk; bool good; } rows[] = {
		{jwk_text(ctx, &s.a, "a", ""), true}, {jwk_text(ctx, &s.a, "a", ",\"use\":\"sig\""), true},
		{jwk_text(ctx, &s.a, "a", ",\"alg\":\"ES256\""), true},
		{jwk_text(ctx, &s.a, "a", ",\"key_ops\":[\"verify\"]"), true},
		{jwk_text(ctx, &s.a, "a", ",\"x5c\":[]"), true},
		{jwk_text(ctx, &s.a, "a", ",\"use\":\"enc\""), false}, {jwk_text(ctx, &s.a, "a", ",\"use\":5"), false},
		{jwk_text(ctx, &s.a, "a", ",\"alg\":\"ES384\""), false}, {jwk_text(ctx, &s.a, "a", ",\"alg\":\"HS256\""), false},
		{jwk_text(ctx, &s.a, "a", ",\"alg\":null"), false}, {jwk_text(ctx, &s.a, "a", ",\"key_ops\":[\"sign\"]"), false},
		{jwk_text(ctx, &s.a, "a", ",\"key_ops\":[]"), false}, {jwk_text(ctx, &s.a, "a", ",\"key_ops\":\"verify\""), false},
		{"{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\",\"kid\":\"a\"}", false},
		{"{\"kty\":\"oct\",\"k\":\"AQAB\",\"kid\":\"a\"}", false},
		{"{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AQAB\",\"kid\":\"a\"}", false},
		{bana_print(ctx->arena, "{\"kty\":\"EC\",\"crv\":\"P-384\",\"x\":\"%s\",\"y\":\"%s\",\"kid\":\"a\"}", s.a.x, s.a.y), false},
		{bana_print(ctx->arena, "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"%s\",\"y\":\"%s\",\"kid\":\"a\"}", s.a.x, s.b.y), false},
		{bana_print(ctx->arena, "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"%s=\",\"y\":\"%s\",\"kid\":\"a\"}", s.a.x, s.a.y), false},
		{bana_print(ctx->arena, "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"%s\",\"kid\":\"a\"}", s.a.x), false},
		{bana_print(ctx->arena, "{\"crv\":\"P-256\",\"x\":\"%s\",\"y\":\"%s\",\"kid\":\"a\"}", s.a.x, s.a.y), false},
		{bana_print(ctx->arena, "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"%s\",\"y\":\"%s\",\"kid\":5}", s.a.x, s.a.y), false},
		{jwk_text(ctx, &s.a, bana_print(ctx->arena, "%0129d", 1), ""), false},
		{"{}", false}, {"5", false}, {"null", false}, {"[]", false}, {"\"x\"", false},
	};
	/* clang-format on */
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct bana_ctx one;
		bana_ctx_init(&one, ctx->arena, &s.u->app);
		struct bana_jwks *jwks = bana_jwks_new(&s.u->settings, NULL);
		bana_res r = bana_jwks_load(&one, jwks, bana_str_of(rows[i].jwk));
		assert_row((r.fault == BANA_OK) == rows[i].good, "%s", rows[i].jwk);
		assert_int_equal(
			rows[i].good ? BANA_OK : BANA_UNAVAILABLE, find(&s, jwks, "a", &s.a));
		/* in a set it does not spoil the others */
		const char *set = bana_print(ctx->arena, "{\"keys\":[%s,%s]}", rows[i].jwk,
			jwk_text(ctx, &s.b, "b", ""));
		assert_row(
			bana_jwks_load(&one, jwks, bana_str_of(set)).fault == BANA_OK, "%s", set);
		assert_int_equal(BANA_OK, find(&s, jwks, "b", &s.b));
		bana_jwks_free(jwks);
	}
	stage_close(&s);
}

static void a_bad_set_leaves_the_last_good_one(void **state)
{
	static const char *const bad[] = {"", "{", "{}", "[]", "null", "{\"keys\":[]}",
		"{\"keys\":5}", "{\"keys\":null}", "<html>", "{\"keys\":[{\"kty\":\"RSA\"}]}",
		"{\"keys\":[],\"keys\":[]}"};
	struct stage s;
	stage_open(&s, state);
	s.u->settings.jwks_refetch_ms = 100;
	publish(&s, set_of(&s, "a", "b"));
	assert_int_equal(BANA_OK, find(&s, s.jwks, "a", &s.a));
	uint64_t generation = atomic_load(&s.pool.shared->keys_generation);
	for (size_t i = 0; i < COUNT(bad); i++) {
		publish(&s, bad[i]);
		ahead_us += 200000;
		assert_int_equal(BANA_NO_TOKEN, find(&s, s.jwks, "unknown", NULL)); /* fetches */
		assert_int_equal(BANA_OK, find(&s, s.jwks, "a", &s.a));
		assert_int_equal(BANA_OK, find(&s, s.jwks, "b", &s.b));
	}
	unlink(s.path);
	ahead_us += 200000;
	assert_int_equal(BANA_NO_TOKEN, find(&s, s.jwks, "unknown", NULL));
	assert_int_equal(BANA_OK, find(&s, s.jwks, "a", &s.a));
	assert_int_equal(generation, atomic_load(&s.pool.shared->keys_generation));
	stage_close(&s);
}

static void a_rotation_is_seen_after_the_gap(void **state)
{
	struct stage s;
	stage_open(&s, state);
	publish(&s, jwk_text(&s.u->ctx, &s.a, "a", ""));
	assert_int_equal(BANA_OK, find(&s, s.jwks, "a", &s.a));
	uint64_t generation = atomic_load(&s.pool.shared->keys_generation);
	publish(&s, jwk_text(&s.u->ctx, &s.b, "b", ""));
	for (int i = 0; i < 600; i++) /* no fetch within the gap, whoever asks */
		assert_int_equal(BANA_NO_TOKEN, find(&s, s.jwks, i % 2 == 0 ? "b" : "x", NULL));
	assert_int_equal(generation, atomic_load(&s.pool.shared->keys_generation));
	ahead_us += 30000 * 1000LL;
	assert_int_equal(BANA_OK, find(&s, s.jwks, "b", &s.b));
	assert_int_equal(BANA_NO_TOKEN, find(&s, s.jwks, "a", NULL)); /* withdrawn */
	assert_int_equal(generation + 1, atomic_load(&s.pool.shared->keys_generation));
	stage_close(&s);
}

static void an_aged_set_is_fetched_anew(void **state)
{
	struct stage s;
	stage_open(&s, state);
	publish(&s, jwk_text(&s.u->ctx, &s.a, "a", ""));
	assert_int_equal(BANA_OK, find(&s, s.jwks, "a", &s.a));
	uint64_t generation = atomic_load(&s.pool.shared->keys_generation);
	ahead_us += (s.u->settings.jwks_cache_s + 1) * 1000000;
	assert_int_equal(BANA_OK, find(&s, s.jwks, "a", &s.a));
	/* the same bytes: cached tokens stay good */
	assert_int_equal(generation, atomic_load(&s.pool.shared->keys_generation));
	publish(&s, jwk_text(&s.u->ctx, &s.b, "a", ""));
	ahead_us += (s.u->settings.jwks_cache_s + 1) * 1000000;
	assert_int_equal(BANA_OK, find(&s, s.jwks, "a", &s.b));
	stage_close(&s);
}

static void nothing_yet_is_unavailable_and_heals(void **state)
{
	struct stage s;
	stage_open(&s, state);
	assert_int_equal(BANA_UNAVAILABLE, find(&s, s.jwks, "a", NULL));
	publish(&s, jwk_text(&s.u->ctx, &s.a, "a", ""));
	assert_int_equal(BANA_UNAVAILABLE, find(&s, s.jwks, "a", NULL)); /* not yet due */
	ahead_us += 2001 * 1000;
	assert_int_equal(BANA_OK, find(&s, s.jwks, "a", &s.a));
	stage_close(&s);
	stage_open(&s, state);
	s.u->settings.jwks_url = "";
	assert_int_equal(BANA_NO_TOKEN, find(&s, s.jwks, "a", NULL));
	stage_close(&s);
}

static void one_worker_fetches_and_all_see_it(void **state)
{
	struct stage s;
	char why[256];
	stage_open(&s, state);
	publish(&s, jwk_text(&s.u->ctx, &s.a, "a", ""));
	assert_int_equal(BANA_OK, find(&s, s.jwks, "a", &s.a));
	unlink(s.path);
	struct bana_pool mate_pool;
	assert_ok(bana_pool_open(&mate_pool, s.dir, 1, 1, why, sizeof why));
	struct bana_jwks *mate = bana_jwks_new(&s.u->settings, &mate_pool);
	assert_int_equal(BANA_OK, find(&s, mate, "a", &s.a)); /* without a fetch of its own */
	bana_jwks_free(mate);
	bana_pool_close(&mate_pool);
	stage_close(&s);
}

static void at_most_sixteen_keys_are_kept(void **state)
{
	struct stage s;
	struct bana_buf b;
	stage_open(&s, state);
	bana_buf_init(&b, s.u->ctx.arena);
	bana_buf_text(&b, "{\"keys\":[");
	for (int i = 0; i < 40; i++)
		bana_buf_print(&b, "%s%s", i == 0 ? "" : ",",
			jwk_text(&s.u->ctx, &s.a, bana_print(s.u->ctx.arena, "k%d", i), ""));
	bana_buf_text(&b, "]}");
	publish(&s, b.at);
	assert_int_equal(BANA_OK, find(&s, s.jwks, "k15", &s.a));
	assert_int_equal(BANA_NO_TOKEN, find(&s, s.jwks, "k16", NULL));
	stage_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		unit_case(keys_are_found_by_kid),
		unit_case(a_single_key_needs_no_kid),
		unit_case(what_is_no_es256_key_is_passed_over),
		unit_case(a_bad_set_leaves_the_last_good_one),
		unit_case(a_rotation_is_seen_after_the_gap),
		unit_case(an_aged_set_is_fetched_anew),
		unit_case(nothing_yet_is_unavailable_and_heals),
		unit_case(one_worker_fetches_and_all_see_it),
		unit_case(at_most_sixteen_keys_are_kept),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
