/*
 * The abuse gate: every public write passes here, JSON and form alike. It judges, and refuses
 * nothing: the outcome is a score with its reasons, and what is over the line is kept aside by the
 * caller, who answers as always. Rules, weights and limits: docs/abuse-gate.md.
 */
#ifndef OUTREACH_GATE_H
#define OUTREACH_GATE_H

#include "bana/text.h"

struct bana_ctx;
struct bana_networks;
struct bana_req;

enum outreach_reason {
#define REASON(id, slug, weight, says) OUTREACH_REASON_##id,
#include "outreach/gate_reason.def"
#undef REASON
	OUTREACH_REASON_COUNT
};

/* What was sent; NULL where there is nothing. */
struct outreach_submission {
	const char *address; /* of e-mail, normalised (bana_email_normalise) */
	const char *message;
	const char *names[4]; /* texts in which a link has no place */
	const char *website, *stamp, *proof;
};

struct outreach_verdict {
	bool over;           /* the line */
	bool begun;          /* a transaction was opened, for the proof was used in it */
	const char *score;   /* decimal; NULL: the gate is off */
	const char *reasons; /* a JSON list of slugs, heaviest first; NULL likewise */
};

/* Judge a public write; one look into the buckets, and with a proof of work one statement. What of
 * it cannot be found out counts as nothing. UNAVAILABLE: there is no database, and nothing was
 * counted; faults of bana_pg_batch, of the proof alone. */
BANA_RES outreach_gate_judge(struct bana_req *q, const struct outreach_submission *submission,
	struct outreach_verdict *verdict);

/* May this client try another unsubscribe token? TOO_MANY with Retry-After after many wrong ones.
 * What it costs does not depend on the token. */
BANA_RES outreach_gate_token(struct bana_req *q);

/* After the reply: this one was wrong. */
void outreach_gate_token_wrong(struct bana_req *q);

/* Whether it was over the line or not, as a metric. */
enum outreach_decision { OUTREACH_PASSED, OUTREACH_QUARANTINED, OUTREACH_REPEATED };
void outreach_gate_decided(struct bana_ctx *ctx, enum outreach_decision decision);

#endif
