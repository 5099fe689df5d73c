/*
 * {topic, data} from a service to sockets: to all, to a room, to one client.
 */
#include "bana/app.h"
#include "bana/buf.h"
#include "bana/entity.h"
#include "bana/json.h"
#include "bana/live.h"
#include "bana/publisher.h"
#include "bana/req.h"

#include <poll.h>

enum { TOPIC_MAX = 256, DATA_BYTES_MAX = 128 * 1024 };

/* The body as the frame that sockets get. */
static BANA_RES read_frame(struct bana_req *q, bana_str *frame)
{
	struct bana_ctx *ctx = &q->ctx;
	const struct bana_json *body, *topic = NULL, *data;
	TRY(bana_req_json(q, &body));
	if (bana_json_kind(body) != BANA_JSON_OBJECT)
		bana_issue_type(ctx, "root", "object", body);
	else if (!bana_json_get(body, "topic", &topic))
		bana_issue_absent(ctx, "topic", "string");
	else if (bana_json_kind(topic) != BANA_JSON_STRING)
		bana_issue_type(ctx, "topic", "string", topic);
	else if (bana_json_str(topic).len == 0 || bana_utf8_count(bana_json_str(topic)) > TOPIC_MAX)
		bana_issue_add(
			ctx, "topic", "too_big", NULL, "Expected a topic of 1 to 256 characters");
	TRY(bana_issues_close(ctx));
	struct bana_buf out;
	bana_buf_init(&out, ctx->arena);
	bana_buf_text(&out, "{\"event\":");
	bana_buf_json_str(&out, bana_json_str(topic));
	if (bana_json_get(body, "data", &data)) {
		bana_str text = bana_json_write(ctx, data);
		if (text.len > DATA_BYTES_MAX)
			return bana_fail(ctx, BANA_TOO_LARGE, "data is over 128 KiB", NULL);
		bana_buf_text(&out, ",\"data\":");
		bana_buf_add(&out, text.at, text.len);
	}
	bana_buf_text(&out, "}");
	*frame = bana_buf_str(&out);
	return BANA_DONE;
}

/* How many sockets listen, on all nginx of the same Redis. (What the answer to a POST counts is
 * nginx, also those whose last listener has just gone.) */
static BANA_RES count(struct bana_ctx *ctx, const char *room, int64_t *subscribers)
{
	struct bana_post p = {.verb = "GET", .room = room, .body = BANA_STR("")};
	bana_outbox_settle(ctx->app->outbox); /* it may owe answers on this connection */
	TRY(bana_publisher_ask(ctx, ctx->app->publisher, &p, 1));
	if (p.status >= 500)
		return bana_fail_later(ctx, "The rooms do not answer", "nchan has no Redis");
	*subscribers = p.subscribers;
	return BANA_DONE;
}

static BANA_RES post(struct bana_req *q, const char *room, bana_str frame)
{
	struct bana_ctx *ctx = &q->ctx;
	struct bana_post p = {.room = room, .body = frame, .trace = bana_trace_on(ctx)};
	TRY(bana_publisher_ask(ctx, ctx->app->publisher, &p, 1));
	if (p.status == 201 || p.status == 202)
		return BANA_DONE;
	return bana_fail_later(ctx, "The rooms do not answer",
		bana_print(ctx->arena, "publisher answered %d", p.status));
}

static BANA_RES reply(struct bana_req *q, const char *message, int64_t subscribers)
{
	return bana_reply_text(q, 200, NULL,
		bana_str_of(bana_print(q->ctx.arena,
			"{\"success\":true,\"message\":\"%s\",\"subscribers\":%lld}", message,
			(long long)subscribers)));
}

static BANA_RES send_all(struct bana_req *q)
{
	bana_str frame;
	int64_t subscribers = 0;
	TRY(read_frame(q, &frame));
	TRY(count(&q->ctx, BANA_ROOM_BROADCAST, &subscribers));
	TRY(post(q, BANA_ROOM_BROADCAST, frame));
	return reply(q, "Message broadcast to all clients", subscribers);
}

static BANA_RES send_room(struct bana_req *q)
{
	bana_str frame, room = q->args[0];
	int64_t subscribers = 0;
	if (!bana_room_name_valid(room) || bana_room_of_everyone(room))
		bana_issue_add(&q->ctx, "roomName", "invalid_format", NULL,
			"Not a name of a room that a service may send to");
	TRY(read_frame(q, &frame));
	const char *name = bana_copy(q->ctx.arena, room.at, room.len);
	TRY(count(&q->ctx, name, &subscribers));
	TRY(post(q, name, frame));
	return reply(q, "Message sent to room", subscribers);
}

/* nchan knows of a socket 0.1 s after it came, and from other nginx 0.5 s: who is not there is
 * looked for once more. */
static BANA_RES find_client(struct bana_ctx *ctx, const char *room, int64_t *subscribers)
{
	enum { LATE_MS = 200 };
	if (bana_room_name_valid(bana_str_of(room))) {
		TRY(count(ctx, room, subscribers));
		if (*subscribers == 0) {
			poll(NULL, 0, LATE_MS);
			TRY(count(ctx, room, subscribers));
		}
	}
	if (*subscribers > 0)
		return BANA_DONE;
	return bana_fail(ctx, BANA_NOT_FOUND, "No such client is connected", NULL);
}

static BANA_RES send_client(struct bana_req *q)
{
	bana_str frame;
	int64_t subscribers = 0;
	const char *room = bana_room_of_client(&q->ctx, q->args[0]);
	TRY(read_frame(q, &frame));
	TRY(find_client(&q->ctx, room, &subscribers));
	TRY(post(q, room, frame));
	return reply(q, "Message sent to client", subscribers);
}

/* clang-format off */
#define BODY "{\"type\":\"object\",\"required\":[\"topic\"],\"properties\":{" \
	"\"topic\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":256,\"examples\":[\"observation/demo\"]}," \
	"\"data\":{\"description\":\"Any JSON, at most 128 KiB.\"}}}"
#define SENT "{\"type\":\"object\",\"required\":[\"success\",\"message\",\"subscribers\"],\"additionalProperties\":false,\"properties\":{" \
	"\"success\":{\"type\":\"boolean\",\"const\":true},\"message\":{\"type\":\"string\"}," \
	"\"subscribers\":{\"type\":\"integer\",\"minimum\":0,\"description\":\"Sockets that got it, as far as the rooms nginx that was asked knows.\"}}}"
const struct bana_call bana_send_all_call = {
	.handle = send_all, .name = "sendToAll", .status = 200, .gives = BANA_GIVES_PLAIN,
	.body = BANA_STAFF, .body_schema = BODY, .schema = SENT, .faults = "413,422",
};
const struct bana_call bana_send_room_call = {
	.handle = send_room, .name = "sendToRoom", .status = 200, .gives = BANA_GIVES_PLAIN,
	.body = BANA_STAFF, .body_schema = BODY, .schema = SENT, .faults = "413,422",
};
const struct bana_call bana_send_client_call = {
	.handle = send_client, .name = "sendToClient", .status = 200, .gives = BANA_GIVES_PLAIN,
	.body = BANA_STAFF, .body_schema = BODY, .schema = SENT, .faults = "404,413,422",
};
/* clang-format on */
