#include "bana/file.h"

#include "bana/arena.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

static const char *read_all(struct bana_arena *arena, FILE *file, size_t bytes_max, bana_str *text)
{
	struct stat st;
	if (fstat(fileno(file), &st) != 0)
		return strerror(errno);
	if ((uint64_t)st.st_size > bytes_max)
		return "too long";
	char *bytes = bana_alloc(arena, (size_t)st.st_size + 1);
	size_t len = fread(bytes, 1, (size_t)st.st_size, file);
	if (ferror(file))
		return strerror(errno);
	bytes[len] = '\0';
	*text = (bana_str){bytes, len};
	return NULL;
}

const char *bana_file_read(
	struct bana_arena *arena, const char *path, size_t bytes_max, bana_str *text)
{
	FILE *file = fopen(path, "re");
	if (file == NULL)
		return strerror(errno);
	const char *why = read_all(arena, file, bytes_max, text);
	fclose(file);
	return why;
}
