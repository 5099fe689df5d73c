#include "bana/bridge.h"
#include "bana/buf.h"
#include "bana/ctx.h"
#include "bana/json.h"
#include "bana/live.h"

enum { BUS_DEPTH_MAX = 60, FRAME_BYTES_MAX = 250 * 1024 /* the publisher takes 256 KiB */ };

const char *const bana_bus_patterns[] = {
	"ws:room:*", "ws:user:*", "ws:client:*", "ws:broadcast", NULL};

static BANA_RES refuse(struct bana_ctx *ctx, const char *why)
{
	return bana_fail(ctx, BANA_MALFORMED, NULL, why);
}

static BANA_RES room_of_room(struct bana_ctx *ctx, bana_str target, const char **room)
{
	if (bana_room_of_everyone(target))
		return refuse(ctx, "a room that is no service's");
	*room = bana_copy(ctx->arena, target.at, target.len);
	return BANA_DONE;
}

static BANA_RES room_of_user(struct bana_ctx *ctx, bana_str target, const char **room)
{
	*room = bana_room_of_user(ctx, target);
	return BANA_DONE;
}

static BANA_RES room_of_client(struct bana_ctx *ctx, bana_str target, const char **room)
{
	*room = bana_room_of_client(ctx, target);
	return BANA_DONE;
}

static BANA_RES room_of_all(struct bana_ctx *ctx, bana_str target, const char **room)
{
	(void)ctx;
	(void)target;
	*room = BANA_ROOM_BROADCAST;
	return BANA_DONE;
}

/* clang-format off */
static const struct {
	const char *type;
	bool targeted;
	BANA_RES (*room)(struct bana_ctx *ctx, bana_str target, const char **room);
} scopes[] = {
	{"room",      true,  room_of_room},
	{"user",      true,  room_of_user},
	{"client",    true,  room_of_client},
	{"broadcast", false, room_of_all},
};
/* clang-format on */

static BANA_RES find_room(struct bana_ctx *ctx, const struct bana_json *message, const char **room)
{
	bana_str type, target = {"", 0};
	if (!bana_json_get_str(message, "type", &type))
		return refuse(ctx, "no type");
	for (size_t i = 0; i < sizeof scopes / sizeof *scopes; i++) {
		if (!bana_str_is(type, scopes[i].type))
			continue;
		if (scopes[i].targeted &&
			(!bana_json_get_str(message, "target", &target) || target.len == 0))
			return refuse(ctx, "no target");
		TRY(scopes[i].room(ctx, target, room));
		return bana_room_name_valid(bana_str_of(*room)) ? BANA_DONE
								: refuse(ctx, "no name of a room");
	}
	return refuse(ctx, "unknown type");
}

BANA_RES bana_bus_read(struct bana_ctx *ctx, bana_str body, const char **room, bana_str *frame)
{
	const struct bana_json *message, *data;
	bana_str server, event;
	bana_res parsed = bana_json_parse(ctx, body, BUS_DEPTH_MAX, &message);
	if (parsed.fault != BANA_OK)
		return refuse(ctx, ctx->failure.detail == NULL ? "not JSON that can be passed on"
							       : ctx->failure.detail);
	if (!bana_json_get_str(message, "serverId", &server) ||
		!bana_json_get_str(message, "event", &event))
		return refuse(ctx, "no serverId or no event");
	TRY(find_room(ctx, message, room));
	struct bana_buf b;
	bana_buf_init(&b, ctx->arena);
	bana_buf_text(&b, "{\"event\":");
	bana_buf_json_str(&b, event);
	if (bana_json_get(message, "data", &data)) { /* JSON.stringify leaves undefined out */
		bana_str text = bana_json_write(ctx, data);
		bana_buf_text(&b, ",\"data\":");
		bana_buf_add(&b, text.at, text.len);
	}
	bana_buf_text(&b, "}");
	if (b.len > FRAME_BYTES_MAX)
		return refuse(ctx, "too long");
	*frame = bana_buf_str(&b);
	return BANA_DONE;
}
