#include "bana/setting.h"

#include "bana/arena.h"

/* `NAME=`, with or without `export`, at the front of a line; what follows it. */
static bool names(bana_str line, const char *name, bana_str *value)
{
	static const char word[] = "export ";
	line = bana_utf8_trim(line);
	if (line.len > strlen(word) && memcmp(line.at, word, strlen(word)) == 0)
		line = (bana_str){line.at + strlen(word), line.len - strlen(word)};
	return bana_str_is(bana_str_cut(line, '=', value), name) && value->at > line.at &&
	       value->at[-1] == '=';
}

/* One pass over the shell's quoting: within '' nothing is special, within "" and outside \ is. */
static const char *unquoted(struct bana_arena *arena, bana_str value)
{
	char *out = bana_alloc(arena, value.len + 1), quote = '\0';
	size_t n = 0;
	for (size_t i = 0; i < value.len; i++) {
		char c = value.at[i];
		if (c == quote)
			quote = '\0';
		else if (quote == '\0' && (c == '\'' || c == '"'))
			quote = c;
		else if (c == '\\' && quote != '\'' && i + 1 < value.len)
			out[n++] = value.at[++i];
		else
			out[n++] = c;
	}
	out[n] = '\0';
	return out;
}

const char *bana_settings_file_find(struct bana_arena *arena, bana_str text, const char *name)
{
	const char *found = NULL;
	while (text.len > 0) {
		bana_str value, line = bana_str_cut(text, '\n', &text);
		if (names(line, name, &value))
			found = unquoted(arena, value);
	}
	return found;
}
