/*
 * Who changed what and when: one row a changed row, written in the transaction of the change and
 * never again (a trigger refuses it). Values of personal and hidden fields are never in it, for it
 * outlives the erasure of a person.
 */
#ifndef BANA_AUDIT_H
#define BANA_AUDIT_H

#include "bana/entity.h"

struct bana_ctx;
struct bana_step;

/* The fields of every service's "AuditLog": its entity names the table. */
enum {
	BANA_AUDIT_ID,
	BANA_AUDIT_CREATED_AT,
	BANA_AUDIT_ENTITY,
	BANA_AUDIT_ENTITY_ID,
	BANA_AUDIT_ACTION,
	BANA_AUDIT_ACTOR_ID,
	BANA_AUDIT_ACTOR_TYPE,
	BANA_AUDIT_REQUEST_ID,
	BANA_AUDIT_CHANGES,
	BANA_AUDIT_SUBJECT,
	BANA_AUDIT_FIELDS
};
extern const struct bana_field bana_audit_fields[BANA_AUDIT_FIELDS];

/* Rows to be written together. */
struct bana_audit {
	const struct bana_entity *entity; /* that was changed */
	const char *action;               /* create, update, delete, restore, erase */
	const char *subject;              /* erase: pseudonym of the person; else NULL */
	size_t count;
	struct bana_buf ids, entity_ids, changes; /* array literals being built */
};

void bana_audit_begin(struct bana_ctx *ctx, struct bana_audit *audit,
	const struct bana_entity *entity, const char *action);

/* One row with this id went from `before` (NULL: it was made) to `after`. */
void bana_audit_add(struct bana_ctx *ctx, struct bana_audit *audit, const char *id,
	const struct bana_row *before, const struct bana_row *after);

/* The INSERT of all of them. */
void bana_audit_step(struct bana_ctx *ctx, struct bana_audit *audit, struct bana_step *step);

#endif
