#include "unit/support.h"

#include "bana/run.h"

#define AT(member) offsetof(struct bana_settings, member)

static void a_wrong_address_is_named_and_never_shown(void **state)
{
	struct unit *u = *state;
	/* clang-format off */
	static const struct { size_t offset; const char *value, *name; } rows[] = {
		{AT(database_url), "host=/run/postgresql", NULL}, {AT(database_url), "postgresql://u:secret@h/d", NULL},
		{AT(database_url), "nonsense secret", "APP_ENV_DATABASE_URL"},
		{AT(database_owner_url), "", NULL}, {AT(database_owner_url), "host=h", NULL},
		{AT(database_owner_url), "nonsense secret", "APP_ENV_DATABASE_OWNER_URL"},
		{AT(redis_url), "redis://:secret@h:6379,unix:///run/redis", NULL},
		{AT(redis_url), "rediss://:secret@h:6380", "APP_ENV_WEBSOCKET_REDIS_URL"},
		{AT(redis_url), "redis://h,secret", "APP_ENV_WEBSOCKET_REDIS_URL"},
		{AT(publish_url), "http://127.0.0.1:8081/pub/", NULL}, {AT(publish_url), "http://unix:/s:/pub/", NULL},
		{AT(publish_url), "https://secret/pub/", "APP_ENV_NCHAN_PUBLISH_URL"},
		{AT(jwks_url), "", NULL}, {AT(jwks_url), "https://h/jwks", NULL}, {AT(jwks_url), "file:///k", NULL},
		{AT(jwks_url), "ftp://secret", "APP_ENV_JWKS_URL"}, {AT(jwks_url), "/secret", "APP_ENV_JWKS_URL"},
		{AT(base_path), "", NULL}, {AT(base_path), "/v1/api", NULL}, {AT(base_path), "/", "APP_ENV_SERVER_BASE_PATH"},
		{AT(base_path), "v1/secret", "APP_ENV_SERVER_BASE_PATH"}, {AT(base_path), "/secret/", "APP_ENV_SERVER_BASE_PATH"},
		{AT(database_url), NULL, NULL}, {AT(redis_url), NULL, NULL}, {AT(publish_url), NULL, NULL}, /* not loaded */
	};
	/* clang-format on */
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct bana_settings s = u->settings;
		char errors[1024] = "";
		s.database_url = "host=h"; /* the one that has no default */
		*(const char **)(void *)((char *)&s + rows[i].offset) = rows[i].value;
		FILE *stream = fmemopen(errors, sizeof errors - 1, "w");
		assert_non_null(stream);
		bool good = bana_settings_settle(&s, stream);
		fclose(stream);
		assert_row(good == (rows[i].name == NULL), "%s: %s", rows[i].value, errors);
		assert_null(strstr(errors, "secret"));
		if (good) {
			assert_string_equal("", errors);
			continue;
		}
		assert_row(strncmp(errors, rows[i].name, strlen(rows[i].name)) == 0, "%s", errors);
		assert_ptr_equal(errors + strlen(errors) - 1, strchr(errors, '\n')); /* one line */
	}
}

static void every_wrong_one_is_told_at_once(void **state)
{
	struct unit *u = *state;
	char errors[1024] = "";
	u->settings.database_url = "x y";
	u->settings.redis_url = "x";
	u->settings.base_path = "x";
	FILE *stream = fmemopen(errors, sizeof errors - 1, "w");
	assert_false(bana_settings_settle(&u->settings, stream));
	fclose(stream);
	assert_non_null(strstr(errors, "APP_ENV_DATABASE_URL: "));
	assert_non_null(strstr(errors, "APP_ENV_WEBSOCKET_REDIS_URL: "));
	assert_non_null(strstr(errors, "APP_ENV_SERVER_BASE_PATH: "));
}

static void a_replica_has_its_ordinal_added_to_the_node(void **state)
{
	struct unit *u = *state;
	/* clang-format off */
	static const struct { int64_t id, index, node; /* -1: refused */ } rows[] = {
		{10, 0, 10}, {10, 3, 13}, {0, 1023, 1023}, {1023, 0, 1023}, {1023, 1, -1}, {1, 1023, -1},
	};
	/* clang-format on */
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct bana_settings s = u->settings;
		char *errors;
		size_t bytes;
		FILE *told = open_memstream(&errors, &bytes);
		s.database_url = "postgresql://x";
		s.node_id = rows[i].id;
		s.node_index = rows[i].index;
		bool good = bana_settings_settle(&s, told);
		fclose(told);
		assert_row(good == (rows[i].node >= 0), "%zu: %s", i, errors);
		if (good)
			assert_int_equal(rows[i].node, s.node_id);
		else
			assert_non_null(strstr(errors, "APP_ENV_NODE_INDEX: with APP_ENV_NODE_ID"));
		free(errors);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		unit_case(a_wrong_address_is_named_and_never_shown),
		unit_case(a_replica_has_its_ordinal_added_to_the_node),
		unit_case(every_wrong_one_is_told_at_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
