#include "bana/kafka.h"

#include "bana/clock.h"

#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>

enum { GATHER_US = 20000, ASK_MS = 5000, WHY_BYTES = 256, TROUBLE_US = 15000000 };

struct bana_kafka {
	rd_kafka_t *rk;
	rd_kafka_message_t *raw[BANA_KAFKA_BATCH_MAX];
	struct bana_message messages[BANA_KAFKA_BATCH_MAX];
	size_t count;
	/* a rebalance that was told and not yet carried out */
	rd_kafka_topic_partition_list_t *change;
	bool changing, assigns, closing;
	bool assigned;
	int partitions;
	rd_kafka_topic_partition_list_t *back; /* to be read again, and not yet sought */
	char trouble[WHY_BYTES];
	int64_t trouble_tick;
};

static void note_trouble(struct bana_kafka *k, const char *why)
{
	snprintf(k->trouble, sizeof k->trouble, "%s", why);
	k->trouble_tick = bana_tick_us();
}

/* ---- the group ------------------------------------------------------------------------------- */

/* Inside a poll. Only noted, for messages of this poll may still be at work. */
static void note_change(rd_kafka_t *rk, rd_kafka_resp_err_t event,
	rd_kafka_topic_partition_list_t *partitions, void *kafka)
{
	struct bana_kafka *k = kafka;
	if (k->closing) { /* nothing is at work any more, and no poll will come */
		rd_kafka_assign(rk, NULL);
		return;
	}
	if (k->change != NULL)
		rd_kafka_topic_partition_list_destroy(k->change);
	k->change = rd_kafka_topic_partition_list_copy(partitions);
	k->changing = true;
	k->assigns = event == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS;
}

/* Where a partition without a committed offset ends becomes its committed offset. */
static bool pin(struct bana_kafka *k)
{
	rd_kafka_topic_partition_list_t *fresh = rd_kafka_topic_partition_list_new(k->change->cnt);
	rd_kafka_resp_err_t error = rd_kafka_committed(k->rk, k->change, ASK_MS);
	for (int i = 0; i < k->change->cnt && error == RD_KAFKA_RESP_ERR_NO_ERROR; i++) {
		rd_kafka_topic_partition_t *p = &k->change->elems[i];
		int64_t low, high = 0;
		error = p->err; /* of this partition: not to be taken for no offset */
		if (p->offset >= 0 || error != RD_KAFKA_RESP_ERR_NO_ERROR)
			continue;
		error = rd_kafka_query_watermark_offsets(
			k->rk, p->topic, p->partition, &low, &high, ASK_MS);
		if (error != RD_KAFKA_RESP_ERR_NO_ERROR)
			break;
		p->offset = high;
		rd_kafka_topic_partition_list_add(fresh, p->topic, p->partition)->offset = high;
	}
	if (error == RD_KAFKA_RESP_ERR_NO_ERROR && fresh->cnt > 0)
		error = rd_kafka_commit(k->rk, fresh, 0);
	rd_kafka_topic_partition_list_destroy(fresh);
	if (error != RD_KAFKA_RESP_ERR_NO_ERROR)
		note_trouble(k, rd_kafka_err2str(error));
	return error == RD_KAFKA_RESP_ERR_NO_ERROR;
}

static void forget_back(struct bana_kafka *k)
{
	if (k->back != NULL)
		rd_kafka_topic_partition_list_destroy(k->back);
	k->back = NULL;
}

/* What cannot be carried out yet is tried again by the next poll. */
static void carry_out(struct bana_kafka *k)
{
	if (!k->changing || (k->assigns && !pin(k)))
		return;
	rd_kafka_resp_err_t error = rd_kafka_assign(k->rk, k->assigns ? k->change : NULL);
	if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
		note_trouble(k, rd_kafka_err2str(error));
		return;
	}
	k->partitions = k->assigns ? k->change->cnt : 0;
	forget_back(k); /* who is assigned begins where it was committed */
	k->changing = false;
	k->assigned = k->assigns;
}

static void note_error(rd_kafka_t *rk, int error, const char *why, void *kafka)
{
	(void)rk;
	if (error != RD_KAFKA_RESP_ERR__TRANSPORT) /* one connection; others may stand */
		note_trouble(kafka, why);
}

static void note_commit(rd_kafka_t *rk, rd_kafka_resp_err_t error,
	rd_kafka_topic_partition_list_t *offsets, void *kafka)
{
	(void)rk;
	(void)offsets;
	if (error != RD_KAFKA_RESP_ERR_NO_ERROR && error != RD_KAFKA_RESP_ERR__NO_OFFSET)
		note_trouble(kafka, rd_kafka_err2str(error));
}

/* What it has to tell comes through the callbacks above. */
static void say_nothing(const rd_kafka_t *rk, int level, const char *facility, const char *text)
{
	(void)rk;
	(void)level;
	(void)facility;
	(void)text;
}

/* ---- making one ------------------------------------------------------------------------------ */

static bool set(rd_kafka_conf_t *conf, const char *name, const char *value, char *why, size_t bytes)
{
	return rd_kafka_conf_set(conf, name, value, why, bytes) == RD_KAFKA_CONF_OK;
}

static bool set_each(rd_kafka_conf_t *conf, const char *properties, char *why, size_t why_bytes)
{
	char *copy = strdup(properties), *rest = NULL;
	bool good = copy != NULL;
	for (char *line = good ? strtok_r(copy, ";\n", &rest) : NULL; good && line != NULL;
		line = strtok_r(NULL, ";\n", &rest)) {
		line += strspn(line, " \t\r");
		line[strcspn(line, "\r")] = '\0';
		char *value = strchr(line, '=');
		if (*line == '\0' || *line == '#')
			continue;
		if (value != NULL)
			*value++ = '\0';
		good = value != NULL && set(conf, line, value, why, why_bytes);
		if (value == NULL)
			snprintf(why, why_bytes, "\"%.60s\" is no key=value", line);
	}
	free(copy);
	return good;
}

static rd_kafka_conf_t *settle(const struct bana_kafka_options *o, char *why, size_t why_bytes)
{
	const char *const rows[][2] = {
		{"bootstrap.servers", o->brokers},
		{"client.id", o->client_id},
		{"group.id", o->group_id},
		{"allow.auto.create.topics", "false"},
		/* where the committed offset is gone, with the time the topic is kept, or the topic
		 * itself: what is there is not skipped. One without an offset is pinned before it
		 * is read. */
		{"auto.offset.reset", "earliest"},
		{"fetch.wait.max.ms", "100"},
		{"socket.nagle.disable", "true"},
	};
	static const char *const ours[][2] = {
		{"enable.auto.commit", "false"},
		{"enable.auto.offset.store", "false"},
		{"enable.partition.eof", "false"},
		{"partition.assignment.strategy", "range"},
	};
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	bool good = true;
	for (size_t i = 0; i < sizeof rows / sizeof *rows && good; i++)
		good = set(conf, rows[i][0], rows[i][1], why, why_bytes);
	good = good && set_each(conf, o->properties, why, why_bytes);
	/* what the rest stands on is nobody's choice */
	for (size_t i = 0; i < sizeof ours / sizeof *ours && good; i++)
		good = set(conf, ours[i][0], ours[i][1], why, why_bytes);
	if (good)
		return conf;
	rd_kafka_conf_destroy(conf);
	return NULL;
}

struct bana_kafka *bana_kafka_new(const struct bana_kafka_options *o, char *why, size_t why_bytes)
{
	rd_kafka_conf_t *conf = settle(o, why, why_bytes);
	if (conf == NULL)
		return NULL;
	struct bana_kafka *k = calloc(1, sizeof *k);
	if (k == NULL)
		abort();
	rd_kafka_conf_set_opaque(conf, k);
	rd_kafka_conf_set_rebalance_cb(conf, note_change);
	rd_kafka_conf_set_error_cb(conf, note_error);
	rd_kafka_conf_set_offset_commit_cb(conf, note_commit);
	rd_kafka_conf_set_log_cb(conf, say_nothing);
	k->rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, why, why_bytes);
	if (k->rk == NULL) {
		rd_kafka_conf_destroy(conf);
		free(k);
		return NULL;
	}
	rd_kafka_poll_set_consumer(k->rk);
	rd_kafka_topic_partition_list_t *topics = rd_kafka_topic_partition_list_new(1);
	rd_kafka_topic_partition_list_add(topics, o->topic, RD_KAFKA_PARTITION_UA);
	rd_kafka_resp_err_t error = rd_kafka_subscribe(k->rk, topics);
	rd_kafka_topic_partition_list_destroy(topics);
	if (error == RD_KAFKA_RESP_ERR_NO_ERROR)
		return k;
	snprintf(why, why_bytes, "%s", rd_kafka_err2str(error));
	bana_kafka_free(k);
	return NULL;
}

static void drop_messages(struct bana_kafka *k)
{
	for (size_t i = 0; i < k->count; i++)
		rd_kafka_message_destroy(k->raw[i]);
	k->count = 0;
}

void bana_kafka_free(struct bana_kafka *k)
{
	if (k == NULL)
		return;
	drop_messages(k);
	if (k->change != NULL)
		rd_kafka_topic_partition_list_destroy(k->change);
	forget_back(k);
	k->closing = true;
	if (k->changing) /* the callback has been: nobody but us answers it */
		rd_kafka_assign(k->rk, NULL);
	rd_kafka_consumer_close(k->rk);
	rd_kafka_destroy(k->rk);
	free(k);
}

/* ---- messages -------------------------------------------------------------------------------- */

static void keep(struct bana_kafka *k, rd_kafka_message_t *raw)
{
	struct bana_message *m = &k->messages[k->count];
	rd_kafka_headers_t *headers;
	const void *id;
	size_t bytes;
	k->raw[k->count++] = raw;
	*m = (struct bana_message){.topic = rd_kafka_topic_name(raw->rkt),
		.partition = raw->partition,
		.offset = raw->offset,
		.key = {raw->key, raw->key_len},
		.value = {raw->payload, raw->len}};
	if (rd_kafka_message_headers(raw, &headers) == RD_KAFKA_RESP_ERR_NO_ERROR &&
		rd_kafka_header_get_last(headers, "event-id", &id, &bytes) ==
			RD_KAFKA_RESP_ERR_NO_ERROR &&
		bytes > 0)
		m->event_id = (bana_str){id, bytes};
}

const struct bana_message *bana_kafka_messages(const struct bana_kafka *k)
{
	return k->messages;
}

/* Behind the last message of each partition (`after` 1), or at its first (`after` 0). */
static rd_kafka_topic_partition_list_t *offsets(const struct bana_kafka *k, int after)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)k->count);
	for (size_t i = 0; i < k->count; i++) {
		const struct bana_message *m = &k->messages[i];
		rd_kafka_topic_partition_t *p =
			rd_kafka_topic_partition_list_find(list, m->topic, m->partition);
		if (p == NULL) {
			p = rd_kafka_topic_partition_list_add(list, m->topic, m->partition);
			p->offset = m->offset + after;
		} else if (after == 1) {
			p->offset = m->offset + 1;
		}
	}
	return list;
}

void bana_kafka_commit(struct bana_kafka *k, bool wait)
{
	if (k->count == 0)
		return;
	rd_kafka_topic_partition_list_t *list = offsets(k, 1);
	rd_kafka_resp_err_t error = rd_kafka_commit(k->rk, list, !wait);
	rd_kafka_topic_partition_list_destroy(list);
	if (error != RD_KAFKA_RESP_ERR_NO_ERROR)
		note_trouble(k, rd_kafka_err2str(error));
}

void bana_kafka_rewind(struct bana_kafka *k)
{
	forget_back(k);
	k->back = offsets(k, 0);
	drop_messages(k);
}

/* Nothing is handed out before what was to be read again can be. */
static bool gone_back(struct bana_kafka *k)
{
	if (k->back == NULL)
		return true;
	rd_kafka_error_t *error = rd_kafka_seek_partitions(k->rk, k->back, ASK_MS);
	bool good = error == NULL;
	if (!good)
		note_trouble(k, rd_kafka_error_string(error));
	if (!good)
		rd_kafka_error_destroy(error);
	for (int i = 0; i < k->back->cnt; i++)
		good = good && k->back->elems[i].err == RD_KAFKA_RESP_ERR_NO_ERROR;
	if (good)
		forget_back(k);
	return good;
}

/* Perhaps a partition was taken away meanwhile; else everything is assigned anew, at what was
 * committed. */
static size_t lose_position(struct bana_kafka *k)
{
	rd_kafka_topic_partition_list_t *list = NULL;
	if (rd_kafka_assignment(k->rk, &list) != RD_KAFKA_RESP_ERR_NO_ERROR)
		return 0;
	for (int i = 0; i < list->cnt; i++)
		list->elems[i].offset = RD_KAFKA_OFFSET_STORED;
	if (!k->changing && rd_kafka_assign(k->rk, list) == RD_KAFKA_RESP_ERR_NO_ERROR)
		forget_back(k);
	rd_kafka_topic_partition_list_destroy(list);
	return 0;
}

size_t bana_kafka_poll(struct bana_kafka *k, int wait_ms, size_t most)
{
	int64_t deadline = 0;
	drop_messages(k);
	carry_out(k);
	if (!gone_back(k))
		return lose_position(k);
	most = most < BANA_KAFKA_BATCH_MAX ? most : BANA_KAFKA_BATCH_MAX;
	while (k->count < most && !(k->changing && k->count > 0)) {
		if (k->count > 0 && bana_tick_us() > deadline)
			break;
		rd_kafka_message_t *raw =
			rd_kafka_consumer_poll(k->rk, k->count == 0 ? wait_ms : 0);
		if (raw == NULL)
			break;
		if (raw->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
			note_trouble(k, rd_kafka_message_errstr(raw));
			rd_kafka_message_destroy(raw);
			break;
		}
		if (k->count == 0)
			deadline = bana_tick_us() + GATHER_US;
		k->trouble[0] = '\0';
		keep(k, raw);
	}
	return k->count;
}

bool bana_kafka_settled(const struct bana_kafka *k)
{
	return k->assigned && !k->changing;
}

static int64_t lag_of(const struct bana_kafka *k, const rd_kafka_topic_partition_t *p)
{
	int64_t low, high;
	if (p->offset < 0 ||
		rd_kafka_get_watermark_offsets(k->rk, p->topic, p->partition, &low, &high) !=
			RD_KAFKA_RESP_ERR_NO_ERROR ||
		high <= p->offset)
		return 0;
	return high - p->offset;
}

struct bana_kafka_state bana_kafka_look(const struct bana_kafka *k)
{
	/* nobody tells that all is well again, but what goes on is told again and again */
	bool well = k->trouble[0] == '\0' || bana_tick_us() - k->trouble_tick > TROUBLE_US;
	struct bana_kafka_state state = {
		.partitions = k->partitions, .trouble = well ? NULL : k->trouble};
	rd_kafka_topic_partition_list_t *list = NULL;
	if (rd_kafka_assignment(k->rk, &list) != RD_KAFKA_RESP_ERR_NO_ERROR)
		return state;
	if (rd_kafka_position(k->rk, list) == RD_KAFKA_RESP_ERR_NO_ERROR) {
		for (int i = 0; i < list->cnt; i++)
			state.lag += lag_of(k, &list->elems[i]);
	}
	rd_kafka_topic_partition_list_destroy(list);
	return state;
}
