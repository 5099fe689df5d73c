/*
 * Settings come from the environment and nowhere else. A table says for each one its name, type,
 * bounds, unit, default and meaning; everything wrong is reported at once and stops the start.
 */
#ifndef BANA_SETTING_H
#define BANA_SETTING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "bana/text.h"

enum bana_setting_kind {
	BANA_SETTING_INT,    /* int64_t */
	BANA_SETTING_BOOL,   /* bool */
	BANA_SETTING_TEXT,   /* const char *; min and max are bytes, empty is fine where it is the
				default */
	BANA_SETTING_CHOICE, /* const char *; `options` is "a|b|c" */
	BANA_SETTING_LIST,   /* const char *; comma-separated, min and max are bytes of the whole */
};

enum {
	BANA_SECRET = 1,
	BANA_ROOMS = 2,   /* of every process that has to do with rooms */
	BANA_RELOADS = 4, /* may change while the process runs */
};

struct bana_setting {
	const char *name;
	const char *alias; /* an older or shorter name; NULL: none */
	enum bana_setting_kind kind;
	const char *fallback; /* NULL: required */
	int64_t min, max;
	const char *unit;    /* "" or ms, s, bytes */
	const char *options; /* CHOICE only */
	unsigned flags;
	const char *says;
	size_t offset; /* into the struct that the table fills */
};

/* One table and the struct it fills. */
struct bana_setting_group {
	const char *title;
	const struct bana_setting *rows;
	size_t count;
	void *target;
	unsigned only; /* rows with this flag; 0: all of them */
};

/* Fill every group from the environment. False when anything is wrong: each reason is one line on
 * `errors`. Values point into the environment or at static text. */
bool bana_settings_load(const struct bana_setting_group *groups, size_t count, FILE *errors);

/* Fill the rows that may change while the process runs: from the file `text` of NAME=value lines,
 * else as they were loaded. Either all of them or, when anything is wrong, none; then each reason
 * is one line on `errors`. Values live in the arena. */
bool bana_settings_reload(const struct bana_setting_group *groups, size_t count, bana_str text,
	struct bana_arena *arena, FILE *errors);

/*
 * The value of a name in such a file, in the arena; NULL: it is not there. The last one wins. Lines
 * may begin with `export`; a value may be bare, or quoted as a POSIX shell or systemd's
 * EnvironmentFile would ('it'\''s', "a \"b\""). Other lines do not count.
 */
const char *bana_settings_file_find(struct bana_arena *arena, bana_str text, const char *name);

/* One line for each APP_ENV_... of the environment that no group knows. */
void bana_settings_tell_unknown(
	const struct bana_setting_group *groups, size_t count, FILE *errors);

/* A Markdown table of every row: docs/settings.md is this output. */
void bana_settings_print(const struct bana_setting_group *groups, size_t count, FILE *out);

/* Is `text` an element of a comma-separated list? Elements are trimmed of blanks; exact match. */
bool bana_list_has(const char *list, const char *text);

/* clang-format off */
/* The platform's own, each `SETTING(type, member, name, alias, kind, fallback, min, max, unit, options, flags, says)`. */
/* clang-format on */
struct bana_settings {
#define SETTING(type, member, ...) type member;
#include "bana/setting.def"
#undef SETTING
};

extern const struct bana_setting bana_setting_rows[];
extern const size_t bana_setting_count;

#endif
