/*
 * What a notification says: templates by type and language, with {path.of.a.member} of the data.
 */
#include "signal/service.h"

#include "bana/app.h"
#include "bana/clock.h"
#include "bana/ctx.h"
#include "bana/json.h"
#include "bana/log.h"
#include "bana/pg.h"

enum { FRESH_US = 2000000 };

/* Of the process: the rules at hand, as auth/policy.c keeps its own. */
static struct {
	struct bana_arena *arena;
	struct template
	{
		const char *type, *locale, *content, *action_url;
	}
	*rows;
	size_t count;
	int64_t read_tick;
} texts;

static const char *keep(const char *text)
{
	return text == NULL ? NULL : bana_copy(texts.arena, text, strlen(text));
}

BANA_RES signal_texts_refresh(struct bana_ctx *ctx)
{
	const struct bana_rows *rows;
	if (texts.read_tick != 0 && bana_tick_us() - texts.read_tick < FRESH_US)
		return BANA_DONE;
	TRY(bana_pg_exec(ctx,
		"SELECT type, locale, content, action_url FROM signal.\"NotificationType\""
		" ORDER BY type, locale",
		0, NULL, &rows));
	if (texts.arena == NULL)
		texts.arena = bana_arena_new();
	bana_arena_reset(texts.arena);
	texts.count = bana_rows_count(rows);
	texts.rows = bana_alloc(texts.arena, (texts.count + 1) * sizeof *texts.rows);
	for (size_t i = 0; i < texts.count; i++)
		texts.rows[i] = (struct template){keep(bana_rows_text(rows, i, 0)),
			keep(bana_rows_text(rows, i, 1)), keep(bana_rows_text(rows, i, 2)),
			keep(bana_rows_text(rows, i, 3))};
	texts.read_tick = bana_tick_us();
	return BANA_DONE;
}

bool signal_type_known(const char *type)
{
	for (size_t i = 0; i < texts.count; i++) {
		if (strcmp(texts.rows[i].type, type) == 0)
			return true;
	}
	return false;
}

static const struct template *find(const char *type, bana_str locale)
{
	for (size_t i = 0; i < texts.count; i++) {
		if (strcmp(texts.rows[i].type, type) == 0 &&
			bana_str_is(locale, texts.rows[i].locale))
			return &texts.rows[i];
	}
	return NULL;
}

static const struct template *choose(const char *type, const char *locale)
{
	bana_str rest, wanted = bana_str_of(locale == NULL ? signal_settings.locale : locale);
	const bana_str order[] = {wanted, bana_str_cut(wanted, '-', &rest),
		bana_str_of(signal_settings.locale), BANA_STR("en")};
	const struct template *found = NULL;
	for (size_t i = 0; i < sizeof order / sizeof *order && found == NULL; i++)
		found = find(type, order[i]);
	for (size_t i = 0; i < texts.count && found == NULL; i++) {
		if (strcmp(texts.rows[i].type, type) == 0)
			found = &texts.rows[i];
	}
	return found;
}

/* The member at the path as text; "" when there is none, or it is a list or an object. */
static bana_str look_up(struct bana_ctx *ctx, const struct bana_json *object, bana_str path)
{
	const struct bana_json *value = object;
	while (path.len > 0) {
		bana_str part = bana_str_cut(path, '.', &path);
		if (!bana_json_get(value, bana_copy(ctx->arena, part.at, part.len), &value))
			return BANA_STR("");
	}
	switch (bana_json_kind(value)) {
	case BANA_JSON_STRING:
		return bana_json_str(value);
	case BANA_JSON_INT:
	case BANA_JSON_REAL:
	case BANA_JSON_BOOL:
		return bana_json_write(ctx, value);
	default:
		return BANA_STR("");
	}
}

static void add_encoded(struct bana_buf *out, bana_str text)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.at[i];
		bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
			     (c >= 'A' && c <= 'Z') || (c != '\0' && strchr("-._~", c) != NULL);
		if (plain)
			bana_buf_add(out, text.at + i, 1);
		else
			bana_buf_print(out, "%%%02X", c);
	}
}

/* `url`: what is filled in is percent-encoded, so that it stays where the template put it. */
static const char *render(
	struct bana_ctx *ctx, const struct signal_event *e, const char *template, bool url)
{
	const struct bana_json *data = NULL;
	struct bana_buf out;
	bana_json_get(e->json, "data", &data);
	bana_buf_init(&out, ctx->arena);
	bana_buf_text(&out, "");
	for (bana_str rest = bana_str_of(template); rest.len > 0;) {
		bana_str behind, plain = bana_str_cut(rest, '{', &behind);
		bana_buf_add(&out, plain.at, plain.len);
		if (plain.len == rest.len)
			break;
		bana_str path = bana_str_cut(behind, '}', &rest);
		bana_str value = look_up(ctx, data, path);
		if (value.len == 0)
			bana_log(ctx, BANA_WARN, "a text lacks a member", "type", e->type, "member",
				bana_copy(ctx->arena, path.at, path.len), NULL);
		if (url)
			add_encoded(&out, value);
		else
			bana_buf_add(&out, value.at, value.len);
	}
	return out.at;
}

struct signal_text signal_text_of(
	struct bana_ctx *ctx, const struct signal_event *e, const char *locale)
{
	const struct template *t = choose(e->type, locale);
	if (t == NULL) /* its type was removed this moment */
		return (struct signal_text){e->type, NULL};
	return (struct signal_text){render(ctx, e, t->content, false),
		t->action_url == NULL ? NULL : render(ctx, e, t->action_url, true)};
}
