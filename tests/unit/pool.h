/*
 * The files of a pool.
 */
#ifndef TEST_POOL_H
#define TEST_POOL_H

#include <glob.h>
#include <stdio.h>
#include <unistd.h>

/* Remove what pools have left in a folder: node-<id>, and node-<id>.<layout> of any layout. */
static inline void pool_files_remove(const char *dir)
{
	char pattern[4096];
	glob_t found;
	snprintf(pattern, sizeof pattern, "%s/node-*", dir);
	if (glob(pattern, 0, NULL, &found) != 0)
		return;
	for (size_t i = 0; i < found.gl_pathc; i++)
		unlink(found.gl_pathv[i]);
	globfree(&found);
}

#endif
