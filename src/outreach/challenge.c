#include "outreach/challenge.h"

#include "bana/clock.h"
#include "bana/crypto.h"
#include "bana/ctx.h"
#include "bana/json.h"
#include "bana/pg.h"
#include "bana/req.h"
#include "outreach/link.h"
#include "outreach/outreach.h"

#define ALGORITHM "SHA-256"
#define EXPIRES   "?expires="

enum { SALT_BYTES = 12, SALT_HEX = 2 * SALT_BYTES, DIGEST_HEX = 2 * BANA_SHA256_BYTES };

static const char *challenge_of(struct bana_ctx *ctx, bana_str salt, int64_t number)
{
	unsigned char digest[BANA_SHA256_BYTES];
	const char *text =
		bana_print(ctx->arena, "%.*s%lld", (int)salt.len, salt.at, (long long)number);
	bana_sha256(bana_str_of(text), digest);
	return bana_hex(ctx->arena, digest, sizeof digest);
}

static const char *signature_of(struct bana_ctx *ctx, const char *challenge)
{
	unsigned char digest[BANA_SHA256_BYTES];
	outreach_sign(ctx, OUTREACH_CHALLENGE, bana_str_of(challenge), digest);
	return bana_hex(ctx->arena, digest, sizeof digest);
}

/* ---- checking ---------------------------------------------------------------------------------
 */

/* Exactly as we write it. The & at the end keeps salt and number apart: without it, digits could be
 * moved from one to the other, and both the challenge and its signature would still be right. */
static bool read_salt(bana_str salt, int64_t *expires_s)
{
	bana_str rest, after;
	const size_t head = SALT_HEX + strlen(EXPIRES);
	if (salt.len <= head || memcmp(salt.at + SALT_HEX, EXPIRES, strlen(EXPIRES)) != 0 ||
		salt.at[salt.len - 1] != '&')
		return false;
	for (size_t i = 0; i < SALT_HEX; i++) {
		if (strchr("0123456789abcdef", salt.at[i]) == NULL || salt.at[i] == '\0')
			return false;
	}
	rest = (bana_str){salt.at + head, salt.len - head};
	bana_str digits = bana_str_cut(rest, '&', &after);
	return after.len == 0 &&
	       bana_parse_int(digits, 1, INT64_MAX / 1000000, expires_s).fault == BANA_OK;
}

static bool same_text(bana_str given, const char *ours)
{
	return given.len == DIGEST_HEX && bana_same_secret(given.at, ours, DIGEST_HEX);
}

static const struct bana_json *read_payload(struct bana_ctx *ctx, bana_str payload)
{
	bana_str text;
	const struct bana_json *json = NULL;
	if (bana_base64_decode(ctx->arena, payload, &text).fault != BANA_OK ||
		bana_json_parse(ctx, text, 1, &json).fault != BANA_OK) {
		bana_failure_clear(ctx); /* it is a proof that is no good, not a request */
		return NULL;
	}
	return json;
}

BANA_RES outreach_challenge_check(
	struct bana_ctx *ctx, bana_str payload, enum outreach_proof *proof, const char **digest)
{
	bana_str algorithm, challenge, salt, signature;
	const struct bana_json *number;
	int64_t expires_s;
	*proof = OUTREACH_PROOF_NONE;
	if (payload.len == 0 || !outreach_signs())
		return BANA_DONE;
	*proof = OUTREACH_PROOF_BAD;
	const struct bana_json *json = read_payload(ctx, payload);
	if (!bana_json_get_str(json, "algorithm", &algorithm) ||
		!bana_str_is(algorithm, ALGORITHM) ||
		!bana_json_get_str(json, "challenge", &challenge) ||
		!bana_json_get_str(json, "signature", &signature) ||
		!bana_json_get_str(json, "salt", &salt) || !read_salt(salt, &expires_s) ||
		!bana_json_get(json, "number", &number) || bana_json_kind(number) != BANA_JSON_INT)
		return BANA_DONE;
	const char *ours = challenge_of(ctx, salt, bana_json_int(number));
	if (!same_text(challenge, ours) || !same_text(signature, signature_of(ctx, ours)))
		return BANA_DONE;
	*digest = ours;
	*proof = bana_now_us() / 1000000 < expires_s ? OUTREACH_PROOF_GOOD : OUTREACH_PROOF_EXPIRED;
	return BANA_DONE;
}

/* ---- single use -------------------------------------------------------------------------------
 */

/* Longer than any challenge lives, whatever the settings and clocks of other hosts. */
#define KEPT "interval '25 hours'"

/* A bounded piece, now and then, after the reply: as many go as came, and a few more. */
static void prune(struct bana_ctx *ctx, void *unused)
{
	static const char sql[] =
		"DELETE FROM outreach.\"UsedChallenge\" WHERE digest = ANY (ARRAY("
		"SELECT digest FROM outreach.\"UsedChallenge\" WHERE expires_at < now()"
		" ORDER BY expires_at LIMIT 100 FOR UPDATE SKIP LOCKED))";
	(void)unused;
	bana_ignore(bana_pg_exec(ctx, sql, 0, NULL, NULL),
		"a challenge that has expired is refused in any case");
}

void outreach_challenge_use_step(struct bana_ctx *ctx, const char *digest, struct bana_step *step)
{
	enum { ONE_OF = 64 };
	const char **values = bana_alloc(ctx->arena, sizeof *values);
	values[0] = digest;
	*step = (struct bana_step){"INSERT INTO outreach.\"UsedChallenge\" (digest, expires_at)"
				   " VALUES ($1, now() + " KEPT ")"
				   " ON CONFLICT DO NOTHING RETURNING 1",
		1, values, NULL};
	if (bana_random_word() % ONE_OF == 0)
		bana_after_add(ctx, prune, NULL);
}

bool outreach_challenge_fresh(const struct bana_step *step)
{
	return bana_rows_count(step->rows) == 1;
}

BANA_RES outreach_challenge_use(struct bana_ctx *ctx, const char *digest, bool *fresh)
{
	struct bana_step step;
	outreach_challenge_use_step(ctx, digest, &step);
	TRY(bana_pg_exec(ctx, step.sql, step.count, step.values, &step.rows));
	*fresh = outreach_challenge_fresh(&step);
	return BANA_DONE;
}

/* ---- giving -----------------------------------------------------------------------------------
 */

static BANA_RES give(struct bana_req *q)
{
	struct bana_ctx *ctx = &q->ctx;
	unsigned char random[SALT_BYTES];
	const struct outreach_settings *s = &outreach_settings;
	if (!outreach_signs())
		return bana_fail(ctx, BANA_NOT_FOUND,
			"No challenges here: APP_ENV_OUTREACH_SECRET is not set", NULL);
	bana_random(random, sizeof random);
	long long expires_s = bana_now_us() / 1000000 + s->challenge_expiry_s;
	const char *salt = bana_print(ctx->arena, "%s" EXPIRES "%lld&",
		bana_hex(ctx->arena, random, sizeof random), expires_s);
	int64_t number = (int64_t)(bana_random_word() % ((uint64_t)s->challenge_max_number + 1));
	const char *challenge = challenge_of(ctx, bana_str_of(salt), number);
	struct bana_buf json;
	bana_buf_init(&json, ctx->arena);
	bana_buf_text(&json, "{");
	bana_buf_json_member(&json, "algorithm", ALGORITHM);
	bana_buf_json_member(&json, "challenge", challenge);
	bana_buf_json_name(&json, "maxnumber");
	bana_buf_int(&json, s->challenge_max_number);
	bana_buf_json_member(&json, "salt", salt);
	bana_buf_json_member(&json, "signature", signature_of(ctx, challenge));
	bana_buf_text(&json, "}");
	return bana_reply_text(q, 200, NULL, bana_buf_str(&json));
}

/* clang-format off */
const struct bana_call outreach_challenge = {
	.handle = give, .name = "challenge", .status = 200, .gives = BANA_GIVES_PLAIN, .faults = "404",
	.schema = "{\"type\":\"object\",\"description\":\"ALTCHA, version 1: find the number for which `challenge` is the "
		"SHA-256 of `salt` and the number in decimal, and send base64 of {algorithm, challenge, number, salt, signature}. "
		"Good once, until the time in the salt.\","
		"\"required\":[\"algorithm\",\"challenge\",\"maxnumber\",\"salt\",\"signature\"],\"additionalProperties\":false,"
		"\"properties\":{"
		"\"algorithm\":{\"type\":\"string\",\"const\":\"SHA-256\"},"
		"\"challenge\":{\"type\":\"string\",\"pattern\":\"^[0-9a-f]{64}$\"},"
		"\"maxnumber\":{\"type\":\"integer\",\"description\":\"The number is not greater.\",\"examples\":[50000]},"
		"\"salt\":{\"type\":\"string\",\"pattern\":\"^[0-9a-f]{24}[?]expires=[0-9]+&$\"},"
		"\"signature\":{\"type\":\"string\",\"pattern\":\"^[0-9a-f]{64}$\"}}}",
};
/* clang-format on */
