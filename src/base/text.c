#include "bana/text.h"

#include "bana/arena.h"

#include <strings.h>

bana_str bana_str_cut(bana_str s, char mark, bana_str *rest)
{
	const char *hit = s.len == 0 ? NULL : memchr(s.at, mark, s.len);
	if (hit == NULL) {
		*rest = (bana_str){s.at + s.len, 0};
		return s;
	}
	size_t head = (size_t)(hit - s.at);
	*rest = (bana_str){hit + 1, s.len - head - 1};
	return (bana_str){s.at, head};
}

uint32_t bana_hash(const char *text)
{
	uint32_t hash = 2166136261U;
	for (; *text != '\0'; text++)
		hash = (hash ^ (unsigned char)*text) * 16777619U;
	return hash;
}

BANA_RES bana_parse_int(bana_str s, int64_t min, int64_t max, int64_t *value)
{
	bool negative = s.len > 0 && s.at[0] == '-';
	size_t i = negative ? 1 : 0;
	if (s.len == i || s.len - i > 19 || (s.at[i] == '0' && s.len > i + 1))
		return BANA_IS(MALFORMED);
	uint64_t n = 0;
	for (; i < s.len; i++) {
		if (s.at[i] < '0' || s.at[i] > '9')
			return BANA_IS(MALFORMED);
		n = n * 10 + (uint64_t)(s.at[i] - '0'); /* 19 digits always fit 64 bits */
	}
	if (n > (uint64_t)INT64_MAX + negative || (negative && n == 0))
		return BANA_IS(MALFORMED);
	int64_t v = negative ? (int64_t)(0 - n) : (int64_t)n;
	if (v < min || v > max)
		return BANA_IS(MALFORMED);
	*value = v;
	return BANA_DONE;
}

char *bana_int_write(int64_t value, char digits[BANA_INT_BYTES])
{
	uint64_t n = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
	char *at = digits + BANA_INT_BYTES - 1;
	*at = '\0';
	do
		*--at = (char)('0' + n % 10);
	while ((n /= 10) > 0);
	if (value < 0)
		*--at = '-';
	return at;
}

BANA_RES bana_parse_bool(bana_str s, bool *value)
{
	/* clang-format off */
	static const struct { const char *text; bool value; } words[] = {
		{"true", true}, {"1", true}, {"on", true}, {"yes", true},
		{"false", false}, {"0", false}, {"off", false}, {"no", false},
	};
	/* clang-format on */
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		if (s.len == strlen(words[i].text) &&
			strncasecmp(s.at, words[i].text, s.len) == 0) {
			*value = words[i].value;
			return BANA_DONE;
		}
	}
	return BANA_IS(MALFORMED);
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

BANA_RES bana_percent_decode(struct bana_arena *arena, bana_str s, bool form, bana_str *decoded)
{
	char *out = bana_alloc(arena, s.len + 1);
	size_t n = 0;
	for (size_t i = 0; i < s.len; i++) {
		char c = s.at[i];
		if (c == '+' && form)
			c = ' ';
		if (c == '%') {
			int hi = i + 2 < s.len ? hex_digit(s.at[i + 1]) : -1;
			int lo = i + 2 < s.len ? hex_digit(s.at[i + 2]) : -1;
			if (hi < 0 || lo < 0)
				return BANA_IS(MALFORMED);
			c = (char)(hi * 16 + lo);
			i += 2;
		}
		if (c == '\0')
			return BANA_IS(MALFORMED);
		out[n++] = c;
	}
	if (!bana_utf8_valid((bana_str){out, n}))
		return BANA_IS(MALFORMED);
	*decoded = (bana_str){out, n};
	return BANA_DONE;
}

bool bana_query_find(bana_str query, const char *name, bana_str *value)
{
	while (query.len > 0) {
		bana_str pair = bana_str_cut(query, '&', &query);
		bana_str text;
		bana_str key = bana_str_cut(pair, '=', &text);
		if (bana_str_is(key, name)) {
			*value = text;
			return true;
		}
	}
	return false;
}

char *bana_name_shown(struct bana_arena *arena, const char *name)
{
	enum { SHOWN_BYTES = 64 };
	size_t len = 0;
	while (name[len] != '\0' && (len < SHOWN_BYTES || (name[len] & 0xC0) == 0x80))
		len++;
	return bana_copy(arena, name, len);
}

char *bana_hex(struct bana_arena *arena, const void *bytes, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *b = bytes;
	char *text = bana_alloc(arena, 2 * len + 1);
	for (size_t i = 0; i < len; i++) {
		text[2 * i] = digits[b[i] >> 4];
		text[2 * i + 1] = digits[b[i] & 15];
	}
	return text;
}
