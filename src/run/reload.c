#include "run/reload.h"

#include "bana/arena.h"
#include "bana/file.h"
#include "bana/log.h"
#include "bana/run.h"
#include "bana/stop.h"

#include <assert.h>
#include <stdlib.h>

struct reload {
	const struct bana_setting_group *groups;
	size_t count;
	const struct bana_settings *settings; /* target of one of the groups */
	bool (*settle)(FILE *errors);
	struct bana_arena *arena; /* of the values at hand */
	bana_str text;            /* of the file they are from; empty: still those of the start */
};

struct reload *reload_new(const struct bana_setting_group *groups, size_t count,
	const struct bana_settings *settings, bool (*settle)(FILE *errors))
{
	struct reload *r = calloc(1, sizeof *r);
	if (r == NULL)
		abort();
	*r = (struct reload){groups, count, settings, settle, bana_arena_new(), {"", 0}};
	return r;
}

void reload_free(struct reload *r)
{
	if (r == NULL)
		return;
	bana_arena_free(r->arena);
	free(r);
}

/* What the service says of the values can be asked only once they are there. */
static bool take(struct reload *r, bana_str text, struct bana_arena *arena, FILE *errors)
{
	if (!bana_settings_reload(r->groups, r->count, text, arena, errors))
		return false;
	if (r->settle == NULL || r->settle(errors))
		return true;
	bool back = bana_settings_reload(r->groups, r->count, r->text, r->arena, errors);
	assert(back); /* they were good before */
	return false;
}

/* Take over what the file says, or nothing. */
static bool reread(struct reload *r, FILE *errors)
{
	enum { FILE_BYTES_MAX = 1024 * 1024 };
	struct bana_arena *arena = bana_arena_new();
	bana_str text;
	const char *why = bana_file_read(arena, r->settings->settings_file, FILE_BYTES_MAX, &text);
	if (why != NULL)
		fprintf(errors, "APP_ENV_SETTINGS_FILE: %s: %s\n", r->settings->settings_file, why);
	if (why != NULL || !take(r, text, arena, errors)) {
		bana_arena_free(arena);
		return false;
	}
	bana_arena_free(r->arena);
	r->arena = arena;
	r->text = text;
	return true;
}

bool reload_begin(struct reload *r, FILE *errors)
{
	return *r->settings->settings_file == '\0' || reread(r, errors);
}

/* The lines of a text as one, for the log. */
static void join_lines(char *text, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		text[i] = text[i] == '\n' ? ';' : text[i];
}

bool reload_tend(struct reload *r)
{
	char *errors = NULL;
	size_t bytes = 0;
	if (!bana_reload_asked())
		return false;
	if (*r->settings->settings_file == '\0') {
		bana_log(NULL, BANA_WARN, "no settings to read again", "why",
			"APP_ENV_SETTINGS_FILE is empty", NULL);
		return false;
	}
	FILE *told = open_memstream(&errors, &bytes);
	if (told == NULL)
		abort();
	bool good = reread(r, told);
	fclose(told);
	join_lines(errors, bytes);
	if (good) {
		bana_log_begin(NULL, r->settings);
		bana_log(NULL, BANA_INFO, "settings read again", "level", r->settings->log_level,
			NULL);
	} else {
		bana_log(NULL, BANA_WARN, "settings not taken over, the last ones stay", "why",
			errors, NULL);
	}
	free(errors);
	return good;
}
