/*
 * Accept (RFC 9110 section 12.5.1): which of two media types a client would rather have.
 */
#include "bana/req.h"

#include <strings.h>

/* How much a type is wanted, and how exactly the range names it that says so. */
struct wish {
	int exactness;    /* 0: no range names it */
	unsigned quality; /* in thousandths */
};

static int exactness_of(bana_str range, const char *type)
{
	size_t kind = strcspn(type, "/") + 1;
	if (range.len == strlen(type) && strncasecmp(range.at, type, range.len) == 0)
		return 3;
	if (range.len == kind + 1 && range.at[kind] == '*' &&
		strncasecmp(range.at, type, kind) == 0)
		return 2;
	return bana_str_is(range, "*/*") ? 1 : 0;
}

/* "0.85" is 850; of what is no number only the digits count. */
static unsigned thousandths(bana_str text)
{
	enum { DIGITS = 4 };
	unsigned value = 0, digits = 0;
	for (size_t i = 0; i < text.len && digits < DIGITS; i++) {
		if (text.at[i] < '0' || text.at[i] > '9')
			continue;
		value = value * 10 + (unsigned)(text.at[i] - '0');
		digits++;
	}
	for (; digits < DIGITS; digits++)
		value *= 10;
	return value > 1000 ? 1000 : value;
}

static unsigned quality_of(bana_str parameters)
{
	while (parameters.len > 0) {
		bana_str value, parameter = bana_str_cut(parameters, ';', &parameters);
		bana_str name = bana_utf8_trim(bana_str_cut(parameter, '=', &value));
		if (name.len == 1 && (*name.at == 'q' || *name.at == 'Q'))
			return thousandths(value);
	}
	return 1000;
}

/* The range that names it best decides; parameters other than q tell nothing of our types. */
static struct wish wish_for(bana_str accept, const char *type)
{
	struct wish wish = {0, 0};
	while (accept.len > 0) {
		bana_str parameters, item = bana_str_cut(accept, ',', &accept);
		bana_str range = bana_utf8_trim(bana_str_cut(item, ';', &parameters));
		int exactness = exactness_of(range, type);
		if (exactness > wish.exactness)
			wish = (struct wish){exactness, quality_of(parameters)};
	}
	return wish;
}

bool bana_req_prefers(const struct bana_req *q, const char *type, const char *other)
{
	bana_str accept = bana_str_of(bana_req_header(q, "HTTP_ACCEPT"));
	struct wish a = wish_for(accept, type), b = wish_for(accept, other);
	if (a.quality != b.quality)
		return a.quality > b.quality;
	return a.quality > 0 && a.exactness > b.exactness;
}
