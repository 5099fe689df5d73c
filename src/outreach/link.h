/*
 * Unsubscribe tokens: a Snowflake, or for links that Outreach hands out itself a Snowflake, a dot
 * and 80 bits of HMAC-SHA-256 in base64url (14 characters).
 */
#ifndef OUTREACH_LINK_H
#define OUTREACH_LINK_H

#include "bana/text.h"

struct bana_ctx;

/* The Snowflake in a token, as text for the database; "0", which no row has, when the signature is
 * wrong or missing where it must be. INVALID: not of either form. */
BANA_RES outreach_link_read(struct bana_ctx *ctx, bana_str token, const char **snowflake);

/* The signed token of a Snowflake; NULL without a secret. */
const char *outreach_link_write(struct bana_ctx *ctx, const char *snowflake);

#endif
