/*
 * GET /permissions/me: what the signed-in may do, so that a client shows what will work.
 */
#include "bana/actor.h"
#include "bana/app.h"
#include "bana/entity.h"
#include "bana/live.h"
#include "bana/policy.h"
#include "bana/req.h"
#include "bana/run.h"

/* One permission, once; those that the actor lacks are left out. */
static BANA_RES add(
	struct bana_req *q, struct bana_buf *list, const char *object, const char *action)
{
	const char *item = bana_join(q->ctx.arena, "{\"permission\":\"", object, "\",\"action\":\"",
		action, "\"}", NULL);
	if (strstr(list->at, item) != NULL)
		return BANA_DONE;
	struct bana_failure before = q->ctx.failure;
	bana_res may =
		bana_policy_permit(&q->ctx, q->ctx.app->policy, q->ctx.actor, object, action);
	if (may.fault == BANA_FORBIDDEN) {
		q->ctx.failure = before;
		return BANA_DONE;
	}
	TRY(may);
	bana_buf_text(list, list->len == 1 ? "" : ",");
	bana_buf_text(list, item);
	return BANA_DONE;
}

/* Every permission that any table of the service names. */
static BANA_RES add_all(struct bana_req *q, struct bana_buf *list)
{
	const struct bana_service *s = q->ctx.app->service;
	for (size_t i = 0; i < s->route_count; i++) {
		const struct bana_route *route = &s->routes[i];
		if (route->permission != NULL)
			TRY(add(q, list, route->permission, route->action));
		if (route->flags & BANA_MASKS)
			TRY(add(q, list,
				bana_join(q->ctx.arena, route->entity->name, ".readPersonal", NULL),
				"read"));
	}
	for (size_t i = 0; i < s->room_count; i++)
		TRY(add(q, list, s->rooms[i].permission, s->rooms[i].action));
	return BANA_DONE;
}

static BANA_RES me(struct bana_req *q)
{
	const struct bana_actor *actor = q->ctx.actor;
	struct bana_buf json, list;
	bana_buf_init(&list, q->ctx.arena);
	bana_buf_text(&list, "[");
	TRY(add_all(q, &list));
	bana_buf_text(&list, "]");
	bana_buf_init(&json, q->ctx.arena);
	bana_buf_text(&json, "{");
	bana_buf_json_member(&json, "userId", actor->user_id);
	bana_buf_json_member(&json, "principalType", actor->principal_type);
	bana_buf_json_name(&json, "roles");
	bana_buf_text(&json, "[");
	for (unsigned i = 0; i < actor->role_count; i++) {
		bana_buf_text(&json, i == 0 ? "" : ",");
		bana_buf_json_str(&json, bana_str_of(actor->roles[i]));
	}
	bana_buf_text(&json, "]");
	bana_buf_json_name(&json, "permissions");
	bana_buf_add(&json, list.at, list.len);
	bana_buf_text(&json, "}");
	return bana_reply_one(q, 200, bana_buf_str(&json));
}

/* clang-format off */
const struct bana_call bana_permissions_me = {
	.handle = me, .name = "permissionsOfMe", .status = 200, .gives = BANA_GIVES_OTHER,
	.schema = "{\"type\":\"object\",\"required\":[\"userId\",\"principalType\",\"roles\",\"permissions\"],"
		"\"additionalProperties\":false,\"properties\":{"
		"\"userId\":{\"type\":\"string\",\"examples\":[\"42\"]},"
		"\"principalType\":{\"type\":\"string\",\"examples\":[\"User\"]},"
		"\"roles\":{\"type\":\"array\",\"items\":{\"type\":\"string\"},\"examples\":[[\"OWNER\"]],"
		"\"description\":\"In upper case, without the NNN_ prefix.\"},"
		"\"permissions\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"required\":[\"permission\",\"action\"],"
		"\"additionalProperties\":false,\"properties\":{"
		"\"permission\":{\"type\":\"string\",\"examples\":[\"Inquiry.find\"]},"
		"\"action\":{\"type\":\"string\",\"enum\":[\"read\",\"create\",\"update\",\"delete\"]}}}}}}",
};
/* clang-format on */
