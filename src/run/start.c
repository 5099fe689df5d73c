/*
 * What every program of ours does with its settings before it begins.
 */
#include "bana/log.h"
#include "bana/pg.h"
#include "bana/publisher.h"
#include "bana/redis.h"
#include "bana/run.h"

#include <stdio.h>

static bool publish_url_valid(const char *url)
{
	struct bana_publisher *publisher = bana_publisher_new(url, 1);
	bana_publisher_free(publisher);
	return publisher != NULL;
}

static bool jwks_url_valid(const char *url)
{
	return *url == '\0' || strncmp(url, "https://", 8) == 0 ||
	       strncmp(url, "http://", 7) == 0 || strncmp(url, "file://", 7) == 0;
}

static bool owner_url_valid(const char *url)
{
	return *url == '\0' || bana_pg_url_valid(url);
}

static bool path_valid(const char *path)
{
	return *path == '\0' || (*path == '/' && path[strlen(path) - 1] != '/');
}

/* clang-format off */
static const struct address {
	const char *name;
	size_t offset;
	bool (*valid)(const char *value);
	const char *expected;
} addresses[] = {
	{"APP_ENV_DATABASE_URL", offsetof(struct bana_settings, database_url), bana_pg_url_valid,
		"a libpq URI or key=value text"},
	{"APP_ENV_DATABASE_OWNER_URL", offsetof(struct bana_settings, database_owner_url), owner_url_valid,
		"a libpq URI or key=value text"},
	{"APP_ENV_WEBSOCKET_REDIS_URL", offsetof(struct bana_settings, redis_url), bana_redis_urls_valid,
		"redis://host[:port] or unix:///path, comma-separated (TLS: through a tunnel, see docs/operations.md)"},
	{"APP_ENV_NCHAN_PUBLISH_URL", offsetof(struct bana_settings, publish_url), publish_url_valid,
		"http://host:port/path/ or http://unix:/socket:/path/"},
	{"APP_ENV_JWKS_URL", offsetof(struct bana_settings, jwks_url), jwks_url_valid,
		"https://, http:// or file://"},
	{"APP_ENV_SERVER_BASE_PATH", offsetof(struct bana_settings, base_path), path_valid,
		"a path that begins with / and does not end in one"},
};
/* clang-format on */

static bool addresses_valid(const struct bana_settings *s, FILE *errors)
{
	bool good = true;
	for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++) {
		const struct address *row = &addresses[i];
		const char *value =
			*(const char *const *)(const void *)((const char *)s + row->offset);
		if (value == NULL || row->valid(value))
			continue;
		fprintf(errors, "%s: %s is expected\n", row->name, row->expected);
		good = false;
	}
	return good;
}

static bool settle_node(struct bana_settings *s, FILE *errors)
{
	enum { NODE_MAX = 1023 };
	s->node_id += s->node_index;
	if (s->node_id <= NODE_MAX)
		return true;
	fprintf(errors, "APP_ENV_NODE_INDEX: with APP_ENV_NODE_ID it is %lld, over %d\n",
		(long long)s->node_id, NODE_MAX);
	return false;
}

bool bana_settings_settle(struct bana_settings *s, FILE *errors)
{
	bool valid = addresses_valid(s, errors);
	return settle_node(s, errors) && valid;
}

void bana_log_begin(const char *name, const struct bana_settings *s)
{
	static const char *const levels[] = {"debug", "info", "warn", "error"};
	size_t i = 0;
	while (strcmp(levels[i], s->log_level) != 0)
		i++;
	bana_log_init(name, (enum bana_level)i,
		strcmp(s->log_format, "json") == 0 ? BANA_LOG_JSON : BANA_LOGFMT);
}
