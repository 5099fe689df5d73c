/*
 * HTTP as a client (libcurl). Fetch a small document: http, https with the system's certificates,
 * or file; http://unix:/socket:/path too. Or post to addresses that others chose, many at a time.
 */
#ifndef BANA_HTTP_H
#define BANA_HTTP_H

#include "bana/text.h"

struct bana_ctx;
struct bana_networks;

/* GET `url` into the arena. Redirects are not followed. UNAVAILABLE: not 200, longer than
 * `bytes_max`, or not there within `timeout_ms`; the reason is for the log. A trace goes with it.
 */
BANA_RES bana_http_get(struct bana_ctx *ctx, const char *url, int64_t timeout_ms, size_t bytes_max,
	bana_str *body);

/* ---- posting to strangers --------------------------------------------------------------------
 * An address of another's choice must not become a way into our own network. So: no redirect is
 * followed, no proxy used, no credentials taken from the URL, and each socket is opened only after
 * the very address it will connect to was looked at, however often the name resolves to another.
 */

/* One POST; it and all it points to stay where they are until bana_http_done gives it back. */
struct bana_parcel {
	const char *url;
	const char *const *headers; /* "Name: value", closed by NULL */
	bana_str body;
	int64_t timeout_ms;                   /* of all of it */
	bool plain;                           /* http:// is fine too, else https:// only */
	const struct bana_networks *networks; /* allowed besides public addresses */

	int status;      /* out: of the answer; 0: there was none */
	const char *why; /* out: static text, when there was none */

	void *handle, *list;  /* bana/http.h's own */
	bool refused, opened; /* a socket, to one of its addresses */
	struct bana_parcel *next;
};

/* Process lifetime. What is under way when it is freed is broken off. */
struct bana_http;
struct bana_http *bana_http_new(void);
void bana_http_free(struct bana_http *http);

/* Begin. The body of the answer is not kept; no more than 64 KiB of it are read. */
void bana_http_post(struct bana_http *http, struct bana_parcel *parcel);

/* Wait at most `wait_ms` for one that is done, with an answer or without; NULL: none is. */
struct bana_parcel *bana_http_done(struct bana_http *http, int wait_ms);

#endif
