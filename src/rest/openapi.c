/*
 * The OpenAPI 3.1 document, from the tables that the program runs on: what is not in them is not in
 * it, and what is in them is.
 */
#include "bana/openapi.h"

#include "bana/app.h"
#include "bana/crud.h"
#include "bana/req.h"
#include "bana/row.h"

#include <assert.h>
#include <stdlib.h>

enum { STATUSES_MAX = 16 };

/* ---- parameters and bodies --------------------------------------------------------------------
 */

/* clang-format off */
static const struct { const char *name, *schema, *says, *example; } arguments[] = {
	{"id",    "{\"$ref\":\"#/components/schemas/Id\"}", "Id of the row.", "249557679503089664"},
	{"email", "{\"type\":\"string\",\"minLength\":3,\"maxLength\":254,\"format\":\"email\"}",
		"The person's e-mail address, percent-encoded.", "ada@example.com"},
	{"token", "{\"type\":\"string\",\"minLength\":1,\"maxLength\":64}", "Token of a link.", "249557679503089664"},
	{"clientId", "{\"type\":\"string\",\"minLength\":1,\"maxLength\":64}", "`clientId` that a socket was opened with.", "0fc5fa5b-a9f7-4f29-85fb-742a0fb38fe6"},
	{"roomName", "{\"type\":\"string\",\"minLength\":1,\"maxLength\":256}", "Name of a room; a `/` in it as %2F.", "signal/notification/42"},
	{"userId", "{\"type\":\"string\",\"minLength\":1,\"maxLength\":127}", "The user, as tokens name it.", "42"},
};
static const struct { unsigned takes; const char *name; } shared[] = {
	{BANA_TAKES_CURSOR, "Cursor"}, {BANA_TAKES_COUNT, "Prefer"}, {BANA_TAKES_MATCH, "IfMatch"},
};
/* clang-format on */

static void begin_item(struct bana_buf *out)
{
	char last = out->at[out->len - 1];
	bana_buf_text(out, last == '[' || last == '{' ? "" : ",");
}

static void write_arguments(struct bana_buf *out, const char *path)
{
	for (size_t i = 0; i < sizeof arguments / sizeof *arguments; i++) {
		const char *placeholder = bana_join(out->arena, "{", arguments[i].name, "}", NULL);
		if (strstr(path, placeholder) == NULL)
			continue;
		begin_item(out);
		bana_buf_print(out,
			"{\"name\":\"%s\",\"in\":\"path\",\"required\":true,\"description\":\"%s\","
			"\"schema\":%s,\"example\":\"%s\"}",
			arguments[i].name, arguments[i].says, arguments[i].schema,
			arguments[i].example);
	}
}

/* What the filter is of: the timeline is a list of another entity. */
static const char *filter_of(const struct bana_service *s, const struct bana_route *route)
{
	assert(route->entity != NULL); /* whose rows would a filter select? */
	return route->call == &bana_crud_timeline ? s->audit->name : route->entity->name;
}

static void write_json_parameter(
	struct bana_buf *out, const char *name, const char *schema, const char *says, bool required)
{
	begin_item(out);
	bana_buf_print(out,
		"{\"name\":\"%s\",\"in\":\"query\",\"description\":\"%s\",\"required\":%s,"
		"\"content\":{\"application/json\":{\"schema\":{\"$ref\":\"#/components/schemas/"
		"%s\"}}}}",
		name, says, required ? "true" : "false", schema);
}

static bool posts(const struct bana_route *route)
{
	return strcmp(route->verb, "POST") == 0;
}

static void write_parameters(
	struct bana_buf *out, const struct bana_service *s, const struct bana_route *route)
{
	const struct bana_call *call = route->call;
	bool counted = call->gives != BANA_GIVES_PLAIN && call->gives != BANA_GIVES_TEXT;
	bool must = strcmp(route->verb, "GET") != 0; /* a change needs to know of what */
	bana_buf_json_name(out, "parameters");
	bana_buf_text(out, "[");
	write_arguments(out, route->path);
	if (call->takes & BANA_TAKES_FILTER)
		write_json_parameter(out, "filter",
			bana_join(out->arena, filter_of(s, route), "Filter", NULL),
			"Which rows, in what order, which of their fields.", false);
	if (call->takes & BANA_TAKES_WHERE)
		write_json_parameter(out, "where",
			bana_join(out->arena, filter_of(s, route), "Where", NULL),
			must ? "Which rows; one condition at least." : "Which rows; absent: all.",
			must);
	for (size_t i = 0; i < sizeof shared / sizeof *shared; i++) {
		if (!(call->takes & shared[i].takes))
			continue;
		begin_item(out);
		bana_ref(out, "parameters", shared[i].name);
	}
	if (call->parameters != NULL) {
		begin_item(out);
		bana_buf_text(out, call->parameters);
	}
	if (counted) {
		begin_item(out);
		bana_ref(out, "parameters", "RequestCount");
	}
	if (posts(route)) {
		begin_item(out);
		bana_ref(out, "parameters", "IdempotencyKey");
	}
	begin_item(out);
	bana_ref(out, "parameters", "RequestId");
	bana_buf_text(out, "]");
}

/* A schema of ours, with the entity's name for every @. */
static void write_template(struct bana_buf *out, const char *schema, const struct bana_entity *e)
{
	for (const char *mark; (mark = strchr(schema, '@')) != NULL; schema = mark + 1) {
		bana_buf_add(out, schema, (size_t)(mark - schema));
		bana_buf_text(out, e->name);
	}
	bana_buf_text(out, schema);
}

static const struct bana_entity *body_entity(const struct bana_route *route)
{
	return route->call->takes_entity == NULL ? route->entity : route->call->takes_entity;
}

static void write_body(struct bana_buf *out, const struct bana_route *route)
{
	static const char *const media[] = {
		"application/json", "application/x-www-form-urlencoded"};
	const struct bana_call *call = route->call;
	if (call->body == 0)
		return;
	bana_buf_json_name(out, "requestBody");
	bana_buf_text(out, "{\"required\":true,\"content\":{");
	for (size_t i = 0; i < (route->flags & BANA_FORM ? 2 : 1); i++) {
		bana_buf_json_name(out, media[i]);
		bana_buf_text(out, "{\"schema\":");
		if (call->body_schema != NULL)
			write_template(out, call->body_schema, route->entity);
		else
			bana_ref(out, "schemas",
				bana_schema_body_name(out->arena, body_entity(route), call->body));
		bana_buf_text(out, "}");
	}
	bana_buf_text(out, "}}");
}

/* ---- answers ----------------------------------------------------------------------------------
 */

static void write_subject(struct bana_buf *out, const struct bana_service *s, bool numbers)
{
	unsigned char view[BANA_FIELDS_MAX];
	bana_buf_text(out, "{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{");
	if (!numbers)
		bana_buf_text(out, "\"email\":{\"type\":\"string\"}");
	for (const struct bana_entity *const *e = s->entities; *e != NULL; e++) {
		if (*e == s->audit)
			continue;
		bana_buf_json_name(out, (*e)->path + 1);
		if (numbers) {
			bana_buf_text(out, "{\"type\":\"integer\",\"minimum\":0,\"description\":"
					   "\"Rows that were erased.\"}");
			continue;
		}
		size_t count = bana_view_of(*e, BANA_SHOWN | BANA_PERSONAL, view);
		bana_buf_text(out, "{\"type\":\"array\",\"items\":");
		bana_schema_row(out, *e, view, count, true);
		bana_buf_text(out, "}");
	}
	bana_buf_text(out, "}}");
}

/* What stands in the envelope, or alone. */
static void write_given(
	struct bana_buf *out, const struct bana_service *s, const struct bana_route *route)
{
	const struct bana_call *call = route->call;
	bool rows = call->gives == BANA_GIVES_ROW || call->gives == BANA_GIVES_ROWS;
	if (rows)
		/* with `fields` a row has only those */
		bana_ref(out, "schemas",
			bana_join(out->arena, route->entity->name,
				call->takes & BANA_TAKES_FILTER ? "Part" : "", NULL));
	else if (call->schema != NULL)
		bana_buf_text(out, call->schema);
	else if (call == &bana_crud_statistics)
		bana_ref(out, "schemas",
			bana_join(out->arena, route->entity->name, "Statistics", NULL));
	else
		write_subject(out, s, call == &bana_privacy_erase);
}

static void write_content(
	struct bana_buf *out, const struct bana_service *s, const struct bana_route *route)
{
	const struct bana_call *call = route->call;
	bool list = call->gives == BANA_GIVES_ROWS || call->gives == BANA_GIVES_OTHERS;
	bana_buf_json_name(out, "content");
	bana_buf_text(out, "{");
	if (call->gives != BANA_GIVES_TEXT) {
		bana_buf_text(out, "\"application/json\":{\"schema\":");
		if (call->gives != BANA_GIVES_PLAIN)
			bana_buf_print(out,
				"{\"type\":\"object\",\"required\":[\"count\",\"data\"],"
				"\"additionalProperties\":false,\"properties\":{"
				"\"count\":{\"type\":\"integer\",\"minimum\":0,\"description\":"
				"\"Rows in "
				"`data`.\"},\"data\":%s",
				list ? "{\"type\":\"array\",\"items\":" : "");
		write_given(out, s, route);
		bana_buf_text(out, call->gives == BANA_GIVES_PLAIN ? "}" : list ? "}}}}" : "}}}");
	}
	if (call->media != NULL) {
		bana_buf_json_name(
			out, bana_copy(out->arena, call->media, strcspn(call->media, ";")));
		bana_buf_text(out, "{\"schema\":{\"type\":\"string\"}}");
	}
	bana_buf_text(out, "}");
}

static void write_headers(struct bana_buf *out, const struct bana_route *route)
{
	const struct bana_call *call = route->call;
	/* of a page, which some give instead, nothing is counted; one that is put in the place of
	 * the answer to a form keeps its headers */
	bool counted = call->gives != BANA_GIVES_PLAIN && (call->media == NULL || call->body != 0);
	bana_str rest = bana_str_of(bana_join(out->arena, "X-Request-Id,",
		counted ? "x-response-count,x-response-format," : "",
		posts(route) ? "Idempotent-Replayed," : "",
		call->headers == NULL ? "" : call->headers, NULL));
	bana_buf_json_name(out, "headers");
	bana_buf_text(out, "{");
	while (rest.len > 0) {
		bana_str name = bana_str_cut(rest, ',', &rest);
		const char *text = bana_copy(out->arena, name.at, name.len);
		bana_buf_json_name(out, text);
		bana_ref(out, "headers", text);
	}
	bana_buf_text(out, "}");
}

/* The statuses of a route's problems, in order, each once. */
static size_t problems_of(const struct bana_route *route, int statuses[STATUSES_MAX])
{
	const struct bana_call *call = route->call;
	bool closed = route->permission != NULL || (route->flags & BANA_SIGNED_IN);
	bool reads = call->takes & (BANA_TAKES_FILTER | BANA_TAKES_WHERE | BANA_TAKES_CURSOR);
	/* clang-format off */
	const struct { int status; bool possible; } rows[] = {
		{101, false}, {400, true}, {401, closed}, {403, route->permission != NULL}, {404, false},
		{409, posts(route)}, {412, call->takes & BANA_TAKES_MATCH}, {413, call->body != 0},
		{415, call->body != 0}, {422, reads || call->body != 0 || posts(route)}, {429, true}, {500, true}, {503, true},
	};
	/* clang-format on */
	size_t count = 0;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char digits[BANA_INT_BYTES];
		const char *text = bana_int_write(rows[i].status, digits);
		if (rows[i].possible ||
			(call->faults != NULL && strstr(call->faults, text) != NULL))
			statuses[count++] = rows[i].status;
	}
	return count;
}

static void write_responses(struct bana_buf *out, const struct bana_service *s,
	const struct bana_route *route, const char *root)
{
	int statuses[STATUSES_MAX];
	size_t count = problems_of(route, statuses);
	bana_buf_json_name(out, "responses");
	bana_buf_print(out, "{\"%d\":{\"description\":\"%s\"", route->call->status,
		route->call->status == 201 ? "Made and committed" : "As asked");
	write_headers(out, route);
	write_content(out, s, route);
	bana_buf_text(out, "}");
	for (size_t i = 0; i < count; i++) {
		bana_buf_print(out, ",\"%d\":", statuses[i]);
		if (statuses[i] < 200)
			bana_buf_text(out,
				"{\"description\":\"Switching Protocols: the WebSocket is open\"}");
		else if (route->call->page != NULL)
			bana_problem_or_page(out, statuses[i], root);
		else
			bana_ref(
				out, "responses", bana_print(out->arena, "Problem%d", statuses[i]));
	}
	bana_buf_text(out, ",\"default\":");
	bana_ref(out, "responses", "Problem");
	bana_buf_text(out, "}");
}

/* ---- paths ------------------------------------------------------------------------------------
 */

static const char *tag_of(const struct bana_route *route)
{
	return route->entity == NULL ? "Service" : route->entity->name;
}

static void write_verb(struct bana_buf *out, const char *verb)
{
	char name[16] = "";
	for (size_t i = 0; verb[i] != '\0' && i < sizeof name - 1; i++)
		name[i] = (char)(verb[i] + ('a' - 'A'));
	bana_buf_json_name(out, name);
}

static void write_operation(struct bana_buf *out, const struct bana_service *s,
	const struct bana_route *route, const char *root)
{
	bool open = route->permission == NULL && !(route->flags & BANA_SIGNED_IN);
	bool ours = route->call->takes_entity == NULL && route->entity != NULL;
	write_verb(out, route->verb);
	bana_buf_text(out, "{");
	bana_buf_json_member(out, "operationId",
		bana_join(out->arena, route->call->name, ours ? route->entity->name : "", NULL));
	bana_buf_json_member(out, "summary", route->says);
	bana_buf_json_name(out, "tags");
	bana_buf_print(out, "[\"%s\"]", tag_of(route));
	if (open) {
		bana_buf_json_name(out, "security");
		bana_buf_text(out, "[]");
	}
	if (route->permission != NULL) {
		bana_buf_json_member(out, "description",
			bana_join(out->arena, "Needs the permission `", route->permission, "` (",
				route->action, ").", NULL));
		bana_buf_json_member(out, "x-permission", route->permission);
	}
	write_parameters(out, s, route);
	write_body(out, route);
	write_responses(out, s, route, root);
	bana_buf_text(out, "}");
}

static bool first_of_path(const struct bana_service *s, size_t index)
{
	for (size_t i = 0; i < index; i++) {
		if (strcmp(s->routes[i].path, s->routes[index].path) == 0)
			return false;
	}
	return true;
}

static void write_paths(struct bana_buf *out, const struct bana_service *s, const char *root)
{
	bana_buf_json_name(out, "paths");
	bana_buf_text(out, "{");
	for (size_t i = 0; i < s->route_count; i++) {
		if (!first_of_path(s, i) || (s->routes[i].flags & BANA_INSIDE))
			continue;
		bana_buf_json_name(out, s->routes[i].path);
		bana_buf_text(out, "{");
		for (size_t r = i; r < s->route_count; r++) {
			if (strcmp(s->routes[r].path, s->routes[i].path) == 0)
				write_operation(out, s, &s->routes[r], root);
		}
		bana_buf_text(out, "}");
	}
	bana_buf_text(out, "}");
}

/* ---- schemas ----------------------------------------------------------------------------------
 */

static void write_bodies(struct bana_buf *out, const struct bana_service *s)
{
	for (size_t i = 0; i < s->route_count; i++) {
		const struct bana_call *call = s->routes[i].call;
		if (call->body == 0 || call->body_schema != NULL)
			continue;
		const char *name =
			bana_schema_body_name(out->arena, body_entity(&s->routes[i]), call->body);
		if (strstr(out->at, bana_join(out->arena, "\"", name, "\":{\"type", NULL)) != NULL)
			continue; /* of another route, too */
		bana_buf_json_name(out, name);
		bana_schema_body(out, body_entity(&s->routes[i]), call->body);
	}
}

/* Is there a route of the entity that takes, or gives, this? */
static bool used(const struct bana_service *s, const struct bana_entity *e, unsigned takes,
	const struct bana_call *call)
{
	for (size_t i = 0; i < s->route_count; i++) {
		const struct bana_route *route = &s->routes[i];
		bool of = route->entity == e;
		if ((of && call != NULL && route->call == call) ||
			(of && call == NULL && (route->call->takes & takes)))
			return true;
	}
	return false;
}

/* Is there an answer that has every field of a row, whatever was asked for? */
static bool given_whole(const struct bana_service *s, const struct bana_entity *e)
{
	for (size_t i = 0; i < s->route_count; i++) {
		const struct bana_call *call = s->routes[i].call;
		bool rows = call->gives == BANA_GIVES_ROW || call->gives == BANA_GIVES_ROWS;
		if (s->routes[i].entity == e && rows && !(call->takes & BANA_TAKES_FILTER))
			return true;
	}
	return false;
}

static void write_entity(
	struct bana_buf *out, const struct bana_service *s, const struct bana_entity *e)
{
	unsigned char view[BANA_FIELDS_MAX];
	size_t count = bana_view_of(e, BANA_SHOWN, view);
	if (given_whole(s, e)) {
		bana_buf_json_name(out, e->name);
		bana_schema_row(out, e, view, count, true);
	}
	bana_buf_json_name(out, bana_join(out->arena, e->name, "Part", NULL));
	bana_schema_row(out, e, view, count, false);
	if (used(s, e, BANA_TAKES_FILTER, NULL))
		bana_schema_filter(out, e);
	if (used(s, e, 0, &bana_crud_statistics))
		bana_schema_statistics(out, e);
}

static void write_components(struct bana_buf *out, const struct bana_service *s, const char *root)
{
	bana_buf_json_name(out, "components");
	bana_buf_text(out, "{\"schemas\":{");
	bana_buf_text(out, bana_schemas_common);
	for (const struct bana_entity *const *e = s->entities; *e != NULL; e++)
		write_entity(out, s, *e);
	write_bodies(out, s);
	bana_buf_text(out, "},");
	bana_components_common(out, root);
	bana_buf_text(out, "}");
}

static void write_tags(struct bana_buf *out, const struct bana_service *s)
{
	bana_buf_json_name(out, "tags");
	bana_buf_text(out, "[");
	for (const struct bana_entity *const *e = s->entities; *e != NULL; e++) {
		bana_buf_text(out, e == s->entities ? "{" : ",{");
		bana_buf_json_member(out, "name", (*e)->name);
		bana_buf_json_member(out, "description", (*e)->says);
		bana_buf_text(out, "}");
	}
	bana_buf_text(out, ",{\"name\":\"Service\",\"description\":\"Persons, permissions, rooms, "
			   "probes.\"}]");
}

static BANA_RES openapi(struct bana_req *q)
{
	const struct bana_service *s = q->ctx.app->service;
	const char *root = q->ctx.app->settings->error_root_key;
	struct bana_buf *out = &q->reply;
	bana_buf_text(out, "{\"openapi\":\"3.1.0\",\"info\":{");
	bana_buf_json_member(out, "title", s->title);
	bana_buf_json_member(out, "version", BANA_VERSION);
	bana_buf_json_member(out, "description", s->says);
	bana_buf_text(out, ",\"license\":{\"name\":\"Proprietary\",\"identifier\":\"LicenseRef-"
			   "Proprietary\"}},"
			   "\"servers\":[{");
	bana_buf_json_member(out, "url", q->ctx.app->base_path);
	bana_buf_text(out, "}],\"security\":[{\"jwt\":[]}]");
	write_tags(out, s);
	write_paths(out, s, root);
	write_components(out, s, root);
	bana_buf_text(out, "}");
	q->status = 200;
	return BANA_DONE;
}

const struct bana_call bana_openapi = {
	.handle = openapi,
	.name = "openapi",
	.status = 200,
	.gives = BANA_GIVES_PLAIN,
	.schema = "{\"type\":\"object\",\"required\":[\"openapi\"],\"properties\":{"
		  "\"openapi\":{\"type\":\"string\",\"const\":\"3.1.0\"}}}",
};
