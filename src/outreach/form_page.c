/*
 * What a browser shows of a form that it posted by itself, without a script: the answer as a page.
 * It tells no more than the JSON does, and thanks everybody in the same words.
 */
#include "outreach/outreach.h"

#include "bana/req.h"
#include "outreach/page.h"

static void write_text(
	struct bana_buf *html, const char *before, const char *text, const char *after)
{
	bana_buf_text(html, before);
	bana_buf_html(html, text);
	bana_buf_text(html, after);
}

/* A message is for developers, and says what zod says. Visitors are given words of their own. */
static const char *words_for(struct bana_ctx *ctx, const struct bana_issue *issue)
{
	static const struct {
		const char *code, *says;
	} rows[] = {
		{"invalid_type", "Please fill this in."},
		{"too_small", "This is missing, or too short."},
		{"invalid_value", "This is none of the choices."},
	};
	const char *most = strstr(issue->message, "<=");
	if (strcmp(issue->code, "too_big") == 0 && most != NULL)
		return bana_print(ctx->arena, "This is too long: at most %s fit.", most + 2);
	if (issue->expected != NULL && strcmp(issue->expected, "string") != 0)
		return issue->message; /* not a matter of filling it in */
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		if (strcmp(issue->code, rows[i].code) == 0)
			return rows[i].says;
	}
	return issue->message;
}

/* Names that are not ours are left out: any site can post a form here, and would have its own words
 * on our page. */
static void write_reasons(
	struct bana_ctx *ctx, struct bana_buf *html, const struct bana_issue *issue)
{
	bool unknown = false;
	bana_buf_text(html, "<ul>\n");
	for (; issue != NULL; issue = issue->next) {
		if (strcmp(issue->code, "unrecognized_keys") == 0) {
			unknown = true;
			continue;
		}
		write_text(html, "<li><b>", issue->path, "</b>: ");
		write_text(html, "", words_for(ctx, issue), "</li>\n");
	}
	bana_buf_text(
		html, unknown ? "<li>There are fields that this form does not have.</li>\n</ul>\n"
			      : "</ul>\n");
}

/* What went wrong, and the name that the log has it under. */
static void write_problem(struct bana_req *q, struct bana_buf *html)
{
	const struct bana_failure *f = &q->ctx.failure;
	const char *why = f->detail == NULL ? f->message : f->detail;
	if (why != NULL)
		write_text(html, "<p>", why, "</p>\n");
	write_text(html, "<p>If you ask us about this, please name <code>", q->ctx.request_id,
		"</code>.</p>\n");
}

static void refuse(struct bana_req *q)
{
	const struct bana_failure *f = &q->ctx.failure;
	struct bana_buf html;
	bana_buf_init(&html, q->ctx.arena);
	if (f->issues != NULL)
		write_reasons(&q->ctx, &html, f->issues);
	else
		write_problem(q, &html);
	bana_buf_text(&html, "<p>");
	if (f->retry_after_s > 0)
		bana_buf_print(&html, "Please wait %u %s, then try again. ", f->retry_after_s,
			f->retry_after_s == 1 ? "second" : "seconds");
	bana_buf_text(&html, "Your browser's back button leads to the form, and to what you "
			     "wrote.</p>\n");
	outreach_page(q, q->status,
		f->issues == NULL ? "This did not work" : "Something is not right yet", html.at);
}

static void answer(struct bana_req *q, const char *title, const char *content)
{
	if (!bana_req_is_form(q) || !outreach_page_wanted(q))
		return;
	bana_reply_header(q, "Vary", "Accept");
	if (q->status >= 400)
		refuse(q);
	else
		outreach_page(q, q->status, title, content);
}

void outreach_submit_page(struct bana_req *q)
{
	answer(q, "Thank you, we have your inquiry", "<p>You can close this page.</p>\n");
}

void outreach_subscribe_page(struct bana_req *q)
{
	static const char single[] =
		"<p>If this address can receive our newsletter, it will.</p>\n";
	static const char twice[] =
		"<p>If this address can receive our newsletter, it will, once it is confirmed: "
		"look for a mail from us, and use the link in it.</p>\n";
	answer(q, "Thank you", outreach_settings.double_opt_in ? twice : single);
}
