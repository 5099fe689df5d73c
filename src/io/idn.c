#include "bana/idn.h"

#include <idn2.h>
#include <strings.h>

enum { NAME_BYTES_MAX = 4 * BANA_IDN_BYTES };

/* Letters, digits and hyphens without meaning: no library is asked. */
static bool plain(bana_str name)
{
	for (size_t i = 0; i < name.len; i++) {
		if ((unsigned char)name.at[i] >= 0x80)
			return false;
		bool begins = i == 0 || name.at[i - 1] == '.';
		if (begins && name.len - i >= 4 && strncasecmp(name.at + i, "xn--", 4) == 0)
			return false;
	}
	return true;
}

static BANA_RES lower(const char *name, size_t len, char ascii[BANA_IDN_BYTES])
{
	if (len >= BANA_IDN_BYTES)
		return BANA_IS(INVALID);
	for (size_t i = 0; i < len; i++) {
		char c = name[i];
		ascii[i] = c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
	}
	ascii[len] = '\0';
	return BANA_DONE;
}

BANA_RES bana_idn_ascii(bana_str name, char ascii[BANA_IDN_BYTES])
{
	char text[NAME_BYTES_MAX];
	uint8_t *found = NULL;
	if (name.len == 0 || name.len >= sizeof text || memchr(name.at, '\0', name.len) != NULL)
		return BANA_IS(INVALID);
	if (plain(name))
		return lower(name.at, name.len, ascii);
	memcpy(text, name.at, name.len);
	text[name.len] = '\0';
	int result = idn2_lookup_u8(
		(const uint8_t *)text, &found, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
	bana_res done = result == IDN2_OK ? lower((char *)found, strlen((char *)found), ascii)
					  : BANA_IS(INVALID);
	idn2_free(found);
	return done;
}
