#include "bana/text.h"

/* clang-format off */
/* RFC 3629 section 4: first byte range -> length, and the range its second byte must lie in. */
static const struct { unsigned char from, to, length, low, high; } forms[] = {
	{0x00, 0x7F, 1, 0x00, 0x00},
	{0xC2, 0xDF, 2, 0x80, 0xBF},
	{0xE0, 0xE0, 3, 0xA0, 0xBF},	/* no overlong form */
	{0xE1, 0xEC, 3, 0x80, 0xBF},
	{0xED, 0xED, 3, 0x80, 0x9F},	/* no surrogate */
	{0xEE, 0xEF, 3, 0x80, 0xBF},
	{0xF0, 0xF0, 4, 0x90, 0xBF},	/* no overlong form */
	{0xF1, 0xF3, 4, 0x80, 0xBF},
	{0xF4, 0xF4, 4, 0x80, 0x8F},	/* nothing over U+10FFFF */
};

/* What ECMAScript calls WhiteSpace or LineTerminator. */
static const struct { uint32_t from, to; } blanks[] = {
	{0x0009, 0x000D}, {0x0020, 0x0020}, {0x00A0, 0x00A0}, {0x1680, 0x1680}, {0x2000, 0x200A},
	{0x2028, 0x2029}, {0x202F, 0x202F}, {0x205F, 0x205F}, {0x3000, 0x3000}, {0xFEFF, 0xFEFF},
};
/* clang-format on */

/* Bytes of the well-formed sequence that begins `s`; 0 when there is none. */
static size_t sequence(const unsigned char *s, size_t len)
{
	for (size_t f = 0; f < sizeof forms / sizeof *forms; f++) {
		if (s[0] < forms[f].from || s[0] > forms[f].to)
			continue;
		size_t n = forms[f].length;
		if (n > len || (n > 1 && (s[1] < forms[f].low || s[1] > forms[f].high)))
			return 0;
		for (size_t i = 2; i < n; i++) {
			if ((s[i] & 0xC0) != 0x80)
				return 0;
		}
		return n;
	}
	return 0;
}

bool bana_utf8_valid(bana_str s)
{
	const unsigned char *at = (const unsigned char *)s.at;
	for (size_t i = 0; i < s.len;) {
		uint64_t eight;
		if (s.len - i >= sizeof eight) { /* eight ASCII bytes at a time */
			memcpy(&eight, at + i, sizeof eight);
			if ((eight & 0x8080808080808080) == 0) {
				i += sizeof eight;
				continue;
			}
		}
		if (at[i] < 0x80) {
			i++;
			continue;
		}
		size_t n = sequence(at + i, s.len - i);
		if (n == 0)
			return false;
		i += n;
	}
	return true;
}

size_t bana_utf8_count(bana_str s)
{
	size_t count = 0;
	for (size_t i = 0; i < s.len; i++)
		count += (s.at[i] & 0xC0) != 0x80;
	return count;
}

static bool blank(const unsigned char *s, size_t n)
{
	if (s[0] > 0x20 && s[0] < 0x80) /* nearly always */
		return false;
	static const unsigned char lead_bits[] = {0, 0x7F, 0x1F, 0x0F, 0x07};
	uint32_t point = s[0] & lead_bits[n];
	for (size_t i = 1; i < n; i++)
		point = point << 6 | (s[i] & 0x3F);
	for (size_t i = 0; i < sizeof blanks / sizeof *blanks; i++) {
		if (point >= blanks[i].from && point <= blanks[i].to)
			return true;
	}
	return false;
}

bana_str bana_utf8_trim(bana_str s)
{
	while (s.len > 0) {
		size_t n = sequence((const unsigned char *)s.at, s.len);
		if (n == 0 || !blank((const unsigned char *)s.at, n))
			break;
		s.at += n;
		s.len -= n;
	}
	while (s.len > 0) {
		size_t n = 1;
		while (n < s.len && n < 4 && (s.at[s.len - n] & 0xC0) == 0x80)
			n++;
		const unsigned char *last = (const unsigned char *)s.at + s.len - n;
		if (sequence(last, n) != n || !blank(last, n))
			break;
		s.len -= n;
	}
	return s;
}
