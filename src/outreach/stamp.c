#include "outreach/stamp.h"

#include "bana/clock.h"
#include "bana/ctx.h"
#include "bana/req.h"
#include "outreach/link.h"
#include "outreach/outreach.h"

BANA_RES outreach_stamp_check(
	struct bana_ctx *ctx, bana_str text, enum outreach_stamp *result, int64_t *age_ms)
{
	bana_str given;
	int64_t made_ms;
	*result = OUTREACH_STAMP_NONE;
	if (text.len == 0 || !outreach_signs())
		return BANA_DONE;
	*result = OUTREACH_STAMP_FORGED;
	bana_str number = bana_str_cut(text, '.', &given);
	if (bana_parse_int(number, 1, INT64_MAX / 1000, &made_ms).fault != BANA_OK ||
		given.len != OUTREACH_SIGNATURE_CHARACTERS ||
		!bana_same_secret(outreach_signature(ctx, OUTREACH_FORM_STAMP, number), given.at,
			OUTREACH_SIGNATURE_CHARACTERS))
		return BANA_DONE;
	*result = OUTREACH_STAMP_GOOD;
	*age_ms = bana_now_us() / 1000 - made_ms;
	return BANA_DONE;
}

static BANA_RES give(struct bana_req *q)
{
	struct bana_ctx *ctx = &q->ctx;
	char digits[BANA_INT_BYTES];
	if (!outreach_signs())
		return bana_fail(ctx, BANA_NOT_FOUND,
			"No form stamps here: APP_ENV_OUTREACH_SECRET is not set", NULL);
	const char *now = bana_int_write(bana_now_us() / 1000, digits);
	return bana_reply_one(q, 200,
		bana_str_of(bana_print(ctx->arena, "{\"stamp\":\"%s.%s\"}", now,
			outreach_signature(ctx, OUTREACH_FORM_STAMP, bana_str_of(now)))));
}

/* clang-format off */
const struct bana_call outreach_form_stamp = {
	.handle = give, .name = "formStamp", .status = 200, .gives = BANA_GIVES_OTHER, .faults = "404",
	.schema = "{\"type\":\"object\",\"required\":[\"stamp\"],\"additionalProperties\":false,\"properties\":{"
		"\"stamp\":{\"type\":\"string\",\"pattern\":\"^[0-9]+[.][A-Za-z0-9_-]{14}$\",\"description\":"
		"\"Milliseconds since 1970, a dot, a signature.\",\"examples\":[\"1795708800000.TPEaAE3UgttwEA\"]}}}",
};
/* clang-format on */
