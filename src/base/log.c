#include "bana/log.h"

#include "bana/clock.h"
#include "bana/ctx.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

enum { LINE_BYTES = 4096, HELD_BYTES = 8192 };

static const char *const level_names[] = {"debug", "info", "warn", "error"};

/* Mutable at file scope: set by main before any work begins, and the lines held back. */
static struct {
	const char *service;
	enum bana_level lowest;
	bool json;
	bool hold;
	size_t held;
	char lines[HELD_BYTES + LINE_BYTES];
} self = {.service = "bana", .lowest = BANA_INFO};

void bana_log_init(const char *service, enum bana_level lowest, enum bana_log_format format)
{
	self.service = service == NULL ? self.service : service;
	self.lowest = lowest;
	self.json = format == BANA_LOG_JSON;
}

void bana_log_hold(void)
{
	self.hold = true;
}

void bana_log_flush(void)
{
	size_t held = self.held;
	self.held = 0;
	if (held > 0 && write(STDOUT_FILENO, self.lines, held) < 0)
		return; /* nobody is listening: the work goes on */
}

bool bana_log_wants(enum bana_level level)
{
	return level >= self.lowest;
}

/* The line being made, behind the ones held. */
struct line {
	char *text;
	size_t len;
};

enum { END_BYTES = sizeof "\"}\n" - 1 }; /* always has its place */

static size_t room(const struct line *l)
{
	const size_t most = LINE_BYTES - END_BYTES;
	return l->len < most ? most - l->len : 0;
}

static void put_text(struct line *l, const char *text)
{
	size_t len = strlen(text);
	len = len < room(l) ? len : room(l);
	memcpy(l->text + l->len, text, len);
	l->len += len;
}

/* Between quotes; control characters never reach the terminal. JSON must be UTF-8, so what is none
 * becomes a question mark there, and no character is cut in two. */
static void put_quoted(struct line *l, const char *value)
{
	bool clean = !self.json || bana_utf8_valid(bana_str_of(value));
	put_text(l, "\"");
	for (; *value != '\0'; value++) {
		unsigned char c = (unsigned char)*value;
		size_t follow = !clean || c < 0xC0 ? 0 : c < 0xE0 ? 1 : c < 0xF0 ? 2 : 3;
		bool escaped = c == '"' || c == '\\';
		if (room(l) < 1 + follow + escaped)
			break;
		if (escaped)
			l->text[l->len++] = '\\';
		l->text[l->len++] = c < 0x20 || c == 0x7F ? ' '
				    : !clean && c > 0x7F  ? '?'
							  : (char)c;
	}
	l->text[l->len++] = '"'; /* of the end's place, if need be */
}

static bool plain(const char *value)
{
	const char *c = value;
	while ((unsigned char)*c > 0x20 && *c != 0x7F && *c != '=' && *c != '"' && *c != '\\')
		c++;
	return *c == '\0' && c > value;
}

/* A pair is whole or, but for the end of its value, not there. */
static void put_pair(struct line *l, const char *name, const char *value)
{
	if (room(l) < strlen(name) + sizeof ",\"\":\"")
		return;
	put_text(l, self.json ? (l->len == 0 ? "{\"" : ",\"") : (l->len == 0 ? "" : " "));
	put_text(l, name);
	put_text(l, self.json ? "\":" : "=");
	if (!self.json && plain(value))
		put_text(l, value);
	else
		put_quoted(l, value);
}

static void put_context(struct line *l, const struct bana_ctx *ctx)
{
	put_pair(l, "requestId", ctx == NULL ? "-" : ctx->request_id);
	if (ctx == NULL || ctx->trace == NULL)
		return;
	put_pair(l, "traceId", ctx->trace->id);
	put_pair(l, "spanId", ctx->trace->span);
}

void bana_log(const struct bana_ctx *ctx, enum bana_level level, const char *message, ...)
{
	if (!bana_log_wants(level))
		return;
	struct line l = {self.lines + self.held, 0};
	char ts[BANA_ISO_BYTES];
	bana_iso_write(bana_now_us(), ts);
	put_pair(&l, "ts", ts);
	put_pair(&l, "level", level_names[level]);
	put_pair(&l, "service", self.service);
	put_context(&l, ctx);
	put_pair(&l, "msg", message);
	va_list args;
	va_start(args, message);
	for (const char *name = va_arg(args, const char *); name != NULL;
		name = va_arg(args, const char *)) {
		const char *value = va_arg(args, const char *);
		if (value != NULL)
			put_pair(&l, name, value);
	}
	va_end(args);
	if (self.json)
		l.text[l.len++] = '}';
	l.text[l.len++] = '\n';
	self.held += l.len;
	if (!self.hold || level >= BANA_WARN || self.held >= HELD_BYTES)
		bana_log_flush();
}
