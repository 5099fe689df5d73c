/*
 * Outreach in tables: what it answers, which rooms it has, what it can be set to.
 */
#include "outreach/outreach.h"

#include "bana/app.h"
#include "bana/audit.h"
#include "bana/crud.h"
#include "bana/live.h"
#include "bana/req.h"
#include "bana/run.h"
#include "outreach/consent.h"
#include "outreach/disposable.h"

struct outreach_settings outreach_settings;

static const struct bana_entity audit = {
	.name = "AuditLog",
	.table = "outreach.\"AuditLog\"",
	.fields = bana_audit_fields,
	.count = BANA_AUDIT_FIELDS,
	.path = "/audit-logs",
	.says = "Who changed what and when; append-only.",
};

/* clang-format off */
static const struct bana_setting settings[] = {
#define SETTING(type, member, name, alias, kind, fallback, min, max, unit, options, flags, says) \
	{name, alias, kind, fallback, min, max, unit, options, flags, says, offsetof(struct outreach_settings, member)},
#include "outreach/setting.def"
#undef SETTING
};

static const struct bana_route routes[] = {
	{"POST", "/inquiries/submit", &outreach_submit, &outreach_inquiry, NULL, NULL, BANA_FORM,
		"A visitor's inquiry: stored before the answer, announced after it."},
	{"GET", "/inquiries", &bana_crud_find, &outreach_inquiry, "Inquiry.find", "read", BANA_MASKS,
		"A page of inquiries."},
	{"GET", "/inquiries/count", &bana_crud_count, &outreach_inquiry, "Inquiry.count", "read", BANA_MASKS,
		"How many inquiries there are."},
	{"GET", "/inquiries/find-one", &bana_crud_find_one, &outreach_inquiry, "Inquiry.findOne", "read", BANA_MASKS,
		"The first of the inquiries that the filter selects."},
	{"GET", "/inquiries/statistics", &bana_crud_statistics, &outreach_inquiry, "Inquiry.statistics", "read", 0,
		"Numbers about inquiries."},
	{"GET", "/inquiries/export.csv", &bana_crud_export, &outreach_inquiry, "Inquiry.export", "read", BANA_MASKS,
		"All inquiries that the filter selects, as CSV."},
	{"GET", "/inquiries/{id}", &bana_crud_find_by_id, &outreach_inquiry, "Inquiry.findById", "read", 0,
		"An inquiry by its id."},
	{"GET", "/inquiries/{id}/timeline", &bana_crud_timeline, &outreach_inquiry, "Inquiry.timeline", "read", 0,
		"What staff did to an inquiry, oldest first."},
	{"POST", "/inquiries", &bana_crud_create, &outreach_inquiry, "Inquiry.create", "create", 0,
		"Make an inquiry as staff."},
	{"POST", "/inquiries/bulk", &bana_crud_bulk, &outreach_inquiry, "Inquiry.updateBy", "update", 0,
		"One patch for inquiries that are named, with a result for each."},
	{"POST", "/inquiries/{id}/restore", &bana_crud_restore, &outreach_inquiry, "Inquiry.restore", "update", 0,
		"Take the deletion of an inquiry back."},
	{"PATCH", "/inquiries/{id}", &bana_crud_update_by_id, &outreach_inquiry, "Inquiry.updateById", "update", 0,
		"Change an inquiry."},
	{"PATCH", "/inquiries", &bana_crud_update_by, &outreach_inquiry, "Inquiry.updateBy", "update", BANA_MASKS,
		"Change all inquiries that the condition selects, or none."},
	{"DELETE", "/inquiries/{id}", &bana_crud_delete_by_id, &outreach_inquiry, "Inquiry.deleteById", "delete", 0,
		"Delete an inquiry; it can be restored."},
	{"DELETE", "/inquiries", &bana_crud_delete_by, &outreach_inquiry, "Inquiry.deleteBy", "delete", BANA_MASKS,
		"Delete all inquiries that the condition selects, or none."},

	{"GET", "/challenge", &outreach_challenge, NULL, NULL, NULL, 0,
		"Work for a visitor's browser: an ALTCHA challenge, for the field `altcha`."},
	{"GET", "/form-stamp", &outreach_form_stamp, NULL, NULL, NULL, 0,
		"When a form was opened, signed: for its field `formStamp`."},

	{"POST", "/subscribers/subscribe", &outreach_subscribe, &outreach_subscriber, NULL, NULL, BANA_FORM,
		"Subscribe an address; the answer never tells whether it was known."},
	{"POST", "/subscribers/unsubscribe", &outreach_unsubscribe, &outreach_subscriber, NULL, NULL, BANA_FORM,
		"Unsubscribe by token; the answer never tells whether it was valid."},
	{"GET", "/subscribers/unsubscribe/{token}", &outreach_link_page, &outreach_subscriber, NULL, NULL, 0,
		"The page behind an unsubscribe link: a button, nothing changes."},
	{"POST", "/subscribers/unsubscribe/{token}", &outreach_link_use, &outreach_subscriber, NULL, NULL, 0,
		"The button, or a mail program's one click (RFC 8058)."},
	{"GET", "/subscribers/confirm/{token}", &outreach_confirm_page, &outreach_subscriber, NULL, NULL, 0,
		"The page behind a confirm link: a button, nothing changes."},
	{"POST", "/subscribers/confirm/{token}", &outreach_confirm_use, &outreach_subscriber, NULL, NULL, 0,
		"The button: the subscription is confirmed."},
	{"GET", "/subscribers/links", &outreach_links, &outreach_subscriber, "Subscriber.links", "read", 0,
		"For a mailing tool: links and headers for the mails to these subscribers."},
	{"GET", "/subscribers", &bana_crud_find, &outreach_subscriber, "Subscriber.find", "read", BANA_MASKS,
		"A page of subscribers."},
	{"GET", "/subscribers/count", &bana_crud_count, &outreach_subscriber, "Subscriber.count", "read", BANA_MASKS,
		"How many subscribers there are."},
	{"GET", "/subscribers/find-one", &bana_crud_find_one, &outreach_subscriber, "Subscriber.findOne", "read", BANA_MASKS,
		"The first of the subscribers that the filter selects."},
	{"GET", "/subscribers/statistics", &bana_crud_statistics, &outreach_subscriber, "Subscriber.statistics", "read", 0,
		"Numbers about subscribers."},
	{"GET", "/subscribers/export.csv", &bana_crud_export, &outreach_subscriber, "Subscriber.export", "read", BANA_MASKS,
		"All subscribers that the filter selects, as CSV."},
	{"GET", "/subscribers/{id}", &bana_crud_find_by_id, &outreach_subscriber, "Subscriber.findById", "read", 0,
		"A subscriber by its id."},
	{"POST", "/subscribers", &bana_crud_create, &outreach_subscriber, "Subscriber.create", "create", 0,
		"Make a subscriber as staff."},
	{"POST", "/subscribers/bulk", &bana_crud_bulk, &outreach_subscriber, "Subscriber.updateBy", "update", 0,
		"One patch for subscribers that are named, with a result for each."},
	{"POST", "/subscribers/{id}/restore", &bana_crud_restore, &outreach_subscriber, "Subscriber.restore", "update", 0,
		"Take the deletion of a subscriber back."},
	{"PATCH", "/subscribers/{id}", &bana_crud_update_by_id, &outreach_subscriber, "Subscriber.updateById", "update", 0,
		"Change a subscriber."},
	{"PATCH", "/subscribers", &bana_crud_update_by, &outreach_subscriber, "Subscriber.updateBy", "update", BANA_MASKS,
		"Change all subscribers that the condition selects, or none."},
	{"DELETE", "/subscribers/{id}", &bana_crud_delete_by_id, &outreach_subscriber, "Subscriber.deleteById", "delete", 0,
		"Delete a subscriber; it can be restored."},
	{"DELETE", "/subscribers", &bana_crud_delete_by, &outreach_subscriber, "Subscriber.deleteBy", "delete", BANA_MASKS,
		"Delete all subscribers that the condition selects, or none."},

	{"GET", "/consents", &bana_crud_find, &outreach_consent, "Consent.find", "read", 0,
		"Proof of consent to the newsletter."},

	{"GET", "/webhooks", &bana_crud_find, &outreach_webhook, "Webhook.find", "read", 0,
		"A page of the endpoints that are told of inquiries."},
	{"GET", "/webhooks/{id}", &bana_crud_find_by_id, &outreach_webhook, "Webhook.findById", "read", 0,
		"An endpoint by its id."},
	{"POST", "/webhooks", &outreach_webhook_create, &outreach_webhook, "Webhook.create", "create", 0,
		"Make an endpoint; the answer has its secret, for the only time."},
	{"PATCH", "/webhooks/{id}", &outreach_webhook_update, &outreach_webhook, "Webhook.updateById", "update", 0,
		"Change an endpoint."},
	{"DELETE", "/webhooks/{id}", &bana_crud_delete_by_id, &outreach_webhook, "Webhook.deleteById", "delete", 0,
		"Delete an endpoint: nothing more is sent to it."},
	{"POST", "/webhooks/{id}/rotate", &outreach_webhook_rotate, &outreach_webhook, "Webhook.rotate", "update", 0,
		"A new secret, shown once; for a while the old one signs as well."},
	{"POST", "/webhooks/{id}/test", &outreach_webhook_test, &outreach_webhook, "Webhook.test", "create", 0,
		"Send an event `webhook.test` to an endpoint."},
	{"GET", "/webhook-deliveries", &bana_crud_find, &outreach_webhook_delivery, "WebhookDelivery.find", "read", 0,
		"A page of the delivery log."},
	{"GET", "/webhook-deliveries/{id}", &outreach_webhook_delivery_find, &outreach_webhook_delivery, "WebhookDelivery.findById", "read", 0,
		"A delivery by its id."},
	{"POST", "/webhook-deliveries/{id}/replay", &outreach_webhook_replay, &outreach_webhook_delivery, "WebhookDelivery.replay", "update", 0,
		"Send the event of a delivery to its endpoint again."},

	{"GET", "/audit-logs", &bana_crud_find, &audit, "AuditLog.find", "read", 0,
		"Who changed what and when."},
	{"GET", "/privacy/subjects/{email}", &bana_privacy_export, NULL, "Privacy.export", "read", 0,
		"Everything stored about a person."},
	{"DELETE", "/privacy/subjects/{email}", &bana_privacy_erase, NULL, "Privacy.erase", "delete", 0,
		"Erase a person's data in place; rows and numbers stay."},
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
		"Submits can be taken: the database is there and migrated, the pool does not drain."},
	{"GET", "/metrics", &bana_metrics, NULL, NULL, NULL, BANA_INSIDE,
		"All that can be counted, for Prometheus."},
};

static const struct bana_room rooms[] = {
	{"outreach/inquiries", "Inquiry.observe", "read", NULL,
		"Every new inquiry."},
	{"outreach/inquiries/{id}", "Inquiry.observe", "read", outreach_inquiry_exists,
		"What happens to one inquiry."},
};
/* clang-format on */

static const struct bana_entity *const entities[] = {&outreach_inquiry, &outreach_subscriber,
	&outreach_consent, &outreach_webhook, &outreach_webhook_delivery, &audit, NULL};

const struct bana_service outreach_service = {
	.name = "outreach",
	.redis_name = "outreach-ws-redis",
	.routes = routes,
	.route_count = sizeof routes / sizeof *routes,
	.rooms = rooms,
	.room_count = sizeof rooms / sizeof *rooms,
	.entities = entities,
	.audit = &audit,
	.pseudonym = outreach_pseudonym,
	.begin = outreach_disposable_begin,
	.work = &outreach_webhook_work,
	.migration = "0011_gate.sql",
	.title = "BANA Outreach",
	.says = "Inquiries and newsletter subscriptions of BANA's public site, and their back "
		"office.",
	.settings = {"Outreach", settings, sizeof settings / sizeof *settings, &outreach_settings,
		0},
	.settle = outreach_settings_settle,
};
