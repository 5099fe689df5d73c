#include "bana/trace.h"

#include "bana/ctx.h"

#include <inttypes.h>
#include <stdio.h>

/* `count` lower-case hexadecimal digits, not all of them 0, and then `end`. */
static bool field(const char *text, size_t count, char end, bool zeros)
{
	size_t digits = strspn(text, "0123456789abcdef");
	return digits == count && text[count] == end && (zeros || strspn(text, "0") < count);
}

bool bana_trace_read(const char *header, uint64_t span, struct bana_trace *trace)
{
	enum {
		VERSION = 0,
		ID = 3,
		PARENT = ID + BANA_TRACE_ID + 1,
		FLAGS = PARENT + BANA_SPAN_ID + 1,
		END = FLAGS + 2
	};
	if (header == NULL || !field(header, 2, '-', true) || strncmp(header, "ff", 2) == 0 ||
		!field(header + ID, BANA_TRACE_ID, '-', false) ||
		!field(header + PARENT, BANA_SPAN_ID, '-', false))
		return false;
	bool known = strncmp(header, "00", 2) == 0;
	if (!field(header + FLAGS, 2, '\0', true) &&
		(known || !field(header + FLAGS, 2, '-', true)))
		return false;
	snprintf(trace->id, sizeof trace->id, "%.32s", header + ID);
	snprintf(trace->span, sizeof trace->span, "%016" PRIx64, span);
	/* of a later version only the lowest bit, "sampled", is known */
	const char *sampled = strchr("13579bdf", header[FLAGS + 1]) != NULL ? "01" : "00";
	snprintf(trace->flags, sizeof trace->flags, "%.2s", known ? header + FLAGS : sampled);
	return true;
}

const char *bana_trace_on(struct bana_ctx *ctx)
{
	const struct bana_trace *t = ctx->trace;
	return t == NULL ? NULL
			 : bana_join(ctx->arena, "00-", t->id, "-", t->span, "-", t->flags, NULL);
}
