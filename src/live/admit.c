#include "bana/actor.h"
#include "bana/app.h"
#include "bana/clock.h"
#include "bana/crypto.h"
#include "bana/guard.h"
#include "bana/live.h"
#include "bana/policy.h"
#include "bana/pool.h"
#include "bana/publisher.h"
#include "bana/req.h"

#include <stdio.h>
#include <strings.h>

#define PREFIX "/_rooms/" /* of the internal location of nginx */

enum { LIST_BYTES_MAX = 4000 }; /* with nchan_max_channel_id_length 8192 */

static BANA_RES malformed(struct bana_req *q, const char *message)
{
	return bana_fail(&q->ctx, BANA_MALFORMED, message, NULL);
}

/* A browser always sends Origin on a WebSocket; other clients do not, and hold no cookies. */
static BANA_RES check_origin(struct bana_req *q)
{
	const char *allowed = q->ctx.app->settings->ws_origins;
	const char *origin = q->param(q->source, "HTTP_ORIGIN"); /* an empty one is one, too */
	if (origin == NULL || bana_list_has(allowed, "*") || bana_list_has(allowed, origin))
		return BANA_DONE;
	return bana_fail(&q->ctx, BANA_FORBIDDEN, "Origin is not allowed", NULL);
}

/* Does the room fit the pattern; its {id} (at most one, always last) goes to `id`. */
static bool fits(const char *pattern, bana_str room, bana_str *id)
{
	const char *brace = strchr(pattern, '{');
	size_t fixed = brace == NULL ? strlen(pattern) : (size_t)(brace - pattern);
	if (room.len < fixed || memcmp(pattern, room.at, fixed) != 0)
		return false;
	*id = (bana_str){room.at + fixed, room.len - fixed};
	return brace == NULL ? id->len == 0 : id->len > 0 && memchr(id->at, '/', id->len) == NULL;
}

static BANA_RES check_room(struct bana_req *q, bana_str name)
{
	const struct bana_service *service = q->ctx.app->service;
	bana_str id;
	for (size_t i = 0; i < service->room_count; i++) {
		const struct bana_room *room = &service->rooms[i];
		if (!fits(room->pattern, name, &id))
			continue;
		if (room->permission != NULL)
			TRY(bana_policy_permit(&q->ctx, q->ctx.app->policy, q->ctx.actor,
				room->permission, room->action));
		if (room->exists == NULL)
			return BANA_DONE;
		return room->exists(&q->ctx, bana_copy(q->ctx.arena, id.at, id.len));
	}
	return bana_fail(&q->ctx, BANA_NOT_FOUND,
		bana_print(q->ctx.arena, "Unknown room: %.*s", (int)name.len, name.at), NULL);
}

static bool uuid_valid(bana_str text)
{
	static const char shape[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
	if (text.len != strlen(shape))
		return false;
	for (size_t i = 0; i < text.len; i++) {
		char c = text.at[i];
		bool hex =
			(c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
		if (shape[i] == '-' ? c != '-' : !hex)
			return false;
	}
	return true;
}

/* The client's own id, or one made here. */
static BANA_RES client_id(struct bana_req *q, bana_str *id)
{
	if (!bana_query_find(q->query, "clientId", id))
		*id = bana_str_of(bana_uuid(&q->ctx));
	return uuid_valid(*id) ? BANA_DONE : malformed(q, "clientId must be a UUID");
}

static BANA_RES check_rooms(struct bana_req *q, bana_str list, struct bana_buf *channels)
{
	int64_t count = 0, most = q->ctx.app->settings->ws_rooms_max;
	const size_t own =
		channels->len; /* the rooms that every socket is in cannot be asked for */
	for (bana_str rest = list; rest.len > 0; count++)
		bana_str_cut(rest, ',', &rest);
	if (list.at[list.len - 1] == ',')
		return malformed(q, "Malformed room name");
	if (count > most || list.len > LIST_BYTES_MAX)
		return bana_fail(&q->ctx, BANA_INVALID,
			bana_print(q->ctx.arena, "Too many rooms: at most %lld in %d characters",
				(long long)most, LIST_BYTES_MAX),
			NULL);
	for (bana_str rest = list; rest.len > 0;) {
		bana_str name = bana_str_cut(rest, ',', &rest);
		if (!bana_room_name_valid(name))
			return malformed(q, "Malformed room name");
		if (bana_list_has(channels->at + own, bana_copy(q->ctx.arena, name.at, name.len)))
			continue; /* nchan would send every frame twice */
		TRY(check_room(q, name));
		bana_buf_text(channels, ",");
		bana_buf_add(channels, name.at, name.len);
	}
	return BANA_DONE;
}

/* nchan would answer anything else with a page of its own. */
static bool wants_stream(const struct bana_req *q)
{
	const char *upgrade = bana_req_header(q, "HTTP_UPGRADE");
	const char *accept = bana_req_header(q, "HTTP_ACCEPT");
	return (upgrade != NULL && strcasecmp(upgrade, "websocket") == 0) ||
	       (accept != NULL && strcasestr(accept, "text/event-stream") != NULL);
}

/* Asks nchan about each room, which it looks up where it would subscribe it. nchan 1.3.6 crashes
 * when a node of Redis hangs while a room is being subscribed there; only nchan knows which node,
 * and whether it still takes it for alive. */
static BANA_RES ask_nchan(struct bana_ctx *ctx, bana_str rooms, size_t most)
{
	struct bana_post *posts = bana_alloc(ctx->arena, most * sizeof *posts);
	size_t count = 0;
	for (; rooms.len > 0 && count < most; count++) {
		bana_str room = bana_str_cut(rooms, ',', &rooms);
		posts[count] = (struct bana_post){.verb = "GET",
			.room = bana_copy(ctx->arena, room.at, room.len),
			.body = BANA_STR("")};
	}
	bana_outbox_settle(ctx->app->outbox); /* it may owe answers on this connection */
	TRY(bana_publisher_ask(ctx, ctx->app->publisher, posts, count));
	for (size_t i = 0; i < count; i++) {
		if (posts[i].status != 200 && posts[i].status != 404)
			return bana_fail_later(ctx, NULL,
				bana_print(ctx->arena, "nchan answered %d", posts[i].status));
	}
	return BANA_DONE;
}

/* Behind a breaker: a Redis that hangs costs one worker of the pool a time-out now and then, not
 * every handshake one. Of a single Redis any room tells, for a moment for all workers. */
static BANA_RES check_redis(struct bana_ctx *ctx, bana_str rooms)
{
	enum { FRESH_US = 5000 };
	struct bana_pool_shared *shared = ctx->app->pool->shared;
	const struct bana_settings *s = ctx->app->settings;
	bool cluster = strcmp(s->redis_mode, "cluster") == 0;
	int64_t answered_tick = atomic_load(&shared->rooms_answered_tick);
	if (!cluster && answered_tick != 0 && bana_tick_us() - answered_tick < FRESH_US)
		return BANA_DONE;
	if (!bana_breaker_try(&shared->admission, s->publish_timeout_ms * 1000))
		return bana_fail_later(ctx, "Redis does not answer", "skipped after a failure");
	bana_fail_note(ctx, "Redis does not answer", NULL);
	bana_res answered = ask_nchan(ctx, rooms, cluster ? rooms.len : 1);
	if (answered.fault != BANA_OK) {
		bana_breaker_failed(&shared->admission);
		return answered;
	}
	bana_failure_clear(ctx);
	bana_breaker_ok(&shared->admission);
	atomic_store(&shared->rooms_answered_tick, bana_tick_us());
	return BANA_DONE;
}

static BANA_RES admit(struct bana_req *q)
{
	bana_str raw, rooms;
	bana_str client;
	TRY(check_origin(q));
	TRY(bana_guard_token(q));
	if (!bana_query_find(q->query, "rooms", &raw) ||
		bana_percent_decode(q->ctx.arena, raw, false, &rooms).fault != BANA_OK ||
		rooms.len == 0)
		return malformed(q, "rooms: a comma-separated list of room names is expected");
	if (!wants_stream(q))
		return malformed(q, "Upgrade: websocket or Accept: text/event-stream is expected");
	TRY(client_id(q, &client));
	struct bana_buf channels;
	bana_buf_init(&channels, q->ctx.arena);
	const struct bana_actor *actor = q->ctx.actor;
	bana_buf_print(&channels, PREFIX BANA_ROOM_BROADCAST ",%s,%s,%s",
		bana_room_of_client(&q->ctx, client),
		bana_room_of_user(&q->ctx, bana_str_of(actor->user_id)),
		bana_room_of_expiry(&q->ctx, bana_expiry_slot(actor->expires_at)));
	TRY(check_rooms(q, rooms, &channels));
	TRY(check_redis(
		&q->ctx, (bana_str){channels.at + strlen(PREFIX), channels.len - strlen(PREFIX)}));
	bana_reply_header(q, "X-Accel-Redirect", channels.at);
	q->status = 200;
	return BANA_DONE;
}

BANA_RES bana_admit(struct bana_req *q)
{
	bana_res result = admit(q);
	bana_count(q->ctx.app->pool,
		result.fault == BANA_OK            ? BANA_METRIC_ADMITTED
		: result.fault == BANA_UNAVAILABLE ? BANA_METRIC_ADMISSION_UNAVAILABLE
						   : BANA_METRIC_ADMISSION_REFUSED,
		1);
	return result;
}

/* clang-format off */
const struct bana_call bana_admit_call = {
	.handle = bana_admit, .name = "observe", .status = 200, .gives = BANA_GIVES_TEXT,
	.media = "text/event-stream", .faults = "101,401,403,404,422",
	.parameters =
		"{\"name\":\"rooms\",\"in\":\"query\",\"required\":true,\"description\":\"Comma-separated room names.\","
		"\"schema\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":4000},\"example\":\"outreach/inquiries\"},"
		"{\"name\":\"clientId\",\"in\":\"query\",\"description\":\"Own id, for `client/{clientId}`; made when absent.\","
		"\"schema\":{\"type\":\"string\",\"format\":\"uuid\"}},"
		"{\"name\":\"access_token\",\"in\":\"query\",\"description\":\"The token, for browsers, which cannot set headers.\","
		"\"schema\":{\"type\":\"string\"}}",
};
/* clang-format on */
