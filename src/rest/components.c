/*
 * What the OpenAPI document of every service shares: problems, headers, parameters.
 */
#include "bana/arena.h"
#include "bana/openapi.h"
#include "bana/result.h"

/* clang-format off */
static const struct { const char *name, *schema, *says; bool always; } headers[] = {
	{"X-Request-Id",       "{\"type\":\"string\"}", "The client's own if it was well formed, else one of ours; the log has it.", true},
	{"x-response-count",   "{\"type\":\"string\",\"pattern\":\"^[0-9]+$\"}", "Rows in this answer.", true},
	{"x-response-format",  "{\"type\":\"string\",\"enum\":[\"object\",\"array\"]}", "What `data` is.", true},
	{"Content-Range",      "{\"type\":\"string\",\"pattern\":\"^records ([0-9]+-[0-9]+|[*])/([0-9]+|[*])$\"}",
		"First and last row of the page, and how many the filter selects (`*`: not counted).", true},
	{"Link",               "{\"type\":\"string\",\"pattern\":\"^<.*>; rel=\\\"next\\\"$\"}", "The next page; absent on the last.", false},
	{"Preference-Applied", "{\"type\":\"string\"}", "The `count` preference that was followed.", false},
	{"ETag",               "{\"type\":\"string\",\"pattern\":\"^\\\"v[0-9]+\\\"$\"}", "Version of the row, for If-Match.", true},
	{"Location",           "{\"type\":\"string\"}", "Path of the new row.", true},
	{"Content-Disposition","{\"type\":\"string\"}", "Name of the file.", true},
	{"Idempotent-Replayed","{\"type\":\"string\",\"const\":\"true\"}", "This is the answer that the same Idempotency-Key got before.", false},
	{"Retry-After",        "{\"type\":\"string\",\"pattern\":\"^[0-9]+$\"}", "Seconds to wait.", true},
	{"WWW-Authenticate",   "{\"type\":\"string\",\"const\":\"Bearer\"}", "What is wanted.", true},
};

/* Statuses whose problem has a header of its own. */
static const struct { int status; const char *header; } own[] = {
	{401, "WWW-Authenticate"}, {429, "Retry-After"}, {503, "Retry-After"},
};
/* clang-format on */

static void write_headers(struct bana_buf *out)
{
	bana_buf_text(out, "\"headers\":{");
	for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
		bana_buf_json_name(out, headers[i].name);
		bana_buf_print(out, "{\"required\":%s,\"schema\":%s",
			headers[i].always ? "true" : "false", headers[i].schema);
		bana_buf_json_member(out, "description", headers[i].says);
		bana_buf_text(out, "}");
	}
	bana_buf_text(out, "}");
}

/* Problems that are never nested: those of ignis that are not, and that of the proxy. */
static bool plain(int status)
{
	return status == 404 || status == 422 || status == 429;
}

/* `root`: APP_ENV_ERROR_ROOT_KEY, under which the problem is nested; empty: it is not. */
static void write_schema(struct bana_buf *out, const char *root)
{
	if (*root == '\0') {
		bana_ref(out, "schemas", "Problem");
		return;
	}
	bana_buf_print(out,
		"{\"type\":\"object\",\"required\":[\"%s\"],\"additionalProperties\":false,"
		"\"properties\":{\"%s\":{\"$ref\":\"#/components/schemas/Problem\"}}}",
		root, root);
}

/* `page`: or an HTML page, to who prefers one. */
static void write_problem(
	struct bana_buf *out, const char *says, const char *header, const char *root, bool page)
{
	bana_buf_text(out, "{");
	bana_buf_json_member(out, "description", says);
	bana_buf_text(out, ",\"headers\":{\"X-Request-Id\":");
	bana_ref(out, "headers", "X-Request-Id");
	if (header != NULL) {
		bana_buf_json_name(out, header);
		bana_ref(out, "headers", header);
	}
	bana_buf_text(out, "},\"content\":{\"application/problem+json\":{\"schema\":");
	write_schema(out, root);
	bana_buf_text(out, page ? "},\"text/html\":{\"schema\":{\"type\":\"string\"}}}}" : "}}}");
}

static void write_fault(
	struct bana_buf *out, const struct bana_fault_row *row, const char *root, bool page)
{
	const char *header = NULL;
	for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
		if (own[i].status == row->status)
			header = own[i].header;
	}
	write_problem(out, row->title, header, plain(row->status) ? "" : root, page);
}

void bana_problem_or_page(struct bana_buf *out, int status, const char *root)
{
	int fault = BANA_OK;
	while (bana_fault_row((enum bana_fault)fault)->status != status)
		fault++;
	write_fault(out, bana_fault_row((enum bana_fault)fault), root, true);
}

static void write_problems(struct bana_buf *out, const char *root)
{
	bana_buf_text(out, "\"responses\":{");
	for (int fault = BANA_OK + 1; fault < BANA_FAULTS_COUNT; fault++) {
		const struct bana_fault_row *row = bana_fault_row((enum bana_fault)fault);
		if (fault == BANA_NO_METHOD)
			continue; /* is no answer of an operation */
		bana_buf_json_name(out, bana_print(out->arena, "Problem%d", row->status));
		write_fault(out, row, root, false);
	}
	bana_buf_json_name(out, "Problem");
	write_problem(out, "Any other problem, of the proxy in front", NULL, "", false);
	bana_buf_text(out, "}");
}

void bana_components_common(struct bana_buf *out, const char *root)
{
	write_problems(out, root);
	bana_buf_text(out, ",");
	write_headers(out);
	bana_buf_text(out,
		",\"parameters\":{"
		"\"Cursor\":{\"name\":\"cursor\",\"in\":\"query\",\"description\":\"Where the page "
		"before ended: from its "
		"Link header, opaque. `skip` is void "
		"then.\",\"schema\":{\"type\":\"string\",\"maxLength\":16384}},"
		"\"Prefer\":{\"name\":\"Prefer\",\"in\":\"header\",\"description\":\"`count=none`: "
		"leave the total out, "
		"which is quicker; `count=exact`: count also with a cursor (RFC 7240).\","
		"\"schema\":{\"type\":\"string\"},\"example\":\"count=none\"},"
		"\"IfMatch\":{\"name\":\"If-Match\",\"in\":\"header\",\"description\":\"Only if "
		"the row is at this version; "
		"otherwise 412.\",\"schema\":{\"type\":\"string\"},\"example\":\"\\\"v1\\\"\"},"
		"\"IdempotencyKey\":{\"name\":\"Idempotency-Key\",\"in\":\"header\","
		"\"description\":"
		"\"A new UUID for "
		"each thing to be done: sent again with the same key, the request is done once and "
		"gets its first answer again.\",\"schema\":{\"type\":\"string\",\"minLength\":1,"
		"\"maxLength\":255},\"example\":\"\\\"7c3b6a52-8f0e-4c57-9a0d-3f8a0c6b1d2e\\\"\"},"
		"\"RequestCount\":{\"name\":\"x-request-count\",\"in\":\"header\",\"description\":"
		"\"`false` or `0`: the "
		"body is `data` alone, without the "
		"envelope.\",\"schema\":{\"type\":\"string\"}},"
		"\"RequestId\":{\"name\":\"X-Request-Id\",\"in\":\"header\",\"description\":\"1 to "
		"255 of [A-Za-z0-9_=-].\","
		"\"schema\":{\"type\":\"string\"}}},"
		"\"securitySchemes\":{\"jwt\":{\"type\":\"http\",\"scheme\":\"bearer\","
		"\"bearerFormat\":\"JWT\","
		"\"description\":\"ES256, of the identity service.\"}}");
}
