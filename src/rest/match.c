#include "bana/change.h"

#include "bana/req.h"

const char *bana_etag(struct bana_ctx *ctx, const char *version)
{
	return version == NULL ? NULL : bana_join(ctx->arena, "\"v", version, "\"", NULL);
}

/* RFC 9110 section 8.8.3: quotes around anything but quotes, blanks and controls. */
static bool tag_valid(bana_str tag)
{
	if (tag.len < 2 || tag.at[0] != '"' || tag.at[tag.len - 1] != '"')
		return false;
	for (size_t i = 1; i + 1 < tag.len; i++) {
		unsigned char c = (unsigned char)tag.at[i];
		if (c <= 0x20 || c == '"' || c == 0x7F)
			return false;
	}
	return true;
}

BANA_RES bana_match_check(struct bana_ctx *ctx, const char *match, const char *version)
{
	if (match == NULL || version == NULL)
		return BANA_DONE;
	const char *current = bana_etag(ctx, version);
	bool found = false;
	if (*match == '\0') /* of a client that has lost its tag, not of one that wants any */
		match = ",";
	for (bana_str rest = bana_str_of(match); rest.len > 0;) {
		bana_str tag = bana_utf8_trim(bana_str_cut(rest, ',', &rest));
		bool weak = tag.len > 2 && memcmp(tag.at, "W/", 2) == 0;
		if (weak)
			tag = (bana_str){tag.at + 2, tag.len - 2};
		bool any = bana_str_is(tag, "*") && !weak;
		if (!any && !tag_valid(tag)) {
			bana_issue_add(ctx, "If-Match", "invalid_format", NULL,
				"Invalid entity tag: expected \"v<version>\" with its quotes");
			return bana_fail(ctx, BANA_MALFORMED, "Malformed header: If-Match", NULL);
		}
		found = found || any || (!weak && bana_str_is(tag, current));
	}
	if (found)
		return BANA_DONE;
	return bana_fail(ctx, BANA_STALE,
		bana_join(ctx->arena, "The row has changed: it is at ", current, " now", NULL),
		NULL);
}

BANA_RES bana_match_none(struct bana_req *q)
{
	if (q->param(q->source, "HTTP_IF_MATCH") == NULL)
		return BANA_DONE;
	bana_issue_add(&q->ctx, "If-Match", "custom", NULL, "Is for a call about one row only");
	return bana_fail(&q->ctx, BANA_MALFORMED, "Malformed header: If-Match", NULL);
}
