/*
 * A text being built, in an arena. Also the only way JSON, and text within HTML, leave this
 * program. Limits are the caller's: what is appended was bounded when it came in.
 */
#ifndef BANA_BUF_H
#define BANA_BUF_H

#include "bana/text.h"

struct bana_arena;

struct bana_buf {
	struct bana_arena *arena;
	char *at; /* always NUL-terminated once something was added */
	size_t len, room;
};

/* In place; the bytes live in `arena` until its reset. */
void bana_buf_init(struct bana_buf *b, struct bana_arena *arena);

void bana_buf_add(struct bana_buf *b, const char *text, size_t len);
void bana_buf_text(struct bana_buf *b, const char *text);
void bana_buf_int(struct bana_buf *b, int64_t value);
void bana_buf_print(struct bana_buf *b, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* A JSON string with quotes: RFC 8259 escapes, other UTF-8 as it is (as JSON.stringify does). */
void bana_buf_json_str(struct bana_buf *b, bana_str s);

/* `,"name":` with the comma only where one is due (not after '{'). The name is one of ours: it is
 * not escaped. */
void bana_buf_json_name(struct bana_buf *b, const char *name);

/* Name and string value; NULL text becomes null. */
void bana_buf_json_member(struct bana_buf *b, const char *name, const char *text);
void bana_buf_json_member_int(struct bana_buf *b, const char *name, long long value);

/* Text that stands in HTML, between tags or in quotes: it is text whatever is in it. */
void bana_buf_html(struct bana_buf *b, const char *text);

static inline bana_str bana_buf_str(const struct bana_buf *b)
{
	return (bana_str){b->at, b->len};
}

#endif
