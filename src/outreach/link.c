#include "outreach/link.h"

#include "bana/ctx.h"
#include "bana/req.h"
#include "outreach/outreach.h"

enum { SIGNATURE_BYTES = 10 };

bool outreach_signs(void)
{
	return *outreach_settings.secret != '\0';
}

/* One secret, one key a purpose: the HMAC of the purpose's name. Made once, kept for the process.
 */
void outreach_sign(struct bana_ctx *ctx, enum outreach_purpose purpose, bana_str text,
	unsigned char digest[BANA_SHA256_BYTES])
{
	/* clang-format off */
	static const struct { const char *name; bool is_text; } purposes[OUTREACH_PURPOSES] = {
		[OUTREACH_UNSUBSCRIBE_LINK] = {"unsubscribe link", false},
		[OUTREACH_CONFIRM_LINK]     = {"confirm link", false},
		[OUTREACH_CLIENT_ADDRESS]   = {"client address", false},
		[OUTREACH_ERASED_ADDRESS]   = {"erased address", false},
		[OUTREACH_CHALLENGE]        = {"challenge", true}, /* ALTCHA's libraries take keys that are text */
		[OUTREACH_FORM_STAMP]       = {"form stamp", false},
		[OUTREACH_BUCKET]           = {"bucket", false},
	};
	/* clang-format on */
	static struct bana_hmac *keys[OUTREACH_PURPOSES];
	if (keys[purpose] == NULL) {
		struct bana_hmac *secret = bana_hmac_new(bana_str_of(outreach_settings.secret));
		bana_str key = {(char *)digest, BANA_SHA256_BYTES};
		bana_hmac(secret, bana_str_of(purposes[purpose].name), digest);
		bana_hmac_free(secret);
		if (purposes[purpose].is_text)
			key = bana_str_of(bana_hex(ctx->arena, digest, BANA_SHA256_BYTES));
		keys[purpose] = bana_hmac_new(key);
	}
	bana_hmac(keys[purpose], text, digest);
}

const char *outreach_signature(struct bana_ctx *ctx, enum outreach_purpose purpose, bana_str text)
{
	unsigned char digest[BANA_SHA256_BYTES];
	outreach_sign(ctx, purpose, text, digest);
	return bana_base64url(ctx->arena, digest, SIGNATURE_BYTES);
}

static BANA_RES malformed(struct bana_ctx *ctx)
{
	bana_issue_add(ctx, "token", "invalid_format", NULL, "Invalid token");
	return bana_issues_close(ctx);
}

/* The two parts of a token; without a dot the signature is empty. INVALID: of neither form. */
static BANA_RES take_apart(
	struct bana_ctx *ctx, bana_str token, bana_str *number, bana_str *signature)
{
	bana_str bytes;
	int64_t value;
	bool is_signed = memchr(token.at, '.', token.len) != NULL;
	*number = bana_str_cut(token, '.', signature);
	if (bana_parse_int(*number, 1, INT64_MAX, &value).fault != BANA_OK)
		return malformed(ctx);
	if (is_signed &&
		(signature->len != OUTREACH_SIGNATURE_CHARACTERS ||
			bana_base64url_decode(ctx->arena, *signature, &bytes).fault != BANA_OK))
		return malformed(ctx);
	return BANA_DONE;
}

static const char *write_token(
	struct bana_ctx *ctx, enum outreach_purpose purpose, const char *snowflake)
{
	if (!outreach_signs())
		return NULL;
	return bana_print(ctx->arena, "%s.%s", snowflake,
		outreach_signature(ctx, purpose, bana_str_of(snowflake)));
}

BANA_RES outreach_link_read(struct bana_ctx *ctx, bana_str token, const char **snowflake)
{
	bana_str number, given;
	TRY(take_apart(ctx, token, &number, &given));
	bool good = given.len > 0
			    ? outreach_signs() &&
				      bana_same_secret(outreach_signature(ctx,
							       OUTREACH_UNSUBSCRIBE_LINK, number),
					      given.at, OUTREACH_SIGNATURE_CHARACTERS)
			    : outreach_settings.bare_tokens;
	*snowflake = good ? bana_copy(ctx->arena, number.at, number.len) : "0";
	return BANA_DONE;
}

const char *outreach_link_write(struct bana_ctx *ctx, const char *snowflake)
{
	return write_token(ctx, OUTREACH_UNSUBSCRIBE_LINK, snowflake);
}

BANA_RES outreach_confirm_read(
	struct bana_ctx *ctx, bana_str token, const char **snowflake, const char **hash)
{
	bana_str number, given;
	TRY(take_apart(ctx, token, &number, &given));
	if (given.len == 0)
		return malformed(ctx);
	*snowflake = bana_copy(ctx->arena, number.at, number.len);
	*hash = outreach_confirm_hash(ctx, bana_copy(ctx->arena, token.at, token.len));
	return BANA_DONE;
}

const char *outreach_confirm_write(struct bana_ctx *ctx, const char *snowflake)
{
	return write_token(ctx, OUTREACH_CONFIRM_LINK, snowflake);
}

const char *outreach_confirm_hash(struct bana_ctx *ctx, const char *token)
{
	unsigned char digest[BANA_SHA256_BYTES];
	if (token == NULL)
		return NULL;
	bana_sha256(bana_str_of(token), digest);
	return bana_hex(ctx->arena, digest, sizeof digest);
}

static const char *pseudonym(struct bana_ctx *ctx, enum outreach_purpose purpose, bana_str text)
{
	unsigned char digest[BANA_SHA256_BYTES];
	if (!outreach_signs())
		return NULL;
	outreach_sign(ctx, purpose, text, digest);
	return bana_hex(ctx->arena, digest, sizeof digest);
}

const char *outreach_address_hash(struct bana_req *q)
{
	const char *address = bana_req_header(q, "REMOTE_ADDR");
	return address == NULL ? NULL
			       : pseudonym(&q->ctx, OUTREACH_CLIENT_ADDRESS, bana_str_of(address));
}

const char *outreach_pseudonym(struct bana_ctx *ctx, bana_str address)
{
	return pseudonym(ctx, OUTREACH_ERASED_ADDRESS, address);
}
