/*
 * Signal in tables: what it answers, which rooms it has, what it can be set to.
 */
#include "signal/service.h"

#include "bana/app.h"
#include "bana/audit.h"
#include "bana/crud.h"
#include "bana/live.h"
#include "bana/req.h"
#include "bana/run.h"

struct signal_settings signal_settings;

static const struct bana_entity audit = {
	.name = "AuditLog",
	.table = "signal.\"AuditLog\"",
	.fields = bana_audit_fields,
	.count = BANA_AUDIT_FIELDS,
	.path = "/audit-logs",
	.says = "Who changed what and when; append-only.",
};

/* clang-format off */
static const struct bana_setting settings[] = {
#define SETTING(type, member, name, alias, kind, fallback, min, max, unit, options, flags, says) \
	{name, alias, kind, fallback, min, max, unit, options, flags, says, offsetof(struct signal_settings, member)},
#include "signal/setting.def"
#undef SETTING
};

static const struct bana_route routes[] = {
	{"GET", "/memberships", &bana_crud_find, &signal_membership, "Membership.find", "read", 0,
		"A page of memberships."},
	{"GET", "/memberships/count", &bana_crud_count, &signal_membership, "Membership.count", "read", 0,
		"How many memberships there are."},
	{"GET", "/memberships/find-one", &bana_crud_find_one, &signal_membership, "Membership.findOne", "read", 0,
		"The first of the memberships that the filter selects."},
	{"GET", "/memberships/{id}", &bana_crud_find_by_id, &signal_membership, "Membership.findById", "read", 0,
		"A membership by its id."},
	{"POST", "/memberships", &bana_crud_create, &signal_membership, "Membership.create", "create", 0,
		"Make a membership as staff."},
	{"POST", "/memberships/{id}/restore", &bana_crud_restore, &signal_membership, "Membership.restore", "update", 0,
		"Take the deletion of a membership back."},
	{"PATCH", "/memberships/{id}", &bana_crud_update_by_id, &signal_membership, "Membership.updateById", "update", 0,
		"Change a membership."},
	{"PATCH", "/memberships", &bana_crud_update_by, &signal_membership, "Membership.updateBy", "update", 0,
		"Change all memberships that the condition selects, or none."},
	{"DELETE", "/memberships/{id}", &bana_crud_delete_by_id, &signal_membership, "Membership.deleteById", "delete", 0,
		"Delete a membership; it can be restored."},
	{"DELETE", "/memberships", &bana_crud_delete_by, &signal_membership, "Membership.deleteBy", "delete", 0,
		"Delete all memberships that the condition selects, or none."},
	{"PUT", "/memberships", &signal_upsert_memberships, &signal_membership, "Membership.upsert", "update", 0,
		"Make or change many memberships at once."},

	{"GET", "/notifications", &signal_feed, &signal_notification, NULL, NULL, BANA_SIGNED_IN,
		"My notifications; with `after` those that I missed."},
	{"GET", "/notifications/count", &bana_crud_count, &signal_notification, NULL, NULL, BANA_SIGNED_IN,
		"How many notifications of mine the condition selects."},
	{"GET", "/notifications/unread-count", &signal_unread_count, &signal_notification, NULL, NULL, BANA_SIGNED_IN,
		"How many of my notifications are unread."},
	{"GET", "/notifications/{id}", &bana_crud_find_by_id, &signal_notification, NULL, NULL, BANA_SIGNED_IN,
		"A notification of mine."},
	{"PATCH", "/notifications/{id}/read", &signal_read_one, &signal_notification, NULL, NULL, BANA_SIGNED_IN,
		"I have read it."},
	{"PATCH", "/notifications/{id}/unread", &signal_unread_one, &signal_notification, NULL, NULL, BANA_SIGNED_IN,
		"I have not read it after all."},
	{"PATCH", "/notifications/{id}/seen", &signal_seen_one, &signal_notification, NULL, NULL, BANA_SIGNED_IN,
		"It was on a screen of mine."},
	{"PATCH", "/notifications/{id}/archive", &signal_archive_one, &signal_notification, NULL, NULL, BANA_SIGNED_IN,
		"Put it away."},
	{"DELETE", "/notifications/{id}", &signal_delete_one, &signal_notification, NULL, NULL, BANA_SIGNED_IN,
		"Delete it for me."},
	{"POST", "/notifications/read", &signal_read_many, &signal_notification, NULL, NULL, BANA_SIGNED_IN,
		"I have read these, or all up to a `seq`."},
	{"POST", "/notifications/unread", &signal_unread_many, &signal_notification, NULL, NULL, BANA_SIGNED_IN,
		"I have not read these after all."},
	{"POST", "/notifications/seen", &signal_seen_many, &signal_notification, NULL, NULL, BANA_SIGNED_IN,
		"These were on a screen of mine."},
	{"POST", "/notifications/archive", &signal_archive_many, &signal_notification, NULL, NULL, BANA_SIGNED_IN,
		"Put these away."},

	{"POST", "/socket/websocket/clients/broadcast", &bana_send_all_call, NULL, "Socket.broadcast", "create", 0,
		"A message to every connected client."},
	{"POST", "/socket/websocket/clients/rooms/{roomName}/send", &bana_send_room_call, NULL, "Socket.sendToRoom", "create", 0,
		"A message to the clients in a room; a `/` in its name is sent as %2F."},
	{"POST", "/socket/websocket/clients/{clientId}/send", &bana_send_client_call, NULL, "Socket.sendToClient", "create", 0,
		"A message to one client."},

	{"GET", "/dead-letters", &bana_crud_find, &signal_dead_letter, "DeadLetter.find", "read", 0,
		"Events that could not be taken."},
	{"GET", "/dead-letters/count", &bana_crud_count, &signal_dead_letter, "DeadLetter.count", "read", 0,
		"How many there are."},
	{"GET", "/dead-letters/{id}", &bana_crud_find_by_id, &signal_dead_letter, "DeadLetter.findById", "read", 0,
		"One of them."},
	{"GET", "/dead-letters/{id}/payload", &signal_payload, &signal_dead_letter, "DeadLetter.findById", "read", 0,
		"Its value, byte for byte."},
	{"POST", "/dead-letters/{id}/replay", &signal_replay, &signal_dead_letter, "DeadLetter.replay", "update", 0,
		"Take it once more, as if it had just come."},
	{"POST", "/dead-letters/{id}/discard", &signal_discard, &signal_dead_letter, "DeadLetter.discard", "update", 0,
		"Give it up."},

	{"GET", "/audit-logs", &bana_crud_find, &audit, "AuditLog.find", "read", 0,
		"Who changed what and when."},
	{"GET", "/permissions/me", &bana_permissions_me, NULL, NULL, NULL, BANA_SIGNED_IN,
		"Who I am and what I may do."},
	{"GET", "/ws", &bana_admit_call, NULL, NULL, NULL, BANA_QUERY_TOKEN,
		"Observe rooms over WebSocket or server-sent events; the token is checked per room."},
	{"DELETE", "/ws/users/{userId}", &bana_end_user_call, NULL, "Socket.endUser", "delete", 0,
		"End every open socket of a user. Take the permission first, or it comes back."},
	{"GET", "/doc/openapi.json", &bana_openapi, NULL, NULL, NULL, 0,
		"This document."},
	{"GET", "/healthz", &bana_health_live, NULL, NULL, NULL, BANA_AT_ROOT,
		"A worker of the pool lives."},
	{"GET", "/readyz", &bana_health_ready, NULL, NULL, NULL, BANA_AT_ROOT,
		"Requests can be taken: the database is there and migrated, the pool does not drain."},
	{"GET", "/metrics", &bana_metrics, NULL, NULL, NULL, BANA_INSIDE,
		"All that can be counted, for Prometheus."},
};

static const struct bana_room rooms[] = {
	{"signal/notification/{recipientId}", NULL, NULL, signal_own_room,
		"One's own notifications, as they come, and what became of them."},
};
/* clang-format on */

static const struct bana_entity *const entities[] = {
	&signal_membership, &signal_notification, &signal_dead_letter, &audit, NULL};

const struct bana_service signal_service = {
	.name = "signal",
	.redis_name = "signal-ws-redis",
	.routes = routes,
	.route_count = sizeof routes / sizeof *routes,
	.rooms = rooms,
	.room_count = sizeof rooms / sizeof *rooms,
	.entities = entities,
	.audit = &audit,
	.topic = &signal_topic,
	.migration = "0004_dead_letter.sql",
	.title = "BANA Signal",
	.says = "Notifications for the people of an organisation, and messages to their sockets.",
	.settings = {"Signal", settings, sizeof settings / sizeof *settings, &signal_settings, 0},
};
