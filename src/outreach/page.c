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
