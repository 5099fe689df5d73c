#include "outreach/content.h"

#include <strings.h>

static bool begins(bana_str text, size_t at, const char *word)
{
	size_t len = strlen(word);
	return text.len - at >= len && strncasecmp(text.at + at, word, len) == 0;
}

/* Of ASCII or not: every byte of a longer UTF-8 sequence counts as of a word. */
static bool of_word(unsigned char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	       c >= 0x80;
}

unsigned outreach_content_links(bana_str text)
{
	static const char *const beginnings[] = {"http://", "https://", "www."};
	unsigned links = 0;
	for (size_t i = 0; i < text.len; i++) {
		if ((text.at[i] | 0x20) != 'h' && (text.at[i] | 0x20) != 'w')
			continue;
		if (i > 0 && (of_word((unsigned char)text.at[i - 1]) || text.at[i - 1] == '/'))
			continue; /* "http://www." is one */
		for (size_t b = 0; b < sizeof beginnings / sizeof *beginnings; b++)
			links += begins(text, i, beginnings[b]);
	}
	return links;
}

bool outreach_content_markup(bana_str text)
{
	static const char *const tags[] = {
		"<a ", "</a>", "<script", "<iframe", "<img ", "[url", "[/url]", "[link", "[img]"};
	for (size_t i = 0; i < text.len; i++) {
		if (text.at[i] != '<' && text.at[i] != '[')
			continue;
		for (size_t t = 0; t < sizeof tags / sizeof *tags; t++) {
			if (begins(text, i, tags[t]))
				return true;
		}
	}
	return false;
}

/* Words seen, each as one bit of its hash: two words may meet, which makes them fewer by one. */
struct words {
	unsigned char seen[1024];
	size_t count, different;
};

static void note(struct words *words, uint32_t hash)
{
	size_t bit = hash % (sizeof words->seen * 8);
	unsigned char mask = (unsigned char)(1 << bit % 8);
	words->count++;
	words->different += (words->seen[bit / 8] & mask) == 0;
	words->seen[bit / 8] |= mask;
}

bool outreach_content_repeats(bana_str text)
{
	enum { RUN = 20, WORDS = 20, PART = 4 };
	const uint32_t basis = 2166136261u, prime = 16777619u; /* FNV-1a */
	struct words words = {.count = 0};
	uint32_t hash = basis;
	size_t run = 0;
	unsigned char before = 0;
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.at[i];
		run = c == before && c < 0x80 && of_word(c) ? run + 1 : 1;
		before = c;
		if (run >= RUN)
			return true;
		if (of_word(c)) {
			unsigned char lower = c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;
			hash = (hash ^ lower) * prime;
		} else if (hash != basis) {
			note(&words, hash);
			hash = basis;
		}
	}
	if (hash != basis)
		note(&words, hash);
	return words.count >= WORDS && words.different * PART < words.count;
}
