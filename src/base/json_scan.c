/*
 * RFC 8259 in one pass without recursion: a stack of at most 64 levels says whether each open
 * container is an array or an object.
 */
#include "bana/json.h"

#include <math.h>
#include <stdlib.h>

enum { LEVELS = 64, NUMBER_BYTES = 512 };

struct scanner {
	const char *at, *end;
	const char *malformed, *malformed_at;
	const char *refused, *refused_at;
};

static bool malformed(struct scanner *s, const char *why)
{
	if (s->malformed == NULL) {
		s->malformed = why;
		s->malformed_at = s->at;
	}
	return false;
}

static void refuse(struct scanner *s, const char *why)
{
	if (s->refused == NULL) {
		s->refused = why;
		s->refused_at = s->at;
	}
}

static char peek(const struct scanner *s)
{
	return s->at < s->end ? *s->at : '\0';
}

static void skip_blanks(struct scanner *s)
{
	while (s->at < s->end &&
		(*s->at == ' ' || *s->at == '\n' || *s->at == '\t' || *s->at == '\r'))
		s->at++;
}

static size_t digits(struct scanner *s)
{
	const char *from = s->at;
	while (s->at < s->end && *s->at >= '0' && *s->at <= '9')
		s->at++;
	return (size_t)(s->at - from);
}

/* A well-formed number may still be one that no 64-bit integer or double holds. */
static void check_range(struct scanner *s, const char *from, bool integer)
{
	bana_str text = {from, (size_t)(s->at - from)};
	int64_t value;
	if (integer && !bana_str_is(text, "-0") &&
		bana_parse_int(text, INT64_MIN, INT64_MAX, &value).fault != BANA_OK)
		refuse(s, "Integer beyond 64 bits");
	if (integer)
		return;
	char copy[NUMBER_BYTES];
	if (text.len >= sizeof copy) {
		refuse(s, "Number with too many digits");
		return;
	}
	memcpy(copy, text.at, text.len);
	copy[text.len] = '\0';
	double value_read = strtod(copy, NULL);
	bool zero = strspn(copy, "-0.") == strcspn(copy, "eE"); /* in whatever spelling */
	if (!isfinite(value_read) || (value_read == 0 && !zero))
		refuse(s, "Number beyond a double");
}

static bool number(struct scanner *s)
{
	const char *from = s->at;
	bool integer = true;
	if (peek(s) == '-')
		s->at++;
	if (peek(s) == '0')
		s->at++;
	else if (digits(s) == 0)
		return malformed(s, "Unexpected character");
	if (peek(s) == '.') {
		integer = false;
		s->at++;
		if (digits(s) == 0)
			return malformed(s, "Digit expected after the decimal point");
	}
	if (peek(s) == 'e' || peek(s) == 'E') {
		integer = false;
		s->at++;
		if (peek(s) == '+' || peek(s) == '-')
			s->at++;
		if (digits(s) == 0)
			return malformed(s, "Digit expected in the exponent");
	}
	check_range(s, from, integer);
	return true;
}

static int32_t hex4(struct scanner *s)
{
	int32_t value = 0;
	for (int i = 0; i < 4; i++, s->at++) {
		char c = peek(s);
		int d = c >= '0' && c <= '9'   ? c - '0'
			: c >= 'a' && c <= 'f' ? c - 'a' + 10
			: c >= 'A' && c <= 'F' ? c - 'A' + 10
					       : -1;
		if (d < 0)
			return -1;
		value = value * 16 + d;
	}
	return value;
}

/* `at` is behind the backslash. */
static bool escape(struct scanner *s)
{
	char c = peek(s);
	if (c == '\0' || strchr("\"\\/bfnrtu", c) == NULL)
		return malformed(s, "Unknown escape in a string");
	s->at++;
	if (c != 'u')
		return true;
	int32_t unit = hex4(s);
	if (unit < 0)
		return malformed(s, "Four hexadecimal digits expected");
	if (unit == 0)
		refuse(s, "U+0000 in a string");
	if (unit >= 0xDC00 && unit <= 0xDFFF)
		return malformed(s, "Lone surrogate in a string");
	if (unit < 0xD800 || unit > 0xDBFF)
		return true;
	if (s->end - s->at < 6 || s->at[0] != '\\' || s->at[1] != 'u')
		return malformed(s, "Lone surrogate in a string");
	s->at += 2;
	unit = hex4(s);
	return (unit >= 0xDC00 && unit <= 0xDFFF) || malformed(s, "Lone surrogate in a string");
}

static bool string(struct scanner *s)
{
	if (peek(s) != '"')
		return malformed(s, "String expected");
	s->at++;
	while (s->at < s->end && *s->at != '"') {
		unsigned char c = (unsigned char)*s->at;
		if (c < 0x20)
			return malformed(s, "Control character in a string");
		s->at++;
		if (c == '\\' && !escape(s))
			return false;
	}
	if (s->at == s->end)
		return malformed(s, "Unterminated string");
	s->at++;
	return true;
}

static bool word(struct scanner *s, const char *text)
{
	size_t len = strlen(text);
	if ((size_t)(s->end - s->at) < len || memcmp(s->at, text, len) != 0)
		return malformed(s, "Unexpected character");
	s->at += len;
	return true;
}

static bool scalar(struct scanner *s)
{
	switch (peek(s)) {
	case '"':
		return string(s);
	case 't':
		return word(s, "true");
	case 'f':
		return word(s, "false");
	case 'n':
		return word(s, "null");
	default:
		return s->at == s->end ? malformed(s, "Unexpected end") : number(s);
	}
}

struct nest {
	char closer[LEVELS];
	unsigned depth;
};

/* `"name" :` of the innermost object. */
static bool member_name(struct scanner *s, unsigned *members)
{
	skip_blanks(s);
	if (!string(s))
		return false;
	(*members)++;
	skip_blanks(s);
	if (peek(s) != ':')
		return malformed(s, "Colon expected");
	s->at++;
	return true;
}

/* After a value: close what ends here, and stop before the next value (or at the very end). */
static bool after_value(struct scanner *s, struct nest *n, unsigned *members)
{
	for (;;) {
		skip_blanks(s);
		if (n->depth == 0)
			return true;
		char closer = n->closer[n->depth - 1];
		if (peek(s) == closer && s->at < s->end) {
			s->at++;
			n->depth--;
			continue;
		}
		if (peek(s) != ',')
			return malformed(s, "Comma or closing bracket expected");
		s->at++;
		return closer == ']' || member_name(s, members);
	}
}

/* One value, or the opening of a container that is not empty (then *opened). */
static bool value(
	struct scanner *s, struct nest *n, unsigned depth_max, unsigned *members, bool *opened)
{
	skip_blanks(s);
	char c = peek(s);
	*opened = false;
	if (c != '[' && c != '{')
		return scalar(s);
	if (n->depth >= depth_max)
		refuse(s, "Nested too deeply");
	if (n->depth == LEVELS)
		return malformed(s, "Nested too deeply");
	char closer = c == '[' ? ']' : '}';
	s->at++;
	skip_blanks(s);
	if (peek(s) == closer) {
		s->at++;
		return true;
	}
	n->closer[n->depth++] = closer;
	*opened = true;
	return closer == ']' || member_name(s, members);
}

static bool document(struct scanner *s, unsigned depth_max, unsigned *members)
{
	struct nest n = {.depth = 0};
	do {
		bool opened;
		if (!value(s, &n, depth_max, members, &opened))
			return false;
		if (!opened && !after_value(s, &n, members))
			return false;
	} while (n.depth > 0);
	return s->at == s->end || malformed(s, "Unexpected text after the value");
}

void bana_json_scan(bana_str text, unsigned depth_max, struct bana_json_scan *scan)
{
	struct scanner s = {.at = text.at, .end = text.at + text.len};
	unsigned members = 0;
	if (bana_utf8_valid(text))
		document(&s, depth_max, &members);
	else
		malformed(&s, "Not UTF-8");
	const char *where = s.malformed != NULL ? s.malformed_at : s.refused_at;
	*scan = (struct bana_json_scan){
		s.malformed, s.refused, where == NULL ? 0 : (size_t)(where - text.at), members};
}
