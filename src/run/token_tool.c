#include "bana/tool.h"

#include "bana/actor.h"
#include "bana/buf.h"
#include "bana/clock.h"
#include "bana/crypto.h"
#include "bana/ctx.h"
#include "bana/json.h"
#include "bana/jwt.h"
#include "bana/setting.h"
#include "bana/token.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char usage_text[] =
	"usage: bana-token key FILE                    write a new ES256 private key (PEM, 0600)\n"
	"       bana-token jwks FILE [--kid KID]       print its public half as a JWK set\n"
	"       bana-token issue FILE [OPTIONS]        print a token signed with it\n"
	"           --kid KID --user ID --role NAME (again for more) --ttl SECONDS\n"
	"           --claim NAME=JSON (again for more; wins over the ones above)\n"
	"       bana-token verdict [--jwk FILE]        judge tokens, one a line on standard "
	"input;\n"
	"           a JSON object with \"kty\" or \"keys\" is the key (set) for the lines after "
	"it\n"
	"           (JWK<TAB>TOKEN on one line is taken too)\n";

enum { FILE_BYTES_MAX = 65536, LINE_BYTES_MAX = 65536 };

static int usage(void)
{
	fputs(usage_text, stderr);
	return 2;
}

static int failed(const char *what, const char *why)
{
	fprintf(stderr, "bana-token: %s: %s\n", what, why);
	return 1;
}

/* The value after the option at argv[*i]; NULL when there is none. */
static const char *option(char **argv, int argc, int *i, const char *name)
{
	if (*i + 1 >= argc || argv[*i] == NULL || strcmp(argv[*i], name) != 0)
		return NULL;
	return argv[++*i];
}

static bool read_file(struct bana_ctx *ctx, const char *path, bana_str *text)
{
	FILE *file = fopen(path, "re");
	if (file == NULL)
		return false;
	char *bytes = bana_alloc(ctx->arena, FILE_BYTES_MAX);
	*text = (bana_str){bytes, fread(bytes, 1, FILE_BYTES_MAX - 1, file)};
	bool good = ferror(file) == 0;
	fclose(file);
	return good;
}

static int make_key(struct bana_ctx *ctx, int argc, char **argv)
{
	const char *pem;
	if (argc != 3)
		return usage();
	if (bana_p256_new(ctx, &pem).fault != BANA_OK)
		return failed("key", "could not be made");
	int fd = open(argv[2], O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	size_t len = strlen(pem);
	if (fd < 0 || write(fd, pem, len) != (ssize_t)len || close(fd) != 0)
		return failed(argv[2], strerror(errno));
	return 0;
}

static int print_jwks(struct bana_ctx *ctx, int argc, char **argv)
{
	bana_str pem, x, y;
	const char *kid = "dev-1", *value;
	for (int i = 3; i < argc; i++) {
		if ((value = option(argv, argc, &i, "--kid")) == NULL)
			return usage();
		kid = value;
	}
	if (argc < 3)
		return usage();
	if (!read_file(ctx, argv[2], &pem))
		return failed(argv[2], strerror(errno));
	if (bana_p256_point(ctx, pem, &x, &y).fault != BANA_OK)
		return failed(argv[2], "no P-256 private key in PEM");
	struct bana_buf b;
	bana_buf_init(&b, ctx->arena);
	bana_buf_text(&b, "{\"keys\":[{");
	bana_buf_json_member(&b, "kty", "EC");
	bana_buf_json_member(&b, "crv", "P-256");
	bana_buf_json_member(&b, "x", bana_base64url(ctx->arena, x.at, x.len));
	bana_buf_json_member(&b, "y", bana_base64url(ctx->arena, y.at, y.len));
	bana_buf_json_member(&b, "kid", kid);
	bana_buf_json_member(&b, "alg", "ES256");
	bana_buf_json_member(&b, "use", "sig");
	bana_buf_text(&b, "}]}\n");
	return fputs(b.at, stdout) < 0 ? 1 : 0;
}

struct issue {
	const char *kid, *user;
	int64_t ttl_s;
	struct bana_buf roles, claims; /* claims: `"name":json` one after the other */
};

/* A claim given by hand takes the place of the one we would write. */
static bool given(const struct issue *t, const char *name)
{
	char start[128];
	snprintf(start, sizeof start, "\"%s\":", name);
	return t->claims.at != NULL && strstr(t->claims.at, start) != NULL;
}

static bool add_claim(struct issue *t, const char *pair)
{
	const char *mark = strchr(pair, '=');
	if (mark == NULL || mark == pair)
		return false;
	bana_buf_print(&t->claims, ",\"%.*s\":%s", (int)(mark - pair), pair, mark + 1);
	return true;
}

static bool read_options(struct issue *t, int argc, char **argv)
{
	const char *value;
	for (int i = 3; i < argc; i++) {
		if ((value = option(argv, argc, &i, "--kid")) != NULL)
			t->kid = value;
		else if ((value = option(argv, argc, &i, "--user")) != NULL)
			t->user = value;
		else if ((value = option(argv, argc, &i, "--role")) != NULL) {
			bana_buf_text(&t->roles, t->roles.len == 0 ? "" : ",");
			bana_buf_json_str(&t->roles, bana_str_of(value));
		} else if ((value = option(argv, argc, &i, "--ttl")) != NULL) {
			if (bana_parse_int(bana_str_of(value), -1000000000, 1000000000, &t->ttl_s)
					.fault != BANA_OK)
				return false;
		} else if ((value = option(argv, argc, &i, "--claim")) == NULL ||
			   !add_claim(t, value))
			return false;
	}
	return true;
}

static const char *claims_of(struct bana_ctx *ctx, const struct issue *t)
{
	long long now = bana_now_us() / 1000000;
	struct bana_buf b;
	bana_buf_init(&b, ctx->arena);
	bana_buf_text(&b, "{");
	if (!given(t, "userId"))
		bana_buf_json_member(&b, "userId", t->user);
	if (!given(t, "principalType"))
		bana_buf_json_member(&b, "principalType", "User");
	if (!given(t, "roles")) {
		bana_buf_json_name(&b, "roles");
		bana_buf_print(&b, "[%s]", t->roles.at == NULL ? "" : t->roles.at);
	}
	if (!given(t, "iat"))
		bana_buf_json_member_int(&b, "iat", now);
	if (!given(t, "exp"))
		bana_buf_json_member_int(&b, "exp", now + t->ttl_s);
	if (t->claims.len > 0)
		bana_buf_text(&b, b.at[b.len - 1] == '{' ? t->claims.at + 1 : t->claims.at);
	bana_buf_text(&b, "}");
	return b.at;
}

static int issue_token(struct bana_ctx *ctx, int argc, char **argv)
{
	struct issue t = {.kid = "dev-1", .user = "dev-user", .ttl_s = 3600};
	bana_buf_init(&t.roles, ctx->arena);
	bana_buf_init(&t.claims, ctx->arena);
	bana_str pem;
	const char *token;
	if (argc < 3 || !read_options(&t, argc, argv))
		return usage();
	if (!read_file(ctx, argv[2], &pem))
		return failed(argv[2], strerror(errno));
	if (bana_jwt_sign(ctx, claims_of(ctx, &t), t.kid, pem.at, &token).fault != BANA_OK)
		return failed("issue", "the key or a claim is unusable");
	return puts(token) < 0 ? 1 : 0;
}

static const struct bana_settings *judge_settings(void)
{
	static struct bana_settings settings;
	const struct bana_setting_group group = {
		"", bana_setting_rows, bana_setting_count, &settings, 0};
	setenv("APP_ENV_DATABASE_URL", "unused", 0);
	return bana_settings_load(&group, 1, stderr) ? &settings : NULL;
}

static void judge(struct bana_ctx *ctx, const struct bana_settings *settings,
	struct bana_jwks *jwks, bana_str token)
{
	struct bana_actor actor;
	uint64_t generation;
	bana_res r = bana_token_verify(ctx, settings, jwks, token, &actor, &generation);
	if (r.fault == BANA_OK)
		puts("accept");
	else
		printf("reject %s\n", ctx->failure.why == NULL ? "" : ctx->failure.why);
}

/* A JWS in its JSON serialization begins with '{' too, and is refused like any other token. */
static bool is_key(bana_str line)
{
	return line.len > 0 && line.at[0] == '{' &&
	       (memmem(line.at, line.len, "\"kty\"", 5) != NULL ||
		       memmem(line.at, line.len, "\"keys\"", 6) != NULL);
}

static int judge_all(struct bana_ctx *ctx, int argc, char **argv)
{
	static char line[LINE_BYTES_MAX];
	const struct bana_settings *settings = judge_settings();
	if (settings == NULL)
		return 2;
	struct bana_jwks *jwks = bana_jwks_new(settings, NULL);
	bana_str text;
	if (argc == 4 && strcmp(argv[2], "--jwk") == 0) {
		if (!read_file(ctx, argv[3], &text))
			return failed(argv[3], strerror(errno));
		bana_ignore(
			bana_jwks_load(ctx, jwks, text), "without a key every token is refused");
	} else if (argc != 2) {
		return usage();
	}
	while (fgets(line, sizeof line, stdin) != NULL) {
		bana_ctx_init(ctx, ctx->arena, NULL);
		bana_str token, rest = bana_str_cut(bana_str_of(line), '\n', &token);
		if (is_key(rest)) {
			text = bana_str_cut(rest, '\t', &token);
			bana_jwks_free(jwks); /* a bad key must not leave the one before in place */
			jwks = bana_jwks_new(settings, NULL);
			bana_ignore(bana_jwks_load(ctx, jwks, text), "as above");
			if (token.len > 0)
				judge(ctx, settings, jwks, token);
		} else {
			judge(ctx, settings, jwks, rest);
		}
		fflush(stdout);
		bana_arena_reset(ctx->arena);
	}
	bana_jwks_free(jwks);
	return 0;
}

/* clang-format off */
static const struct {
	const char *name;
	int (*run)(struct bana_ctx *ctx, int argc, char **argv);
} commands[] = {
	{"key", make_key}, {"jwks", print_jwks}, {"issue", issue_token}, {"verdict", judge_all},
};
/* clang-format on */

int bana_token_tool(int argc, char **argv)
{
	for (size_t i = 0; argc > 1 && i < sizeof commands / sizeof *commands; i++) {
		if (strcmp(argv[1], commands[i].name) != 0)
			continue;
		struct bana_ctx ctx;
		struct bana_arena *arena = bana_arena_new();
		bana_ctx_init(&ctx, arena, NULL);
		int status = commands[i].run(&ctx, argc, argv);
		bana_arena_free(arena);
		return status;
	}
	return usage();
}
