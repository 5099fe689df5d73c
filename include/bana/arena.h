/*
 * Memory of one unit of work (a request, a job, a message). Taken piece by piece, given back all
 * at once by reset; foreign objects that need a free function are deferred to it.
 * Allocation never returns NULL: what comes from outside is bounded before it gets here, so running
 * out of memory ends the process (and the supervisor starts another).
 */
#ifndef BANA_ARENA_H
#define BANA_ARENA_H

#include <stddef.h>

struct bana_arena;

struct bana_arena *bana_arena_new(void);
void bana_arena_free(struct bana_arena *arena);

/* Run the deferred calls, newest first, and take all memory back. One chunk is kept. */
void bana_arena_reset(struct bana_arena *arena);

/* Zeroed, aligned for any type, valid until reset. */
void *bana_alloc(struct bana_arena *arena, size_t bytes);

/* `at`, of `bytes` (NULL: 0), with room for `more`: where it stands if it was taken last and the
 * rest of the chunk will do, else as a copy. What is beyond `bytes` is not zeroed. */
void *bana_grow(struct bana_arena *arena, void *at, size_t bytes, size_t more);

/* A copy of `len` bytes with a NUL after them. */
char *bana_copy(struct bana_arena *arena, const char *text, size_t len);

/* The texts up to the NULL, one after the other. */
char *bana_join(struct bana_arena *arena, const char *first, ...) __attribute__((sentinel));

/* printf into the arena. */
char *bana_print(struct bana_arena *arena, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Call free_fn(object) at reset; on the line after `object` is made. NULL objects are skipped. */
void bana_defer(struct bana_arena *arena, void (*free_fn)(void *object), void *object);

#endif
