#include "outreach/link.h"

#include "bana/crypto.h"
#include "bana/ctx.h"
#include "bana/req.h"
#include "outreach/outreach.h"

enum { SIGNATURE_BYTES = 10, SIGNATURE_CHARACTERS = 14 };

static const char *signature(struct bana_ctx *ctx, bana_str snowflake)
{
	unsigned char digest[BANA_SHA256_BYTES];
	bana_hmac(bana_str_of(outreach_settings.secret), "unsubscribe link", snowflake, digest);
	return bana_base64url(ctx->arena, digest, SIGNATURE_BYTES);
}

static BANA_RES malformed(struct bana_ctx *ctx)
{
	bana_issue_add(ctx, "token", "invalid_format", NULL, "Invalid token");
	return bana_issues_close(ctx);
}

BANA_RES outreach_link_read(struct bana_ctx *ctx, bana_str token, const char **snowflake)
{
	bana_str given, bytes;
	int64_t value;
	bool is_signed = memchr(token.at, '.', token.len) != NULL;
	bana_str number = bana_str_cut(token, '.', &given);
	if (bana_parse_int(number, 1, INT64_MAX, &value).fault != BANA_OK)
		return malformed(ctx);
	if (is_signed && (given.len != SIGNATURE_CHARACTERS ||
				 bana_base64url_decode(ctx->arena, given, &bytes).fault != BANA_OK))
		return malformed(ctx);
	bool good = is_signed ? *outreach_settings.secret != '\0' &&
					bana_same_secret(signature(ctx, number), given.at,
						SIGNATURE_CHARACTERS)
			      : outreach_settings.bare_tokens;
	*snowflake = good ? bana_copy(ctx->arena, number.at, number.len) : "0";
	return BANA_DONE;
}

const char *outreach_link_write(struct bana_ctx *ctx, const char *snowflake)
{
	if (*outreach_settings.secret == '\0')
		return NULL;
	return bana_print(ctx->arena, "%s.%s", snowflake, signature(ctx, bana_str_of(snowflake)));
}

const char *outreach_address_hash(struct bana_req *q)
{
	const char *address = bana_req_header(q, "REMOTE_ADDR");
	if (address == NULL || *outreach_settings.secret == '\0')
		return NULL;
	unsigned char digest[BANA_SHA256_BYTES];
	bana_hmac(bana_str_of(outreach_settings.secret), "client address", bana_str_of(address),
		digest);
	return bana_hex(q->ctx.arena, digest, sizeof digest);
}
