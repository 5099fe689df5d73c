#include "outreach/disposable.h"

#include "bana/file.h"
#include "bana/idn.h"
#include "bana/log.h"
#include "outreach/outreach.h"

enum { LIST_BYTES_MAX = 64 << 20 };

static bana_str list; /* mapped; the same until the next load */

/* Lines as memcmp sorts them, the shorter first. */
static int compare(bana_str a, bana_str b)
{
	int order = memcmp(a.at, b.at, a.len < b.len ? a.len : b.len);
	return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

/* A search in what is not sorted would miss some, and nobody would know. */
static const char *check(bana_str text)
{
	bana_str before = {"", 0}, rest = text;
	if (text.len > 0 && text.at[text.len - 1] != '\n')
		return "the last line has no end";
	while (rest.len > 0) {
		bana_str line = bana_str_cut(rest, '\n', &rest);
		if (compare(before, line) >= 0)
			return "not sorted by bytes, or a line twice or empty";
		before = line;
	}
	return NULL;
}

const char *outreach_disposable_load(const char *path)
{
	bana_str text = {NULL, 0};
	const char *why = NULL;
	bana_file_unmap(list);
	list = text;
	if (path == NULL || *path == '\0')
		return NULL;
	why = bana_file_map(path, LIST_BYTES_MAX, &text);
	if (why == NULL)
		why = check(text);
	if (why == NULL)
		list = text;
	else
		bana_file_unmap(text);
	return why;
}

/* The line that the byte at `i` is in. */
static bana_str line_at(size_t i)
{
	size_t end = i;
	while (i > 0 && list.at[i - 1] != '\n')
		i--;
	while (list.at[end] != '\n')
		end++;
	return (bana_str){list.at + i, end - i};
}

static bool listed(bana_str name)
{
	size_t low = 0, high = list.len; /* where a line begins, and where one has ended */
	while (low < high) {
		bana_str line = line_at(low + (high - low) / 2);
		int order = compare(name, line);
		if (order == 0)
			return true;
		size_t begin = (size_t)(line.at - list.at);
		if (order < 0)
			high = begin;
		else
			low = begin + line.len + 1;
	}
	return false;
}

bool outreach_disposable(bana_str domain)
{
	char name[BANA_IDN_BYTES + 1] = ".";
	if (domain.len == 0 || domain.len >= BANA_IDN_BYTES)
		return false;
	memcpy(name + 1, domain.at, domain.len);
	if (listed(domain))
		return true;
	for (size_t i = 0; i < domain.len; i++) {
		if (name[i] == '.' && listed((bana_str){name + i, domain.len + 1 - i}))
			return true;
	}
	return false;
}

void outreach_disposable_begin(void)
{
	const char *path = outreach_settings.disposable_domains;
	const char *why = outreach_disposable_load(path);
	if (why != NULL)
		bana_log(NULL, BANA_WARN, "no list of disposable domains", "path", path, "why", why,
			NULL);
}
