#include "bana/actor.h"
#include "bana/app.h"
#include "bana/live.h"
#include "bana/log.h"
#include "bana/publisher.h"
#include "bana/req.h"

static BANA_RES end_user(struct bana_req *q)
{
	struct bana_ctx *ctx = &q->ctx;
	if (q->args[0].len == 0 || q->args[0].len >= BANA_USER_BYTES)
		return bana_fail(ctx, BANA_NOT_FOUND, "No user has such an id", NULL);
	struct bana_post post = {.verb = "DELETE",
		.room = bana_room_of_user(ctx, q->args[0]),
		.body = BANA_STR(""),
		.trace = bana_trace_on(ctx)};
	bana_outbox_settle(ctx->app->outbox); /* it may owe answers on this connection */
	TRY(bana_publisher_ask(ctx, ctx->app->publisher, &post, 1));
	if (post.status != 200 && post.status != 404)
		return bana_fail_later(ctx, "The rooms do not answer",
			bana_print(ctx->arena, "publisher answered %d", post.status));
	const char *user = bana_copy(ctx->arena, q->args[0].at, q->args[0].len);
	bana_log(ctx, BANA_INFO, "sockets ended", "userId", user, "by", ctx->actor->user_id, NULL);
	struct bana_buf json;
	bana_buf_init(&json, ctx->arena);
	bana_buf_text(&json, "{");
	bana_buf_json_member(&json, "userId", user);
	bana_buf_text(&json, "}");
	return bana_reply_one(q, 200, bana_buf_str(&json));
}

/* clang-format off */
const struct bana_call bana_end_user_call = {
	.handle = end_user, .name = "endSocketsOfUser", .status = 200, .gives = BANA_GIVES_OTHER,
	.faults = "404",
	.schema = "{\"type\":\"object\",\"required\":[\"userId\"],\"additionalProperties\":false,\"properties\":{"
		"\"userId\":{\"type\":\"string\",\"examples\":[\"42\"]}}}",
};
/* clang-format on */
