/*
 * The process bana-bridge: what arrives on the bus of ignis servers is kept in a queue; the bridge
 * that holds the lease posts it to nchan. One that stands by forgets what the other has posted, and
 * goes on from there when it takes over. The bridge that leads also ends sockets whose tokens have
 * expired.
 */
#include "bana/bridge.h"
#include "bana/app.h"
#include "bana/clock.h"
#include "bana/crypto.h"
#include "bana/ctx.h"
#include "bana/live.h"
#include "bana/log.h"
#include "bana/pool.h"
#include "bana/publisher.h"
#include "bana/redis.h"
#include "bana/run.h"
#include "bana/stop.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "run/backlog.h"
#include "run/reload.h"

enum {
	STEPS = 5,                 /* in the length of a lease */
	SKEW_US = 200000,          /* between two bridges that hear the same message */
	AGE_MAX_US = 30 * 1000000, /* older is no news */
	BLOCKED_US = 1000000,      /* after nchan did not take something, let others lead */
	SILENCE_MS = 3000,         /* of a Redis that should answer every step */
	HEARD_AT_ONCE = 256,       /* messages, before they are posted */
	POSTS_MAX = 16,            /* in one write */
	TRIES_MAX = 3,             /* of a message that nchan does not take although it answers */
	SLOTS_KEPT = 24 * 3600 / BANA_EXPIRY_SLOT_S, /* how far back after an outage */
};

struct bridge {
	struct bana_settings settings;
	struct {
#define SETTING(type, member, ...) type member;
#include "bana/setting_bridge.def"
#undef SETTING
	} own;
	struct bana_app app;
	struct bana_pool pool;
	struct bana_redis *bus, *control;
	struct bana_lease lease;
	struct bana_backlog *backlog;
	int64_t next_step_tick, blocked_until_tick;
	int64_t next_slot; /* of token expiry, to be ended */
	int tries;         /* of the oldest message */
	bool leads, redis_away;
	struct reload *reload;
};

/* ---- in: from the bus to the backlog --------------------------------------------------------- */

/* `room` begins like one that a service of ours announces to nginx by itself. */
static bool ours(const struct bridge *b, const char *room)
{
	bana_str rest = bana_str_of(b->own.own_rooms);
	while (rest.len > 0) {
		bana_str prefix = bana_utf8_trim(bana_str_cut(rest, ',', &rest));
		if (prefix.len > 0 && strncmp(room, prefix.at, prefix.len) == 0)
			return true;
	}
	return false;
}

static void take_in(struct bana_ctx *ctx, struct bridge *b, bana_str body)
{
	const char *room;
	bana_str frame;
	bana_failure_clear(ctx);
	if (bana_bus_read(ctx, body, &room, &frame).fault != BANA_OK) {
		if (!b->leads)
			return; /* the one that leads says so */
		bana_count(&b->pool, BANA_METRIC_BRIDGE_REFUSED, 1);
		bana_log(NULL, BANA_WARN, "message refused", "why", ctx->failure.why, NULL);
		return;
	}
	if (ours(b, room) || bana_backlog_add(b->backlog, room, frame))
		return;
	bana_count(&b->pool, BANA_METRIC_BRIDGE_LOST, 1);
	bana_log(NULL, BANA_WARN, "message lost", "why", "too many wait", "room", room, NULL);
}

/* Most of what is heard is ours: known by the channel, before anybody reads the JSON. */
static bool on_our_channel(const struct bridge *b, bana_str channel)
{
	static const char of_a_room[] = "ws:room:";
	const size_t skipped = sizeof of_a_room - 1;
	return channel.len > skipped && memcmp(channel.at, of_a_room, skipped) == 0 &&
	       ours(b, channel.at + skipped);
}

static void hear(struct bana_ctx *ctx, struct bridge *b)
{
	bana_str channel, body;
	for (int i = 0; i < HEARD_AT_ONCE; i++) {
		if (bana_redis_next(ctx, b->bus, &channel, &body).fault != BANA_OK ||
			channel.at == NULL)
			return;
		if (!on_our_channel(b, channel))
			take_in(ctx, b, body);
	}
}

/* ---- out: from the backlog to nchan ---------------------------------------------------------- */

/* nchan, or the Redis behind it, does not take anything: perhaps that of another host does. */
static void block(struct bana_ctx *ctx, struct bridge *b, const char *why)
{
	bana_log(NULL, BANA_WARN, "the publisher does not take it", "why", why, NULL);
	b->blocked_until_tick = bana_tick_us() + BLOCKED_US;
	bana_lease_resign(ctx, b->control, &b->lease);
}

/* Post what was prepared. Returns how many were settled: posted, or refused for good; those that
 * follow must be tried again. */
static size_t post(struct bana_ctx *ctx, struct bridge *b, struct bana_post *posts, size_t count)
{
	bana_failure_clear(ctx);
	bana_res result = bana_publisher_ask(ctx, b->app.publisher, posts, count);
	size_t settled = 0;
	while (settled < count && posts[settled].status >= 200 && posts[settled].status < 500)
		settled++;
	if (settled < count)
		block(ctx, b,
			result.fault != BANA_OK
				? ctx->failure.why
				: bana_print(ctx->arena, "it answered %d", posts[settled].status));
	return settled;
}

static void note_posted(const struct bridge *b, const struct bana_post *p)
{
	bool fine = p->status < 300;
	bana_count(&b->pool, fine ? BANA_METRIC_BRIDGED : BANA_METRIC_BRIDGE_REFUSED, 1);
	if (!fine)
		bana_log(NULL, BANA_WARN, "message refused", "why", "by the publisher", "room",
			p->room, NULL);
}

static void send_out(struct bana_ctx *ctx, struct bridge *b)
{
	struct bana_post posts[POSTS_MAX];
	for (;;) {
		size_t count =
			bana_backlog_list(b->backlog, posts, POSTS_MAX, BANA_POSTS_BYTES_MAX);
		if (count == 0 || !bana_lease_held(&b->lease))
			return;
		size_t settled = post(ctx, b, posts, count);
		for (size_t i = 0; i < settled; i++)
			note_posted(b, &posts[i]);
		bana_backlog_drop(b->backlog, settled);
		b->tries = settled > 0 ? 0 : b->tries + 1;
		if (b->tries == TRIES_MAX) {
			bana_count(&b->pool, BANA_METRIC_BRIDGE_LOST, 1);
			bana_log(NULL, BANA_WARN, "message lost", "why", "not taken", "room",
				posts[0].room, NULL);
			bana_backlog_drop(b->backlog, 1);
			b->tries = 0;
		}
		if (settled < count)
			return;
	}
}

/* Some of the slots of token expiry that are over; true when there are more. */
static bool end_expired(struct bana_ctx *ctx, struct bridge *b)
{
	struct bana_post posts[POSTS_MAX];
	int64_t now_slot = bana_expiry_slot(bana_now_us());
	size_t count = 0;
	if (b->next_slot < now_slot - SLOTS_KEPT)
		b->next_slot = now_slot - SLOTS_KEPT;
	for (; count < POSTS_MAX && b->next_slot + (int64_t)count < now_slot; count++)
		posts[count] = (struct bana_post){.verb = "DELETE",
			.room = bana_room_of_expiry(ctx, b->next_slot + (int64_t)count),
			.body = BANA_STR("")};
	if (count == 0)
		return false;
	size_t settled = post(ctx, b, posts, count);
	b->next_slot += (int64_t)settled;
	bana_count(&b->pool, BANA_METRIC_EXPIRIES_ENDED, settled);
	return settled == count && b->next_slot < now_slot;
}

/* ---- who leads ------------------------------------------------------------------------------- */

/* Does nchan answer here at all? Who cannot post must not lead. */
static bool publisher_answers(struct bana_ctx *ctx, struct bridge *b)
{
	struct bana_post p = {.verb = "GET", .room = BANA_ROOM_BROADCAST, .body = BANA_STR("")};
	bana_failure_clear(ctx);
	return bana_publisher_ask(ctx, b->app.publisher, &p, 1).fault == BANA_OK && p.status < 500;
}

static void tell_changes(struct bana_ctx *ctx, struct bridge *b, bana_res asked)
{
	bool away = asked.fault != BANA_OK || bana_redis_fd(b->bus) < 0;
	bool leads = bana_lease_held(&b->lease);
	if (away != b->redis_away)
		bana_log(NULL, away ? BANA_WARN : BANA_INFO,
			away ? "Redis is away" : "Redis is back", "why",
			away ? ctx->failure.why : NULL, NULL);
	if (leads != b->leads)
		bana_log(NULL, BANA_INFO, leads ? "bridge leads" : "bridge stands by", "id",
			b->lease.id, NULL);
	if (leads && !b->leads)
		bana_count(&b->pool, BANA_METRIC_BRIDGE_TAKEOVERS, 1);
	b->redis_away = away;
	b->leads = leads;
	if (b->pool.shared != NULL && leads)
		atomic_store(&b->pool.shared->metrics.lead_tick, bana_tick_us());
}

static void step(struct bana_ctx *ctx, struct bridge *b)
{
	int64_t tick = bana_tick_us();
	bool wanted = tick >= b->blocked_until_tick &&
		      (bana_lease_held(&b->lease) || publisher_answers(ctx, b));
	b->next_step_tick = tick + b->lease.length_ms * 1000 / STEPS;
	bana_failure_clear(ctx);
	if (bana_redis_fd(b->bus) >= 0)
		bana_ignore(bana_redis_knock(ctx, b->bus, SILENCE_MS), "it is lost then");
	bana_res asked = BANA_DONE;
	if (bana_redis_fd(b->bus) < 0)
		asked = bana_redis_listen(ctx, b->bus, bana_bus_patterns);
	if (asked.fault == BANA_OK)
		asked = bana_lease_step(ctx, b->control, &b->lease, wanted);
	if (b->pool.shared == NULL) {
		bana_pool_close(&b->pool);
		bana_pool_watch(&b->pool, b->settings.state_dir, (unsigned)b->settings.node_id);
	}
	tell_changes(ctx, b, asked);
}

/* What is too old to be news; and, standing by, what the one that leads has posted. */
static void forget(struct bridge *b)
{
	size_t old = bana_backlog_forget(b->backlog, bana_tick_us() - AGE_MAX_US);
	bana_count(&b->pool, BANA_METRIC_BRIDGE_LOST, b->leads ? old : 0);
	if (!bana_lease_held(&b->lease))
		bana_backlog_forget(b->backlog, b->lease.known_tick - SKEW_US);
}

static void turn(struct bana_ctx *ctx, struct bridge *b, const sigset_t *waiting, bool at_once)
{
	int64_t left_us = b->next_step_tick - bana_tick_us();
	struct timespec wait = {.tv_nsec = at_once || left_us < 0 ? 0 : left_us % 1000000 * 1000,
		.tv_sec = at_once || left_us < 0 ? 0 : left_us / 1000000};
	struct pollfd fd = {.fd = bana_redis_fd(b->bus), .events = POLLIN};
	ppoll(&fd, fd.fd >= 0, &wait, waiting);
	if (fd.fd >= 0)
		hear(ctx, b);
	if (bana_tick_us() >= b->next_step_tick)
		step(ctx, b);
	reload_tend(b->reload);
}

static int run(struct bridge *b)
{
	struct bana_arena *arena = bana_arena_new();
	struct bana_ctx ctx;
	sigset_t waiting;
	bana_stop_catch(&waiting);
	/* who was here before has heard more */
	b->blocked_until_tick = bana_tick_us() + b->lease.length_ms * 1000 * (STEPS + 1) / STEPS;
	bana_log(NULL, BANA_INFO, "bridge started", "version", BANA_VERSION, "id", b->lease.id,
		NULL);
	for (bool more = false; !bana_stopping();) {
		bana_ctx_init(&ctx, arena, &b->app);
		turn(&ctx, b, &waiting, more);
		forget(b);
		more = false;
		if (bana_lease_held(&b->lease)) {
			send_out(&ctx, b);
			more = bana_lease_held(&b->lease) && end_expired(&ctx, b);
		}
		bana_arena_reset(arena);
	}
	bana_ctx_init(&ctx, arena, &b->app);
	bana_lease_resign(&ctx, b->control, &b->lease);
	bana_log(NULL, BANA_INFO, "bridge stopped", NULL);
	bana_arena_free(arena);
	return 0;
}

/* ---- the program ----------------------------------------------------------------------------- */

/* clang-format off */
const struct bana_setting bana_bridge_setting_rows[] = {
#define SETTING(type, member, name, alias, kind, fallback, min, max, unit, options, flags, says) \
	{name, alias, kind, fallback, min, max, unit, options, flags, says, offsetof(__typeof__(((struct bridge *)0)->own), member)},
#include "bana/setting_bridge.def"
#undef SETTING
};
/* clang-format on */
const size_t bana_bridge_setting_count =
	sizeof bana_bridge_setting_rows / sizeof *bana_bridge_setting_rows;

static int usage(FILE *out)
{
	fprintf(out,
		"usage: bana-bridge [--check | --version | --help]\n"
		"  bring what other services publish on Redis for ignis servers to the rooms\n");
	return out == stdout ? 0 : 2;
}

static int start(struct bridge *b)
{
	const struct bana_settings *s = &b->settings;
	struct bana_arena *arena = bana_arena_new();
	struct bana_ctx ctx;
	bana_ctx_init(&ctx, arena, &b->app);
	b->app.settings = s;
	b->app.publisher = bana_publisher_new(s->publish_url, s->publish_timeout_ms);
	b->bus = bana_redis_new(s->redis_url, "bana-bridge-bus", s->redis_timeout_ms);
	b->control = bana_redis_new(s->redis_url, "bana-bridge", s->redis_timeout_ms);
	b->backlog = bana_backlog_new();
	b->lease.key = bana_join(arena, b->own.name_space, ":bridge", NULL);
	b->lease.length_ms = b->own.lease_ms;
	char host[65] = "";
	gethostname(host, sizeof host - 1);
	snprintf(b->lease.id, sizeof b->lease.id, "%s:%d:%.8s", host, (int)getpid(),
		bana_uuid(&ctx));
	bana_log_begin("bridge", s);
	int status = run(b);
	bana_backlog_free(b->backlog);
	bana_redis_free(b->control);
	bana_redis_free(b->bus);
	bana_publisher_free(b->app.publisher);
	bana_pool_close(&b->pool);
	bana_arena_free(arena);
	return status;
}

int bana_bridge_main(int argc, char **argv)
{
	bana_reload_hold();
	struct bridge b = {.leads = false};
	const struct bana_setting_group groups[] = {
		{"Platform", bana_setting_rows, bana_setting_count, &b.settings, BANA_ROOMS},
		{"Bridge", bana_bridge_setting_rows, bana_bridge_setting_count, &b.own, 0},
	};
	const char *word = argc > 1 ? argv[1] : "";
	if (argc > 2)
		return usage(stderr);
	if (strcmp(word, "--help") == 0)
		return usage(stdout);
	if (strcmp(word, "--version") == 0)
		return printf("bana-bridge %s\n", BANA_VERSION) > 0 ? 0 : 1;
	if (*word != '\0' && strcmp(word, "--check") != 0)
		return usage(stderr);
	if (!bana_settings_load(groups, 2, stderr) || !bana_settings_settle(&b.settings, stderr))
		return 2;
	b.reload = reload_new(groups, 2, &b.settings, NULL);
	int status = 2;
	if (reload_begin(b.reload, stderr))
		status = *word == '\0' ? start(&b) : puts("settings are fine") < 0;
	reload_free(b.reload);
	return status;
}
