/*
 * Who may do what: Casbin rules (ptype, v0..v5) in the service's "CasbinRule" table.
 *
 *   p, <role or User_id>, <domain>, <object>, <action>, allow|deny
 *   g, User_<id>, <role>, <domain>
 *
 * Effect: some rule allows and none denies. Objects and actions compare exactly; the domain is '*'.
 * Model: docs/architecture.md. Rules are re-read at most every 2 s, so a change works within that.
 */
#ifndef BANA_POLICY_H
#define BANA_POLICY_H

#include "bana/result.h"

struct bana_actor;
struct bana_ctx;
struct bana_policy;

/* `schema` is the service's; static text. Nothing is read yet. */
struct bana_policy *bana_policy_new(const char *schema);
void bana_policy_free(struct bana_policy *policy);

/* FORBIDDEN: not allowed, or denied. UNAVAILABLE: the rules could not be read and those at hand are
 * older than a minute. */
BANA_RES bana_policy_permit(struct bana_ctx *ctx, struct bana_policy *policy,
	const struct bana_actor *actor, const char *object, const char *action);

#endif
