/*
 * Form stamps: the time at which a form was opened, signed, so that a page cannot be older or
 * younger than it says. "<milliseconds since 1970>.<80 bits of HMAC-SHA-256 in base64url>", with a
 * key of its own from APP_ENV_OUTREACH_SECRET: any host takes the stamps of the others.
 *
 * A stamp says when a form was opened at the latest, not by whom: it may be used any number of
 * times. How young or old is too young or old is its reader's to say.
 */
#ifndef OUTREACH_STAMP_H
#define OUTREACH_STAMP_H

#include "bana/text.h"

struct bana_ctx;

enum outreach_stamp {
	OUTREACH_STAMP_NONE,   /* there is none, or no secret to check it with */
	OUTREACH_STAMP_GOOD,   /* ours */
	OUTREACH_STAMP_FORGED, /* anything else */
};

/* OK whatever the text is. `*age_ms` is set when it is GOOD: now minus then; negative when the
 * clock of the host that made it is ahead of ours. */
BANA_RES outreach_stamp_check(
	struct bana_ctx *ctx, bana_str text, enum outreach_stamp *result, int64_t *age_ms);

#endif
