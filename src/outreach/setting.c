#include "outreach/outreach.h"

#include <string.h>

#include "bana/arena.h"
#include "bana/network.h"
#include "outreach/webhook.h"

/* A link in a mail header stands between < and >, and a path is put behind the URL. */
static bool can_begin_links(const char *url)
{
	static const char *const schemes[] = {"https://", "http://"};
	for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
		size_t begin = strlen(schemes[i]), len = strlen(url);
		if (strncmp(url, schemes[i], begin) == 0)
			return len > begin && url[begin] != '/' && url[len - 1] != '/' &&
			       strspn(url, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
					   "0123456789-._~:/[]%@!$&'()*+;=") == len;
	}
	return false;
}

static bool can_be_networks(const char *list)
{
	struct bana_arena *arena = bana_arena_new();
	struct bana_networks networks;
	bool good = bana_networks_parse(arena, list, &networks).fault == BANA_OK;
	bana_arena_free(arena);
	return good;
}

bool outreach_settings_settle(FILE *errors)
{
	const struct outreach_settings *s = &outreach_settings;
	enum { SECRET_BYTES_MIN = 32 };
	/* clang-format off */
	const struct { bool wrong; const char *why; } rows[] = {
		{*s->public_url != '\0' && !can_begin_links(s->public_url),
			"APP_ENV_OUTREACH_PUBLIC_URL: expected https://host/path (or http://), without a query and a slash at the end"},
		{s->double_opt_in && strlen(s->secret) < SECRET_BYTES_MIN,
			"APP_ENV_OUTREACH_DOUBLE_OPT_IN: confirm links are signed; set APP_ENV_OUTREACH_SECRET (32 bytes or more)"},
		{s->double_opt_in && *s->public_url == '\0',
			"APP_ENV_OUTREACH_DOUBLE_OPT_IN: nobody could confirm without a link; set APP_ENV_OUTREACH_PUBLIC_URL"},
		{!can_be_networks(s->gate_trusted),
			"APP_ENV_OUTREACH_GATE_TRUSTED_NETWORKS: networks like 10.1.0.0/16 are expected, without a bit behind the prefix"},
		{!can_be_networks(s->webhook_networks),
			"APP_ENV_OUTREACH_WEBHOOK_NETWORKS: networks like 10.1.0.0/16 are expected, without a bit behind the prefix"},
		{outreach_webhook_schedule_check(s->webhook_schedule).fault != BANA_OK,
			"APP_ENV_OUTREACH_WEBHOOK_SCHEDULE: seconds from 1 to 604800 are expected"},
	};
	/* clang-format on */
	bool good = true;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		if (!rows[i].wrong)
			continue;
		fprintf(errors, "%s\n", rows[i].why);
		good = false;
	}
	return good;
}
