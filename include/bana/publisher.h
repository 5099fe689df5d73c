/*
 * Requests to the internal nchan publisher, over one kept-alive connection. Not libcurl: several
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

/* To poll for answers; -1: not connected. */
int bana_publisher_fd(const struct bana_publisher *publisher);

struct bana_post {
	const char *verb; /* NULL: POST, publish; DELETE: close every socket of the room */
	const char *room; /* appended to the URL's path as it is */
	bana_str body;
	const char *trace;   /* value of a traceparent header; NULL: none */
	int status;          /* set: HTTP status of the answer, 0 when none came */
	int64_t subscribers; /* set: as nchan counts them; 0 when it did not say */
};

/* What one write may hold: nginx must find each request whole in its 32k header buffer. */
enum { BANA_POSTS_BYTES_MAX = 24 * 1024, BANA_POST_HEAD_BYTES = 512 };

/* All in one write; do not wait. A connection that went stale is replaced before.
 * UNAVAILABLE: no connection, or not all was taken. What was written must be read before the next
 * write, with the same posts. */
BANA_RES bana_publisher_write(struct bana_ctx *ctx, struct bana_publisher *publisher,
	struct bana_post *posts, size_t count);

/* Whether all answers to what was written have come, or none will any more. Never waits; takes in
 * what is there, so that posts know their status. */
bool bana_publisher_ready(struct bana_publisher *publisher, struct bana_post *posts, size_t count);

/* The answers to what was written, at most the time-out after the write. UNAVAILABLE: not all came;
 * each post says what is known, the connection is dropped. */
BANA_RES bana_publisher_read(struct bana_ctx *ctx, struct bana_publisher *publisher,
	struct bana_post *posts, size_t count);

/* Both, one after the other. */
BANA_RES bana_publisher_ask(struct bana_ctx *ctx, struct bana_publisher *publisher,
	struct bana_post *posts, size_t count);

#endif
