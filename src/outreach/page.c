#include "outreach/page.h"

#include "bana/req.h"

bool outreach_page_wanted(const struct bana_req *q)
{
	return bana_req_prefers(q, "text/html", "application/json");
}

void outreach_page(struct bana_req *q, int status, const char *title, const char *content)
{
	bana_reply_header(q, "Content-Security-Policy",
		"default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri "
		"'none'; "
		"frame-ancestors 'none'");
	q->status = status;
	q->media = "text/html; charset=utf-8";
	q->reply.len = 0;
	bana_buf_print(&q->reply,
		"<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n"
		"<meta name=\"viewport\" content=\"width=device-width\">\n"
		"<meta name=\"robots\" content=\"noindex\">\n<title>%s</title>\n"
		"<style>:root{color-scheme:light dark}body{font:1rem/1.5 system-ui;max-width:32rem;"
		"margin:20vh auto;padding:0 1rem;overflow-wrap:anywhere}button{font:inherit;"
		"padding:.6em 1.2em}</style>\n"
		"<main>\n<h1>%s</h1>\n%s</main>\n</html>\n",
		title, title, content);
}

void outreach_page_text(
	struct bana_buf *html, const char *before, const char *text, const char *after)
{
	bana_buf_text(html, before);
	bana_buf_html(html, text);
	bana_buf_text(html, after);
}

void outreach_page_problem(struct bana_req *q, const char *hint)
{
	const struct bana_failure *f = &q->ctx.failure;
	const char *why = f->detail == NULL ? f->message : f->detail;
	struct bana_buf html;
	bana_buf_init(&html, q->ctx.arena);
	if (why != NULL)
		outreach_page_text(&html, "<p>", why, "</p>\n");
	if (f->retry_after_s > 0)
		bana_buf_print(&html, "<p>Please wait %u %s, then try again.</p>\n",
			f->retry_after_s, f->retry_after_s == 1 ? "second" : "seconds");
	bana_buf_text(&html, hint);
	outreach_page_text(&html, "<p>If you ask us about this, please name <code>",
		q->ctx.request_id, "</code>.</p>\n");
	outreach_page(q, q->status, "This did not work", html.at);
}
