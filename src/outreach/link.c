#include "outreach/link.h"

#include "bana/crypto.h"
#include "bana/ctx.h"
#include "bana/req.h"
#include "outreach/outreach.h"

enum { SIGNATURE_BYTES = 10, SIGNATURE_CHARACTERS = 14 };

enum purpose { UNSUBSCRIBE_LINK, CLIENT_ADDRESS, ERASED_ADDRESS, PURPOSES };

/* One secret, one key a purpose: the HMAC of the purpose's name. Made once, kept for the process.
 */
static void sign(enum purpose purpose, bana_str text, unsigned char digest[BANA_SHA256_BYTES])
{
	static const char *const names[PURPOSES] = {
		"unsubscribe link", "client address", "erased address"};
	static struct bana_hmac *keys[PURPOSES];
	if (keys[purpose] == NULL) {
		struct bana_hmac *secret = bana_hmac_new(bana_str_of(outreach_settings.secret));
		bana_hmac(secret, bana_str_of(names[purpose]), digest);
		bana_hmac_free(secret);
		keys[purpose] = bana_hmac_new((bana_str){(char *)digest, BANA_SHA256_BYTES});
	}
	bana_hmac(keys[purpose], text, digest);
}

static const char *signature(struct bana_ctx *ctx, bana_str snowflake)
{
	unsigned char digest[BANA_SHA256_BYTES];
	sign(UNSUBSCRIBE_LINK, snowflake, digest);
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

static const char *pseudonym(struct bana_ctx *ctx, enum purpose purpose, bana_str text)
{
	unsigned char digest[BANA_SHA256_BYTES];
	if (*outreach_settings.secret == '\0')
		return NULL;
	sign(purpose, text, digest);
	return bana_hex(ctx->arena, digest, sizeof digest);
}

const char *outreach_address_hash(struct bana_req *q)
{
	const char *address = bana_req_header(q, "REMOTE_ADDR");
	return address == NULL ? NULL : pseudonym(&q->ctx, CLIENT_ADDRESS, bana_str_of(address));
}

const char *outreach_pseudonym(struct bana_ctx *ctx, bana_str address)
{
	return pseudonym(ctx, ERASED_ADDRESS, address);
}
