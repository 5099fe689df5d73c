/*
 * Instants are microseconds since 1970 UTC; spans are measured on the monotonic clock.
 */
#ifndef BANA_CLOCK_H
#define BANA_CLOCK_H

#include "bana/text.h"

struct bana_arena;

enum { BANA_ISO_BYTES = sizeof "2026-11-20T15:33:07.361Z" };

/* The wall clock; may step. */
int64_t bana_now_us(void);

/* For deadlines: never steps, the same for every process of this boot. */
int64_t bana_tick_us(void);

/* Wait until `fd` is ready for `events` (poll's), a signal not counting; false at the deadline. */
bool bana_wait_fd(int fd, short events, int64_t deadline_tick);

/* ISO 8601 UTC with milliseconds, as JavaScript's toISOString. Years 1970 to 9999. */
void bana_iso_write(int64_t at, char text[BANA_ISO_BYTES]);

/* What PostgreSQL prints for a timestamptz under TimeZone=UTC, DateStyle=ISO, as ISO 8601: `iso`,
 * or `pg_text` itself where it is no such thing (infinity, BC). */
const char *bana_iso_from_pg(const char *pg_text, char iso[BANA_ISO_BYTES]);

/*
 * An ISO 8601 date, or date and time, as people and JavaScript write it: 2026-11-20,
 * 2026-11-20T15:33, 2026-11-20T15:33:07.361Z, ...+07:00; a blank does for the T. Years 1 to 9999.
 * Without a zone it is taken as UTC and *zoned is false. MALFORMED: anything else, or no such day.
 */
BANA_RES bana_instant_parse(bana_str text, int64_t *at, bool *zoned);

/* Milliseconds since 1970, as Date.now() gives them. MALFORMED: outside the years 1 to 9999. */
BANA_RES bana_instant_from_ms(int64_t ms, int64_t *at);

/* ISO 8601 UTC with microseconds, for PostgreSQL; in the arena. */
char *bana_instant_write(struct bana_arena *arena, int64_t at);

#endif
