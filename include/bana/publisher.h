/*
 * HTTP POST to the internal nchan publisher, over one kept-alive connection. Not libcurl: several
 * requests leave in one write (nchan 1.3.6 never answers a POST whose head and body come apart
 * while its Redis is down), and the whole exchange has one deadline.
 */
#ifndef BANA_PUBLISHER_H
#define BANA_PUBLISHER_H

#include "bana/text.h"

struct bana_ctx;
struct bana_publisher;

/* `url`: http://host:port/path/ or http://unix:/socket:/path/; NULL when it is neither. The host
 * is an address or a name; it must outlive the publisher. Does not connect yet. */
struct bana_publisher *bana_publisher_new(const char *url, int64_t timeout_ms);
void bana_publisher_free(struct bana_publisher *publisher);

struct bana_post {
	const char *room; /* appended to the URL's path as it is */
	bana_str body;
	int status; /* set: HTTP status of the answer, 0 when none came */
};

/* POST each, several in one write of at most 12 KiB (a longer single one goes alone), and read the
 * answers. A connection that went stale while idle is replaced once. UNAVAILABLE: not all were
 * answered within the time-out; each post says what is known. */
BANA_RES bana_publisher_send(struct bana_ctx *ctx, struct bana_publisher *publisher,
	struct bana_post *posts, size_t count);

#endif
