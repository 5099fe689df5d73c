/*
 * The frame of a Kafka consumer: take a batch, one transaction, commit the offsets, announce.
 */
#ifndef BANA_CONSUME_H
#define BANA_CONSUME_H

#include "bana/kafka.h"
#include "bana/result.h"

struct bana_app;
struct bana_ctx;
struct bana_pg;
struct reload;

/* What a service does with the messages of one topic. */
struct bana_topic {
	const char *name;

	/* All of them in one transaction of its own, or none. A fault other than UNAVAILABLE: one
	 * of them cannot be taken as it is; they are tried again in halves until it is alone. */
	BANA_RES (*take)(struct bana_ctx *ctx, const struct bana_message *messages, size_t count);

	/* Keep that one whole, with the reason: the partition must go on. */
	BANA_RES(*bury)
	(struct bana_ctx *ctx, const struct bana_message *message, const char *reason);

	/* Now and then: remove what has expired, a bounded piece; *more: there is more of it. */
	BANA_RES (*sweep)(struct bana_ctx *ctx, bool *more);
	const int64_t *sweep_s;
};

struct bana_kafka_settings {
#define SETTING(type, member, ...) type member;
#include "bana/setting_kafka.def"
#undef SETTING
};

/* Until told to stop: then the batch in hand is finished and committed. While the database is away
 * nothing is committed, and the batch is read again, at most 2 s later. */
int bana_run_consume(const struct bana_app *app, struct bana_pg *db, struct bana_kafka *kafka,
	struct reload *reload);

/* Every reason of a failure in one line, in the arena: "message; path: message; ...". */
const char *bana_failure_text(struct bana_ctx *ctx);

#endif
