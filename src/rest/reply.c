#include "bana/req.h"

#include "bana/app.h"

static const char exposed[] =
	"Content-Disposition, Content-Range, ETag, Idempotent-Replayed, Link, Location, "
	"Preference-Applied, Retry-After, X-Request-Id, x-response-count, "
	"x-response-format";

const char *bana_req_header(const struct bana_req *q, const char *name)
{
	const char *value = q->param(q->source, name);
	return value == NULL || *value == '\0' ? NULL : value;
}

void bana_reply_header(struct bana_req *q, const char *name, const char *value)
{
	bana_buf_text(&q->headers, name);
	bana_buf_text(&q->headers, ": ");
	bana_buf_text(&q->headers, value);
	bana_buf_text(&q->headers, "\r\n");
}

BANA_RES bana_reply_text(struct bana_req *q, int status, const char *media, bana_str text)
{
	q->status = status;
	q->media = media;
	bana_buf_add(&q->reply, text.at, text.len);
	return BANA_DONE;
}

/* ignis.md 2.2: the envelope is left out for x-request-count: false, 0 or empty. */
static bool wants_envelope(const struct bana_req *q)
{
	const char *wish = q->param(q->source, "HTTP_X_REQUEST_COUNT");
	return wish == NULL ||
	       (*wish != '\0' && strcmp(wish, "false") != 0 && strcmp(wish, "0") != 0);
}

static BANA_RES reply_counted(
	struct bana_req *q, int status, const char *format, bana_str json, size_t count)
{
	char digits[BANA_INT_BYTES];
	const char *number = bana_int_write((int64_t)count, digits);
	bool envelope = wants_envelope(q);
	bana_reply_header(q, "x-response-count", number);
	bana_reply_header(q, "x-response-format", format);
	q->status = status;
	if (envelope) {
		bana_buf_text(&q->reply, "{\"count\":");
		bana_buf_text(&q->reply, number);
		bana_buf_text(&q->reply, ",\"data\":");
	}
	bana_buf_add(&q->reply, json.at, json.len);
	if (envelope)
		bana_buf_text(&q->reply, "}");
	return BANA_DONE;
}

BANA_RES bana_reply_one(struct bana_req *q, int status, bana_str json)
{
	return reply_counted(q, status, "object", json, 1);
}

BANA_RES bana_reply_list(struct bana_req *q, int status, bana_str json, size_t count)
{
	return reply_counted(q, status, "array", json, count);
}

static void cors(struct bana_req *q, struct bana_buf *out)
{
	const char *origin = bana_req_header(q, "HTTP_ORIGIN");
	const char *allowed = q->ctx.app->settings->cors_origins;
	if (*allowed == '\0')
		return;
	bana_buf_text(out, "Vary: Origin\r\n");
	if (origin == NULL || !(bana_list_has(allowed, "*") || bana_list_has(allowed, origin)))
		return;
	bana_buf_print(out,
		"Access-Control-Allow-Origin: %s\r\nAccess-Control-Expose-Headers: %s\r\n",
		bana_list_has(allowed, "*") ? "*" : origin, exposed);
}

/* RFC 9112 section 4: the blank after the status is needed even where the words are not. */
static const char *reason(int status)
{
	/* clang-format off */
	static const struct { int status; const char *words; } reasons[] = {
		{200, " OK"}, {201, " Created"}, {204, " No Content"}, {400, " Bad Request"},
		{401, " Unauthorized"}, {403, " Forbidden"}, {404, " Not Found"},
		{405, " Method Not Allowed"}, {409, " Conflict"}, {412, " Precondition Failed"},
		{413, " Content Too Large"}, {415, " Unsupported Media Type"},
		{422, " Unprocessable Content"}, {429, " Too Many Requests"},
		{500, " Internal Server Error"}, {503, " Service Unavailable"},
	};
	/* clang-format on */
	for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++) {
		if (reasons[i].status == status)
			return reasons[i].words;
	}
	return " ";
}

void bana_reply_render(struct bana_req *q, struct bana_buf *out)
{
	bana_buf_text(out, "Status: ");
	bana_buf_int(out, q->status);
	bana_buf_text(out, reason(q->status));
	bana_buf_text(out, "\r\nX-Request-Id: ");
	bana_buf_text(out, q->ctx.request_id);
	bana_buf_text(out, "\r\nCache-Control: no-store\r\n");
	if (q->headers.len > 0)
		bana_buf_add(out, q->headers.at, q->headers.len);
	cors(q, out);
	if (q->status != 204) {
		bana_buf_text(out, "Content-Type: ");
		bana_buf_text(out, q->media == NULL ? "application/json" : q->media);
		if (q->stream == NULL) {
			bana_buf_text(out, "\r\nContent-Length: ");
			bana_buf_int(out, (int64_t)q->reply.len);
		}
		bana_buf_text(out, "\r\n");
	}
	bana_buf_text(out, "\r\n");
	if (q->reply.len > 0 && !bana_str_is(q->method, "HEAD"))
		bana_buf_add(out, q->reply.at, q->reply.len);
}
