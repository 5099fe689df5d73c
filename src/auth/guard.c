#include "bana/guard.h"

#include "bana/app.h"
#include "bana/entity.h"
#include "bana/policy.h"
#include "bana/req.h"
#include "bana/token.h"

/* ignis.md 4.1: case-sensitive scheme, one blank, two parts. */
static bool bearer(struct bana_req *q, bana_str *token)
{
	static const char scheme[] = "Bearer ";
	const char *value = bana_req_header(q, "HTTP_AUTHORIZATION");
	if (value == NULL)
		return (q->route->flags & BANA_QUERY_TOKEN) &&
		       bana_query_find(q->query, "access_token", token);
	*token = bana_str_of(value);
	if (token->len <= strlen(scheme) || memcmp(value, scheme, strlen(scheme)) != 0)
		return false;
	token->at += strlen(scheme);
	token->len -= strlen(scheme);
	return true;
}

BANA_RES bana_guard_token(struct bana_req *q)
{
	static const char refused[] = "Authentication failed. Tried strategies: jwt";
	bana_str token;
	if (!bearer(q, &token))
		return bana_fail(&q->ctx, BANA_NO_TOKEN, refused, "no bearer token");
	bana_res verified = bana_token_admit(&q->ctx, token);
	if (verified.fault == BANA_NO_TOKEN)
		return bana_fail(&q->ctx, BANA_NO_TOKEN, refused, "token");
	return verified;
}

/* Is the entity one with MASKED fields, and the actor none who sees them whole? */
static BANA_RES settle_mask(struct bana_req *q)
{
	const struct bana_entity *entity = q->route->entity;
	bool has = false;
	for (size_t i = 0; i < entity->count; i++)
		has = has || (entity->fields[i].flags & BANA_MASKED);
	if (!has)
		return BANA_DONE;
	struct bana_failure before = q->ctx.failure;
	bana_res may = bana_policy_permit(&q->ctx, q->ctx.app->policy, q->ctx.actor,
		bana_join(q->ctx.arena, entity->name, ".readPersonal", NULL), "read");
	if (may.fault != BANA_FORBIDDEN)
		return may;
	q->ctx.failure = before;
	q->masked = true;
	return BANA_DONE;
}

BANA_RES bana_guard(struct bana_req *q)
{
	const struct bana_route *route = q->route;
	if (route->permission == NULL && !(route->flags & BANA_SIGNED_IN))
		return BANA_DONE;
	TRY(bana_guard_token(q));
	if (route->permission == NULL)
		return BANA_DONE;
	TRY(bana_policy_permit(
		&q->ctx, q->ctx.app->policy, q->ctx.actor, route->permission, route->action));
	return route->flags & BANA_MASKS ? settle_mask(q) : BANA_DONE;
}
