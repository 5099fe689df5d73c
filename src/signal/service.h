/*
 * What the files of Signal share. Contract: docs/interfaces.md.
 */
#ifndef SIGNAL_SERVICE_H
#define SIGNAL_SERVICE_H

#include "bana/entity.h"
#include "bana/result.h"

struct bana_call;
struct bana_message;
struct bana_room;
struct bana_service;
struct bana_topic;

/* Short words for the columns of the entity tables. */
enum {
	READ = BANA_SHOWN | BANA_FILTERED,
	NULLS = BANA_NULLABLE,
};

enum { SIGNAL_RECIPIENTS_MAX = 10000 };

struct signal_settings {
#define SETTING(type, member, ...) type member;
#include "signal/setting.def"
#undef SETTING
};

extern struct signal_settings signal_settings; /* filled once, before any work */
extern const struct bana_service signal_service;
extern const struct bana_topic signal_topic;
extern const struct bana_entity signal_membership, signal_notification, signal_dead_letter;

/* ---- events ---------------------------------------------------------------------------------- */

/* TActivityNotificationMessage of the source document, checked. All texts live in the arena. */
struct signal_event {
	const struct bana_message *message;
	const char *key; /* hexadecimal; the same for an event however often it is delivered */
	const char *type, *scope, *actor_id, *actor, *organizer_id;
	const char *merchant_id; /* NULL: none */
	const char *occurred_at; /* as PostgreSQL takes it */
	bana_str data;           /* JSON text */
	const struct bana_json *json;
	const struct bana_json *recipients; /* a list of strings; NULL unless the scope is users */
	const char *refused;                /* every reason; NULL: it can be taken */
};

/* 1 to 128 of A-Z a-z 0-9 . _ : -, not dots only: what can stand in the name of a room. */
bool signal_id_fits(bana_str id);

/* Never fails: what is wrong with it is in `refused`. Its failure is cleared from the context. */
void signal_event_read(
	struct bana_ctx *ctx, const struct bana_message *message, struct signal_event *event);

/*
 * Who is told of these events, and one row for each, in one transaction that is committed: those
 * that were taken before make no second row, those that are refused become dead letters. Announced
 * afterwards, also the rows that were there. INVALID, CONFLICT, INTERNAL: the database refuses one
 * of them, or it has too many recipients.
 */
BANA_RES signal_deliver(struct bana_ctx *ctx, struct signal_event *events, size_t count);

/* ---- texts ----------------------------------------------------------------------------------- */

struct signal_text {
	const char *content, *action_url; /* NULL url: none */
};

/* Read "NotificationType" again if it was last read more than 2 s ago; kept for the process.
 * Faults of bana_pg_exec. */
BANA_RES signal_texts_refresh(struct bana_ctx *ctx);
bool signal_type_known(const char *type);

/* What the event says in this language, else its main part ("de" of "de-AT"), else in that of the
 * settings. A member that is missing is empty, and logged. */
struct signal_text signal_text_of(
	struct bana_ctx *ctx, const struct signal_event *event, const char *locale);

/* ---- dead letters ---------------------------------------------------------------------------- */

struct bana_step;

/* The INSERT of those that are refused; nothing for one that is there already. */
void signal_bury_step(struct bana_ctx *ctx, const struct signal_event *events, size_t count,
	struct bana_step *step);

/* ---- calls ----------------------------------------------------------------------------------- */

extern const struct bana_call signal_feed, signal_unread_count, signal_read_one, signal_unread_one,
	signal_seen_one, signal_archive_one, signal_delete_one, signal_read_many,
	signal_unread_many, signal_seen_many, signal_archive_many;
extern const struct bana_call signal_upsert_memberships;
extern const struct bana_call signal_payload, signal_replay, signal_discard;

/* For the room of one's own notifications. FORBIDDEN: it is another's. */
BANA_RES signal_own_room(struct bana_ctx *ctx, const char *recipient_id);

/* Remove a piece of what has expired; see struct bana_topic. */
BANA_RES signal_sweep(struct bana_ctx *ctx, bool *more);

#endif
