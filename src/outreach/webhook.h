/*
 * Between the files of webhooks. Contract: docs/webhooks.md.
 */
#ifndef OUTREACH_WEBHOOK_H
#define OUTREACH_WEBHOOK_H

#include "bana/entity.h"
#include "bana/network.h"
#include "bana/result.h"

#include <stddef.h>

struct bana_ctx;

/* What an endpoint may ask for; closed by a NULL value. */
extern const struct bana_choice outreach_webhook_events[];

/* APP_ENV_OUTREACH_WEBHOOK_NETWORKS, in the arena. MALFORMED: it cannot be read; then `networks`
 * is empty. */
BANA_RES outreach_webhook_networks(struct bana_ctx *ctx, struct bana_networks *networks);

/* NULL: an endpoint may have this URL, as far as the text tells; else why not, static text. An
 * address in it is judged now, a name by what it resolves to, each time it is connected to. */
const char *outreach_webhook_refused(
	bana_str url, const struct bana_networks *networks, bool plain);

/* Nothing more is sent to it until somebody enables it; audited, as done by nobody. `reason` is
 * static text of at most 200 bytes. NOT_FOUND: it was deleted; faults of bana_change_run. */
BANA_RES outreach_webhook_disable(struct bana_ctx *ctx, const char *id, const char *reason);

/* A new secret as text: "whsec_" and the base64 of 32 random bytes; in the arena. */
const char *outreach_webhook_secret(struct bana_ctx *ctx);

/* "v1,<base64 of HMAC-SHA-256 of id.timestamp.body>" for each secret that is not NULL, parted by a
 * blank; in the arena. Standard Webhooks. */
const char *outreach_webhook_sign(struct bana_ctx *ctx, const char *const secrets[2],
	const char *id, const char *timestamp, bana_str body);

/* The pause before the attempt that follows `attempts` of them, in seconds, as the schedule says.
 * False: none follows. MALFORMED items count as an hour. */
bool outreach_webhook_pause(const char *schedule, int64_t attempts, int64_t *pause_s);

/* MALFORMED: an item that is no number from 1 to 604800. */
BANA_RES outreach_webhook_schedule_check(const char *schedule);

#endif
