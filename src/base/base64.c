#include "bana/arena.h"
#include "bana/text.h"

static const char url_alphabet[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

char *bana_base64url(struct bana_arena *arena, const void *bytes, size_t len)
{
	const unsigned char *b = bytes;
	char *text = bana_alloc(arena, (len + 2) / 3 * 4 + 1);
	size_t n = 0;
	for (size_t i = 0; i < len; i += 3) {
		size_t have = len - i < 3 ? len - i : 3;
		uint32_t word = (uint32_t)b[i] << 16;
		word |= have > 1 ? (uint32_t)b[i + 1] << 8 : 0;
		word |= have > 2 ? b[i + 2] : 0;
		for (size_t k = 0; k <= have; k++)
			text[n++] = url_alphabet[word >> (18 - 6 * k) & 63];
	}
	return text;
}

char *bana_base64(struct bana_arena *arena, const void *bytes, size_t len)
{
	char *text = bana_base64url(arena, bytes, len); /* zeroed room for the padding behind it */
	size_t n = strlen(text);
	for (size_t i = 0; i < n; i++)
		text[i] = text[i] == '-' ? '+' : text[i] == '_' ? '/' : text[i];
	for (; n % 4 != 0; n++)
		text[n] = '=';
	return text;
}

static int digit(char c, const char *last_two)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == last_two[0])
		return 62;
	return c == last_two[1] ? 63 : -1;
}

static BANA_RES decode(struct bana_arena *arena, bana_str s, const char *last_two, bana_str *bytes)
{
	if (s.len % 4 == 1)
		return BANA_IS(MALFORMED);
	char *out = bana_alloc(arena, s.len / 4 * 3 + 3);
	size_t n = 0;
	uint32_t word = 0;
	unsigned bits = 0;
	for (size_t i = 0; i < s.len; i++) {
		int d = digit(s.at[i], last_two);
		if (d < 0)
			return BANA_IS(MALFORMED);
		word = word << 6 | (uint32_t)d;
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			out[n++] = (char)(word >> bits & 0xFF);
		}
	}
	if ((word & ((1U << bits) - 1)) != 0) /* two spellings of the same bytes */
		return BANA_IS(MALFORMED);
	*bytes = (bana_str){out, n};
	return BANA_DONE;
}

BANA_RES bana_base64url_decode(struct bana_arena *arena, bana_str s, bana_str *bytes)
{
	return decode(arena, s, "-_", bytes);
}

BANA_RES bana_base64_decode(struct bana_arena *arena, bana_str s, bana_str *bytes)
{
	if (s.len % 4 != 0)
		return BANA_IS(MALFORMED);
	for (int padding = 0; padding < 2 && s.len > 0 && s.at[s.len - 1] == '='; padding++)
		s.len--;
	return decode(arena, s, "+/", bytes);
}
