#include "bana/clock.h"

#include "bana/arena.h"

#include <errno.h>
#include <poll.h>
#include <time.h>

static int64_t read_us(clockid_t id)
{
	struct timespec t;
	clock_gettime(id, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int64_t bana_now_us(void)
{
	return read_us(CLOCK_REALTIME);
}

int64_t bana_tick_us(void)
{
	return read_us(CLOCK_MONOTONIC);
}

bool bana_wait_fd(int fd, short events, int64_t deadline_tick)
{
	for (;;) {
		int64_t left_ms = (deadline_tick - bana_tick_us() + 999) / 1000;
		struct pollfd p = {.fd = fd, .events = events};
		int n = left_ms > 0 ? poll(&p, 1, (int)left_ms) : 0;
		if (n >= 0 || errno != EINTR)
			return n > 0;
	}
}

void bana_iso_write(int64_t at, char text[BANA_ISO_BYTES])
{
	/* The date of the last second asked for: every log line asks, and gmtime is slow. */
	static struct {
		time_t second;
		char text[sizeof "2026-11-20T15:33:07"];
	} last = {-1, ""};
	time_t second = at / 1000000;
	struct tm utc;
	if (second != last.second && gmtime_r(&second, &utc) != NULL &&
		strftime(last.text, sizeof last.text, "%Y-%m-%dT%H:%M:%S", &utc) > 0)
		last.second = second;
	unsigned ms = (unsigned)(at / 1000 % 1000);
	memcpy(text, last.text, sizeof last.text - 1);
	const char end[] = {'.', (char)('0' + ms / 100), (char)('0' + ms / 10 % 10),
		(char)('0' + ms % 10), 'Z', '\0'};
	memcpy(text + sizeof last.text - 1, end, sizeof end);
}

/* "2026-11-20 15:33:07.361+00": the fraction may have 0 to 6 digits. */
const char *bana_iso_from_pg(const char *pg_text, char iso[BANA_ISO_BYTES])
{
	enum { SECONDS = sizeof "2026-11-20 15:33:07" - 1 };
	size_t len = strnlen(pg_text, SECONDS);
	if (len < SECONDS || pg_text[10] != ' ' || strstr(pg_text + SECONDS, " BC") != NULL)
		return pg_text;
	memcpy(iso, "0000-00-00T00:00:00.000Z", BANA_ISO_BYTES);
	memcpy(iso, pg_text, 10);
	memcpy(iso + 11, pg_text + 11, 8);
	for (size_t i = 0; pg_text[SECONDS] == '.' && i < 3; i++) {
		char c = pg_text[SECONDS + 1 + i];
		if (c < '0' || c > '9')
			break;
		iso[SECONDS + 1 + i] = c;
	}
	return iso;
}
