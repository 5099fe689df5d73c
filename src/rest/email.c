/*
 * The rule of addresses, and when two of them are one: docs/email-addresses.md.
 */
#include "bana/email.h"
#include "bana/arena.h"
#include "bana/idn.h"

/* RFC 5321 sections 4.5.3.1.1 and 4.5.3.1.3 (a path of 256 with its brackets), RFC 1035 2.3.4 */
enum { LOCAL_BYTES_MAX = 64, WHOLE_BYTES_MAX = 254, LABEL_BYTES_MAX = 63 };

/* ---- characters beyond ASCII ------------------------------------------------------------------
 */

/* Blanks, controls, what cannot be seen, and what is nobody's: two addresses must not look the
 * same. */
/* clang-format off */
static const struct { uint32_t first, last; } unseen[] = {
	{0x0080, 0x00A0},   /* controls, no-break space */
	{0x00AD, 0x00AD},   /* soft hyphen */
	{0x034F, 0x034F},   /* combining grapheme joiner */
	{0x061C, 0x061C},   /* Arabic letter mark */
	{0x115F, 0x1160},   /* Hangul fillers */
	{0x1680, 0x1680},   /* Ogham space */
	{0x17B4, 0x17B5},   /* Khmer inherent vowels */
	{0x180B, 0x180F},   /* Mongolian selectors and separator */
	{0x2000, 0x200F},   /* spaces, joiners, marks of direction */
	{0x2028, 0x202F},   /* separators, embeddings */
	{0x205F, 0x206F},   /* mathematical space, word joiner, isolates */
	{0x3000, 0x3000},   /* ideographic space */
	{0x3164, 0x3164},   /* Hangul filler */
	{0xE000, 0xF8FF},   /* private use */
	{0xFE00, 0xFE0F},   /* variation selectors */
	{0xFEFF, 0xFEFF},   /* byte order mark */
	{0xFFA0, 0xFFA0},   /* halfwidth Hangul filler */
	{0xFFF0, 0xFFFF},   /* specials */
	{0xE0000, 0x10FFFF}, /* tags, selectors, private use */
};
/* clang-format on */

/* Their lower case is ASCII for the database, and not for us: "Kelvin" with the sign of it would be
 * kelvin's for one of the two. */
static bool folds_to_ascii(uint32_t c)
{
	enum { KELVIN_SIGN = 0x212A, I_WITH_DOT = 0x0130 };
	return c == KELVIN_SIGN || c == I_WITH_DOT;
}

static bool visible(uint32_t c)
{
	for (size_t i = 0; i < sizeof unseen / sizeof *unseen; i++) {
		if (c >= unseen[i].first && c <= unseen[i].last)
			return false;
	}
	return true;
}

/* The code point of well-formed UTF-8 at `*i`, which moves behind it. */
static uint32_t next(bana_str text, size_t *i)
{
	unsigned char lead = (unsigned char)text.at[(*i)++];
	uint32_t c = lead < 0x80   ? lead
		     : lead < 0xE0 ? lead & 0x1FU
		     : lead < 0xF0 ? lead & 0x0FU
				   : lead & 0x07U;
	while (*i < text.len && ((unsigned char)text.at[*i] & 0xC0) == 0x80)
		c = c << 6 | ((unsigned char)text.at[(*i)++] & 0x3FU);
	return c;
}

static bool characters_valid(bana_str text)
{
	for (size_t i = 0; i < text.len;) {
		uint32_t c = next(text, &i);
		if (!visible(c) || folds_to_ascii(c))
			return false;
	}
	return true;
}

/* ---- the parts --------------------------------------------------------------------------------
 */

static bool digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* RFC 5322 section 3.2.3, and RFC 6531 section 3.3 beyond ASCII. */
static bool atext(char c)
{
	return letter(c) || digit(c) || (unsigned char)c >= 0x80 ||
	       (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

/* dot-atom */
static bool local_valid(bana_str local)
{
	char before = '.';
	for (size_t i = 0; i < local.len; i++) {
		if (local.at[i] == '.' ? before == '.' : !atext(local.at[i]))
			return false;
		before = local.at[i];
	}
	return before != '.' && local.len <= LOCAL_BYTES_MAX;
}

/* RFC 1123 section 2.1; of what is in A-labels already */
static bool label_valid(bana_str label)
{
	if (label.len == 0 || label.len > LABEL_BYTES_MAX || label.at[0] == '-' ||
		label.at[label.len - 1] == '-')
		return false;
	for (size_t i = 0; i < label.len; i++) {
		if (!letter(label.at[i]) && !digit(label.at[i]) && label.at[i] != '-')
			return false;
	}
	return true;
}

/* A top-level name is not a number, or "1.2.3.4" would be a host name; and none is one letter. */
static bool top_valid(bana_str label)
{
	size_t digits = 0;
	while (digits < label.len && digit(label.at[digits]))
		digits++;
	return digits < label.len && label.len >= 2;
}

static bool domain_valid(bana_str domain)
{
	if (domain.len == 0 || domain.at[domain.len - 1] == '.')
		return false;
	unsigned labels = 0;
	bana_str label = {NULL, 0};
	while (domain.len > 0) {
		label = bana_str_cut(domain, '.', &domain);
		if (!label_valid(label))
			return false;
		labels++;
	}
	return labels >= 2 && top_valid(label);
}

/* ---- the whole --------------------------------------------------------------------------------
 */

/* An address taken apart. */
struct parts {
	bana_str local;
	char domain[BANA_IDN_BYTES];
};

static size_t dots(bana_str text)
{
	size_t count = 0;
	for (size_t i = 0; i < text.len; i++)
		count += text.at[i] == '.';
	return count;
}

/* Both forms of it are within the limits: who writes back uses the one or the other. Whatever else
 * is mapped to a dot (the ideographic full stop) parts no labels: who sends mail knows one dot. */
static BANA_RES take_apart(bana_str text, struct parts *parts)
{
	bana_str given;
	parts->local = bana_str_cut(text, '@', &given);
	if (text.len > WHOLE_BYTES_MAX || !bana_utf8_valid(text) || !characters_valid(text) ||
		!local_valid(parts->local))
		return BANA_IS(INVALID);
	TRY(bana_idn_ascii(given, parts->domain));
	bana_str domain = bana_str_of(parts->domain);
	if (!domain_valid(domain) || dots(domain) != dots(given) ||
		parts->local.len + 1 + strlen(parts->domain) > WHOLE_BYTES_MAX)
		return BANA_IS(INVALID);
	return BANA_DONE;
}

static char *lower(struct bana_arena *arena, bana_str text)
{
	char *copy = bana_copy(arena, text.at, text.len);
	for (char *c = copy; c < copy + text.len; c++)
		*c = *c >= 'A' && *c <= 'Z' ? (char)(*c + 32) : *c;
	return copy;
}

bool bana_email_valid(bana_str text)
{
	struct parts parts;
	return take_apart(text, &parts).fault == BANA_OK;
}

BANA_RES bana_email_normalise(struct bana_arena *arena, bana_str text, const char **normalised)
{
	struct parts parts;
	TRY(take_apart(text, &parts));
	*normalised = bana_join(arena, lower(arena, parts.local), "@", parts.domain, NULL);
	return BANA_DONE;
}

BANA_RES bana_email_person(struct bana_arena *arena, bana_str text, const char **person)
{
	struct parts parts;
	bana_str tag;
	TRY(take_apart(text, &parts));
	bana_str name = bana_str_cut(parts.local, '+', &tag);
	if (name.len == 0) /* nothing but a tag */
		name = parts.local;
	*person = bana_join(arena, lower(arena, name), "@", parts.domain, NULL);
	return BANA_DONE;
}

const char *bana_email_key(struct bana_arena *arena, bana_str text)
{
	const char *normalised;
	if (bana_email_normalise(arena, text, &normalised).fault == BANA_OK)
		return normalised;
	return lower(arena, text);
}
