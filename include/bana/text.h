/*
 * Text from outside: slices, UTF-8, numbers, percent-encoding. Nothing here allocates unless it
 * takes an arena, and nothing here trusts a terminating NUL.
 */
#ifndef BANA_TEXT_H
#define BANA_TEXT_H

#include "bana/result.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct bana_arena;

/* A slice; not NUL-terminated, owned by whoever made the bytes. */
typedef struct {
	const char *at;
	size_t len;
} bana_str;

#define BANA_STR(literal) ((bana_str){"" literal, sizeof(literal) - 1})

static inline bana_str bana_str_of(const char *text)
{
	return (bana_str){text, text == NULL ? 0 : strlen(text)};
}

static inline bool bana_str_is(bana_str s, const char *text)
{
	return s.len == strlen(text) && (s.len == 0 || memcmp(s.at, text, s.len) == 0);
}

/* The part before `mark` (all of it when absent); `rest` becomes what follows the mark. */
bana_str bana_str_cut(bana_str s, char mark, bana_str *rest);

/* Well-formed UTF-8 per RFC 3629: no overlong form, no surrogate, nothing over U+10FFFF. */
bool bana_utf8_valid(bana_str s);

/* Code points of well-formed UTF-8. */
size_t bana_utf8_count(bana_str s);

/* Without the white space that ECMAScript's String.prototype.trim removes. */
bana_str bana_utf8_trim(bana_str s);

/* FNV-1a, to find texts of our own; not against those who look for collisions. */
uint32_t bana_hash(const char *text);

/* Decimal digits only, optional leading '-', no leading zeros, no blanks, within [min, max]. */
BANA_RES bana_parse_int(bana_str s, int64_t min, int64_t max, int64_t *value);

/* Decimal, into `digits`; returns where it begins there (printf is too slow for every request). */
enum { BANA_INT_BYTES = 24 };
char *bana_int_write(int64_t value, char digits[BANA_INT_BYTES]);

/* true|false|1|0|on|off|yes|no, any case. */
BANA_RES bana_parse_bool(bana_str s, bool *value);

/* %XX (and '+' as blank when `form`) decoded into the arena.
 * MALFORMED: broken escape, NUL, or a result that is not UTF-8. */
BANA_RES bana_percent_decode(struct bana_arena *arena, bana_str s, bool form, bana_str *decoded);

/* The value of `name` in a query string or form, undecoded; false when absent. First one wins. */
bool bana_query_find(bana_str query, const char *name, bana_str *value);

/* RFC 4648 section 5, no padding. */
char *bana_base64url(struct bana_arena *arena, const void *bytes, size_t len);

/* RFC 4648 section 4, padded. */
char *bana_base64(struct bana_arena *arena, const void *bytes, size_t len);

/* MALFORMED: any character outside the alphabet, padding, or non-zero left-over bits: every byte
 * string has exactly one accepted spelling. */
BANA_RES bana_base64url_decode(struct bana_arena *arena, bana_str s, bana_str *bytes);

/* RFC 4648 section 4, padding required. Same strictness. */
BANA_RES bana_base64_decode(struct bana_arena *arena, bana_str s, bana_str *bytes);

/* A name of any length from outside, to be told of: cut after 64 bytes, between two characters. */
char *bana_name_shown(struct bana_arena *arena, const char *name);

/* Lower-case hexadecimal. */
char *bana_hex(struct bana_arena *arena, const void *bytes, size_t len);

#endif
