/*
 * Small files, read whole.
 */
#ifndef BANA_FILE_H
#define BANA_FILE_H

#include "bana/text.h"

struct bana_arena;

/* The bytes of a file, and a NUL behind them, in the arena. NULL: done; else why not, in words. */
const char *bana_file_read(
	struct bana_arena *arena, const char *path, size_t bytes_max, bana_str *text);

#endif
