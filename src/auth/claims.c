#include "bana/actor.h"
#include "bana/buf.h"
#include "bana/clock.h"
#include "bana/crypto.h"
#include "bana/ctx.h"
#include "bana/json.h"
#include "bana/setting.h"
#include "bana/token.h"

#include <ctype.h>
#include <stdio.h>

static BANA_RES refuse(struct bana_ctx *ctx, const char *why)
{
	return bana_fail(ctx, BANA_NO_TOKEN, NULL, why);
}

/* RFC 7519 NumericDate; fractions are allowed there, but nobody who signs for us writes them. */
static bool date_claim(const struct bana_json *claims, const char *name, bool *there, int64_t *at)
{
	const struct bana_json *value;
	*there = bana_json_get(claims, name, &value);
	if (!*there)
		return true;
	if (bana_json_kind(value) != BANA_JSON_INT || bana_json_int(value) < 0 ||
		bana_json_int(value) > INT64_MAX / 1000000)
		return false;
	*at = bana_json_int(value) * 1000000;
	return true;
}

static BANA_RES check_dates(struct bana_ctx *ctx, const struct bana_settings *settings,
	const struct bana_json *claims, struct bana_actor *actor)
{
	int64_t now = bana_now_us(), leeway = settings->jwt_leeway_s * 1000000, at = 0;
	bool there;
	if (!date_claim(claims, "exp", &there, &actor->expires_at) || !there)
		return refuse(ctx, "exp is missing or no date");
	if (actor->expires_at <= now)
		return refuse(ctx, "expired");
	static const char *const starts[] = {"nbf", "iat"};
	for (size_t i = 0; i < sizeof starts / sizeof *starts; i++) {
		if (!date_claim(claims, starts[i], &there, &at))
			return refuse(ctx, "nbf or iat is no date");
		if (there && at > now + leeway)
			return refuse(ctx, "not valid yet");
	}
	return BANA_DONE;
}

/* RFC 7519 section 4.1.3: one audience or a list with it. */
static bool audience_fits(const struct bana_json *claims, const char *wanted)
{
	const struct bana_json *aud;
	if (!bana_json_get(claims, "aud", &aud))
		return false;
	if (bana_json_kind(aud) == BANA_JSON_STRING)
		return bana_str_is(bana_json_str(aud), wanted);
	for (size_t i = 0; bana_json_kind(aud) == BANA_JSON_ARRAY && i < bana_json_len(aud); i++) {
		const struct bana_json *one = bana_json_at(aud, i);
		if (bana_json_kind(one) == BANA_JSON_STRING &&
			bana_str_is(bana_json_str(one), wanted))
			return true;
	}
	return false;
}

static BANA_RES check_parties(
	struct bana_ctx *ctx, const struct bana_settings *settings, const struct bana_json *claims)
{
	bana_str issuer;
	if (*settings->jwt_issuer != '\0' && (!bana_json_get_str(claims, "iss", &issuer) ||
						     !bana_str_is(issuer, settings->jwt_issuer)))
		return refuse(ctx, "iss");
	if (*settings->jwt_audience != '\0' && !audience_fits(claims, settings->jwt_audience))
		return refuse(ctx, "aud");
	return BANA_DONE;
}

/* ignis.md 4.4: the secret cut to 32 characters or filled up with the character '0'. */
static void claims_key(const char *secret, unsigned char key[32])
{
	memset(key, '0', 32);
	memcpy(key, secret, strnlen(secret, 32));
}

static BANA_RES open_text(struct bana_ctx *ctx, const struct bana_settings *settings,
	bana_str sealed, bana_str *plain)
{
	unsigned char key[32];
	bana_str bytes;
	claims_key(settings->application_secret, key);
	bool gcm = strcmp(settings->application_cipher, "aes-256-gcm") == 0;
	TRY(bana_base64_decode(ctx->arena, sealed, &bytes));
	return bana_aes256_open(ctx, gcm, key, bytes, plain);
}

/* The sealed text is one JSON value, and nothing but one. */
static BANA_RES open_value(struct bana_ctx *ctx, const struct bana_settings *settings,
	const struct bana_json *sealed, const struct bana_json **value)
{
	bana_str text;
	TRY(open_text(ctx, settings, bana_json_str(sealed), &text));
	return bana_json_parse(ctx, text, BANA_JSON_DEPTH_MAX, value);
}

/* Every claim but the registered ones has its name and its value sealed: write the open object. */
static BANA_RES open_claims(struct bana_ctx *ctx, const struct bana_settings *settings,
	const struct bana_json *sealed, const struct bana_json **open)
{
	static const char registered[] = "iss,sub,aud,jti,nbf,exp,iat";
	struct bana_buf b;
	bana_buf_init(&b, ctx->arena);
	bana_buf_text(&b, "{");
	for (struct bana_json_member m = {0}; bana_json_next(sealed, &m);) {
		bana_str name = bana_str_of(m.name);
		const struct bana_json *value = m.value;
		if (!bana_list_has(registered, m.name) &&
			(bana_json_kind(m.value) != BANA_JSON_STRING ||
				open_text(ctx, settings, name, &name).fault != BANA_OK ||
				open_value(ctx, settings, m.value, &value).fault != BANA_OK))
			return BANA_IS(NO_TOKEN);
		if (b.at[b.len - 1] != '{')
			bana_buf_text(&b, ",");
		bana_buf_json_str(&b, name);
		bana_buf_text(&b, ":");
		bana_str text = bana_json_write(ctx, value);
		bana_buf_add(&b, text.at, text.len);
	}
	bana_buf_text(&b, "}");
	return bana_json_parse(ctx, bana_buf_str(&b), BANA_JSON_DEPTH_MAX, open);
}

bool bana_role_write(bana_str text, char role[BANA_ROLE_BYTES])
{
	if (text.len > 4 && isdigit((unsigned char)text.at[0]) &&
		isdigit((unsigned char)text.at[1]) && isdigit((unsigned char)text.at[2]) &&
		text.at[3] == '_')
		text = (bana_str){text.at + 4, text.len - 4};
	if (text.len == 0 || text.len >= BANA_ROLE_BYTES)
		return false;
	for (size_t i = 0; i < text.len; i++)
		role[i] = (char)toupper((unsigned char)text.at[i]);
	role[text.len] = '\0';
	return true;
}

/* One that cannot be written exists nowhere: it permits nothing. */
static void add_role(struct bana_actor *actor, bana_str text)
{
	if (actor->role_count < BANA_ROLES_MAX &&
		bana_role_write(text, actor->roles[actor->role_count]))
		actor->role_count++;
}

/* Strings ("identifier", or ignis' codec "id|identifier|priority") or {id, identifier, priority}.
 */
static void read_roles(const struct bana_json *claims, struct bana_actor *actor)
{
	static const char *const names[] = {"identifier", "name", "id"};
	const struct bana_json *roles;
	if (!bana_json_get(claims, "roles", &roles) || bana_json_kind(roles) != BANA_JSON_ARRAY)
		return;
	for (size_t i = 0; i < bana_json_len(roles); i++) {
		const struct bana_json *role = bana_json_at(roles, i);
		bana_str text;
		if (bana_json_kind(role) == BANA_JSON_STRING) {
			bana_str rest;
			text = bana_str_cut(bana_json_str(role), '|', &rest);
			add_role(actor, rest.len > 0 ? bana_str_cut(rest, '|', &rest) : text);
			continue;
		}
		for (size_t n = 0; n < sizeof names / sizeof *names; n++) {
			if (bana_json_get_str(role, names[n], &text)) {
				add_role(actor, text);
				break;
			}
		}
	}
}

BANA_RES bana_claims_read(struct bana_ctx *ctx, const struct bana_settings *settings,
	const struct bana_json *claims, struct bana_actor *actor)
{
	*actor = (struct bana_actor){.principal_type = "User"};
	if (bana_json_kind(claims) != BANA_JSON_OBJECT)
		return refuse(ctx, "claims are no object");
	TRY(check_dates(ctx, settings, claims, actor));
	TRY(check_parties(ctx, settings, claims));
	struct bana_failure before = ctx->failure; /* what the parser says is not for the client */
	if (*settings->application_secret != '\0' &&
		open_claims(ctx, settings, claims, &claims).fault != BANA_OK) {
		ctx->failure = before;
		return refuse(ctx, "a claim is not encrypted with our secret");
	}
	const struct bana_json *user;
	bana_str text;
	if (!bana_json_get(claims, "userId", &user))
		return refuse(ctx, "userId is missing");
	if (bana_json_kind(user) == BANA_JSON_INT)
		text = bana_json_write(ctx, user);
	else if (!bana_json_get_str(claims, "userId", &text))
		return refuse(ctx, "userId is neither text nor number");
	if (text.len == 0 || text.len >= sizeof actor->user_id)
		return refuse(ctx, "userId is empty or too long");
	memcpy(actor->user_id, text.at, text.len);
	const struct bana_json *type;
	if (bana_json_get(claims, "principalType", &type)) {
		if (!bana_json_get_str(claims, "principalType", &text) || text.len == 0 ||
			text.len >= sizeof actor->principal_type)
			return refuse(ctx, "principalType is no short text");
		snprintf(actor->principal_type, sizeof actor->principal_type, "%.*s", (int)text.len,
			text.at);
	}
	read_roles(claims, actor);
	return BANA_DONE;
}
