/*
 * W3C Trace Context (traceparent, https://www.w3.org/TR/trace-context/): a trace that a caller has
 * begun is logged and passed on with a span of our own. We begin none, and report to no tracer.
 */
#ifndef BANA_TRACE_H
#define BANA_TRACE_H

#include <stdbool.h>
#include <stdint.h>

struct bana_ctx;

enum { BANA_TRACE_ID = 32, BANA_SPAN_ID = 16 };

struct bana_trace {
	char id[BANA_TRACE_ID + 1];
	char span[BANA_SPAN_ID + 1]; /* ours */
	char flags[3];
};

/* A traceparent header (section 3.2.2; a version above 00 by its first four fields, as 4.3 wants
 * it). False: there is none, or it is malformed, and the trace is to be forgotten. `span`: any
 * number but 0, of the part that begins here. */
bool bana_trace_read(const char *header, uint64_t span, struct bana_trace *trace);

/* The header that passes the trace of this work on, in the arena; NULL: it has none. */
const char *bana_trace_on(struct bana_ctx *ctx);

#endif
