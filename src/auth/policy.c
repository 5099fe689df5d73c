#include "bana/policy.h"

#include "bana/actor.h"
#include "bana/clock.h"
#include "bana/ctx.h"
#include "bana/pg.h"

#include <stdio.h>
#include <stdlib.h>

enum { FRESH_US = 2 * 1000000, USABLE_US = 60 * 1000000 };

enum part { PTYPE, SUBJECT, DOMAIN, OBJECT, ACTION, EFFECT, PARTS };

struct bana_policy {
	char *sql;
	struct bana_arena *arena; /* of the rules at hand */
	const char *(*rules)[PARTS];
	size_t count;
	int64_t read_tick; /* 0: never */
};

struct bana_policy *bana_policy_new(const char *schema)
{
	struct bana_policy *policy = calloc(1, sizeof *policy);
	if (policy == NULL ||
		asprintf(&policy->sql,
			"SELECT ptype, v0, v1, v2, v3, v4 FROM %s.\"CasbinRule\" ORDER BY id",
			schema) < 0)
		abort();
	policy->arena = bana_arena_new();
	return policy;
}

void bana_policy_free(struct bana_policy *policy)
{
	if (policy == NULL)
		return;
	bana_arena_free(policy->arena);
	free(policy->sql);
	free(policy);
}

static BANA_RES read_rules(struct bana_ctx *ctx, struct bana_policy *policy)
{
	const struct bana_rows *rows;
	TRY(bana_pg_exec(ctx, policy->sql, 0, NULL, &rows));
	bana_arena_reset(policy->arena);
	policy->count = bana_rows_count(rows);
	policy->rules = bana_alloc(policy->arena, (policy->count + 1) * sizeof *policy->rules);
	for (size_t i = 0; i < policy->count; i++) {
		for (size_t part = 0; part < PARTS; part++) {
			const char *text = bana_rows_text(rows, i, part);
			policy->rules[i][part] = bana_copy(policy->arena, text == NULL ? "" : text,
				text == NULL ? 0 : strlen(text));
		}
	}
	policy->read_tick = bana_tick_us();
	return BANA_DONE;
}

static BANA_RES refresh(struct bana_ctx *ctx, struct bana_policy *policy)
{
	int64_t age = bana_tick_us() - policy->read_tick;
	if (policy->read_tick != 0 && age < FRESH_US)
		return BANA_DONE;
	struct bana_failure before = ctx->failure;
	bana_res read = read_rules(ctx, policy);
	if (read.fault == BANA_OK || policy->read_tick == 0 || age > USABLE_US)
		return read;
	ctx->failure = before; /* the rules at hand still do */
	return BANA_DONE;
}

static bool in_domain(const char *domain)
{
	return *domain == '\0' || strcmp(domain, "*") == 0;
}

/* Is the rule's subject the actor: by id, by a role of the token, or by a role given in a g rule?
 * Roles compare in one spelling, also those an administrator wrote. */
static bool is_subject(const struct bana_policy *policy, const struct bana_actor *actor,
	const char *user, const char *subject)
{
	char wanted[BANA_ROLE_BYTES], given[BANA_ROLE_BYTES];
	if (strcmp(subject, user) == 0)
		return true;
	if (!bana_role_write(bana_str_of(subject), wanted))
		return false;
	for (unsigned i = 0; i < actor->role_count; i++) {
		if (strcmp(wanted, actor->roles[i]) == 0)
			return true;
	}
	for (size_t i = 0; i < policy->count; i++) {
		const char *const *rule = policy->rules[i]; /* g: user, role, domain */
		if (strcmp(rule[PTYPE], "g") == 0 && strcmp(rule[SUBJECT], user) == 0 &&
			in_domain(rule[OBJECT]) &&
			bana_role_write(bana_str_of(rule[DOMAIN]), given) &&
			strcmp(given, wanted) == 0)
			return true;
	}
	return false;
}

BANA_RES bana_policy_permit(struct bana_ctx *ctx, struct bana_policy *policy,
	const struct bana_actor *actor, const char *object, const char *action)
{
	TRY(refresh(ctx, policy));
	const char *user = bana_print(ctx->arena, "%s_%s", actor->principal_type, actor->user_id);
	bool allowed = false, denied = false;
	for (size_t i = 0; i < policy->count; i++) {
		const char *const *rule = policy->rules[i];
		if (strcmp(rule[PTYPE], "p") != 0 || strcmp(rule[OBJECT], object) != 0 ||
			strcmp(rule[ACTION], action) != 0 || !in_domain(rule[DOMAIN]) ||
			!is_subject(policy, actor, user, rule[SUBJECT]))
			continue;
		if (strcmp(rule[EFFECT], "deny") == 0)
			denied = true;
		else
			allowed = true;
	}
	if (allowed && !denied)
		return BANA_DONE;
	return bana_fail(ctx, BANA_FORBIDDEN,
		bana_print(ctx->arena, "Authorization denied | action: %s | resource: %s", action,
			object),
		NULL);
}
