/*
 * Fetch a small document (libcurl): http, https with the system's certificates, or file;
 * http://unix:/socket:/path too.
 */
#ifndef BANA_HTTP_H
#define BANA_HTTP_H

#include "bana/text.h"

struct bana_ctx;

/* GET `url` into the arena. Redirects are not followed. UNAVAILABLE: not 200, longer than
 * `bytes_max`, or not there within `timeout_ms`; the reason is for the log. A trace goes with it.
 */
BANA_RES bana_http_get(struct bana_ctx *ctx, const char *url, int64_t timeout_ms, size_t bytes_max,
	bana_str *body);

#endif
