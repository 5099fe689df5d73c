/*
 * The calls that every stored entity has (ignis.md 2.1): a route row names one of these and the
 * entity, and that is all. What they do is in docs/interfaces.md; every row they touch they write
 * to the audit log in the same transaction.
 */
#ifndef BANA_CRUD_H
#define BANA_CRUD_H

#include "bana/entity.h"

struct bana_call;
struct bana_ctx;
struct bana_json;
struct bana_req;

/* One number, or one table of numbers, about the rows of an entity. */
enum bana_statistic_kind {
	BANA_BY,    /* rows by the values of an ENUM field: {"100_NEW": 7, ...}, none left out */
	BANA_DAYS,  /* rows by day of each of up to 4 instants: [{"date", "<name>": n, ...}] */
	BANA_VALUE, /* one number that `sql` computes over the rows; null when there are none */
};

struct bana_statistic {
	const char *name;
	enum bana_statistic_kind kind;
	unsigned char field; /* BY */
	struct {
		const char *name;
		unsigned char field;
	} days[4];       /* DAYS; closed by a NULL name */
	const char *sql; /* VALUE: an aggregate, static text */
	const char *says;
};

extern const struct bana_call bana_crud_find, bana_crud_find_one, bana_crud_find_by_id,
	bana_crud_count, bana_crud_create, bana_crud_update_by_id, bana_crud_update_by,
	bana_crud_delete_by_id, bana_crud_delete_by, bana_crud_restore, bana_crud_bulk,
	bana_crud_export, bana_crud_statistics, bana_crud_timeline;

/* `ids` of a body as an array literal of PostgreSQL, 1 to `most` of them. INVALID: every bad one is
 * told. */
BANA_RES bana_ids_read(
	struct bana_ctx *ctx, const struct bana_json *body, int64_t most, const char **literal);

/* Everything about one person, and its erasure: over all entities of the service that have an
 * e-mail address among their PERSONAL fields. */
extern const struct bana_call bana_privacy_export, bana_privacy_erase;

/* The OpenAPI document of the service, from its tables. */
extern const struct bana_call bana_openapi;

#endif
