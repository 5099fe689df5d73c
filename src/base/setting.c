#include "bana/setting.h"

#include "bana/text.h"

#include <assert.h>
#include <stdlib.h>

extern char **environ;

/* clang-format off */
const struct bana_setting bana_setting_rows[] = {
#define SETTING(type, member, name, alias, kind, fallback, min, max, unit, options, flags, says) \
	{name, alias, kind, fallback, min, max, unit, options, flags, says, offsetof(struct bana_settings, member)},
#include "bana/setting.def"
#undef SETTING
};
/* clang-format on */
const size_t bana_setting_count = sizeof bana_setting_rows / sizeof *bana_setting_rows;

static bool one_of(const char *options, const char *text)
{
	bana_str rest = bana_str_of(options);
	while (rest.len > 0) {
		if (bana_str_is(bana_str_cut(rest, '|', &rest), text))
			return true;
	}
	return false;
}

/* Put `text` there; false and a line when it does not fit the row. */
static bool set(const struct bana_setting *s, const char *text, void *at, FILE *errors)
{
	switch (s->kind) {
	case BANA_SETTING_INT:
		if (bana_parse_int(bana_str_of(text), s->min, s->max, (int64_t *)(void *)at)
				.fault == BANA_OK)
			return true;
		fprintf(errors, "%s: a whole number from %lld to %lld%s%s is expected\n", s->name,
			(long long)s->min, (long long)s->max, *s->unit == '\0' ? "" : " ", s->unit);
		return false;
	case BANA_SETTING_BOOL:
		if (bana_parse_bool(bana_str_of(text), (bool *)at).fault == BANA_OK)
			return true;
		fprintf(errors, "%s: true or false is expected\n", s->name);
		return false;
	case BANA_SETTING_CHOICE:
		*(const char **)(void *)at = text;
		if (one_of(s->options, text))
			return true;
		fprintf(errors, "%s: one of %s is expected\n", s->name, s->options);
		return false;
	case BANA_SETTING_TEXT:
	case BANA_SETTING_LIST:
		*(const char **)(void *)at = text;
		if (strlen(text) >= (size_t)s->min && strlen(text) <= (size_t)s->max)
			return true;
		if (*text == '\0' && s->fallback != NULL && *s->fallback == '\0')
			return true; /* empty is its default */
		fprintf(errors, "%s: %lld to %lld bytes are expected, found %zu\n", s->name,
			(long long)s->min, (long long)s->max, strlen(text));
		return false;
	}
	assert(false);
	return false;
}

static const char *given(const struct bana_setting *s)
{
	const char *text = getenv(s->name);
	return text == NULL && s->alias != NULL ? getenv(s->alias) : text;
}

static bool load(const struct bana_setting *s, void *target, FILE *errors)
{
	const char *text = given(s);
	if (text == NULL && s->fallback == NULL) {
		fprintf(errors, "%s%s%s: required, but not set. %s\n", s->name,
			s->alias == NULL ? "" : " or ", s->alias == NULL ? "" : s->alias, s->says);
		return false;
	}
	return set(s, text == NULL ? s->fallback : text, (char *)target + s->offset, errors);
}

static bool known(const struct bana_setting_group *groups, size_t count, bana_str name)
{
	for (size_t g = 0; g < count; g++) {
		for (size_t i = 0; i < groups[g].count; i++) {
			if (bana_str_is(name, groups[g].rows[i].name))
				return true;
		}
	}
	return false;
}

static bool concerns(const struct bana_setting_group *group, const struct bana_setting *row)
{
	return group->only == 0 || (row->flags & group->only) != 0;
}

bool bana_settings_load(const struct bana_setting_group *groups, size_t count, FILE *errors)
{
	bool good = true;
	for (size_t g = 0; g < count; g++) {
		for (size_t i = 0; i < groups[g].count; i++) {
			if (concerns(&groups[g], &groups[g].rows[i]))
				good = load(&groups[g].rows[i], groups[g].target, errors) && good;
		}
	}
	return good;
}

void bana_settings_tell_unknown(const struct bana_setting_group *groups, size_t count, FILE *errors)
{
	static const char prefix[] = "APP_ENV_";
	for (char **e = environ; *e != NULL; e++) {
		bana_str value;
		bana_str name = bana_str_cut(bana_str_of(*e), '=', &value);
		if (strncmp(*e, prefix, strlen(prefix)) == 0 && !known(groups, count, name))
			fprintf(errors, "%.*s: not a setting of this program, ignored\n",
				(int)name.len, name.at);
	}
}

struct source {
	struct bana_arena *arena;
	bana_str text;
};

static const char *reread(const struct source *from, const struct bana_setting *s)
{
	const char *text = bana_settings_file_find(from->arena, from->text, s->name);
	if (text == NULL && s->alias != NULL)
		text = bana_settings_file_find(from->arena, from->text, s->alias);
	if (text == NULL)
		text = given(s);
	return text == NULL ? s->fallback : text;
}

/* Into the targets or, to see whether all is well, into nothing. */
static bool reload(const struct bana_setting_group *groups, size_t count, const struct source *from,
	bool really, FILE *errors)
{
	bool good = true;
	for (size_t g = 0; g < count; g++) {
		for (size_t i = 0; i < groups[g].count; i++) {
			const struct bana_setting *s = &groups[g].rows[i];
			int64_t nothing;
			void *at = really ? (char *)groups[g].target + s->offset : (void *)&nothing;
			if ((s->flags & BANA_RELOADS) && concerns(&groups[g], s))
				good = set(s, reread(from, s), at, errors) && good;
		}
	}
	return good;
}

bool bana_settings_reload(const struct bana_setting_group *groups, size_t count, bana_str text,
	struct bana_arena *arena, FILE *errors)
{
	const struct source from = {arena, text};
	return reload(groups, count, &from, false, errors) &&
	       reload(groups, count, &from, true, errors);
}

static void print_row(const struct bana_setting *s, FILE *out)
{
	static const char *const kinds[] = {"number", "switch", "text", "choice", "list"};
	fprintf(out, "| `%s`", s->name);
	if (s->alias != NULL)
		fprintf(out, "<br>or `%s`", s->alias);
	fprintf(out, " | %s", kinds[s->kind]);
	if (s->kind == BANA_SETTING_INT)
		fprintf(out, " %lld..%lld %s", (long long)s->min, (long long)s->max, s->unit);
	bana_str rest = bana_str_of(s->options == NULL ? "" : s->options);
	for (const char *mark = " "; rest.len > 0; mark = ", ") {
		bana_str option = bana_str_cut(rest, '|', &rest);
		fprintf(out, "%s%.*s", mark, (int)option.len, option.at);
	}
	if (s->flags & BANA_SECRET)
		fprintf(out, ", secret");
	if (s->flags & BANA_RELOADS)
		fprintf(out, ", reloads");
	if (s->fallback == NULL)
		fprintf(out, " | **required**");
	else if (*s->fallback == '\0')
		fprintf(out, " | empty");
	else
		fprintf(out, " | `%s`", s->fallback);
	fprintf(out, " | %s |\n", s->says);
}

void bana_settings_print(const struct bana_setting_group *groups, size_t count, FILE *out)
{
	for (size_t g = 0; g < count; g++) {
		if (groups[g].count == 0)
			continue;
		fprintf(out, "\n## %s\n\n| name | type | default | meaning |\n|---|---|---|---|\n",
			groups[g].title);
		for (size_t i = 0; i < groups[g].count; i++) {
			if (concerns(&groups[g], &groups[g].rows[i]))
				print_row(&groups[g].rows[i], out);
		}
	}
}

bool bana_list_has(const char *list, const char *text)
{
	bana_str rest = bana_str_of(list);
	while (rest.len > 0) {
		bana_str item = bana_utf8_trim(bana_str_cut(rest, ',', &rest));
		if (item.len > 0 && bana_str_is(item, text))
			return true;
	}
	return false;
}
