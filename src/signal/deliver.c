/*
 * Events to rows: one transaction in two round trips for a whole batch. The first finds out which
 * events are new and whom they concern, the second makes the rows.
 */
#include "signal/service.h"

#include "bana/app.h"
#include "bana/consume.h"
#include "bana/ctx.h"
#include "bana/json.h"
#include "bana/live.h"
#include "bana/pg.h"
#include "bana/pool.h"
#include "bana/sql.h"

#include <stdlib.h>

/* One row for a new event without anybody to tell, else one for each recipient. Keys and rows are
 * locked in one order, so that two consumers never wait for each other in a ring. */
static const char recipients_sql[] =
	"WITH message AS (SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[],"
	" $5::text[]) WITH ORDINALITY AS m (key, scope, organizer, merchant, actor, ord)),"
	" fresh AS (INSERT INTO signal.\"ConsumedEvent\" (key) SELECT DISTINCT key FROM message"
	" ORDER BY key ON CONFLICT DO NOTHING RETURNING key),"
	" event AS (SELECT DISTINCT ON (key) * FROM message JOIN fresh USING (key) ORDER BY key, "
	"ord),"
	" person AS ("
	"SELECT e.ord, s.user_id, s.locale FROM event e JOIN signal.\"Membership\" s"
	" ON s.organizer_id = e.organizer WHERE e.scope = 'org'"
	" AND s.status = '201_ACTIVATED' AND s.deleted_at IS NULL"
	" UNION ALL "
	"SELECT e.ord, s.user_id, s.locale FROM event e JOIN signal.\"Membership\" s"
	" ON s.organizer_id = e.organizer WHERE e.scope = 'merchant'"
	" AND (s.merchant_id = e.merchant OR (s.merchant_id IS NULL"
	" AND upper(regexp_replace(s.role, '^[0-9]+_', '')) = 'OWNER'))"
	" AND s.status = '201_ACTIVATED' AND s.deleted_at IS NULL"
	" UNION ALL "
	"SELECT e.ord, u.user_id, (SELECT max(s.locale) FROM signal.\"Membership\" s"
	" WHERE s.organizer_id = e.organizer AND s.user_id = u.user_id AND s.deleted_at IS NULL)"
	" FROM unnest($6::int[], $7::text[]) AS u (ord, user_id) JOIN event e USING (ord)),"
	" told AS (SELECT p.ord, p.user_id, max(p.locale) AS locale FROM person p JOIN event e"
	" USING (ord) WHERE $8::boolean OR p.user_id <> e.actor GROUP BY p.ord, p.user_id) "
	"SELECT e.ord, t.user_id, t.locale, now()::timestamptz(3) FROM event e LEFT JOIN told t"
	" USING (ord) ORDER BY e.ord, t.user_id";

/* What was made of these events before. */
static const char stored_sql[] =
	"SELECT id, recipient_id, type, organizer_id, content, action_url, data, is_read, "
	"created_at"
	" FROM signal.\"ActivityNotification\" WHERE dedup_key = ANY($1) AND deleted_at IS NULL"
	" ORDER BY id";

static const char rows_sql[] =
	"WITH entry AS (SELECT * FROM unnest($1::bigint[], $2::int[], $3::text[], $4::int[])"
	" AS e (id, ord, recipient, said)),"
	" event AS (SELECT * FROM unnest($5::text[], $6::text[], $7::text[], $8::text[], "
	"$9::text[],"
	" $10::text[], $11::timestamptz[], $12::text[]) WITH ORDINALITY"
	" AS m (key, type, organizer, merchant, actor_id, actor, occurred_at, data, ord)),"
	" said AS (SELECT * FROM unnest($13::text[], $14::text[]) WITH ORDINALITY"
	" AS s (content, action_url, said)),"
	" state AS (INSERT INTO signal.\"RecipientState\" AS s (recipient_id, last_seq, "
	"unread_count)"
	" SELECT recipient, count(*), count(*) FROM entry GROUP BY recipient ORDER BY recipient"
	" ON CONFLICT (recipient_id) DO UPDATE SET last_seq = s.last_seq + EXCLUDED.last_seq,"
	" unread_count = s.unread_count + EXCLUDED.unread_count RETURNING recipient_id, last_seq) "
	"INSERT INTO signal.\"ActivityNotification\" (id, type, organizer_id, merchant_id,"
	" recipient_id, actor_id, actor, content, action_url, data, occurred_at, seq, expires_at,"
	" dedup_key) "
	"SELECT e.id, m.type, m.organizer, m.merchant, e.recipient, m.actor_id, m.actor::json,"
	" s.content, s.action_url, m.data::json, m.occurred_at,"
	" t.last_seq - count(*) OVER (PARTITION BY e.recipient)"
	" + row_number() OVER (PARTITION BY e.recipient ORDER BY e.id),"
	" now() + $15::int * interval '1 day', m.key "
	"FROM entry e JOIN event m USING (ord) JOIN said s USING (said)"
	" JOIN state t ON t.recipient_id = e.recipient ORDER BY e.id";

/* What one event may come to in all its rows, and what is done at once. */
enum { EVENT_BYTES_MAX = 64 << 20, ROW_BYTES = 512 };

/* A batch at work. */
struct delivery {
	struct signal_event *events;
	size_t count;
	const struct bana_rows *told, *stored;
	const char **ids; /* of the rows to be made, parallel to `told`; NULL: nobody is told */
	struct signal_text *said;
	size_t made, taken, bytes;
};

static BANA_RES find_recipients(struct bana_ctx *ctx, struct delivery *d)
{
	struct bana_columns columns, named;
	const char *values[8] = {NULL}, *keys;
	bana_columns_begin(ctx->arena, &columns, 5);
	bana_columns_begin(ctx->arena, &named, 2);
	for (size_t i = 0; i < d->count; i++) {
		const struct signal_event *e = &d->events[i];
		bana_columns_add(&columns, 0, e->key);
		bana_columns_add(&columns, 1, e->scope);
		bana_columns_add(&columns, 2, e->organizer_id);
		bana_columns_add(&columns, 3, e->merchant_id);
		bana_columns_add(&columns, 4, e->actor_id);
		for (size_t r = 0; e->recipients != NULL && r < bana_json_len(e->recipients); r++) {
			bana_columns_add_int(&named, 0, (int64_t)i + 1);
			bana_columns_add(
				&named, 1, bana_json_str(bana_json_at(e->recipients, r)).at);
		}
	}
	bana_columns_end(&columns, values);
	bana_columns_end(&named, values + 5);
	values[7] = signal_settings.notify_actor ? "true" : "false";
	keys = values[0];
	/* A plan made while the tables were empty would read all of them for each batch. */
	struct bana_step steps[] = {{"BEGIN", 0, NULL, NULL},
		{"SET LOCAL plan_cache_mode = force_custom_plan", 0, NULL, NULL},
		{stored_sql, 1, &keys, NULL}, {recipients_sql, 8, values, NULL}};
	TRY(bana_pg_batch(ctx, steps, 4));
	d->stored = steps[2].rows;
	d->told = steps[3].rows;
	return BANA_DONE;
}

static size_t event_of(const struct delivery *d, size_t row)
{
	int64_t ord = 1;
	bana_ignore(bana_parse_int(bana_str_of(bana_rows_text(d->told, row, 0)), 1,
			    (int64_t)d->count, &ord),
		"it is a number of ours");
	return (size_t)ord - 1;
}

/* The same text for all who speak the language. */
static size_t text_for(struct bana_ctx *ctx, struct delivery *d, size_t row, const char **locales,
	size_t begin, size_t *count)
{
	const char *locale = bana_rows_text(d->told, row, 2);
	for (size_t i = begin; i < *count; i++) {
		if (locale == locales[i] ||
			(locale != NULL && locales[i] != NULL && strcmp(locale, locales[i]) == 0))
			return i;
	}
	locales[*count] = locale;
	d->said[*count] = signal_text_of(ctx, &d->events[event_of(d, row)], locale);
	return (*count)++;
}

/* What each row to be made is: its id, and which text it has. INVALID: an event has too many. */
static BANA_RES plan(struct bana_ctx *ctx, struct delivery *d, size_t *text_of, size_t *texts)
{
	size_t rows = bana_rows_count(d->told), begin = 0, of_event = 0;
	const char **locales = bana_alloc(ctx->arena, (rows + 1) * sizeof *locales);
	d->ids = bana_alloc(ctx->arena, (rows + 1) * sizeof *d->ids);
	d->said = bana_alloc(ctx->arena, (rows + 1) * sizeof *d->said);
	for (size_t i = 0; i < rows; i++) {
		char digits[BANA_INT_BYTES];
		if (i == 0 || event_of(d, i) != event_of(d, i - 1)) {
			begin = *texts;
			of_event = 0;
			d->taken++;
		}
		if (bana_rows_text(d->told, i, 1) == NULL)
			continue;
		size_t bytes = d->events[event_of(d, i)].data.len + ROW_BYTES;
		d->bytes += bytes;
		if (++of_event * bytes > EVENT_BYTES_MAX)
			return bana_fail(
				ctx, BANA_INVALID, "Too much data for so many recipients", NULL);
		if (d->bytes > EVENT_BYTES_MAX && d->count > 1)
			return bana_fail(ctx, BANA_INVALID, "Too much for one batch", NULL);
		if (of_event > SIGNAL_RECIPIENTS_MAX)
			return bana_fail(ctx, BANA_INVALID,
				bana_print(ctx->arena, "More than %d recipients",
					SIGNAL_RECIPIENTS_MAX),
				NULL);
		const char *id = bana_int_write(bana_snowflake(ctx->app->pool), digits);
		d->ids[i] = bana_copy(ctx->arena, id, strlen(id));
		text_of[i] = text_for(ctx, d, i, locales, begin, texts);
		d->made++;
	}
	return BANA_DONE;
}

static void rows_step(struct bana_ctx *ctx, struct delivery *d, const size_t *text_of, size_t texts,
	struct bana_step *step)
{
	enum { VALUES = 15 };
	struct bana_columns entries, events, said;
	const char **values = bana_alloc(ctx->arena, VALUES * sizeof *values);
	bana_columns_begin(ctx->arena, &entries, 4);
	bana_columns_begin(ctx->arena, &events, 8);
	bana_columns_begin(ctx->arena, &said, 2);
	for (size_t i = 0; i < bana_rows_count(d->told); i++) {
		if (d->ids[i] == NULL)
			continue;
		bana_columns_add(&entries, 0, d->ids[i]);
		bana_columns_add_int(&entries, 1, (int64_t)event_of(d, i) + 1);
		bana_columns_add(&entries, 2, bana_rows_text(d->told, i, 1));
		bana_columns_add_int(&entries, 3, (int64_t)text_of[i] + 1);
	}
	for (size_t i = 0; i < d->count; i++) {
		const struct signal_event *e = &d->events[i];
		const char *const cells[] = {e->key, e->type, e->organizer_id, e->merchant_id,
			e->actor_id, e->actor, e->occurred_at, e->data.at};
		for (size_t c = 0; c < sizeof cells / sizeof *cells; c++)
			bana_columns_add(&events, c, cells[c]);
	}
	for (size_t i = 0; i < texts; i++) {
		bana_columns_add(&said, 0, d->said[i].content);
		bana_columns_add(&said, 1, d->said[i].action_url);
	}
	bana_columns_end(&entries, values);
	bana_columns_end(&events, values + 4);
	bana_columns_end(&said, values + 12);
	values[14] = bana_print(ctx->arena, "%lld", (long long)signal_settings.keep_days);
	*step = (struct bana_step){rows_sql, VALUES, values, NULL};
}

/* ---- out ------------------------------------------------------------------------------------- */

struct created {
	const char *id, *recipient_id, *type, *organizer_id, *content, *action_url;
	bana_str data;
	bool is_read;
	const char *created_at; /* as PostgreSQL gives it */
};

static void announce(struct bana_ctx *ctx, const struct created *row)
{
	static const struct bana_field instant = {.type = BANA_INSTANT};
	struct bana_buf data;
	if (!signal_id_fits(
		    bana_str_of(row->recipient_id))) /* a member of such a name has no room */
		return;
	bana_buf_init(&data, ctx->arena);
	bana_buf_text(&data, "{");
	bana_buf_json_member(&data, "id", row->id);
	bana_buf_json_member(&data, "type", row->type);
	bana_buf_json_member(&data, "organizerId", row->organizer_id);
	bana_buf_json_member(&data, "content", row->content);
	bana_buf_json_member(&data, "actionUrl", row->action_url);
	bana_buf_json_name(&data, "data");
	bana_buf_add(&data, row->data.at, row->data.len);
	bana_buf_json_name(&data, "isRead");
	bana_buf_text(&data, row->is_read ? "true" : "false");
	bana_buf_json_name(&data, "createdAt");
	bana_cell_write(&data, &instant, row->created_at);
	bana_buf_text(&data, "}");
	bana_announce(ctx, &(struct bana_announcement){
				   .event = "observation/signal/notification/created",
				   .data = bana_buf_str(&data),
				   .rooms = {bana_join(ctx->arena, "signal/notification/",
					   row->recipient_id, NULL)},
				   .id_name = "notificationId",
				   .id = row->id,
			   });
}

static void announce_all(struct bana_ctx *ctx, const struct delivery *d, const size_t *text_of)
{
	for (size_t i = 0; i < bana_rows_count(d->stored); i++) {
		const char *text[9];
		for (size_t c = 0; c < sizeof text / sizeof *text; c++)
			text[c] = bana_rows_text(d->stored, i, c);
		announce(ctx, &(struct created){text[0], text[1], text[2], text[3], text[4],
				      text[5], bana_str_of(text[6]), *text[7] == 't', text[8]});
	}
	for (size_t i = 0; d->told != NULL && i < bana_rows_count(d->told); i++) {
		if (d->ids[i] == NULL)
			continue;
		const struct signal_event *e = &d->events[event_of(d, i)];
		const struct signal_text *said = &d->said[text_of[i]];
		announce(ctx, &(struct created){d->ids[i], bana_rows_text(d->told, i, 1), e->type,
				      e->organizer_id, said->content, said->action_url, e->data,
				      false, bana_rows_text(d->told, i, 3)});
	}
}

/* ---- the whole ------------------------------------------------------------------------------- */

static int refused_last(const void *a, const void *b)
{
	const struct signal_event *x = a, *y = b;
	if ((x->refused == NULL) != (y->refused == NULL))
		return x->refused == NULL ? -1 : 1;
	return x->message < y->message ? -1 : x->message > y->message;
}

BANA_RES signal_deliver(struct bana_ctx *ctx, struct signal_event *events, size_t count)
{
	struct delivery d = {.events = events};
	struct bana_step steps[4];
	size_t n = 0, texts = 0, *text_of = NULL;
	qsort(events, count, sizeof *events, refused_last);
	while (d.count < count && events[d.count].refused == NULL)
		d.count++;
	if (d.count > 0) {
		TRY(find_recipients(ctx, &d));
		text_of = bana_alloc(ctx->arena, (bana_rows_count(d.told) + 1) * sizeof *text_of);
		TRY(plan(ctx, &d, text_of, &texts));
	} else {
		steps[n++] = (struct bana_step){"BEGIN", 0, NULL, NULL};
	}
	if (d.made > 0)
		rows_step(ctx, &d, text_of, texts, &steps[n++]);
	if (d.count < count)
		signal_bury_step(ctx, events + d.count, count - d.count, &steps[n++]);
	steps[n++] = (struct bana_step){"COMMIT", 0, NULL, NULL};
	TRY(bana_pg_batch(ctx, steps, n));
	bana_count(ctx->app->pool, BANA_METRIC_EVENTS_TAKEN, d.taken);
	bana_count(ctx->app->pool, BANA_METRIC_EVENTS_REPEATED, d.count - d.taken);
	bana_count(ctx->app->pool, BANA_METRIC_EVENTS_DEAD, count - d.count);
	bana_count(ctx->app->pool, BANA_METRIC_NOTIFIED, d.made);
	if (d.count > 0)
		announce_all(ctx, &d, text_of);
	return BANA_DONE;
}

static BANA_RES take(struct bana_ctx *ctx, const struct bana_message *messages, size_t count)
{
	struct signal_event *events = bana_alloc(ctx->arena, count * sizeof *events);
	TRY(signal_texts_refresh(ctx));
	for (size_t i = 0; i < count; i++)
		signal_event_read(ctx, &messages[i], &events[i]);
	return signal_deliver(ctx, events, count);
}

static BANA_RES bury(struct bana_ctx *ctx, const struct bana_message *message, const char *reason)
{
	struct signal_event event;
	signal_event_read(ctx, message, &event);
	event.refused = reason;
	return signal_deliver(ctx, &event, 1);
}

const struct bana_topic signal_topic = {
	.name = "signal.activity-notification",
	.take = take,
	.bury = bury,
	.sweep = signal_sweep,
	.sweep_s = &signal_settings.sweep_s,
};
