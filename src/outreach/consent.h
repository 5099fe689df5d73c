/*
 * Proof of consent: who asked for a subscription or confirmed one, when, to which text, and from
 * where (a keyed hash). A row each time, written with what it did, and overwritten by no later one.
 */
#ifndef OUTREACH_CONSENT_H
#define OUTREACH_CONSENT_H

#include "bana/entity.h"

/* The columns that the statement of a call fills, in this order. */
#define OUTREACH_CONSENT_INSERT                                                                  \
	"INSERT INTO outreach.\"Consent\" (id, subscriber_id, email, email_normalized, action, " \
	"status,"                                                                                \
	" consent_version, source, ip_hash)"

extern const struct bana_entity outreach_consent;

#endif
