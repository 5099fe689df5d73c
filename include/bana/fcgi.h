/*
 * FastCGI (libfcgi): take a request, read it, answer it. One at a time, blocking, one connection
 * each (nginx must not keep connections: a kept one would pin a worker).
 */
#ifndef BANA_FCGI_H
#define BANA_FCGI_H

#include "bana/text.h"

struct bana_arena;
struct bana_fcgi;

/* `listener`: the listening socket (0 under spawn-fcgi), made non-blocking. The signals
 * of bana/stop.h are only let in while waiting for a connection: a request is never interrupted.
 * `write_ms`: patience with a peer that does not take an answer. Process lifetime: at most one at a
 * time. */
struct bana_fcgi *bana_fcgi_new(int listener, int64_t write_ms);
void bana_fcgi_free(struct bana_fcgi *fcgi);

/* Wait for the next request. When none is there yet, idle(what) runs before the wait. False: a
 * signal asked to stop, or the listening socket is gone. */
bool bana_fcgi_accept(struct bana_fcgi *fcgi, void (*idle)(void *what), void *what);

/* Take no requests (others of the pool do) until told to take some again; signals still come. */
void bana_fcgi_rest(struct bana_fcgi *fcgi, bool rest);

/* A parameter of the request; NULL when absent. Lives until bana_fcgi_finish. */
const char *bana_fcgi_param(const struct bana_fcgi *fcgi, const char *name);

/* The whole body. TOO_LARGE: announced as, or found, longer than `bytes_max`. MALFORMED: shorter
 * than announced. Without a length (nginx always gives one when there is a body) it is empty. */
BANA_RES bana_fcgi_body(
	struct bana_fcgi *fcgi, struct bana_arena *arena, size_t bytes_max, bana_str *body);

/* False: nobody takes it any more, or not within the patience. */
bool bana_fcgi_write(struct bana_fcgi *fcgi, bana_str bytes);

/* The answer ends here although it is not whole: hang up without the record that ends it, so that
 * nginx breaks the client's connection off (with fastcgi_keep_conn on; off, it takes this for the
 * end). */
void bana_fcgi_break(struct bana_fcgi *fcgi);

/* Hand the answer over and hang up. False: the other side was gone before it had all of it. */
bool bana_fcgi_finish(struct bana_fcgi *fcgi);

#endif
