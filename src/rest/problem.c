/*
 * One error body for old and new clients: RFC 9457 members first, then those of ignis (message,
 * statusCode, requestId, details).
 */
#include "bana/app.h"
#include "bana/req.h"

#include <stdio.h>

/* What the client asked for, without the query where that may hold a token. */
static const char *url_of(struct bana_req *q)
{
	const char *scheme = bana_req_header(q, "REQUEST_SCHEME");
	const char *host = bana_req_header(q, "HTTP_HOST");
	if (host != NULL && !bana_utf8_valid(bana_str_of(host)))
		host = NULL;
	bool show = q->query.len > 0 && q->route != NULL && !(q->route->flags & BANA_QUERY_TOKEN);
	return bana_print(q->ctx.arena, "%s://%s%.*s%s%.*s", scheme == NULL ? "http" : scheme,
		host == NULL ? "localhost" : host, (int)q->target.len, q->target.at,
		show ? "?" : "", show ? (int)q->query.len : 0, show ? q->query.at : "");
}

static void write_issues(struct bana_buf *b, const struct bana_issue *issue)
{
	bana_buf_json_name(b, "cause");
	bana_buf_text(b, "[");
	for (; issue != NULL; issue = issue->next) {
		bana_buf_text(b, b->at[b->len - 1] == '[' ? "{" : ",{");
		bana_buf_json_member(b, "path", issue->path);
		bana_buf_json_member(b, "message", issue->message);
		bana_buf_json_member(b, "code", issue->code);
		if (issue->expected != NULL)
			bana_buf_json_member(b, "expected", issue->expected);
		bana_buf_text(b, "}");
	}
	bana_buf_text(b, "]");
}

static void write_problem(struct bana_req *q, const struct bana_fault_row *fault)
{
	const struct bana_failure *f = &q->ctx.failure;
	const char *message = f->message == NULL ? fault->title : f->message;
	const char *path = bana_copy(q->ctx.arena, q->target.at, q->target.len);
	struct bana_buf *b = &q->reply;
	bana_buf_text(b, "{");
	bana_buf_json_member(
		b, "type", bana_print(q->ctx.arena, "urn:bana:problem:%s", fault->slug));
	bana_buf_json_member(b, "title", fault->title);
	bana_buf_json_member_int(b, "status", fault->status);
	bana_buf_json_member(b, "detail", f->detail == NULL ? message : f->detail);
	bana_buf_json_member(b, "instance", path);
	bana_buf_json_member(b, "message", message);
	bana_buf_json_member_int(b, "statusCode", fault->status);
	bana_buf_json_member(b, "requestId", q->ctx.request_id);
	bana_buf_json_name(b, "details");
	bana_buf_text(b, "{");
	bana_buf_json_member(b, "url", url_of(q));
	bana_buf_json_member(b, "path", path);
	if (f->issues != NULL)
		write_issues(b, f->issues);
	if (f->checks != NULL) {
		bana_buf_json_name(b, "checks");
		bana_buf_text(b, f->checks);
	}
	bana_buf_text(b, "}");
	if (f->allowed != NULL) {
		bana_buf_json_name(b, "allowed");
		bana_buf_text(b, f->allowed);
	}
	bana_buf_text(b, "}");
}

void bana_reply_problem(struct bana_req *q, bana_res result)
{
	const struct bana_fault_row *fault = bana_fault_row(result.fault);
	const char *root = q->ctx.app->settings->error_root_key;
	bool nested = *root != '\0' && fault->status != 404 && fault->status != 422;
	q->status = fault->status;
	q->media = "application/problem+json";
	q->headers.len = q->reply.len = 0; /* whatever a handler had begun */
	if (nested)
		bana_buf_print(&q->reply, "{\"%s\":", root);
	write_problem(q, fault);
	if (nested)
		bana_buf_text(&q->reply, "}");
	if (q->ctx.failure.allow != NULL)
		bana_reply_header(q, "Allow", q->ctx.failure.allow);
	if (fault->status == 401)
		bana_reply_header(q, "WWW-Authenticate", "Bearer");
	if (q->ctx.failure.retry_after_s > 0)
		bana_reply_header(q, "Retry-After",
			bana_print(q->ctx.arena, "%u", q->ctx.failure.retry_after_s));
}
