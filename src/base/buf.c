#include "bana/buf.h"

#include "bana/arena.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

void bana_buf_init(struct bana_buf *b, struct bana_arena *arena)
{
	*b = (struct bana_buf){.arena = arena};
}

/* Make room for `more` bytes and a NUL. */
static void reserve(struct bana_buf *b, size_t more)
{
	if (b->at != NULL && more < b->room - b->len)
		return;
	size_t room = b->room * 2 > 256 ? b->room * 2 : 256;
	while (room - b->len <= more)
		room *= 2;
	b->at = bana_grow(b->arena, b->at, b->room, room);
	b->room = room;
}

void bana_buf_add(struct bana_buf *b, const char *text, size_t len)
{
	reserve(b, len);
	if (len > 0)
		memcpy(b->at + b->len, text, len);
	b->len += len;
	b->at[b->len] = '\0';
}

void bana_buf_text(struct bana_buf *b, const char *text)
{
	bana_buf_add(b, text, strlen(text));
}

void bana_buf_int(struct bana_buf *b, int64_t value)
{
	char digits[BANA_INT_BYTES];
	bana_buf_text(b, bana_int_write(value, digits));
}

void bana_buf_print(struct bana_buf *b, const char *format, ...)
{
	va_list args;
	reserve(b, 1);
	for (;;) {
		size_t room = b->room - b->len;
		va_start(args, format);
		int len = vsnprintf(b->at + b->len, room, format, args);
		va_end(args);
		assert(len >= 0);
		if ((size_t)len < room) {
			b->len += (size_t)len;
			return;
		}
		reserve(b, (size_t)len);
	}
}

/* Where, from `i` on, the first byte stands that needs an escape; the end when none does. Eight
 * bytes at a time: a borrow out of a byte tells that it was smaller. */
static size_t plain(bana_str s, size_t i)
{
	const uint64_t ones = 0x0101010101010101U, high = 0x8080808080808080U;
	for (; i + 8 <= s.len; i += 8) {
		uint64_t word;
		memcpy(&word, s.at + i, 8);
		uint64_t quote = word ^ ones * '"', slash = word ^ ones * '\\';
		if ((((word - ones * 0x20) & ~word) | ((quote - ones) & ~quote) |
			    ((slash - ones) & ~slash)) &
			high)
			break;
	}
	while (i < s.len && (unsigned char)s.at[i] >= 0x20 && s.at[i] != '"' && s.at[i] != '\\')
		i++;
	return i;
}

void bana_buf_json_str(struct bana_buf *b, bana_str s)
{
	static const char short_escapes[32] = {
		['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r'};
	size_t i = plain(s, 0);
	if (i == s.len) { /* nearly always */
		reserve(b, s.len + 2);
		char *at = b->at + b->len;
		at[0] = '"';
		memcpy(at + 1, s.len == 0 ? "" : s.at, s.len);
		memcpy(at + 1 + s.len, "\"", 2);
		b->len += s.len + 2;
		return;
	}
	bana_buf_add(b, "\"", 1);
	size_t clean = 0; /* where the run that needs no escape began */
	for (; i < s.len; i = plain(s, i + 1)) {
		unsigned char c = (unsigned char)s.at[i];
		bana_buf_add(b, s.at + clean, i - clean);
		clean = i + 1;
		if (c >= 0x20)
			bana_buf_add(b, (char[]){'\\', (char)c}, 2);
		else if (short_escapes[c] != '\0')
			bana_buf_add(b, (char[]){'\\', short_escapes[c]}, 2);
		else
			bana_buf_print(b, "\\u%04x", c);
	}
	bana_buf_add(b, s.at + clean, s.len - clean);
	bana_buf_add(b, "\"", 1);
}

void bana_buf_json_name(struct bana_buf *b, const char *name)
{
	char last = b->len > 0 ? b->at[b->len - 1] : '{';
	size_t len = strlen(name);
	reserve(b, len + 4);
	char *at = b->at + b->len;
	if (last != '{' && last != '[')
		*at++ = ',';
	*at++ = '"';
	memcpy(at, name, len);
	at[len] = '"';
	at[len + 1] = ':';
	at[len + 2] = '\0';
	b->len = (size_t)(at - b->at) + len + 2;
}

void bana_buf_json_member(struct bana_buf *b, const char *name, const char *text)
{
	bana_buf_json_name(b, name);
	if (text == NULL)
		bana_buf_text(b, "null");
	else
		bana_buf_json_str(b, bana_str_of(text));
}

void bana_buf_json_member_int(struct bana_buf *b, const char *name, long long value)
{
	bana_buf_json_name(b, name);
	bana_buf_int(b, value);
}

void bana_buf_html(struct bana_buf *b, const char *text)
{
	/* clang-format off */
	static const char *const escapes[128] = {
		['&'] = "&amp;", ['<'] = "&lt;", ['>'] = "&gt;", ['"'] = "&quot;", ['\''] = "&#39;"};
	/* clang-format on */
	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;
		if (c < 128 && escapes[c] != NULL)
			bana_buf_text(b, escapes[c]);
		else
			bana_buf_add(b, text, 1);
	}
}
