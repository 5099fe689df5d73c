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
	bool hold;
	size_t held;
	char lines[HELD_BYTES + LINE_BYTES];
} self = {.service = "bana", .lowest = BANA_INFO};

void bana_log_init(const char *service, enum bana_level lowest)
{
	self.service = service;
	self.lowest = lowest;
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

static void put(struct line *l, char c)
{
	if (l->len < LINE_BYTES - 2) /* room for a closing quote and the newline */
		l->text[l->len++] = c;
}

static void put_text(struct line *l, const char *text)
{
	size_t len = strlen(text), room = LINE_BYTES - 2 - l->len;
	len = len < room ? len : room;
	memcpy(l->text + l->len, text, len);
	l->len += len;
}

/* A value is quoted when it needs to be; control characters never reach the terminal. */
static void put_value(struct line *l, const char *value)
{
	bool plain = value[0] != '\0';
	for (const char *c = value; plain && *c != '\0'; c++)
		plain = (unsigned char)*c > 0x20 && *c != 0x7F && *c != '=' && *c != '"' &&
			*c != '\\';
	if (plain) {
		put_text(l, value);
		return;
	}
	put(l, '"');
	for (; *value != '\0'; value++) {
		unsigned char c = (unsigned char)*value;
		bool escaped = c == '"' || c == '\\';
		if (l->len + 1 + escaped > LINE_BYTES - 3) /* the closing quote has its place */
			break;
		if (escaped)
			put(l, '\\');
		put(l, c < 0x20 || c == 0x7F ? ' ' : (char)c);
	}
	put(l, '"');
}

static void put_pair(struct line *l, const char *name, const char *value)
{
	put(l, ' ');
	put_text(l, name);
	put(l, '=');
	put_value(l, value);
}

void bana_log(const struct bana_ctx *ctx, enum bana_level level, const char *message, ...)
{
	if (!bana_log_wants(level))
		return;
	struct line l = {self.lines + self.held, 0};
	char ts[BANA_ISO_BYTES];
	bana_iso_write(bana_now_us(), ts);
	put_text(&l, "ts=");
	put_text(&l, ts);
	put_pair(&l, "level", level_names[level]);
	put_pair(&l, "service", self.service);
	put_pair(&l, "requestId", ctx == NULL ? "-" : ctx->request_id);
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
	l.text[l.len++] = '\n';
	self.held += l.len;
	if (!self.hold || level >= BANA_WARN || self.held >= HELD_BYTES)
		bana_log_flush();
}
