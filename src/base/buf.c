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
	char *at = bana_alloc(b->arena, room);
	if (b->at != NULL)
		memcpy(at, b->at, b->len);
	b->at = at;
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

void bana_buf_json_str(struct bana_buf *b, bana_str s)
{
	static const char short_escapes[32] = {
		['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r'};
	bana_buf_add(b, "\"", 1);
	size_t clean = 0; /* where the run that needs no escape began */
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.at[i];
		if (c >= 0x20 && c != '"' && c != '\\')
			continue;
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
