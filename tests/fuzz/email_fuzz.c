#include "fuzz/fuzz.h"

#include "bana/email.h"

/* What is taken for an address has one '@', sane lengths, and nothing that could end a header. The
 * rule is asked of well-formed text only: JSON and forms let nothing else through. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	bana_str text = fuzz_str(bytes, len);
	if (!bana_utf8_valid(text) || !bana_email_valid(text))
		return 0;
	size_t ats = 0, dots = 0;
	for (size_t i = 0; i < len; i++) {
		unsigned char c = bytes[i];
		MUST(c > 0x20 && c != 0x7F && strchr("<>()[],;:\\\"", c) == NULL);
		ats += c == '@';
		dots += ats == 1 && c == '.';
		MUST(i == 0 || c != '.' || bytes[i - 1] != '.');
	}
	MUST(ats == 1 && dots >= 1);
	size_t local = (size_t)((const uint8_t *)memchr(bytes, '@', len) - bytes);
	MUST(local >= 1 && local <= 64 && len - local - 1 <= 253);
	MUST(same(bana_utf8_trim(text), text));
	return 0;
}
