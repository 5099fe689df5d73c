/*
 * ISO 8601 as far as RFC 3339 and ECMAScript's Date agree on it, in the proleptic Gregorian
 * calendar. Days are counted in eras of 400 years from 0000-03-01, so that leap days come last.
 */
#include "bana/clock.h"

#include "bana/arena.h"

enum { ERA_DAYS = 146097, EPOCH_DAY = 719468 }; /* 1970-01-01 counted from 0000-03-01 */

static const int64_t day_us = 86400LL * 1000000;
static const int64_t first_at = -62135596800LL * 1000000;    /* 0001-01-01 */
static const int64_t last_at = 253402300800LL * 1000000 - 1; /* end of 9999 */

static int64_t day_of(int64_t year, int64_t month, int64_t day)
{
	year -= month <= 2;
	int64_t era = year / 400, of_era = year % 400;
	int64_t of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
	return era * ERA_DAYS + of_era * 365 + of_era / 4 - of_era / 100 + of_year - EPOCH_DAY;
}

static int64_t days_in(int64_t year, int64_t month)
{
	static const char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
	return month == 2 && leap ? 29 : days[month - 1];
}

/* Exactly `digits` digits within [min, max]. */
static bool number(bana_str *s, size_t digits, int64_t min, int64_t max, int64_t *value)
{
	if (s->len < digits)
		return false;
	*value = 0;
	for (size_t i = 0; i < digits; i++) {
		if (s->at[i] < '0' || s->at[i] > '9')
			return false;
		*value = *value * 10 + (s->at[i] - '0');
	}
	*s = (bana_str){s->at + digits, s->len - digits};
	return *value >= min && *value <= max;
}

static bool mark(bana_str *s, const char *any_of)
{
	if (s->len == 0 || strchr(any_of, s->at[0]) == NULL)
		return false;
	*s = (bana_str){s->at + 1, s->len - 1};
	return true;
}

static bool date(bana_str *s, int64_t *at)
{
	int64_t year, month, day;
	if (!number(s, 4, 1, 9999, &year) || !mark(s, "-") || !number(s, 2, 1, 12, &month) ||
		!mark(s, "-") || !number(s, 2, 1, days_in(year, month), &day))
		return false;
	*at = day_of(year, month, day) * day_us;
	return true;
}

/* ".361" as microseconds; what is finer is cut off. */
static bool fraction(bana_str *s, int64_t *us)
{
	int64_t digit, weight = 100000;
	if (!number(s, 1, 0, 9, &digit))
		return false;
	*us = 0;
	do {
		*us += digit * weight;
		weight /= 10;
	} while (number(s, 1, 0, 9, &digit));
	return true;
}

static bool time_of_day(bana_str *s, int64_t *us)
{
	int64_t hour, minute, second = 0, part = 0;
	if (!number(s, 2, 0, 23, &hour) || !mark(s, ":") || !number(s, 2, 0, 59, &minute))
		return false;
	if (mark(s, ":") &&
		(!number(s, 2, 0, 59, &second) || (mark(s, ".") && !fraction(s, &part))))
		return false;
	*us = ((hour * 60 + minute) * 60 + second) * 1000000 + part;
	return true;
}

/* Z, +07, +0700, +07:00; nothing is UTC, too. */
static bool zone(bana_str *s, int64_t *us, bool *zoned)
{
	int64_t hours, minutes = 0;
	*us = 0;
	*zoned = s->len > 0;
	if (!*zoned || mark(s, "Z"))
		return true;
	bool west = s->at[0] == '-';
	if (!mark(s, "+-") || !number(s, 2, 0, 15, &hours))
		return false;
	if (mark(s, ":") || s->len > 0) {
		if (!number(s, 2, 0, 59, &minutes))
			return false;
	}
	*us = (hours * 60 + minutes) * 60 * 1000000 * (west ? -1 : 1);
	return true;
}

BANA_RES bana_instant_parse(bana_str text, int64_t *at, bool *zoned)
{
	int64_t day, clock = 0, east = 0;
	bool has_zone = false;
	if (!date(&text, &day))
		return BANA_IS(MALFORMED);
	if (text.len > 0 && (!mark(&text, "T ") || !time_of_day(&text, &clock) ||
				    !zone(&text, &east, &has_zone)))
		return BANA_IS(MALFORMED);
	int64_t result = day + clock - east;
	if (text.len > 0 || result < first_at || result > last_at)
		return BANA_IS(MALFORMED);
	*at = result;
	*zoned = has_zone;
	return BANA_DONE;
}

BANA_RES bana_instant_from_ms(int64_t ms, int64_t *at)
{
	if (ms < first_at / 1000 || ms > last_at / 1000)
		return BANA_IS(MALFORMED);
	*at = ms * 1000;
	return BANA_DONE;
}

char *bana_instant_write(struct bana_arena *arena, int64_t at)
{
	int64_t us = (at % day_us + day_us) % day_us;
	int64_t day = (at - us) / day_us + EPOCH_DAY; /* never negative from year 1 on */
	int64_t era = day / ERA_DAYS, of_era = day % ERA_DAYS;
	int64_t year_of_era =
		(of_era - of_era / 1460 + of_era / 36524 - of_era / (ERA_DAYS - 1)) / 365;
	int64_t of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	int64_t shifted = (5 * of_year + 2) / 153;
	int64_t month = shifted < 10 ? shifted + 3 : shifted - 9;
	int64_t second = us / 1000000;
	return bana_print(arena, "%04d-%02d-%02dT%02d:%02d:%02d.%06dZ",
		(int)(era * 400 + year_of_era + (month <= 2)), (int)month,
		(int)(of_year - (153 * shifted + 2) / 5 + 1), (int)(second / 3600),
		(int)(second / 60 % 60), (int)(second % 60), (int)(us % 1000000));
}
