#include "bana/arena.h"

#include <assert.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK_BYTES = 32 * 1024 }; /* a submit with its answer takes about 6 KiB */

struct chunk {
	struct chunk *older;
	size_t size, used;
	alignas(max_align_t) unsigned char bytes[];
};

struct deferred {
	struct deferred *older;
	void (*free_fn)(void *object);
	void *object;
};

struct bana_arena {
	struct chunk *newest;
	struct deferred *deferred;
};

static struct chunk *chunk_new(size_t size, struct chunk *older)
{
	struct chunk *c = malloc(sizeof *c + size);
	if (c == NULL)
		abort();
	c->older = older;
	c->size = size;
	c->used = 0;
	return c;
}

struct bana_arena *bana_arena_new(void)
{
	struct bana_arena *arena = calloc(1, sizeof *arena);
	if (arena == NULL)
		abort();
	arena->newest = chunk_new(CHUNK_BYTES, NULL);
	return arena;
}

void bana_arena_reset(struct bana_arena *arena)
{
	while (arena->deferred != NULL) {
		struct deferred *d = arena->deferred;
		arena->deferred = d->older;
		d->free_fn(d->object);
	}
	while (arena->newest->older != NULL) {
		struct chunk *c = arena->newest;
		arena->newest = c->older;
		free(c);
	}
	arena->newest->used = 0;
}

void bana_arena_free(struct bana_arena *arena)
{
	if (arena == NULL)
		return;
	bana_arena_reset(arena);
	free(arena->newest);
	free(arena);
}

static size_t round_up(size_t bytes)
{
	const size_t align = alignof(max_align_t);
	assert(bytes < SIZE_MAX / 2);
	return (bytes + align - 1) / align * align;
}

/* `bytes` is rounded up. */
static void *take(struct bana_arena *arena, size_t bytes)
{
	if (bytes > arena->newest->size - arena->newest->used)
		arena->newest = chunk_new(bytes > CHUNK_BYTES ? bytes : CHUNK_BYTES, arena->newest);
	void *at = arena->newest->bytes + arena->newest->used;
	arena->newest->used += bytes;
	return at;
}

void *bana_alloc(struct bana_arena *arena, size_t bytes)
{
	bytes = round_up(bytes);
	return memset(take(arena, bytes), 0, bytes);
}

void *bana_grow(struct bana_arena *arena, void *at, size_t bytes, size_t more)
{
	struct chunk *c = arena->newest;
	size_t had = round_up(bytes), wanted = round_up(more);
	bool last = at != NULL && (unsigned char *)at + had == c->bytes + c->used;
	if (last && wanted - had <= c->size - c->used) {
		c->used += wanted - had;
		return at;
	}
	void *copy = take(arena, wanted);
	if (at != NULL)
		memcpy(copy, at, bytes);
	return copy;
}

char *bana_copy(struct bana_arena *arena, const char *text, size_t len)
{
	char *copy = bana_alloc(arena, len + 1);
	if (len > 0)
		memcpy(copy, text, len);
	return copy;
}

char *bana_join(struct bana_arena *arena, const char *first, ...)
{
	va_list args;
	size_t len = 0;
	va_start(args, first);
	for (const char *text = first; text != NULL; text = va_arg(args, const char *))
		len += strlen(text);
	va_end(args);
	char *joined = bana_alloc(arena, len + 1);
	char *at = joined;
	va_start(args, first);
	for (const char *text = first; text != NULL; text = va_arg(args, const char *))
		at = stpcpy(at, text);
	va_end(args);
	return joined;
}

/* Printed where the next allocation would be; again, if it does not fit there. */
char *bana_print(struct bana_arena *arena, const char *format, ...)
{
	struct chunk *c = arena->newest;
	size_t room = c->size - c->used;
	va_list args;
	va_start(args, format);
	int len = vsnprintf((char *)c->bytes + c->used, room, format, args);
	va_end(args);
	assert(len >= 0);
	if ((size_t)len < room) {
		char *text = (char *)c->bytes + c->used;
		size_t taken = round_up((size_t)len + 1);
		c->used += taken < room ? taken : room;
		return text;
	}
	char *text = bana_alloc(arena, (size_t)len + 1);
	va_start(args, format);
	vsnprintf(text, (size_t)len + 1, format, args);
	va_end(args);
	return text;
}

void bana_defer(struct bana_arena *arena, void (*free_fn)(void *object), void *object)
{
	if (object == NULL)
		return;
	struct deferred *d = bana_alloc(arena, sizeof *d);
	*d = (struct deferred){arena->deferred, free_fn, object};
	arena->deferred = d;
}
