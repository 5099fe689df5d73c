#include "bana/file.h"

#include "bana/arena.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

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

static const char *map_all(int file, size_t bytes_max, bana_str *text)
{
	struct stat st;
	if (fstat(file, &st) != 0)
		return strerror(errno);
	if (!S_ISREG(st.st_mode))
		return "not a file";
	if ((uint64_t)st.st_size > bytes_max)
		return "too long";
	size_t len = (size_t)st.st_size;
	void *at = len == 0 ? NULL : mmap(NULL, len, PROT_READ, MAP_SHARED, file, 0);
	if (at == MAP_FAILED)
		return strerror(errno);
	*text = (bana_str){at, len};
	return NULL;
}

const char *bana_file_map(const char *path, size_t bytes_max, bana_str *text)
{
	int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (file < 0)
		return strerror(errno);
	const char *why = map_all(file, bytes_max, text);
	close(file);
	return why;
}

void bana_file_unmap(bana_str text)
{
	if (text.len > 0)
		munmap((void *)(uintptr_t)text.at, text.len);
}
