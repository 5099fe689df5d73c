/*
 * Tokens of links: a Snowflake, a dot and 80 bits of HMAC-SHA-256 in base64url (14 characters). One
 * that unsubscribes may be a bare Snowflake, if the settings say so. And the keys of everything
 * that Outreach signs.
 */
#ifndef OUTREACH_LINK_H
#define OUTREACH_LINK_H

#include "bana/crypto.h"
#include "bana/text.h"

struct bana_ctx;

/* What is signed. Each has a key of its own, derived from APP_ENV_OUTREACH_SECRET, so that no
 * signature of one is any good as another; every host with that secret has the same keys. */
enum outreach_purpose {
	OUTREACH_UNSUBSCRIBE_LINK,
	OUTREACH_CONFIRM_LINK,
	OUTREACH_CLIENT_ADDRESS,
	OUTREACH_ERASED_ADDRESS,
	OUTREACH_CHALLENGE,
	OUTREACH_FORM_STAMP,
	OUTREACH_BUCKET,
	OUTREACH_PURPOSES
};

/* Is there a secret? Without one nothing can be signed: the functions below are not to be called.
 */
bool outreach_signs(void);

/* HMAC-SHA-256 of `text` under the key of the purpose. */
void outreach_sign(struct bana_ctx *ctx, enum outreach_purpose purpose, bana_str text,
	unsigned char digest[BANA_SHA256_BYTES]);

/* The first 80 bits of it in base64url, in the arena: what fits into an address. */
enum { OUTREACH_SIGNATURE_CHARACTERS = 14 };
const char *outreach_signature(struct bana_ctx *ctx, enum outreach_purpose purpose, bana_str text);

/* The Snowflake in a token, as text for the database; "0", which no row has, when the signature is
 * wrong or missing where it must be. INVALID: not of either form. */
BANA_RES outreach_link_read(struct bana_ctx *ctx, bana_str token, const char **snowflake);

/* The signed token of a Snowflake; NULL without a secret. */
const char *outreach_link_write(struct bana_ctx *ctx, const char *snowflake);

/*
 * Confirm tokens are made of the Snowflake of the unsubscribe token, under a key of their own; what
 * is stored is a hash, and whether a token is right is for the database to say, by that. So a new
 * secret does not end the links that were sent. INVALID: not of the form.
 */
BANA_RES outreach_confirm_read(
	struct bana_ctx *ctx, bana_str token, const char **snowflake, const char **hash);

/* The confirm token of a Snowflake; NULL without a secret. */
const char *outreach_confirm_write(struct bana_ctx *ctx, const char *snowflake);

/* What is stored of it: SHA-256 in hexadecimal; NULL of NULL. */
const char *outreach_confirm_hash(struct bana_ctx *ctx, const char *token);

#endif
