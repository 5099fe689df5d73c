#include "fuzz/fuzz.h"

#include "bana/entity.h"
#include "bana/json.h"
#include "outreach/outreach.h"

/* A form is an object or a fault of the client's, and its values are text. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct bana_ctx *ctx = fuzz_ctx();
	const struct bana_json *object;
	bana_res r = bana_form_read(ctx, &outreach_subscriber, fuzz_str(bytes, len), &object);
	if (r.fault != BANA_OK) {
		MUST(r.fault == BANA_MALFORMED || r.fault == BANA_INVALID);
		return 0;
	}
	MUST(bana_json_kind(object) == BANA_JSON_OBJECT);
	for (struct bana_json_member m = {0}; bana_json_next(object, &m);) {
		if (bana_json_kind(m.value) == BANA_JSON_ARRAY) {
			MUST(bana_json_len(m.value) > 0);
			for (size_t i = 0; i < bana_json_len(m.value); i++)
				MUST(bana_json_str(bana_json_at(m.value, i)).len > 0);
		} else {
			MUST(bana_json_str(m.value).len > 0);
		}
	}
	struct bana_row row = {0};
	bana_ignore(
		bana_row_take(ctx, &outreach_subscriber, BANA_PUBLIC, object, &row), "either way");
	return 0;
}
