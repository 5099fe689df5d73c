/*
 * Pages of a few words, for people whose browser asks for one: no script, nothing of another file.
 */
#ifndef OUTREACH_PAGE_H
#define OUTREACH_PAGE_H

#include <stdbool.h>

struct bana_req;

/* Would the client rather have a page than JSON? */
bool outreach_page_wanted(const struct bana_req *q);

/* Answer with a page, instead of whatever was written; headers stay. `title` is its heading, too;
 * `content` is the HTML below: what of it comes from outside went through bana_buf_html. */
void outreach_page(struct bana_req *q, int status, const char *title, const char *content);

#endif
