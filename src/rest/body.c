#include "bana/entity.h"
#include "bana/json.h"
#include "bana/req.h"

#include <strings.h>

/* The media type of the request without parameters, e.g. "application/json". */
static bana_str media_type(const struct bana_req *q)
{
	const char *text = bana_req_header(q, "CONTENT_TYPE");
	bana_str parameters;
	return bana_utf8_trim(
		bana_str_cut(bana_str_of(text == NULL ? "" : text), ';', &parameters));
}

static bool same_word(bana_str a, const char *b)
{
	return a.len == strlen(b) && strncasecmp(a.at, b, a.len) == 0;
}

bool bana_req_is_form(const struct bana_req *q)
{
	return same_word(media_type(q), "application/x-www-form-urlencoded");
}

/* JSON is UTF-8 (RFC 8259 section 8.1); another declared charset is refused, not guessed at. */
static bool charset_fits(const struct bana_req *q)
{
	const char *text = bana_req_header(q, "CONTENT_TYPE");
	const char *charset = text == NULL ? NULL : strcasestr(text, "charset=");
	if (charset == NULL)
		return true;
	charset += strlen("charset=");
	charset += *charset == '"';
	return strncasecmp(charset, "utf-8", 5) == 0 && strchr("\"; ", charset[5]) != NULL;
}

/* Every later value of the field that `name` begins, as JSON strings; the first was at `form`. */
static void write_values(struct bana_ctx *ctx, struct bana_buf *json, bana_str name, bana_str form)
{
	while (form.len > 0) {
		bana_str value;
		bana_str key = bana_str_cut(bana_str_cut(form, '&', &form), '=', &value);
		if (key.len != name.len || memcmp(key.at, name.at, name.len) != 0)
			continue;
		bana_str text;
		if (bana_percent_decode(ctx->arena, value, true, &text).fault != BANA_OK ||
			text.len == 0)
			continue;
		if (json->at[json->len - 1] == '"')
			bana_buf_text(json, ",");
		bana_buf_json_str(json, text);
	}
}

/* Did the field, with a value, come earlier in the form? */
static bool seen_before(bana_str form, bana_str name)
{
	for (bana_str rest = {form.at, (size_t)(name.at - form.at)}; rest.len > 0;) {
		bana_str value;
		bana_str key = bana_str_cut(bana_str_cut(rest, '&', &rest), '=', &value);
		if (value.len > 0 && key.len == name.len && memcmp(key.at, name.at, name.len) == 0)
			return true;
	}
	return false;
}

BANA_RES bana_form_read(struct bana_ctx *ctx, const struct bana_entity *entity, bana_str form,
	const struct bana_json **object)
{
	enum { PAIRS_MAX = 200 };
	struct bana_buf json;
	bana_buf_init(&json, ctx->arena);
	bana_buf_text(&json, "{");
	unsigned pairs = 0;
	for (bana_str rest = form; rest.len > 0;) {
		bana_str raw, name, value, pair = bana_str_cut(rest, '&', &rest);
		bana_str key = bana_str_cut(pair, '=', &raw);
		if (++pairs > PAIRS_MAX)
			return bana_fail(ctx, BANA_MALFORMED, "Malformed Body Payload", NULL);
		if (pair.len == 0)
			continue;
		if (bana_percent_decode(ctx->arena, key, true, &name).fault != BANA_OK ||
			bana_percent_decode(ctx->arena, raw, true, &value).fault != BANA_OK)
			return bana_fail(ctx, BANA_MALFORMED, "Malformed Body Payload", NULL);
		const struct bana_field *field = bana_field_find(entity, name);
		bool list = field != NULL && field->type == BANA_TEXTS;
		if (value.len == 0 || (list && seen_before(form, key)))
			continue;
		bana_buf_text(&json, json.len == 1 ? "" : ",");
		bana_buf_json_str(&json, name);
		bana_buf_text(&json, ":");
		if (list) {
			bana_buf_text(&json, "[");
			write_values(ctx, &json, key, form);
			bana_buf_text(&json, "]");
		} else {
			bana_buf_json_str(&json, value);
		}
	}
	bana_buf_text(&json, "}");
	return bana_json_parse(ctx, bana_buf_str(&json), 2, object);
}

BANA_RES bana_req_json(struct bana_req *q, const struct bana_json **json)
{
	bool form = q->route->flags & BANA_FORM;
	bana_str media = media_type(q);
	if (q->body.len == 0 && media.len == 0) /* ignis: no body is an empty object */
		return bana_json_parse(&q->ctx, BANA_STR("{}"), 1, json);
	if (same_word(media, "application/json") && charset_fits(q))
		return bana_json_parse(&q->ctx, q->body.len == 0 ? BANA_STR("{}") : q->body,
			BANA_JSON_DEPTH_MAX, json);
	return bana_fail(&q->ctx, BANA_MEDIA,
		form ? "Send application/json or application/x-www-form-urlencoded in UTF-8"
		     : "Send application/json in UTF-8",
		NULL);
}

BANA_RES bana_req_row(
	struct bana_req *q, const struct bana_entity *entity, unsigned who, struct bana_row *row)
{
	const struct bana_json *object;
	if ((q->route->flags & BANA_FORM) && charset_fits(q) && bana_req_is_form(q))
		TRY(bana_form_read(&q->ctx, entity, q->body, &object));
	else
		TRY(bana_req_json(q, &object));
	return bana_row_take(&q->ctx, entity, who, object, row);
}
