#include "outreach/gate.h"

#include "bana/app.h"
#include "bana/bucket.h"
#include "bana/email.h"
#include "bana/metric.h"
#include "bana/network.h"
#include "bana/pg.h"
#include "bana/pool.h"
#include "bana/req.h"
#include "outreach/challenge.h"
#include "outreach/content.h"
#include "outreach/disposable.h"
#include "outreach/link.h"
#include "outreach/outreach.h"
#include "outreach/stamp.h"

static const struct {
	const char *slug;
	const int64_t *weight;
} reasons[OUTREACH_REASON_COUNT] = {
#define REASON(id, slug, fallback, says) {slug, &outreach_settings.weight_##id},
#include "outreach/gate_reason.def"
#undef REASON
};

struct scale {
	int64_t score, of[OUTREACH_REASON_COUNT];
};

static void weigh(struct scale *scale, enum outreach_reason reason, int64_t times)
{
	scale->of[reason] = times * *reasons[reason].weight;
	scale->score += scale->of[reason];
}

static void weigh_form(
	struct bana_ctx *ctx, const struct outreach_submission *s, struct scale *scale)
{
	enum outreach_stamp stamp;
	int64_t age_ms = 0;
	weigh(scale, OUTREACH_REASON_HONEYPOT, s->website != NULL && *s->website != '\0');
	if (!outreach_signs())
		return;
	bana_ignore(outreach_stamp_check(
			    ctx, bana_str_of(s->stamp == NULL ? "" : s->stamp), &stamp, &age_ms),
		"it is OK whatever the stamp is");
	bool good = stamp == OUTREACH_STAMP_GOOD;
	weigh(scale, OUTREACH_REASON_STAMP_MISSING, stamp == OUTREACH_STAMP_NONE);
	weigh(scale, OUTREACH_REASON_STAMP_FORGED, stamp == OUTREACH_STAMP_FORGED);
	weigh(scale, OUTREACH_REASON_TOO_FAST, good && age_ms < outreach_settings.gate_fill_ms);
	weigh(scale, OUTREACH_REASON_STAMP_OLD,
		good && age_ms > outreach_settings.gate_stamp_hours * 3600 * 1000);
}

static void weigh_content(const struct outreach_submission *s, struct scale *scale)
{
	enum { LINKS_WEIGHED = 5 };
	bool in_name = false;
	for (size_t i = 0; i < sizeof s->names / sizeof *s->names; i++)
		in_name = in_name || (s->names[i] != NULL &&
					     outreach_content_links(bana_str_of(s->names[i])) > 0);
	weigh(scale, OUTREACH_REASON_LINK_IN_NAME, in_name);
	if (s->message == NULL)
		return;
	bana_str message = bana_str_of(s->message);
	unsigned links = outreach_content_links(message), more = links == 0 ? 0 : links - 1;
	weigh(scale, OUTREACH_REASON_LINKS, more < LINKS_WEIGHED ? more : LINKS_WEIGHED);
	weigh(scale, OUTREACH_REASON_MARKUP, outreach_content_markup(message));
	weigh(scale, OUTREACH_REASON_REPETITION, outreach_content_repeats(message));
}

/* Redis keeps no address: what stands there cannot be read without the secret, if there is one. */
static const char *key_of(struct bana_ctx *ctx, const char *kind, bana_str text)
{
	enum { KEY_BYTES = 12 };
	unsigned char digest[BANA_SHA256_BYTES];
	if (outreach_signs())
		outreach_sign(ctx, OUTREACH_BUCKET, text, digest);
	else
		bana_sha256(text, digest);
	return bana_join(
		ctx->arena, "outreach:", kind, ":", bana_hex(ctx->arena, digest, KEY_BYTES), NULL);
}

/* Of whoever is not trusted: its address, of IPv6 the /64, which one customer has whole. NULL: it
 * is trusted, or has none. */
static const char *address_key(struct bana_req *q, const char *kind)
{
	enum { SUBNET_BYTES = 8 };
	const char *text = bana_req_header(q, "REMOTE_ADDR");
	struct bana_networks trusted;
	struct bana_address address;
	if (text == NULL || bana_address_parse(bana_str_of(text), &address).fault != BANA_OK)
		return NULL;
	if (bana_networks_parse(q->ctx.arena, outreach_settings.gate_trusted, &trusted).fault !=
			BANA_OK ||
		bana_networks_contain(&trusted, &address))
		return NULL;
	return key_of(&q->ctx, kind,
		(bana_str){(char *)address.bytes,
			bana_address_is_v4(&address) ? sizeof address.bytes : SUBNET_BYTES});
}

static void weigh_rates(struct bana_req *q, const struct outreach_submission *s, const char *person,
	struct scale *scale)
{
	enum { SHORT_MESSAGE = 40 }; /* "Please call me" is nobody's own */
	const struct outreach_settings *set = &outreach_settings;
	bool counts = s->message != NULL && strlen(s->message) >= SHORT_MESSAGE;
	/* clang-format off */
	const struct {
		enum outreach_reason reason;
		const char *key;
		int64_t burst, every_s;
	} rows[] = {
		{OUTREACH_REASON_ADDRESS_RATE, address_key(q, "address"), set->gate_address_burst, set->gate_address_s},
		{OUTREACH_REASON_EMAIL_RATE, key_of(&q->ctx, "email", bana_str_of(person)), set->gate_email_burst, set->gate_email_s},
		{OUTREACH_REASON_REPEATED_MESSAGE, counts ? key_of(&q->ctx, "message", bana_str_of(s->message)) : NULL,
			set->gate_message_burst, set->gate_message_s},
	};
	/* clang-format on */
	enum { ROWS = sizeof rows / sizeof *rows };
	struct bana_bucket buckets[ROWS];
	for (size_t i = 0; i < ROWS; i++)
		buckets[i] = (struct bana_bucket){.key = rows[i].key,
			.burst = rows[i].key == NULL ? 0 : rows[i].burst,
			.every_ms = rows[i].every_s * 1000};
	bana_buckets_take(&q->ctx, buckets, ROWS);
	for (size_t i = 0; i < ROWS; i++)
		weigh(scale, rows[i].reason, buckets[i].empty);
}

/* Used in the transaction of what it is for: if that fails, it is as good as before. */
static BANA_RES use_proof(
	struct bana_ctx *ctx, const char *digest, struct scale *scale, bool *begun)
{
	struct bana_step steps[2] = {{.sql = "BEGIN"}};
	outreach_challenge_use_step(ctx, digest, &steps[1]);
	TRY(bana_pg_batch(ctx, steps, 2));
	*begun = true;
	if (!outreach_challenge_fresh(&steps[1])) {
		weigh(scale, OUTREACH_REASON_PROOF_REUSED, 1);
		return BANA_DONE;
	}
	scale->score -= outreach_settings.gate_credit;
	return BANA_DONE;
}

static BANA_RES weigh_proof(
	struct bana_ctx *ctx, const struct outreach_submission *s, struct scale *scale, bool *begun)
{
	const char *mode = outreach_settings.challenge, *digest;
	enum outreach_proof proof;
	bool always = strcmp(mode, "always") == 0;
	if (!outreach_signs() || strcmp(mode, "off") == 0)
		return BANA_DONE;
	TRY(outreach_challenge_check(
		ctx, bana_str_of(s->proof == NULL ? "" : s->proof), &proof, &digest));
	if (proof == OUTREACH_PROOF_GOOD)
		return use_proof(ctx, digest, scale, begun);
	weigh(scale, OUTREACH_REASON_PROOF_BAD, proof == OUTREACH_PROOF_BAD);
	weigh(scale, OUTREACH_REASON_PROOF_EXPIRED, proof == OUTREACH_PROOF_EXPIRED);
	weigh(scale, OUTREACH_REASON_PROOF_MISSING,
		proof == OUTREACH_PROOF_NONE &&
			(always || scale->score >= outreach_settings.gate_suspicion));
	return BANA_DONE;
}

/* Heaviest first; each is told once. */
static const char *write_reasons(struct bana_ctx *ctx, struct scale *scale)
{
	struct bana_buf b;
	bana_buf_init(&b, ctx->arena);
	bana_buf_text(&b, "[");
	for (;;) {
		size_t most = 0;
		for (size_t i = 1; i < OUTREACH_REASON_COUNT; i++)
			most = scale->of[i] > scale->of[most] ? i : most;
		if (scale->of[most] == 0)
			break;
		bana_buf_print(&b, "%s\"%s\"", b.len > 1 ? "," : "", reasons[most].slug);
		bana_count(ctx->app->pool, BANA_METRIC_GATE_HONEYPOT + (enum bana_metric)most, 1);
		scale->of[most] = 0;
	}
	bana_buf_text(&b, "]");
	return b.at;
}

_Static_assert(
	BANA_METRIC_GATE_PROOF_REUSED - BANA_METRIC_GATE_HONEYPOT == OUTREACH_REASON_PROOF_REUSED,
	"one metric a reason, in the same order");

BANA_RES outreach_gate_judge(
	struct bana_req *q, const struct outreach_submission *s, struct outreach_verdict *verdict)
{
	enum { SCORE_MAX = 32767 };
	struct bana_ctx *ctx = &q->ctx;
	struct scale scale = {0};
	const char *person;
	*verdict = (struct outreach_verdict){0};
	if (!outreach_settings.gate)
		return BANA_DONE;
	/* nothing could be stored, and who tries again until it can is not to look like a flood */
	TRY(bana_pg_ready(ctx, ctx->db));
	TRY(bana_email_person(ctx->arena, bana_str_of(s->address), &person));
	weigh_form(ctx, s, &scale);
	weigh_content(s, &scale);
	weigh(&scale, OUTREACH_REASON_NO_USER_AGENT, bana_req_header(q, "HTTP_USER_AGENT") == NULL);
	weigh(&scale, OUTREACH_REASON_DISPOSABLE,
		outreach_disposable(bana_str_of(strrchr(s->address, '@') + 1)));
	weigh_rates(q, s, person, &scale);
	TRY(weigh_proof(ctx, s, &scale, &verdict->begun));
	int64_t score = scale.score < 0 ? 0 : scale.score > SCORE_MAX ? SCORE_MAX : scale.score;
	verdict->over = score >= outreach_settings.gate_line;
	verdict->score = bana_print(ctx->arena, "%lld", (long long)score);
	verdict->reasons = write_reasons(ctx, &scale);
	return BANA_DONE;
}

static struct bana_bucket token_bucket(const char *key)
{
	return (struct bana_bucket){.key = key,
		.burst = outreach_settings.gate && key != NULL ? outreach_settings.gate_token_burst
							       : 0,
		.every_ms = outreach_settings.gate_token_s * 1000};
}

BANA_RES outreach_gate_token(struct bana_req *q)
{
	struct bana_bucket bucket = token_bucket(address_key(q, "token"));
	bucket.look = true;
	bana_buckets_take(&q->ctx, &bucket, 1);
	if (!bucket.empty)
		return BANA_DONE;
	q->ctx.failure.retry_after_s = (unsigned)outreach_settings.gate_token_s;
	return bana_fail(&q->ctx, BANA_TOO_MANY, "Too many wrong tokens", NULL);
}

static void take_token(struct bana_ctx *ctx, void *key)
{
	struct bana_bucket bucket = token_bucket(key);
	bana_buckets_take(ctx, &bucket, 1);
}

void outreach_gate_token_wrong(struct bana_req *q)
{
	const char *key = address_key(q, "token");
	if (key != NULL)
		bana_after_add(&q->ctx, take_token, (void *)(uintptr_t)key);
}

void outreach_gate_decided(struct bana_ctx *ctx, enum outreach_decision decision)
{
	static const enum bana_metric metrics[] = {
		[OUTREACH_PASSED] = BANA_METRIC_GATE_PASSED,
		[OUTREACH_QUARANTINED] = BANA_METRIC_GATE_QUARANTINED,
		[OUTREACH_REPEATED] = BANA_METRIC_GATE_REPEATED,
	};
	bana_count(ctx->app->pool, metrics[decision], 1);
}
