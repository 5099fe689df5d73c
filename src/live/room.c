/*
 * Names of rooms: what is one at all, and those that every socket is in without asking.
 */
#include "bana/clock.h"
#include "bana/crypto.h"
#include "bana/ctx.h"
#include "bana/live.h"

enum { PLAIN_USER_BYTES_MAX = 100 };

static bool word(char c, const char *marks)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c != '\0' && strchr(marks, c) != NULL);
}

/* Of letters, digits and marks, but not of dots only: nginx would walk up the path. */
static bool plain(bana_str segment, const char *marks)
{
	size_t dots = 0;
	for (size_t i = 0; i < segment.len; i++) {
		if (!word(segment.at[i], marks))
			return false;
		dots += segment.at[i] == '.';
	}
	return dots < segment.len;
}

bool bana_room_name_valid(bana_str name)
{
	if (name.len == 0 || name.len > BANA_ROOM_BYTES_MAX || name.at[name.len - 1] == '/')
		return false;
	while (name.len > 0) {
		if (!plain(bana_str_cut(name, '/', &name), "._:-"))
			return false;
	}
	return true;
}

bool bana_room_of_everyone(bana_str name)
{
	bana_str first = bana_str_cut(name, '/', &(bana_str){0});
	return bana_str_is(name, BANA_ROOM_BROADCAST) || bana_str_is(first, "client") ||
	       bana_str_is(first, "user") || bana_str_is(first, "expires");
}

/* A UUID in any spelling is one client. */
const char *bana_room_of_client(struct bana_ctx *ctx, bana_str client_id)
{
	char *id = bana_copy(ctx->arena, client_id.at, client_id.len);
	for (size_t i = 0; i < client_id.len; i++)
		id[i] = id[i] >= 'A' && id[i] <= 'F' ? (char)(id[i] + 32) : id[i];
	return bana_join(ctx->arena, "client/", id, NULL);
}

const char *bana_room_of_user(struct bana_ctx *ctx, bana_str user_id)
{
	unsigned char digest[BANA_SHA256_BYTES];
	if (user_id.len <= PLAIN_USER_BYTES_MAX && plain(user_id, "._-"))
		return bana_join(
			ctx->arena, "user/", bana_copy(ctx->arena, user_id.at, user_id.len), NULL);
	bana_sha256(user_id, digest); /* the colon is in no plain one */
	return bana_join(
		ctx->arena, "user/:", bana_hex(ctx->arena, digest, sizeof digest / 2), NULL);
}

int64_t bana_expiry_slot(int64_t at)
{
	return at / (BANA_EXPIRY_SLOT_S * 1000000LL);
}

const char *bana_room_of_expiry(struct bana_ctx *ctx, int64_t slot)
{
	return bana_print(ctx->arena, "expires/%lld", (long long)slot * BANA_EXPIRY_SLOT_S);
}
