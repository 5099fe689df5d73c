/*
 * Outreach in tables: what it answers, which rooms it has, what it can be set to.
 */
#include "outreach/outreach.h"

#include "bana/app.h"
#include "bana/entity.h"
#include "bana/live.h"
#include "bana/req.h"
#include "bana/run.h"

struct outreach_settings outreach_settings;

/* clang-format off */
static const struct bana_setting settings[] = {
#define SETTING(type, member, name, alias, kind, fallback, min, max, unit, options, flags, says) \
	{name, alias, kind, fallback, min, max, unit, options, flags, says, offsetof(struct outreach_settings, member)},
#include "outreach/setting.def"
#undef SETTING
};

static const struct bana_route routes[] = {
	{"POST", "/inquiries/submit", outreach_inquiry_submit, NULL, NULL, BANA_FORM,
		"A visitor's inquiry: stored before the answer, announced after it."},
	{"GET", "/inquiries/{id}", outreach_inquiry_read, "Inquiry.findById", "read", 0,
		"One inquiry."},
	{"POST", "/subscribers/subscribe", outreach_subscriber_subscribe, NULL, NULL, BANA_FORM,
		"Subscribe an address; the answer never tells whether it was known."},
	{"POST", "/subscribers/unsubscribe", outreach_subscriber_unsubscribe, NULL, NULL, BANA_FORM,
		"Unsubscribe by token; the answer never tells whether it was valid."},
	{"GET", "/subscribers/unsubscribe/{token}", outreach_subscriber_link_page, NULL, NULL, 0,
		"The page behind an unsubscribe link: a button, nothing changes."},
	{"POST", "/subscribers/unsubscribe/{token}", outreach_subscriber_link_use, NULL, NULL, 0,
		"The button, or a mail program's one click (RFC 8058)."},
	{"GET", "/ws", bana_admit, NULL, NULL, BANA_QUERY_TOKEN,
		"Observe rooms over WebSocket or server-sent events; the token is checked per room."},
	{"GET", "/healthz", bana_health_live, NULL, NULL, BANA_AT_ROOT,
		"The process answers."},
	{"GET", "/readyz", bana_health_ready, NULL, NULL, BANA_AT_ROOT,
		"The database can be used."},
};

static const struct bana_room rooms[] = {
	{"outreach/inquiries", "Inquiry.observe", "read", NULL,
		"Every new inquiry."},
	{"outreach/inquiries/{id}", "Inquiry.observe", "read", outreach_inquiry_exists,
		"What happens to one inquiry."},
};
/* clang-format on */

static const struct bana_entity *const entities[] = {&outreach_inquiry, &outreach_subscriber, NULL};

const struct bana_service outreach_service = {
	.name = "outreach",
	.redis_name = "outreach-ws-redis",
	.routes = routes,
	.route_count = sizeof routes / sizeof *routes,
	.rooms = rooms,
	.room_count = sizeof rooms / sizeof *rooms,
	.entities = entities,
	.settings = {"Outreach", settings, sizeof settings / sizeof *settings, &outreach_settings},
};
