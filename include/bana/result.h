/*
 * One result type. A function that can fail returns bana_res and is declared with BANA_RES; its
 * results come back through the last parameter and are untouched on failure.
 */
#ifndef BANA_RESULT_H
#define BANA_RESULT_H

/* clang-format off */
/*  name          status  slug               what the client reads as title */
#define BANA_FAULTS(X) \
	X(OK,          200, "ok",               "OK") \
	X(MALFORMED,   400, "malformed",        "Malformed request") \
	X(NO_TOKEN,    401, "unauthenticated",  "Authentication required") \
	X(FORBIDDEN,   403, "forbidden",        "Not permitted") \
	X(NOT_FOUND,   404, "not-found",        "Not found") \
	X(NO_METHOD,   405, "method",           "Method not allowed") \
	X(CONFLICT,    409, "conflict",         "Conflict") \
	X(STALE,       412, "stale",            "Precondition failed") \
	X(TOO_LARGE,   413, "too-large",        "Content too large") \
	X(MEDIA,       415, "media-type",       "Unsupported media type") \
	X(INVALID,     422, "validation",       "Unprocessable content") \
	X(TOO_MANY,    429, "too-many",         "Too many requests") \
	X(INTERNAL,    500, "internal",         "Internal error") \
	X(UNAVAILABLE, 503, "unavailable",      "Service unavailable")
/* clang-format on */

enum bana_fault {
#define X(name, status, slug, title) BANA_##name,
	BANA_FAULTS(X)
#undef X
		BANA_FAULTS_COUNT
};

typedef struct {
	enum bana_fault fault;
} bana_res;

#define BANA_RES   __attribute__((warn_unused_result)) bana_res
#define BANA_DONE  ((bana_res){BANA_OK})
#define BANA_IS(f) ((bana_res){BANA_##f})

/* The only macro that may return. */
#define TRY(call)                          \
	do {                               \
		bana_res try_ = (call);    \
		if (try_.fault != BANA_OK) \
			return try_;       \
	} while (0)

struct bana_fault_row {
	int status;        /* HTTP status */
	const char *slug;  /* stable name: last part of the problem type */
	const char *title; /* for people */
};

/* Static; never NULL. */
const struct bana_fault_row *bana_fault_row(enum bana_fault fault);

/* Drop a result on purpose; `why` is for the reader. */
static inline void bana_ignore(bana_res result, const char *why)
{
	(void)result;
	(void)why;
}

#endif
