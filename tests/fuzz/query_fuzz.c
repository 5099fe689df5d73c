#include "fuzz/fuzz.h"

#include "bana/buf.h"

/* A query string: names are found inside it, decoding is undone by encoding, and base64url has one
 * spelling. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static const char *const names[] = {"rooms", "access_token", "clientId", ""};
	struct bana_ctx *ctx = fuzz_ctx();
	bana_str text = fuzz_str(bytes, len), value, decoded, again;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		if (bana_query_find(text, names[i], &value))
			MUST(value.at >= text.at && value.at + value.len <= text.at + text.len);
	}
	for (int form = 0; form < 2; form++) {
		if (bana_percent_decode(ctx->arena, text, form == 1, &decoded).fault != BANA_OK)
			continue;
		MUST(decoded.len <= len && bana_utf8_valid(decoded));
		MUST(decoded.len == 0 || memchr(decoded.at, '\0', decoded.len) == NULL);
		struct bana_buf b;
		bana_buf_init(&b, ctx->arena);
		bana_buf_add(&b, "", 0);
		for (size_t i = 0; i < decoded.len; i++)
			bana_buf_print(&b, "%%%02X", (unsigned char)decoded.at[i]);
		MUST(bana_percent_decode(ctx->arena, bana_buf_str(&b), form == 1, &again).fault ==
			BANA_OK);
		MUST(same(decoded, again));
	}
	if (bana_base64url_decode(ctx->arena, text, &decoded).fault == BANA_OK)
		MUST(same(bana_str_of(bana_base64url(ctx->arena, decoded.at, decoded.len)), text));
	if (bana_utf8_valid(text)) {
		bana_str trimmed = bana_utf8_trim(text);
		MUST(same(bana_utf8_trim(trimmed), trimmed) && bana_utf8_count(text) <= len);
	}
	int64_t number;
	if (bana_parse_int(text, INT64_MIN, INT64_MAX, &number).fault == BANA_OK)
		MUST(same(bana_str_of(bana_print(ctx->arena, "%lld", (long long)number)), text));
	return 0;
}
