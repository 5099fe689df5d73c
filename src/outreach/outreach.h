/*
 * What the files of Outreach share. Contract: docs/interfaces.md.
 */
#ifndef OUTREACH_H
#define OUTREACH_H

#include "bana/entity.h"
#include "bana/result.h"

#include <stdbool.h>
#include <stdio.h>

struct bana_call;
struct bana_ctx;
struct bana_req;
struct bana_service;
struct bana_work;

/* Short words for the columns of the entity tables. */
enum {
	ANY = BANA_PUBLIC | BANA_STAFF,
	READ = BANA_SHOWN | BANA_FILTERED,
	NULLS = BANA_NULLABLE,
};

struct outreach_settings {
#define SETTING(type, member, ...) type member;
#include "outreach/setting.def"
#undef SETTING
};

extern struct outreach_settings outreach_settings; /* filled once, before any work */
extern const struct bana_service outreach_service;
extern const struct bana_entity outreach_inquiry, outreach_subscriber, outreach_webhook,
	outreach_webhook_delivery;

extern const struct bana_call outreach_submit;
extern const struct bana_call outreach_subscribe, outreach_unsubscribe, outreach_link_page,
	outreach_link_use, outreach_confirm_page, outreach_confirm_use, outreach_links;
extern const struct bana_call outreach_challenge, outreach_form_stamp;
extern const struct bana_call outreach_webhook_create, outreach_webhook_update,
	outreach_webhook_rotate, outreach_webhook_test, outreach_webhook_replay,
	outreach_webhook_delivery_find;
extern const struct bana_work outreach_webhook_work;

/* Their answers as pages, for a form that a browser posts by itself. */
void outreach_submit_page(struct bana_req *q);
void outreach_subscribe_page(struct bana_req *q);

/* Of calls that never tell whether an address or a token is known. */
#define OUTREACH_ACCEPTED                                                                \
	"{\"type\":\"object\",\"required\":[\"status\"],\"additionalProperties\":false," \
	"\"description\":\"The same whether the address or token is known or not.\","    \
	"\"properties\":{\"status\":{\"type\":\"string\",\"const\":\"accepted\"}}}"

/* What no single row of the table of settings can say. */
bool outreach_settings_settle(FILE *errors);

/* Subscribe what a visitor sent, a row that was derived (bana_row_derive), by the rules of
 * docs/subscriptions.md. A suspicious one has to be confirmed by mail (or by staff, without a
 * secret), whatever the settings say. */
BANA_RES outreach_subscribe_row(struct bana_req *q, const struct bana_row *row, bool suspicious);

/* For the journal of inquiries: what webhooks tell of them. */
size_t outreach_webhook_journal(
	struct bana_ctx *ctx, const struct bana_journal *journal, struct bana_step *steps);

/* NOT_FOUND: no such inquiry, or it is deleted. For the room of one inquiry. */
BANA_RES outreach_inquiry_exists(struct bana_ctx *ctx, const char *id);

/* HMAC of the client's address in hexadecimal, in the arena; NULL without a secret or address. */
const char *outreach_address_hash(struct bana_req *q);

/* HMAC of an e-mail address for the audit log, in the same way. */
const char *outreach_pseudonym(struct bana_ctx *ctx, bana_str address);

#endif
