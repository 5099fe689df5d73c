/*
 * Files, read whole.
 */
#ifndef BANA_FILE_H
#define BANA_FILE_H

#include "bana/text.h"

struct bana_arena;

/* The bytes of a file, and a NUL behind them, in the arena. NULL: done; else why not, in words. */
const char *bana_file_read(
	struct bana_arena *arena, const char *path, size_t bytes_max, bana_str *text);

/* The same for a large file that several processes read: mapped, without a NUL behind it, until
 * bana_file_unmap. Who truncates it kills its readers (SIGBUS): replace it by rename(2). An empty
 * file is {NULL, 0}. */
const char *bana_file_map(const char *path, size_t bytes_max, bana_str *text);
void bana_file_unmap(bana_str text);

#endif
