#include "bana/arena.h"

#include <assert.h>
#include <stdalign.h>
#include <stdarg.h>
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

void *bana_alloc(struct bana_arena *arena, size_t bytes)
{
	const size_t align = alignof(max_align_t);
	assert(bytes < SIZE_MAX / 2);
	bytes = (bytes + align - 1) / align * align;
	if (bytes > arena->newest->size - arena->newest->used)
		arena->newest = chunk_new(bytes > CHUNK_BYTES ? bytes : CHUNK_BYTES, arena->newest);
	void *at = arena->newest->bytes + arena->newest->used;
	arena->newest->used += bytes;
	return memset(at, 0, bytes);
}

char *bana_copy(struct bana_arena *arena, const char *text, size_t len)
{
	char *copy = bana_alloc(arena, len + 1);
	if (len > 0)
		memcpy(copy, text, len);
	return copy;
}

char *bana_print(struct bana_arena *arena, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	int len = vsnprintf(NULL, 0, format, args);
	va_end(args);
	assert(len >= 0);
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
