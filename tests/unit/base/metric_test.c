#include "unit/support.h"

#include <sys/prctl.h>
#include <sys/wait.h>

#include "bana/buf.h"
#include "bana/clock.h"
#include "bana/metric.h"
#include "bana/pool.h"

/* The clock of this program: 0 is the real one. */
static int64_t frozen_tick;
int64_t __real_bana_tick_us(void);
int64_t __wrap_bana_tick_us(void);
int64_t __wrap_bana_tick_us(void)
{
	return frozen_tick != 0 ? frozen_tick : __real_bana_tick_us();
}

struct stage {
	struct unit *u;
	struct bana_pool pool, mate; /* two handles of one file */
	char dir[32];
};

static struct stage stage;

static int begin(void **state)
{
	char why[256];
	struct stage *s = &stage;
	strcpy(s->dir, "/tmp/bana-metric-XXXXXX");
	assert_non_null(mkdtemp(s->dir));
	assert_ok(bana_pool_open(&s->pool, s->dir, 1, 7, why, sizeof why));
	assert_ok(bana_pool_open(&s->mate, s->dir, 1, 7, why, sizeof why));
	int rc = unit_open(state);
	s->u = *state;
	return rc;
}

static int end(void **state)
{
	char path[64];
	snprintf(path, sizeof path, "%s/node-1", stage.dir);
	bana_pool_close(&stage.pool);
	bana_pool_close(&stage.mate);
	unlink(path);
	rmdir(stage.dir);
	return unit_close(state);
}

static const char *written(const struct bana_pool *pool)
{
	struct bana_buf b;
	bana_buf_init(&b, stage.u->ctx.arena);
	bana_metrics_write(pool, &b);
	assert_int_equal(strlen(b.at), b.len);
	return b.at;
}

/* The value of a sample; -1 when there is none, or more than one. */
static long long sample(const struct bana_pool *pool, const char *name)
{
	const char *text = written(pool);
	char begin_of_line[256];
	snprintf(begin_of_line, sizeof begin_of_line, "\n%s ", name);
	const char *at = strstr(text, begin_of_line);
	if (at == NULL || strstr(at + 1, begin_of_line) != NULL)
		return -1;
	return strtoll(at + strlen(begin_of_line), NULL, 10);
}

/* clang-format off */
static const struct { enum bana_metric metric; const char *name; } samples[] = {
	{BANA_METRIC_ANNOUNCED_NCHAN, "bana_announcements_total{way=\"nchan\",outcome=\"sent\"}"},
	{BANA_METRIC_LOST_NCHAN, "bana_announcements_total{way=\"nchan\",outcome=\"lost\"}"},
	{BANA_METRIC_SKIPPED_NCHAN, "bana_announcements_total{way=\"nchan\",outcome=\"skipped\"}"},
	{BANA_METRIC_ANNOUNCED_BUS, "bana_announcements_total{way=\"bus\",outcome=\"sent\"}"},
	{BANA_METRIC_LOST_BUS, "bana_announcements_total{way=\"bus\",outcome=\"lost\"}"},
	{BANA_METRIC_SKIPPED_BUS, "bana_announcements_total{way=\"bus\",outcome=\"skipped\"}"},
	{BANA_METRIC_ADMITTED, "bana_admissions_total{outcome=\"admitted\"}"},
	{BANA_METRIC_ADMISSION_REFUSED, "bana_admissions_total{outcome=\"refused\"}"},
	{BANA_METRIC_ADMISSION_UNAVAILABLE, "bana_admissions_total{outcome=\"unavailable\"}"},
	{BANA_METRIC_BRIDGED, "bana_bridge_messages_total{outcome=\"posted\"}"},
	{BANA_METRIC_BRIDGE_REFUSED, "bana_bridge_messages_total{outcome=\"refused\"}"},
	{BANA_METRIC_BRIDGE_LOST, "bana_bridge_messages_total{outcome=\"lost\"}"},
	{BANA_METRIC_BRIDGE_TAKEOVERS, "bana_bridge_takeovers_total"},
	{BANA_METRIC_EXPIRIES_ENDED, "bana_expiry_slots_ended_total"},
};
/* clang-format on */

static void every_counter_is_a_sample_of_its_own(void **state)
{
	(void)state;
	assert_int_equal(BANA_METRIC_COUNT, COUNT(samples));
	for (size_t i = 0; i < COUNT(samples); i++) {
		assert_row(sample(&stage.pool, samples[i].name) == 0, "%s", samples[i].name);
		bana_count(&stage.pool, samples[i].metric, i + 1);
	}
	for (size_t i = 0; i < COUNT(samples); i++)
		assert_row(sample(&stage.pool, samples[i].name) == (long long)i + 1, "%s",
			samples[i].name);
	bana_count(&stage.pool, BANA_METRIC_BRIDGED, UINT64_C(1) << 40); /* more than 32 bits */
	bana_count(&stage.pool, BANA_METRIC_LOST_BUS, 0);
	assert_int_equal((1LL << 40) + 10,
		sample(&stage.pool, "bana_bridge_messages_total{outcome=\"posted\"}"));
	assert_int_equal(5, sample(&stage.pool, samples[4].name));
}

/* Text format 0.0.4: "# HELP name words", "# TYPE name type", then all samples of that name. */
static void the_text_is_of_the_format(void **state)
{
	char names[32][64], name[64], type[16], help[256];
	size_t count = 0, sampled = 0;
	(void)state;
	const char *text = written(&stage.pool);
	assert_int_equal('\n', text[strlen(text) - 1]);
	for (const char *line = text; *line != '\0'; line = strchr(line, '\n') + 1) {
		int end_of_help = 0;
		if (sscanf(line, "# HELP %63s %255[^\n]%n", name, help, &end_of_help) == 2) {
			for (size_t i = 0; i < count; i++)
				assert_row(strcmp(names[i], name) != 0, "%s twice", name);
			assert_true(count == 0 || sampled > 0);
			assert_null(strchr(help, '\\')); /* it would need an escape */
			assert_int_equal('.', help[strlen(help) - 1]);
			strcpy(names[count++], name);
			line += end_of_help + 1; /* the type is the next line */
			assert_int_equal(2, sscanf(line, "# TYPE %63s %15s", name, type));
			assert_string_equal(names[count - 1], name);
			bool counts =
				strlen(name) > 6 && strcmp(name + strlen(name) - 6, "_total") == 0;
			assert_string_equal(counts ? "counter" : "gauge", type);
			sampled = 0;
			continue;
		}
		assert_true(count > 0);
		size_t len = strlen(names[count - 1]);
		assert_row(strncmp(line, names[count - 1], len) == 0 &&
				   (line[len] == '{' || line[len] == ' '),
			"%.60s is not below its own head", line);
		const char *value = line[len] == '{' ? strchr(line, '}') + 1 : line + len;
		assert_row(*value == ' ' && strspn(value + 1, "0123456789") ==
						    (size_t)(strchr(line, '\n') - value - 1),
			"%.60s", line);
		sampled++;
	}
	assert_int_equal(6, count);
	assert_true(sampled > 0);
}

static void one_truth_for_all_processes(void **state)
{
	const char *name = "bana_admissions_total{outcome=\"admitted\"}";
	struct bana_pool watcher;
	(void)state;
	assert_true(bana_pool_watch(&watcher, stage.dir, 1));
	bana_count(&stage.pool, BANA_METRIC_ADMITTED, 1);
	bana_count(&stage.mate, BANA_METRIC_ADMITTED, 10);
	bana_count(&watcher, BANA_METRIC_ADMITTED, 100);
	pid_t pids[4];
	for (size_t w = 0; w < COUNT(pids); w++) {
		pids[w] = fork();
		if (pids[w] != 0)
			continue;
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (int i = 0; i < 50000; i++)
			bana_count(w % 2 == 0 ? &stage.mate : &watcher, BANA_METRIC_ADMITTED, 1);
		_exit(0);
	}
	for (size_t w = 0; w < COUNT(pids); w++)
		waitpid(pids[w], NULL, 0);
	assert_int_equal(200111, sample(&stage.pool, name));
	assert_int_equal(200111, sample(&stage.mate, name));
	assert_int_equal(200111, sample(&watcher, name));
	bana_pool_close(&watcher);
	bana_count(&watcher, BANA_METRIC_ADMITTED, 1); /* closed: nothing happens */
	bana_count(NULL, BANA_METRIC_ADMITTED, 1);
	assert_int_equal(200111, sample(&stage.pool, name));
}

/* Kept when a worker is restarted, from zero when the pool is. */
static void counts_live_as_long_as_the_pool(void **state)
{
	const char *name = "bana_bridge_takeovers_total";
	char why[256];
	(void)state;
	bana_count(&stage.pool, BANA_METRIC_BRIDGE_TAKEOVERS, 5);
	atomic_store(&stage.pool.shared->metrics.lead_tick, bana_tick_us());
	bana_pool_close(&stage.pool);
	assert_ok(bana_pool_open(&stage.pool, stage.dir, 1, 7, why, sizeof why));
	assert_int_equal(5, sample(&stage.pool, name));
	assert_int_equal(1, sample(&stage.pool, "bana_bridge_leads"));
	bana_pool_close(&stage.pool);
	bana_pool_close(&stage.mate);
	assert_ok(bana_pool_open(&stage.pool, stage.dir, 1, 8, why, sizeof why));
	assert_int_equal(0, sample(&stage.pool, name));
	assert_int_equal(0, sample(&stage.pool, "bana_bridge_leads"));
}

static void who_leads_is_known_for_three_seconds(void **state)
{
	/* clang-format off */
	static const struct { int64_t ago_us; int leads; } rows[] = {
		{0, 1}, {1000000, 1}, {2999999, 1}, {3000000, 0}, {60000000, 0},
	};
	/* clang-format on */
	(void)state;
	frozen_tick = 1000; /* the host has just begun, and nobody ever led */
	assert_int_equal(0, sample(&stage.pool, "bana_bridge_leads"));
	frozen_tick = 100000000;
	for (size_t i = 0; i < COUNT(rows); i++) {
		atomic_store(&stage.mate.shared->metrics.lead_tick, frozen_tick - rows[i].ago_us);
		assert_row(sample(&stage.pool, "bana_bridge_leads") == rows[i].leads, "%lld",
			(long long)rows[i].ago_us);
	}
	frozen_tick = 0;
}

#define metric_case(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		metric_case(every_counter_is_a_sample_of_its_own),
		metric_case(the_text_is_of_the_format),
		metric_case(one_truth_for_all_processes),
		metric_case(counts_live_as_long_as_the_pool),
		metric_case(who_leads_is_known_for_three_seconds),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
