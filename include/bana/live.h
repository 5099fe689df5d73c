/*
 * Rooms: what BO clients observe over WebSocket or SSE. nginx (nchan) serves them; a worker only
 * admits a client and, after a reply, announces.
 */
#ifndef BANA_LIVE_H
#define BANA_LIVE_H

#include "bana/text.h"

struct bana_app;
struct bana_call;
struct bana_ctx;
struct bana_outbox;
struct bana_req;

enum { BANA_ROOM_BYTES_MAX = 256, BANA_EXPIRY_SLOT_S = 10 };

#define BANA_ROOM_BROADCAST "broadcast"

/* One kind of room of a service. */
struct bana_room {
	const char *pattern;             /* "outreach/inquiries/{id}" */
	const char *permission, *action; /* NULL: `exists` decides alone */
	/* May the room with this id be observed, at all or by ctx->actor? NOT_FOUND, FORBIDDEN if
	 * not; NULL: always. */
	BANA_RES (*exists)(struct bana_ctx *ctx, const char *id);
	const char *says;
};

/* Plain segments of [A-Za-z0-9._:-], none empty, none of dots only. */
bool bana_room_name_valid(bana_str name);

/* Is it of the kind that sockets join without asking: nobody can ask for it, or publish to it under
 * a service's name. */
bool bana_room_of_everyone(bana_str name);

/* Those rooms, in the arena. A user id that is no plain word is told by a digest of it. */
const char *bana_room_of_client(struct bana_ctx *ctx, bana_str client_id);
const char *bana_room_of_user(struct bana_ctx *ctx, bana_str user_id);

/* Sockets whose tokens expire within the same BANA_EXPIRY_SLOT_S seconds share a room, so that one
 * request ends them all once the slot is over. `at` in us since 1970. */
int64_t bana_expiry_slot(int64_t at);
const char *bana_room_of_expiry(struct bana_ctx *ctx, int64_t slot);

/*
 * GET /ws?rooms=a,b[&clientId=uuid][&access_token=...]: every check of the handshake, then
 * X-Accel-Redirect to nginx's internal rooms location. MALFORMED, NO_TOKEN, FORBIDDEN (origin or
 * permission), NOT_FOUND (unknown room or id), INVALID (too many rooms), UNAVAILABLE (nchan's
 * Redis does not answer nchan: it must not meet a new room then, it would crash).
 */
BANA_RES bana_admit(struct bana_req *q);
extern const struct bana_call bana_admit_call;

/* DELETE /ws/users/{userId}: end every socket of a user, on every nginx. They may come back if
 * their token is still good and their permission was not taken before. UNAVAILABLE: the publisher
 * does not answer. */
extern const struct bana_call bana_end_user_call;

/*
 * {topic, data} to every socket, to those in a room, to one: the answer says how many got it, as
 * far as the nginx that was asked knows. INVALID: the topic is missing or longer than 256
 * characters, or {roomName} is none that a service may send to; TOO_LARGE: data over 128 KiB;
 * NOT_FOUND: no such client is connected.
 */
extern const struct bana_call bana_send_all_call, bana_send_room_call, bana_send_client_call;

struct bana_announcement {
	const char *event;        /* topic, e.g. "observation/outreach/inquiry/submitted" */
	bana_str data;            /* JSON */
	const char *rooms[4];     /* NULL-terminated, in the arena or static */
	const char *log_message;  /* NULL: no line when it was sent */
	const char *id_name, *id; /* of the log line, e.g. "inquiryId" */
};

/* Announce after the reply, at most once, each room independently, over every way that is switched
 * on. Never fails: what could not be sent is logged and lost. `what` lives in the arena. */
void bana_announce(struct bana_ctx *ctx, const struct bana_announcement *what);

/*
 * Announcements of a worker wait here until it has nothing better to do: sent at once when no
 * request waits, together with the next ones when requests do: at most 16, and after 20 ms, which
 * is looked at between requests. Under load the answers of one batch are read when the next one
 * leaves, which it does once they are there: nothing is waited for unless 16 wait.
 */
struct bana_outbox *bana_outbox_new(const struct bana_app *app);
void bana_outbox_free(struct bana_outbox *outbox);

/* Between requests: send if it is time. */
void bana_outbox_tend(struct bana_outbox *outbox);

/* Nothing else to do: send what is there and read the answers, until `wake_fd` is ready: then a
 * request waits, and a Redis that is slow must not make it wait. */
void bana_outbox_rest(struct bana_outbox *outbox, int wake_fd);

/* Send what is there and read every answer; each wait bounded by the settings. At the end, and
 * before anything else is asked of the same connections. */
void bana_outbox_settle(struct bana_outbox *outbox);

#endif
