#include "fuzz/fuzz.h"

#include "bana/entity.h"
#include "bana/json.h"
#include "outreach/outreach.h"

/* A body, as far as the database: what our scan accepts json-c must parse; what was parsed, written
 * and parsed again is the same; what a row holds is what the table of fields allows. */
static void check_row(const struct bana_entity *e, const struct bana_row *row)
{
	for (size_t i = 0; i < e->count; i++) {
		const struct bana_field *f = &e->fields[i];
		if (!row->cells[i].set)
			continue;
		MUST(f->flags & BANA_PUBLIC);
		if (row->cells[i].text == NULL) {
			MUST(f->flags & BANA_NULLABLE);
			continue;
		}
		bana_str text = bana_str_of(row->cells[i].text);
		MUST(bana_utf8_valid(text));
		if (f->type == BANA_TEXT || f->type == BANA_EMAIL)
			MUST(bana_utf8_count(text) >= f->min && bana_utf8_count(text) <= f->max &&
				same(bana_utf8_trim(text), text));
		if (f->type == BANA_EMAIL)
			MUST(strchr(text.at, '@') != NULL &&
				strchr(text.at, '@') == strrchr(text.at, '@'));
		if (f->type == BANA_OBJECT)
			MUST(text.len <= f->max);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	const struct bana_entity *const entities[] = {&outreach_inquiry, &outreach_subscriber};
	struct bana_ctx *ctx = fuzz_ctx();
	bana_str text = fuzz_str(bytes, len);
	struct bana_json_scan scan;
	const struct bana_json *json, *again;
	bana_json_scan(text, BANA_JSON_DEPTH_MAX, &scan);
	MUST(scan.at_byte <= len);
	bana_res parsed = bana_json_parse(ctx, text, BANA_JSON_DEPTH_MAX, &json);
	if (scan.malformed != NULL || scan.refused != NULL) {
		MUST(parsed.fault == (scan.malformed != NULL ? BANA_MALFORMED : BANA_INVALID));
		return 0;
	}
	if (parsed.fault != BANA_OK) { /* only a member named twice is left to refuse */
		MUST(parsed.fault == BANA_INVALID && ctx->failure.issue_count == 1);
		MUST(strstr(ctx->failure.issues->message, "twice") != NULL);
		return 0;
	}
	bana_str written = bana_json_write(ctx, json);
	MUST(bana_json_depth(json) <= BANA_JSON_DEPTH_MAX);
	MUST(bana_json_parse(ctx, written, BANA_JSON_DEPTH_MAX, &again).fault == BANA_OK);
	MUST(same(bana_json_write(ctx, again), written));
	for (size_t i = 0; i < sizeof entities / sizeof *entities; i++) {
		struct bana_row row = {0};
		ctx->failure.issues = NULL;
		ctx->failure.end = &ctx->failure.issues;
		ctx->failure.issue_count = 0;
		if (bana_row_take(ctx, entities[i], BANA_PUBLIC, json, &row).fault == BANA_OK)
			check_row(entities[i], &row);
		else
			MUST(ctx->failure.issue_count > 0 && ctx->failure.issues->message != NULL);
	}
	return 0;
}
