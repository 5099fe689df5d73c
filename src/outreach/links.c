/*
 * GET /subscribers/links: for a tool that sends the mails, the links and the headers of each. The
 * only call that gives tokens away.
 */
#include "outreach/outreach.h"

#include "bana/actor.h"
#include "bana/log.h"
#include "bana/pg.h"
#include "bana/req.h"
#include "bana/sql.h"
#include "outreach/link.h"

enum { IDS_MAX = 1000 };

/* Columns of what is read. */
enum { ID, EMAIL, STATUS, TOKEN, CONFIRM_HASH, OPEN };

static BANA_RES read_ids(struct bana_req *q, const char **literal)
{
	struct bana_ctx *ctx = &q->ctx;
	struct bana_buf ids;
	bana_str raw, rest;
	int64_t id;
	size_t count = 0;
	if (!bana_query_find(q->query, "ids", &raw)) {
		bana_issue_absent(ctx, "ids", "string");
		return bana_issues_close(ctx);
	}
	if (bana_percent_decode(ctx->arena, raw, true, &rest).fault != BANA_OK)
		return bana_fail(ctx, BANA_MALFORMED, "Malformed query", NULL);
	bana_buf_init(&ids, ctx->arena);
	bana_buf_text(&ids, "{");
	for (bool more = true; more && count <= IDS_MAX; count++) {
		more = memchr(rest.at, ',', rest.len) != NULL;
		bana_str item = bana_str_cut(rest, ',', &rest);
		if (bana_parse_int(item, 1, INT64_MAX, &id).fault == BANA_OK)
			bana_array_add(&ids, item);
		else
			bana_issue_add(ctx, bana_print(ctx->arena, "ids.%zu", count),
				"invalid_format", NULL, "Invalid id");
	}
	if (count > IDS_MAX)
		bana_issue_add(ctx, "ids", "too_big", NULL,
			bana_print(ctx->arena, "Expected 1 to %d ids", IDS_MAX));
	bana_buf_text(&ids, "}");
	*literal = ids.at;
	return bana_issues_close(ctx);
}

/* Who may get mail, and who not any more; a row that is missing has no status. */
static const struct standing {
	const char *status;
	enum bana_fault fault;
	const char *message;
} standings[] = {
	/* clang-format off */
	{"201_ACTIVATED",   BANA_OK,       NULL},
	{"103_PENDING",     BANA_OK,       NULL},
	{"401_DEACTIVATED", BANA_CONFLICT, "Unsubscribed"},
	{"403_BLOCKED",     BANA_CONFLICT, "Blocked"},
	{"405_ARCHIVED",    BANA_CONFLICT, "Archived"},
	{NULL,              BANA_NOT_FOUND, "Subscriber not found"},
	/* clang-format on */
};
static const struct standing unconfirmed = {
	"103_PENDING", BANA_CONFLICT, "Not confirmed, and no confirm link of this secret is open"};

/* The confirm token of a pending row, if it is the one whose hash is stored and still counts. */
static const char *confirm_token(struct bana_ctx *ctx, const struct bana_rows *rows, size_t i)
{
	const char *hash = bana_rows_text(rows, i, CONFIRM_HASH);
	const char *open = bana_rows_text(rows, i, OPEN);
	const char *token = outreach_confirm_write(ctx, bana_rows_text(rows, i, TOKEN));
	bool same = hash != NULL && strcmp(hash, outreach_confirm_hash(ctx, token)) == 0;
	return same && open != NULL && *open == 't' ? token : NULL;
}

static void write_links(struct bana_ctx *ctx, struct bana_buf *json, const struct bana_rows *rows,
	size_t i, const char *confirm)
{
	const char *base = outreach_settings.public_url;
	const char *token = outreach_link_write(ctx, bana_rows_text(rows, i, TOKEN));
	const char *url = bana_join(ctx->arena, base, "/subscribers/unsubscribe/", token, NULL);
	bana_buf_json_member(json, "email", bana_rows_text(rows, i, EMAIL));
	bana_buf_json_member(json, "unsubscribeUrl", url);
	if (confirm != NULL)
		bana_buf_json_member(json, "confirmUrl",
			bana_join(ctx->arena, base, "/subscribers/confirm/", confirm, NULL));
	bana_buf_json_name(json, "headers");
	bana_buf_text(json, "{");
	bana_buf_json_member(json, "List-Unsubscribe", bana_join(ctx->arena, "<", url, ">", NULL));
	bana_buf_json_member(json, "List-Unsubscribe-Post", "List-Unsubscribe=One-Click");
	bana_buf_text(json, "}");
}

/* True: there are links in it. */
static bool write_item(
	struct bana_ctx *ctx, struct bana_buf *json, const struct bana_rows *rows, size_t i)
{
	const char *status = bana_rows_text(rows, i, STATUS), *confirm = NULL;
	const struct standing *s = standings;
	while (s->status != NULL && (status == NULL || strcmp(s->status, status) != 0))
		s++;
	if (status != NULL && strcmp(status, unconfirmed.status) == 0 &&
		(confirm = confirm_token(ctx, rows, i)) == NULL)
		s = &unconfirmed;
	bana_buf_text(json, i == 0 ? "{" : ",{");
	bana_buf_json_member(json, "id", bana_rows_text(rows, i, ID));
	bana_buf_json_member_int(json, "status", bana_fault_row(s->fault)->status);
	if (status != NULL)
		bana_buf_json_member(json, "subscription", status);
	if (s->fault == BANA_OK)
		write_links(ctx, json, rows, i, confirm);
	else
		bana_buf_json_member(json, "message", s->message);
	bana_buf_text(json, "}");
	return s->fault == BANA_OK;
}

static BANA_RES check_settings(struct bana_ctx *ctx)
{
	if (*outreach_settings.secret == '\0')
		return bana_fail(ctx, BANA_CONFLICT,
			"No links without the setting APP_ENV_OUTREACH_SECRET", NULL);
	if (*outreach_settings.public_url == '\0')
		return bana_fail(ctx, BANA_CONFLICT,
			"No links without the setting APP_ENV_OUTREACH_PUBLIC_URL", NULL);
	return BANA_DONE;
}

static BANA_RES links(struct bana_req *q)
{
	static const char sql[] =
		"SELECT w.id, s.email, s.status, s.unsubscribe_token, s.confirm_token_hash,"
		" s.confirm_expires_at > now() FROM unnest($1::bigint[]) WITH ORDINALITY AS w (id, "
		"place)"
		" LEFT JOIN outreach.\"Subscriber\" AS s ON s.id = w.id AND s.deleted_at IS NULL"
		" ORDER BY w.place";
	struct bana_ctx *ctx = &q->ctx;
	const struct bana_rows *rows;
	const char *ids;
	struct bana_buf json;
	size_t given = 0;
	char digits[2][BANA_INT_BYTES];
	TRY(read_ids(q, &ids));
	TRY(check_settings(ctx));
	TRY(bana_pg_exec(ctx, sql, 1, &ids, &rows));
	size_t count = bana_rows_count(rows);
	bana_buf_init(&json, ctx->arena);
	bana_buf_text(&json, "[");
	for (size_t i = 0; i < count; i++)
		given += write_item(ctx, &json, rows, i);
	bana_buf_text(&json, "]");
	bana_log(ctx, BANA_INFO, "links of subscribers given", "by", ctx->actor->user_id, "asked",
		bana_int_write((int64_t)count, digits[0]), "given",
		bana_int_write((int64_t)given, digits[1]), NULL);
	return bana_reply_list(q, 200, bana_buf_str(&json), count);
}

/* clang-format off */
const struct bana_call outreach_links = {
	.handle = links, .name = "links", .status = 200, .gives = BANA_GIVES_OTHERS, .faults = "409,422",
	.parameters = "{\"name\":\"ids\",\"in\":\"query\",\"required\":true,\"description\":\"Ids of subscribers, comma-separated: "
		"at most 1000, and as many as a request line of 16 KiB holds.\","
		"\"schema\":{\"type\":\"string\",\"minLength\":1},\"example\":\"249557679503089664,249557679503089665\"}",
	.schema = "{\"type\":\"object\",\"required\":[\"id\",\"status\"],\"additionalProperties\":false,"
		"\"description\":\"In the order asked for.\",\"properties\":{"
		"\"id\":{\"$ref\":\"#/components/schemas/Id\"},"
		"\"status\":{\"type\":\"integer\",\"enum\":[200,404,409],\"description\":\"200: may get mail; 404: no such subscriber; "
		"409: must get none.\"},"
		"\"subscription\":{\"type\":\"string\",\"description\":\"Where the subscription stands.\",\"examples\":[\"201_ACTIVATED\"]},"
		"\"message\":{\"type\":\"string\",\"description\":\"Why there are no links.\"},"
		"\"email\":{\"type\":\"string\"},"
		"\"unsubscribeUrl\":{\"type\":\"string\",\"description\":\"GET shows a page, POST unsubscribes.\"},"
		"\"confirmUrl\":{\"type\":\"string\",\"description\":\"Only of `103_PENDING`: GET shows a page, POST confirms.\"},"
		"\"headers\":{\"type\":\"object\",\"additionalProperties\":{\"type\":\"string\"},"
		"\"description\":\"To be put into the mail (RFC 2369, RFC 8058).\"}}}",
};
/* clang-format on */
