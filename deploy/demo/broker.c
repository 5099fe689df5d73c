/*
 * A Kafka broker for development and tests: librdkafka's mock cluster in a process of its own, for
 * Debian has no broker. It keeps nothing, and gets new ports each time.
 *
 *   bana-demo-broker FILE TOPIC:PARTITIONS...
 *
 * The addresses are written to FILE once clients can connect. Lines on stdin, if it is open:
 *   down | up                     of the only broker: its connections are closed
 *   fail API CODE COUNT           the next COUNT requests of that kind get that error
 *   delay MS                      every answer takes so long
 */
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { BROKER = 1 };

static void obey(rd_kafka_mock_cluster_t *cluster, const char *line)
{
	int api, code, count, ms;
	if (strncmp(line, "down", 4) == 0)
		rd_kafka_mock_broker_set_down(cluster, BROKER);
	else if (strncmp(line, "up", 2) == 0)
		rd_kafka_mock_broker_set_up(cluster, BROKER);
	else if (sscanf(line, "delay %d", &ms) == 1)
		rd_kafka_mock_broker_set_rtt(cluster, BROKER, ms);
	else if (sscanf(line, "fail %d %d %d", &api, &code, &count) == 3)
		while (count-- > 0)
			rd_kafka_mock_push_request_errors(
				cluster, (int16_t)api, 1, (rd_kafka_resp_err_t)code);
	else
		fprintf(stderr, "what is %s", line);
}

/* "name:3" */
static int make_topic(rd_kafka_mock_cluster_t *cluster, char *text)
{
	char *colon = strrchr(text, ':');
	int partitions = 1;
	if (colon != NULL && sscanf(colon + 1, "%d", &partitions) == 1)
		*colon = '\0';
	return rd_kafka_mock_topic_create(cluster, text, partitions, 1) ==
	       RD_KAFKA_RESP_ERR_NO_ERROR;
}

/* Never half written. */
static int tell(const char *path, const char *addresses)
{
	char fresh[4096];
	snprintf(fresh, sizeof fresh, "%s.new", path);
	FILE *file = fopen(fresh, "w");
	if (file == NULL)
		return 0;
	int written = fprintf(file, "%s\n", addresses) > 0;
	return fclose(file) == 0 && written && rename(fresh, path) == 0;
}

int main(int argc, char **argv)
{
	char line[256], why[512];
	sigset_t ends;
	int number;
	if (argc < 3) {
		fprintf(stderr, "usage: bana-demo-broker FILE TOPIC:PARTITIONS...\n");
		return 2;
	}
	rd_kafka_t *client = rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), why, sizeof why);
	rd_kafka_mock_cluster_t *cluster =
		client == NULL ? NULL : rd_kafka_mock_cluster_new(client, BROKER);
	if (cluster == NULL)
		return 1;
	for (int i = 2; i < argc; i++)
		if (!make_topic(cluster, argv[i]))
			return 1;
	if (!tell(argv[1], rd_kafka_mock_cluster_bootstraps(cluster))) {
		perror(argv[1]);
		return 1;
	}
	while (fgets(line, sizeof line, stdin) != NULL)
		obey(cluster, line);
	sigemptyset(&ends);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGINT);
	sigprocmask(SIG_BLOCK, &ends, NULL);
	sigwait(&ends, &number);
	rd_kafka_mock_cluster_destroy(cluster);
	rd_kafka_destroy(client);
	return 0;
}
