/*
 * Addresses as people have them, a documented part of RFC 5321 section 4.1.2 and RFC 6531: a
 * dot-atom (ASCII atext or any non-ASCII character) of at most 64 bytes, '@', and a host name of
 * two labels or more. No quoted strings, no comments, no address literals, no single-label hosts.
 */
#include "bana/entity.h"

enum { LOCAL_BYTES_MAX = 64, DOMAIN_BYTES_MAX = 253, LABEL_BYTES_MAX = 63 };

static bool alphanumeric(unsigned char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       c >= 0x80;
}

static bool local_valid(bana_str local)
{
	if (local.len == 0 || local.len > LOCAL_BYTES_MAX)
		return false;
	char before = '.';
	for (size_t i = 0; i < local.len; i++) {
		char c = local.at[i];
		bool dot = c == '.';
		if (c == '\0')
			return false;
		if (dot ? before == '.'
			: !alphanumeric((unsigned char)c) &&
					strchr("!#$%&'*+-/=?^_`{|}~", c) == NULL)
			return false;
		before = c;
	}
	return before != '.';
}

static bool label_valid(bana_str label)
{
	if (label.len == 0 || label.len > LABEL_BYTES_MAX || label.at[0] == '-' ||
		label.at[label.len - 1] == '-')
		return false;
	for (size_t i = 0; i < label.len; i++) {
		if (!alphanumeric((unsigned char)label.at[i]) && label.at[i] != '-')
			return false;
	}
	return true;
}

/* A top-level name is not a number, or "1.2.3.4" would be a host name. */
static bool numeric(bana_str label)
{
	size_t digits = 0;
	while (digits < label.len && label.at[digits] >= '0' && label.at[digits] <= '9')
		digits++;
	return digits == label.len;
}

static bool domain_valid(bana_str domain)
{
	if (domain.len == 0 || domain.len > DOMAIN_BYTES_MAX || domain.at[domain.len - 1] == '.')
		return false;
	unsigned labels = 0;
	bana_str label = {NULL, 0};
	while (domain.len > 0) {
		label = bana_str_cut(domain, '.', &domain);
		if (!label_valid(label))
			return false;
		labels++;
	}
	return labels >= 2 && label.len >= 2 && !numeric(label);
}

/* Blanks and controls beyond ASCII have no place in an address either. */
static bool blank_inside(bana_str text)
{
	for (size_t i = 0; i < text.len;) {
		size_t n = 1;
		if ((unsigned char)text.at[i] < 0x80) { /* judged already */
			i++;
			continue;
		}
		while (i + n < text.len && (text.at[i + n] & 0xC0) == 0x80)
			n++;
		if (bana_utf8_trim((bana_str){text.at + i, n}).len == 0)
			return true;
		bool c1 = n == 2 && (unsigned char)text.at[i] == 0xC2 &&
			  (unsigned char)text.at[i + 1] < 0xA0;
		if (c1)
			return true;
		i += n;
	}
	return false;
}

bool bana_email_valid(bana_str text)
{
	bana_str domain;
	bana_str local = bana_str_cut(text, '@', &domain);
	return local_valid(local) && domain_valid(domain) && !blank_inside(text);
}
