#include "fuzz/fuzz.h"

#include "outreach/link.h"
#include "outreach/outreach.h"

/* Of a confirm token only the form is judged here. */
static void confirm(bana_str token)
{
	const char *snowflake, *hash;
	struct bana_ctx *ctx = fuzz_ctx();
	bana_res r = outreach_confirm_read(ctx, token, &snowflake, &hash);
	MUST(r.fault == BANA_INVALID || (r.fault == BANA_OK && strlen(hash) == 64));
	if (r.fault == BANA_OK)
		MUST(memchr(token.at, '.', token.len) == token.at + strlen(snowflake));
}

/* An unsubscribe token is malformed, or a number; a signed one only when we signed it. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static char secret[] = "0123456789abcdef0123456789abcdef";
	struct bana_ctx *ctx = fuzz_ctx();
	bana_str token = fuzz_str(bytes, len);
	const char *snowflake;
	int64_t number;
	outreach_settings = (struct outreach_settings){.secret = secret, .bare_tokens = true};
	confirm(token);
	ctx = fuzz_ctx();
	bana_res r = outreach_link_read(ctx, token, &snowflake);
	if (r.fault != BANA_OK) {
		MUST(r.fault == BANA_INVALID && ctx->failure.issue_count == 1);
		return 0;
	}
	MUST(bana_parse_int(bana_str_of(snowflake), 0, INT64_MAX, &number).fault == BANA_OK);
	bool dot = memchr(token.at, '.', token.len) != NULL;
	if (dot && number != 0)
		MUST(same(bana_str_of(outreach_link_write(ctx, snowflake)), token));
	if (!dot)
		MUST(same(bana_str_of(snowflake), token));
	outreach_settings.bare_tokens = false;
	MUST(outreach_link_read(fuzz_ctx(), token, &snowflake).fault == BANA_OK);
	MUST(dot || strcmp(snowflake, "0") == 0);
	return 0;
}
