#include "signal/service.h"

#include "bana/clock.h"
#include "bana/consume.h"
#include "bana/crypto.h"
#include "bana/ctx.h"
#include "bana/json.h"
#include "bana/live.h"

enum {
	ID_MAX = 128,
	NAME_MAX_CHARACTERS = 256,
	AHEAD_US_MAX = 86400, /* seconds that a producer's clock may be ahead */
};

/* SHA-256 of what makes the event, each part with its length in front of it. */
static const char *key_of(struct bana_ctx *ctx, const struct bana_message *m)
{
	unsigned char digest[BANA_SHA256_BYTES];
	bool named = m->event_id.at != NULL;
	const bana_str parts[] = {bana_str_of(m->topic), named ? BANA_STR("event-id") : m->key,
		named ? m->event_id : m->value};
	struct bana_buf text;
	bana_buf_init(&text, ctx->arena);
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
		bana_buf_print(&text, "%zu:", parts[i].len);
		bana_buf_add(&text, parts[i].at == NULL ? "" : parts[i].at, parts[i].len);
	}
	bana_sha256(bana_buf_str(&text), digest);
	return bana_hex(ctx->arena, digest, sizeof digest);
}

static bool text_fits(bana_str text, size_t max)
{
	size_t count = bana_utf8_count(text);
	return count > 0 && count <= max;
}

bool signal_id_fits(bana_str id)
{
	return id.len <= ID_MAX && memchr(id.at, '/', id.len) == NULL && bana_room_name_valid(id);
}

static void check_id(struct bana_ctx *ctx, const char *path, bana_str id)
{
	if (!signal_id_fits(id))
		bana_issue_add(ctx, path, "invalid_format", NULL,
			"Invalid id: expected 1 to 128 of A-Z a-z 0-9 . _ : -");
}

/* A string member; NULL, with an issue, when it is missing or of another type. */
static const char *take_text(
	struct bana_ctx *ctx, const struct bana_json *object, const char *path, const char *name)
{
	const struct bana_json *value;
	const char *at = *path == '\0' ? name : bana_join(ctx->arena, path, ".", name, NULL);
	if (!bana_json_get(object, name, &value))
		bana_issue_absent(ctx, at, "string");
	else if (bana_json_kind(value) != BANA_JSON_STRING)
		bana_issue_type(ctx, at, "string", value);
	else if (!text_fits(bana_json_str(value), NAME_MAX_CHARACTERS))
		bana_issue_add(ctx, at, "too_big", NULL, "Expected 1 to 256 characters");
	else
		return bana_json_str(value).at;
	return NULL;
}

static const char *take_id(
	struct bana_ctx *ctx, const struct bana_json *object, const char *path, const char *name)
{
	const char *id = take_text(ctx, object, path, name);
	if (id != NULL)
		check_id(ctx, *path == '\0' ? name : bana_join(ctx->arena, path, ".", name, NULL),
			bana_str_of(id));
	return id;
}

static const struct bana_json *take_object(
	struct bana_ctx *ctx, const struct bana_json *object, const char *name)
{
	const struct bana_json *value;
	if (!bana_json_get(object, name, &value))
		bana_issue_absent(ctx, name, "object");
	else if (bana_json_kind(value) != BANA_JSON_OBJECT)
		bana_issue_type(ctx, name, "object", value);
	else
		return value;
	return NULL;
}

static void take_recipients(struct bana_ctx *ctx, struct signal_event *e)
{
	const struct bana_json *list;
	if (!bana_json_get(e->json, "recipientIds", &list)) {
		bana_issue_absent(ctx, "recipientIds", "array");
		return;
	}
	if (bana_json_kind(list) != BANA_JSON_ARRAY) {
		bana_issue_type(ctx, "recipientIds", "array", list);
		return;
	}
	size_t count = bana_json_len(list);
	if (count == 0 || count > SIGNAL_RECIPIENTS_MAX)
		bana_issue_add(ctx, "recipientIds", count == 0 ? "too_small" : "too_big", NULL,
			bana_print(ctx->arena, "Expected 1 to %d recipients, received %zu",
				SIGNAL_RECIPIENTS_MAX, count));
	for (size_t i = 0; i < count && i < SIGNAL_RECIPIENTS_MAX; i++) {
		const struct bana_json *item = bana_json_at(list, i);
		const char *path = bana_print(ctx->arena, "recipientIds.%zu", i);
		if (bana_json_kind(item) != BANA_JSON_STRING)
			bana_issue_type(ctx, path, "string", item);
		else
			check_id(ctx, path, bana_json_str(item));
	}
	e->recipients = list;
}

/* Who is told: what each scope needs besides. */
static void take_scope(struct bana_ctx *ctx, struct signal_event *e)
{
	const struct bana_json *value;
	e->scope = take_text(ctx, e->json, "", "recipientScope");
	bool merchant = e->scope != NULL && strcmp(e->scope, "merchant") == 0;
	bool users = e->scope != NULL && strcmp(e->scope, "users") == 0;
	if (e->scope != NULL && !merchant && !users && strcmp(e->scope, "org") != 0)
		bana_issue_add(ctx, "recipientScope", "invalid_value", NULL,
			"Invalid option: expected one of \"org\"|\"merchant\"|\"users\"");
	if (merchant || (bana_json_get(e->json, "merchantId", &value) && value != NULL))
		e->merchant_id = take_id(ctx, e->json, "", "merchantId");
	if (users)
		take_recipients(ctx, e);
}

static void take_time(struct bana_ctx *ctx, struct signal_event *e)
{
	const char *text = take_text(ctx, e->json, "", "occurredAt");
	int64_t at;
	bool zoned;
	if (text == NULL)
		return;
	if (bana_instant_parse(bana_str_of(text), &at, &zoned).fault != BANA_OK)
		bana_issue_add(ctx, "occurredAt", "invalid_format", NULL,
			"Invalid date: expected ISO 8601");
	else if (at > bana_now_us() + AHEAD_US_MAX * 1000000LL)
		bana_issue_add(ctx, "occurredAt", "too_big", NULL,
			"Expected a time that is not more than a day ahead");
	else
		e->occurred_at = bana_instant_write(ctx->arena, at);
}

static BANA_RES read_value(struct bana_ctx *ctx, struct signal_event *e)
{
	if (e->message->value.at == NULL)
		return bana_fail(ctx, BANA_MALFORMED, "The message has no value", NULL);
	TRY(bana_json_parse(ctx, e->message->value, BANA_JSON_DEPTH_MAX, &e->json));
	if (bana_json_kind(e->json) != BANA_JSON_OBJECT)
		bana_issue_type(ctx, "root", "object", e->json);
	TRY(bana_issues_close(ctx));
	e->type = take_text(ctx, e->json, "", "eventType");
	if (e->type != NULL && !signal_type_known(e->type))
		bana_issue_add(ctx, "eventType", "invalid_value", NULL,
			bana_print(ctx->arena, "Unknown event type: %s",
				bana_name_shown(ctx->arena, e->type)));
	take_scope(ctx, e);
	e->actor_id = take_id(ctx, e->json, "", "actorId");
	e->organizer_id = take_id(ctx, e->json, "", "organizerId");
	const struct bana_json *actor = take_object(ctx, e->json, "actor");
	const struct bana_json *data = take_object(ctx, e->json, "data");
	if (actor != NULL) {
		take_id(ctx, actor, "actor", "id");
		take_text(ctx, actor, "actor", "name");
		take_text(ctx, actor, "actor", "type");
		e->actor = bana_json_write(ctx, actor).at;
	}
	if (data != NULL)
		e->data = bana_json_write(ctx, data);
	take_time(ctx, e);
	return bana_issues_close(ctx);
}

void signal_event_read(
	struct bana_ctx *ctx, const struct bana_message *message, struct signal_event *e)
{
	*e = (struct signal_event){.message = message, .key = key_of(ctx, message)};
	if (read_value(ctx, e).fault == BANA_OK)
		return;
	e->refused = bana_failure_text(ctx);
	bana_failure_clear(ctx);
}
