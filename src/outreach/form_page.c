/*
 * What a browser shows of a form that it posted by itself, without a script: the answer as a page.
 * It tells no more than the JSON does, and thanks everybody in the same words.
 */
#include "outreach/outreach.h"

#include "bana/req.h"
#include "outreach/page.h"

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
		outreach_page_text(html, "<li><b>", issue->path, "</b>: ");
		outreach_page_text(html, "", words_for(ctx, issue), "</li>\n");
	}
	bana_buf_text(
		html, unknown ? "<li>There are fields that this form does not have.</li>\n</ul>\n"
			      : "</ul>\n");
}

static void refuse(struct bana_req *q)
{
	static const char back[] = "<p>Your browser's back button leads to the form, and to what "
				   "you wrote.</p>\n";
	struct bana_buf html;
	if (q->ctx.failure.issues == NULL) {
		outreach_page_problem(q, back);
		return;
	}
	bana_buf_init(&html, q->ctx.arena);
	write_reasons(&q->ctx, &html, q->ctx.failure.issues);
	bana_buf_text(&html, back);
	outreach_page(q, q->status, "Something is not right yet", html.at);
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
