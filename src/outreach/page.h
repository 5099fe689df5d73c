/*
 * Pages of a few words, for people whose browser asks for one: no script, nothing of another file.
 */
#ifndef OUTREACH_PAGE_H
#define OUTREACH_PAGE_H

#include <stdbool.h>

struct bana_buf;
struct bana_req;

/* Would the client rather have a page than JSON? */
bool outreach_page_wanted(const struct bana_req *q);

/* Answer with a page, instead of whatever was written; headers stay. `title` is its heading, too;
 * `content` is the HTML below: what of it comes from outside went through bana_buf_html. */
void outreach_page(struct bana_req *q, int status, const char *title, const char *content);

/* Answer with the failure at hand: what it was, when to try again, the name that the log has it
 * under; headers stay. `hint`: HTML of ours. */
void outreach_page_problem(struct bana_req *q, const char *hint);

/* `text` comes from anywhere; the HTML around it is ours. */
void outreach_page_text(
	struct bana_buf *html, const char *before, const char *text, const char *after);

#endif
