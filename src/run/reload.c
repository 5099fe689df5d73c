#include "run/reload.h"

#include "bana/arena.h"
#include "bana/file.h"
#include "bana/log.h"
#include "bana/run.h"
#include "bana/stop.h"

#include <stdlib.h>

struct reload {
	const struct bana_setting_group *groups;
	size_t count;
	const struct bana_settings *settings; /* target of one of the groups */
	struct bana_arena *arena; /* of the values at hand; NULL: still those of the start */
};

struct reload *reload_new(
	const struct bana_setting_group *groups, size_t count, const struct bana_settings *settings)
{
	struct reload *r = calloc(1, sizeof *r);
	if (r == NULL)
		abort();
	*r = (struct reload){groups, count, settings, NULL};
	return r;
}

void reload_free(struct reload *r)
{
	if (r == NULL)
		return;
	bana_arena_free(r->arena);
	free(r);
}

/* What is wrong, as one line for the log; NULL: all is well. */
static char *reread(struct reload *r, struct bana_arena *arena)
{
	enum { FILE_BYTES_MAX = 1024 * 1024 };
	char *errors = NULL;
	size_t bytes = 0;
	bana_str text;
	FILE *told = open_memstream(&errors, &bytes);
	if (told == NULL)
		abort();
	const char *why = bana_file_read(arena, r->settings->settings_file, FILE_BYTES_MAX, &text);
	if (why != NULL)
		fprintf(told, "%s: %s\n", r->settings->settings_file, why);
	bool good = why == NULL && bana_settings_reload(r->groups, r->count, text, arena, told);
	fclose(told);
	for (size_t i = 0; i < bytes; i++)
		errors[i] = errors[i] == '\n' ? ';' : errors[i];
	if (!good)
		return errors;
	free(errors);
	return NULL;
}

bool reload_tend(struct reload *r)
{
	if (!bana_reload_asked())
		return false;
	if (*r->settings->settings_file == '\0') {
		bana_log(NULL, BANA_WARN, "no settings to read again", "why",
			"APP_ENV_SETTINGS_FILE is empty", NULL);
		return false;
	}
	struct bana_arena *arena = bana_arena_new();
	char *wrong = reread(r, arena);
	if (wrong != NULL) {
		bana_log(NULL, BANA_WARN, "settings not taken over, the last ones stay", "why",
			wrong, NULL);
		free(wrong);
		bana_arena_free(arena);
		return false;
	}
	bana_arena_free(r->arena);
	r->arena = arena;
	bana_log_begin(NULL, r->settings);
	bana_log(NULL, BANA_INFO, "settings read again", "level", r->settings->log_level, NULL);
	return true;
}
