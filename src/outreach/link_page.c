/*
 * Links in mails, and what is behind them: a page with a button, which changes nothing, and the
 * button. No answer to an unsubscribe token tells whether it is known. A confirm token cannot be
 * guessed: whoever has one got it by mail, and is told what it is worth.
 */
#include "outreach/outreach.h"

#include "bana/app.h"
#include "bana/pg.h"
#include "bana/pool.h"
#include "bana/req.h"
#include "outreach/consent.h"
#include "outreach/gate.h"
#include "outreach/link.h"
#include "outreach/page.h"

/* ---- pages ------------------------------------------------------------------------------------
 */

enum page { ASK_UNSUBSCRIBE, UNSUBSCRIBED, ASK_CONFIRM, CONFIRMED, VOID_LINK, PAGES };

/* Every one is 200: programs that look at the links of a mail shall learn nothing by the status. */
static const struct {
	const char *title, *text, *button;
} pages[PAGES] = {
	/* clang-format off */
	[ASK_UNSUBSCRIBE] = {"Unsubscribe", "Do you no longer want to receive our newsletter?", "Unsubscribe"},
	[UNSUBSCRIBED]    = {"You are unsubscribed", "You will receive no more newsletters.", NULL},
	[ASK_CONFIRM]     = {"Confirm your subscription", "Do you want to receive our newsletter at this address?", "Confirm"},
	[CONFIRMED]       = {"Your subscription is confirmed", "You will receive our newsletter.", NULL},
	[VOID_LINK]       = {"This link is no longer valid",
		"It has expired, or another one has taken its place. Please subscribe again to get a new one.", NULL},
	/* clang-format on */
};

static BANA_RES show(struct bana_req *q, enum page page)
{
	const char *button = pages[page].button;
	const char *form = button == NULL
				   ? ""
				   : bana_join(q->ctx.arena, "<form method=\"post\"><button>",
					     button, "</button></form>\n", NULL);
	outreach_page(q, 200, pages[page].title,
		bana_join(q->ctx.arena, "<p>", pages[page].text, "</p>\n", form, NULL));
	return BANA_DONE;
}

/* ---- unsubscribe ------------------------------------------------------------------------------
 */

/* clang-format off */
/* The body of an unsubscribe call; not stored. */
enum { CALL_TOKEN, CALL_REASON, CALL_FIELDS };
static const struct bana_field call_fields[CALL_FIELDS] = {
	[CALL_TOKEN]  = {"token",  NULL, BANA_TEXT, 1, 64,  BANA_PUBLIC | BANA_REQUIRED, NULL, NULL,
		"Of the link: a Snowflake, or a signed one.", "\"249557679503089664\""},
	[CALL_REASON] = {"reason", NULL, BANA_TEXT, 0, 500, BANA_PUBLIC | NULLS,         NULL, NULL,
		"Why, in their words.", "\"Too many mails\""},
};
/* clang-format on */

static const struct bana_entity unsubscribe_call = {.name = "Unsubscribe",
	.fields = call_fields,
	.count = CALL_FIELDS,
	.says = "Which subscription is to end."};

static BANA_RES accepted(struct bana_req *q)
{
	return bana_reply_one(q, 200, BANA_STR("{\"status\":\"accepted\"}"));
}

/* A signature of ours is no guess, though the row may be gone. */
static bool may_be_guessed(const char *token, const char *snowflake)
{
	return strchr(token, '.') == NULL || strcmp(snowflake, "0") == 0;
}

/* A token that is not ours is looked up all the same, as one that no row has. Many wrong guesses
 * from one client are too many; that is counted after the answer, which takes the same time for
 * all. */
static BANA_RES deactivate(struct bana_req *q, const char *token, const char *reason)
{
	static const char sql[] =
		"WITH ended AS (UPDATE outreach.\"Subscriber\" SET status = '401_DEACTIVATED', "
		"unsubscribed_at = "
		"now(),"
		" unsubscribe_reason = $2, modified_at = now(), version = version + 1 WHERE "
		"unsubscribe_token = $1"
		" AND deleted_at IS NULL AND status IN ('103_PENDING', '201_ACTIVATED'))"
		" SELECT EXISTS (SELECT FROM outreach.\"Subscriber\" WHERE unsubscribe_token = $1)";
	const struct bana_rows *rows;
	const char *snowflake;
	TRY(outreach_gate_token(q));
	TRY(outreach_link_read(&q->ctx, bana_str_of(token), &snowflake));
	const char *values[] = {snowflake, reason};
	TRY(bana_pg_exec(&q->ctx, sql, 2, values, &rows));
	if (*bana_rows_text(rows, 0, 0) == 'f' && may_be_guessed(token, snowflake))
		outreach_gate_token_wrong(q);
	return BANA_DONE;
}

static BANA_RES unsubscribe(struct bana_req *q)
{
	struct bana_row *row = bana_alloc(q->ctx.arena, sizeof *row);
	TRY(bana_req_row(q, &unsubscribe_call, BANA_PUBLIC, row));
	TRY(deactivate(q, row->cells[CALL_TOKEN].text, row->cells[CALL_REASON].text));
	return accepted(q);
}

static BANA_RES link_page(struct bana_req *q)
{
	const char *snowflake;
	TRY(outreach_link_read(&q->ctx, q->args[0], &snowflake));
	return show(q, ASK_UNSUBSCRIBE);
}

static BANA_RES link_use(struct bana_req *q)
{
	const char *token = bana_copy(q->ctx.arena, q->args[0].at, q->args[0].len);
	TRY(deactivate(q, token, NULL));
	return outreach_page_wanted(q) ? show(q, UNSUBSCRIBED) : accepted(q);
}

/* ---- confirm ----------------------------------------------------------------------------------
 */

/* What the row of a token says: nothing, or whether the link is open and whether it was used. */
#define LINK                                                                                     \
	"SELECT id, status, coalesce(confirm_expires_at > now(), false) AS open,"                \
	" status = '201_ACTIVATED' AND confirmed_at IS NOT NULL AS used"                         \
	" FROM outreach.\"Subscriber\" WHERE unsubscribe_token = $1 AND confirm_token_hash = $2" \
	" AND deleted_at IS NULL AND status IN ('103_PENDING', '201_ACTIVATED')"

/* One row, `page` as it is when the statement is done; none: the token is not ours. */
static BANA_RES ask_link(struct bana_ctx *ctx, const char *sql, size_t count,
	const char *const *values, enum page open, enum page *page)
{
	const struct bana_rows *rows;
	TRY(bana_pg_exec(ctx, sql, count, values, &rows));
	bool found = bana_rows_count(rows) > 0;
	bool used = found && *bana_rows_text(rows, 0, 0) == 't';
	bool is_open = found && *bana_rows_text(rows, 0, 1) == 't';
	*page = used ? CONFIRMED : is_open ? open : VOID_LINK;
	return BANA_DONE;
}

static BANA_RES confirm_page(struct bana_req *q)
{
	static const char sql[] = "SELECT used, open FROM (" LINK ") AS link";
	enum page page;
	const char *values[2];
	TRY(outreach_confirm_read(&q->ctx, q->args[0], &values[0], &values[1]));
	TRY(ask_link(&q->ctx, sql, 2, values, ASK_CONFIRM, &page));
	return show(q, page);
}

/* Of two at once the second waits for the first, and finds that the link was used. */
static BANA_RES confirm_use(struct bana_req *q)
{
	static const char sql[] =
		"WITH link AS (" LINK " FOR UPDATE), done AS ("
		"UPDATE outreach.\"Subscriber\" AS s SET status = '201_ACTIVATED', confirmed_at = "
		"now(),"
		" subscribed_at = CASE link.status WHEN '103_PENDING' THEN now()"
		" ELSE s.subscribed_at END,"
		" unsubscribed_at = NULL, unsubscribe_reason = NULL, modified_at = now(),"
		" version = s.version + 1"
		" FROM link WHERE s.id = link.id AND link.open AND NOT link.used"
		" RETURNING s.id, s.email, s.email_normalized, s.status, s.consent_version, "
		"s.source), "
		"noted AS (" OUTREACH_CONSENT_INSERT
		" SELECT $3::bigint, id, email, email_normalized, '200_CONFIRMED', status, "
		"consent_version, source,"
		" $4::text"
		" FROM done) SELECT used, open FROM link";
	struct bana_ctx *ctx = &q->ctx;
	const char *values[4];
	enum page page;
	TRY(outreach_confirm_read(ctx, q->args[0], &values[0], &values[1]));
	values[2] = bana_print(ctx->arena, "%lld", (long long)bana_snowflake(ctx->app->pool));
	values[3] = outreach_address_hash(q);
	TRY(ask_link(ctx, sql, 4, values, CONFIRMED, &page));
	if (outreach_page_wanted(q))
		return show(q, page);
	if (page == VOID_LINK)
		return bana_fail(ctx, BANA_NOT_FOUND, pages[VOID_LINK].title, NULL);
	return bana_reply_one(q, 200, BANA_STR("{\"status\":\"confirmed\"}"));
}

/* A browser that follows a link is shown what goes wrong as a page, too. */
static void broken(struct bana_req *q)
{
	enum { NOT_OF_THE_FORM = 422 };
	if (q->status < 400 || !outreach_page_wanted(q))
		return;
	bana_reply_header(q, "Vary", "Accept");
	if (q->status != NOT_OF_THE_FORM)
		outreach_page_problem(q, "");
	else
		outreach_page(q, q->status, "This link is not whole",
			"<p>Some mail programs cut long links. Please copy all of it from the mail "
			"into the address bar.</p>\n");
}

/* clang-format off */
const struct bana_call outreach_unsubscribe = {
	.handle = unsubscribe, .name = "unsubscribe", .status = 200, .gives = BANA_GIVES_OTHER, .schema = OUTREACH_ACCEPTED,
	.body = BANA_PUBLIC, .takes_entity = &unsubscribe_call,
};
const struct bana_call outreach_link_page = {
	.handle = link_page, .name = "unsubscribePage", .status = 200, .gives = BANA_GIVES_TEXT,
	.media = "text/html; charset=utf-8", .page = broken, .faults = "422",
};
const struct bana_call outreach_link_use = {
	.handle = link_use, .name = "unsubscribeByLink", .status = 200, .gives = BANA_GIVES_OTHER, .schema = OUTREACH_ACCEPTED,
	.media = "text/html; charset=utf-8", .page = broken, .faults = "422",
};
const struct bana_call outreach_confirm_page = {
	.handle = confirm_page, .name = "confirmPage", .status = 200, .gives = BANA_GIVES_TEXT,
	.media = "text/html; charset=utf-8", .page = broken, .faults = "422",
};
const struct bana_call outreach_confirm_use = {
	.handle = confirm_use, .name = "confirmByLink", .status = 200, .gives = BANA_GIVES_OTHER,
	.media = "text/html; charset=utf-8", .page = broken, .faults = "404,422",
	.schema = "{\"type\":\"object\",\"required\":[\"status\"],\"additionalProperties\":false,"
		"\"description\":\"The subscription is confirmed, now or before.\","
		"\"properties\":{\"status\":{\"type\":\"string\",\"const\":\"confirmed\"}}}",
};
/* clang-format on */
