/*
 * Structured log on stdout: one line an event, key=value (logfmt) or a JSON object, with the same
 * names in the same order.
 * The message is constant text; what varies is a field. Tokens, bodies and personal data are never
 * fields. Lines over 4 KiB are cut. A failing stdout is ignored: logging never stops the work.
 * While held, lines below WARN are gathered to be written together: by bana_log_flush, by the next
 * WARN or ERROR, or when 8 KiB are full.
 */
#ifndef BANA_LOG_H
#define BANA_LOG_H

#include <stdbool.h>

struct bana_ctx;

enum bana_level { BANA_DEBUG, BANA_INFO, BANA_WARN, BANA_ERROR };
enum bana_log_format { BANA_LOGFMT, BANA_LOG_JSON };

/* Process-wide: the name every line carries (static text), the lowest level written, and how. May
 * be called again, then with NULL for the same name. */
void bana_log_init(const char *service, enum bana_level lowest, enum bana_log_format format);

bool bana_log_wants(enum bana_level level);

/* `ctx` may be NULL outside a unit of work. Then pairs of const char * name, const char * value,
 * closed by NULL; a NULL value leaves its pair out. */
void bana_log(const struct bana_ctx *ctx, enum bana_level level, const char *message, ...)
	__attribute__((sentinel));

/* Hold lines back from now on; the frame flushes whenever it has nothing else to do. */
void bana_log_hold(void);
void bana_log_flush(void);

#endif
