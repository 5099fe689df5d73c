/*
 * Idempotency-Key (draft-ietf-httpapi-idempotency-key-header-07): a POST that is sent again does
 * its work once, and gets the first answer again.
 *
 * The answer is written in the transaction of the work, so either both are there or neither is:
 * whoever lost an answer, to a network or to a worker that was killed after its commit, asks again
 * with the same key. A key belongs to the caller (the user of the token, or every visitor together)
 * and to the path; it is kept for APP_ENV_IDEMPOTENCY_HOURS. Only successes are kept: what failed
 * changed nothing, and may be tried again with the same key.
 */
#ifndef BANA_IDEMPOTENT_H
#define BANA_IDEMPOTENT_H

#include "bana/result.h"

struct bana_ctx;
struct bana_req;
struct bana_step;

/*
 * Handle a request whose route was found and whose caller was let in: once for its key, or simply
 * when it carries none or is no POST. MALFORMED: no key of 1 to 255 visible ASCII characters;
 * INVALID: the key was used with another request; CONFLICT: one with it is still running
 * (Retry-After), or its answer was erased with a person.
 */
BANA_RES bana_idempotent(struct bana_req *q);

/* For an erasure: forget the answers to users in which any of these stands, whatever the case of
 * its letters; an array literal of PostgreSQL. Their keys stay, and answer CONFLICT. Those to
 * visitors are not looked at, for there are many of them, and no call may tell a visitor anything
 * of a person: what is sent to one stays out of its answer. */
void bana_idempotent_forget_step(struct bana_ctx *ctx, const char *texts, struct bana_step *step);

#endif
