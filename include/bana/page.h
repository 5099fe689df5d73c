/*
 * Between the files of rest/: pages of a query. A page is followed by its cursor, which is where
 * its last row stands in the order: so the next page costs what the first did, and rows that come
 * or go meanwhile move nobody else.
 */
#ifndef BANA_PAGE_H
#define BANA_PAGE_H

#include "bana/query.h"

struct bana_page {
	bool follows;       /* a cursor was given */
	int64_t before;     /* rows before this page, as counted along the way */
	bool counted;       /* `total` is known */
	int64_t total;      /* rows of the whole query */
	size_t rows;        /* of this page */
	const char *cursor; /* of the next; NULL: there is none */
};

/*
 * Take in `cursor` of the query string, if any: the query goes on after that row, and its skip is
 * void. INVALID: it is none of ours, or of another order.
 */
BANA_RES bana_page_begin(struct bana_req *q, struct bana_query *query, struct bana_page *page);

/* The page of a query that has been read, as the answer. */
BANA_RES bana_page_reply(struct bana_req *q, struct bana_query *query);

/* Append ORDER BY. */
void bana_order_add(struct bana_query *query);

/* The cursor behind a row, whose values of the order's expressions these are. */
const char *bana_cursor_write(struct bana_ctx *ctx, const struct bana_query *query, int64_t before,
	const char *const *values);

/* Content-Range and Link. INVALID: the URL of the next page would be longer than nginx takes. */
BANA_RES bana_page_headers(struct bana_req *q, const struct bana_page *page);

#endif
