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
/* clang-format on */

static const struct bana_entity *const entities[] = {&signal_membership, &audit, NULL};

const struct bana_service signal_service = {
	.name = "signal",
	.redis_name = "signal-ws-redis",
	.routes = routes,
	.route_count = sizeof routes / sizeof *routes,
	.entities = entities,
	.audit = &audit,
	.migration = "0004_dead_letter.sql",
	.title = "BANA Signal",
	.says = "Notifications for the people of an organisation, and messages to their sockets.",
	.settings = {"Signal", settings, sizeof settings / sizeof *settings, &signal_settings, 0},
};
