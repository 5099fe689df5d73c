/*
 * What other BANA services publish on Redis for ignis servers (ignis.md 1.3), brought to the rooms
 * that nginx serves; and who of several bridges does it.
 */
#ifndef BANA_BRIDGE_H
#define BANA_BRIDGE_H

#include "bana/text.h"

struct bana_ctx;
struct bana_redis;

/* PSUBSCRIBE patterns of the bus; NULL-terminated. */
extern const char *const bana_bus_patterns[];

/*
 * A message as ignis servers take it: routed by `type` and `target` in the body, the channel does
 * not count. `frame` is what clients get: {"event":...,"data":...}, as an ignis server would send
 * it; both in the arena. MALFORMED: no such message, or a room that nobody can be in; ctx has why.
 * `exclude` is not honoured: it names clients of ignis servers.
 */
BANA_RES bana_bus_read(struct bana_ctx *ctx, bana_str body, const char **room, bana_str *frame);

/*
 * A lease on a key of Redis: one holder at a time. Kept by bana_lease_step, which must be called
 * several times in its length.
 */
struct bana_lease {
	const char *key;
	char id[160]; /* of this holder, for people too: host:pid:random */
	int64_t length_ms;
	int64_t held_until_tick; /* 0: not held; past: lapsed */
	int64_t known_tick;      /* when somebody was last known to hold it, by Redis' word */
};

bool bana_lease_held(const struct bana_lease *lease);

/* Keep it; when not held and `wanted`, take it if nobody has it. Never waits longer than one
 * time-out of `redis` a command. UNAVAILABLE: Redis does not say who holds it. */
BANA_RES bana_lease_step(
	struct bana_ctx *ctx, struct bana_redis *redis, struct bana_lease *lease, bool wanted);

/* Give it back at once, so that another need not wait for its end. */
void bana_lease_resign(struct bana_ctx *ctx, struct bana_redis *redis, struct bana_lease *lease);

#endif
