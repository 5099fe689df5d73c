/*
 * Whom a webhook may go to, how it is signed, and when it is tried again.
 */
#include "outreach/webhook.h"

#include "bana/arena.h"
#include "bana/buf.h"
#include "bana/crypto.h"
#include "bana/ctx.h"
#include "outreach/outreach.h"

#include <assert.h>

BANA_RES outreach_webhook_networks(struct bana_ctx *ctx, struct bana_networks *networks)
{
	*networks = (struct bana_networks){NULL, 0};
	return bana_networks_parse(ctx->arena, outreach_settings.webhook_networks, networks);
}

/* ---- the URL --------------------------------------------------------------------------------- */

static bool of(bana_str text, const char *characters)
{
	for (size_t i = 0; i < text.len; i++) {
		if (text.at[i] == '\0' || strchr(characters, text.at[i]) == NULL)
			return false;
	}
	return true;
}

static bool begins(bana_str text, const char *word)
{
	return text.len > strlen(word) && memcmp(text.at, word, strlen(word)) == 0;
}

/* Those that curl, like a browser, would take for an IPv4 address in one of its odd spellings: the
 * last label is a number ("127.1", "0x7f000001", "2130706433"). */
static bool numeric(bana_str host)
{
	bana_str rest = host, last = host;
	if (last.len > 0 && last.at[last.len - 1] == '.')
		rest.len = --last.len;
	while (rest.len > 0)
		last = bana_str_cut(rest, '.', &rest);
	bool hex = last.len >= 2 && last.at[0] == '0' && (last.at[1] | 0x20) == 'x';
	return hex || of(last, "0123456789");
}

static const char *judge_host(bana_str host, const struct bana_networks *networks)
{
	static const char names[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._";
	enum { NAME_BYTES_MAX = 253 };
	struct bana_address address;
	bool v6 = host.len >= 2 && host.at[0] == '[' && host.at[host.len - 1] == ']';
	if (v6)
		host = (bana_str){host.at + 1, host.len - 2};
	bool literal = bana_address_parse(host, &address).fault == BANA_OK;
	if (literal && v6 == (memchr(host.at, ':', host.len) != NULL))
		return bana_address_public(&address) || bana_networks_contain(networks, &address)
			       ? NULL
			       : "its address is not allowed";
	if (literal || v6 || host.len == 0 || host.len > NAME_BYTES_MAX || !of(host, names) ||
		numeric(host))
		return "its host is none";
	return NULL;
}

const char *outreach_webhook_refused(bana_str url, const struct bana_networks *networks, bool plain)
{
	bana_str rest = url, port = {NULL, 0};
	int64_t number;
	for (size_t i = 0; i < url.len; i++) {
		if (url.at[i] <= ' ' || url.at[i] >= 0x7F || strchr("\\\"<>^`{|}#", url.at[i]))
			return "it holds a character that a URL cannot, or a fragment";
	}
	bool secure = begins(url, "https://");
	if (!secure && !(plain && begins(url, "http://")))
		return plain ? "expected https:// or http://" : "expected https://";
	rest.at += secure ? 8 : 7;
	rest.len -= secure ? 8 : 7;
	bana_str host = {rest.at, 0};
	while (host.len < rest.len && rest.at[host.len] != '/' && rest.at[host.len] != '?')
		host.len++;
	if (memchr(host.at, '@', host.len) != NULL)
		return "it holds credentials";
	size_t from = host.len;
	while (from > 0 && host.at[from - 1] >= '0' && host.at[from - 1] <= '9')
		from--;
	if (from > 0 && host.at[from - 1] == ':') {
		port = (bana_str){host.at + from, host.len - from};
		host.len = from - 1;
		if (bana_parse_int(port, 1, UINT16_MAX, &number).fault != BANA_OK)
			return "its port is none";
	}
	return judge_host(host, networks);
}

/* ---- the signature --------------------------------------------------------------------------- */

#define PREFIX "whsec_"

const char *outreach_webhook_secret(struct bana_ctx *ctx)
{
	enum { KEY_BYTES = 32 };
	unsigned char key[KEY_BYTES];
	bana_random(key, sizeof key);
	return bana_join(ctx->arena, PREFIX, bana_base64(ctx->arena, key, sizeof key), NULL);
}

const char *outreach_webhook_sign(struct bana_ctx *ctx, const char *const secrets[2],
	const char *id, const char *timestamp, bana_str body)
{
	struct bana_buf signatures, content;
	unsigned char digest[BANA_SHA256_BYTES];
	bana_buf_init(&signatures, ctx->arena);
	bana_buf_init(&content, ctx->arena);
	bana_buf_print(&content, "%s.%s.", id, timestamp);
	bana_buf_add(&content, body.at, body.len);
	for (size_t i = 0; i < 2; i++) {
		bana_str key;
		if (secrets[i] == NULL)
			continue;
		bana_res decoded = bana_base64_decode(
			ctx->arena, bana_str_of(secrets[i] + strlen(PREFIX)), &key);
		assert(decoded.fault == BANA_OK); /* it is of our making */
		struct bana_hmac *hmac = bana_hmac_new(key);
		bana_hmac(hmac, bana_buf_str(&content), digest);
		bana_hmac_free(hmac);
		bana_buf_print(&signatures, "%sv1,%s", signatures.len == 0 ? "" : " ",
			bana_base64(ctx->arena, digest, sizeof digest));
	}
	return signatures.at;
}

/* ---- the schedule ---------------------------------------------------------------------------- */

enum { PAUSE_S_MAX = 604800, HOUR_S = 3600 };

static bana_res read_pause(bana_str item, int64_t *pause_s)
{
	return bana_parse_int(bana_utf8_trim(item), 1, PAUSE_S_MAX, pause_s);
}

bool outreach_webhook_pause(const char *schedule, int64_t attempts, int64_t *pause_s)
{
	bana_str rest = bana_str_of(schedule), item = {NULL, 0};
	for (int64_t i = 0; i < attempts; i++) {
		if (rest.len == 0)
			return false;
		item = bana_str_cut(rest, ',', &rest);
	}
	if (read_pause(item, pause_s).fault != BANA_OK)
		*pause_s = HOUR_S;
	return true;
}

BANA_RES outreach_webhook_schedule_check(const char *schedule)
{
	int64_t pause_s;
	for (bana_str rest = bana_str_of(schedule); rest.len > 0;)
		TRY(read_pause(bana_str_cut(rest, ',', &rest), &pause_s));
	return BANA_DONE;
}
