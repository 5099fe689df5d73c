/*
 * Proof of work in the format of ALTCHA, version 1 (altcha.org, its libraries and its widget):
 * a challenge is SHA-256(salt, number) in hexadecimal, and who tells the number has done the work.
 * It is signed with a key from APP_ENV_OUTREACH_SECRET, so nothing is kept of those that were given
 * out, and any host takes the solutions of all. Each is good once: what was used stands in
 * outreach."UsedChallenge" until long after it would have expired.
 *
 * It makes a flood dear. It does not tell people from programs.
 */
#ifndef OUTREACH_CHALLENGE_H
#define OUTREACH_CHALLENGE_H

#include "bana/text.h"

struct bana_ctx;
struct bana_step;

enum outreach_proof {
	OUTREACH_PROOF_NONE,    /* there is none, or no secret to check it with */
	OUTREACH_PROOF_GOOD,    /* a challenge of ours, solved and in time; maybe used before */
	OUTREACH_PROOF_BAD,     /* anything else */
	OUTREACH_PROOF_EXPIRED, /* a challenge of ours, solved too late */
};

/*
 * `payload` is what the widget sends: base64 of {algorithm, challenge, number, salt, signature}.
 * OK whatever it is; no I/O. When GOOD, `*digest` is what the two below take, in the arena.
 */
BANA_RES outreach_challenge_check(
	struct bana_ctx *ctx, bana_str payload, enum outreach_proof *proof, const char **digest);

/* Note that it is used, as a step of a batch; the transaction of what it is used for is the right
 * one. Two at once: the second waits for the first. */
void outreach_challenge_use_step(struct bana_ctx *ctx, const char *digest, struct bana_step *step);

/* Of such a step, when its batch was OK: was it the first use? */
bool outreach_challenge_fresh(const struct bana_step *step);

/* The same as a statement of its own, or in the transaction that is open. Faults of bana_pg_exec.
 */
BANA_RES outreach_challenge_use(struct bana_ctx *ctx, const char *digest, bool *fresh);

#endif
