/*
 * Kafka (librdkafka): one consumer of one topic in a group. Offsets are committed by hand, after
 * the work. Everything happens in the caller's thread, inside these calls; librdkafka's own threads
 * fetch ahead.
 */
#ifndef BANA_KAFKA_H
#define BANA_KAFKA_H

#include "bana/text.h"

struct bana_kafka;

struct bana_kafka_options {
	const char *brokers, *client_id, *group_id, *topic;
	const char *
		properties; /* "key=value" by line or `;`: any of librdkafka's, and win over ours */
};

struct bana_message {
	const char *topic;
	int partition;
	int64_t offset;
	bana_str key;      /* .at NULL: none */
	bana_str value;    /* .at NULL: none, a tombstone */
	bana_str event_id; /* of a header; .at NULL: none */
};

/* Joins the group with the first poll. NULL: a property is wrong, `why` says which. */
struct bana_kafka *bana_kafka_new(
	const struct bana_kafka_options *options, char *why, size_t why_bytes);

/* Commits nothing; leaves the group. */
void bana_kafka_free(struct bana_kafka *kafka);

/*
 * At most `most` messages: waits up to `wait_ms` for the first, then takes what is there, for up to
 * 20 ms. They live until the next poll. While a rebalance takes partitions away nothing more is
 * handed out; it is carried out by the next poll, so what was handed out before can still be
 * committed. A partition without a committed offset gets the end of its log committed before
 * anything of it is handed out, so that what comes during the next downtime is not skipped.
 */
size_t bana_kafka_poll(struct bana_kafka *kafka, int wait_ms, size_t most);
const struct bana_message *bana_kafka_messages(const struct bana_kafka *kafka);

/* Commit what the last poll handed out. If `wait`, until the broker has it; else a failure is told
 * by bana_kafka_trouble, and is mended by the next commit. */
void bana_kafka_commit(struct bana_kafka *kafka, bool wait);

/* Hand it out again instead. */
void bana_kafka_rewind(struct bana_kafka *kafka);

/* It has the partitions that the group gave it, and they are pinned. */
bool bana_kafka_settled(const struct bana_kafka *kafka);

struct bana_kafka_state {
	int partitions;
	int64_t lag; /* messages behind the ends of the partitions, as far as known */
	const char
		*trouble; /* what the brokers, or the way to them, said last; NULL: all is well */
};
/* `trouble` lives until the next call. */
struct bana_kafka_state bana_kafka_look(const struct bana_kafka *kafka);

enum { BANA_KAFKA_BATCH_MAX = 100 };

#endif
