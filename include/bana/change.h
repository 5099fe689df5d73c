/*
 * Between the files of rest/: changing rows that exist. One transaction in two round trips: the
 * rows are read and locked, judged here one by one, written by one UPDATE, and audited by one
 * INSERT.
 */
#ifndef BANA_CHANGE_H
#define BANA_CHANGE_H

#include "bana/ctx.h"
#include "bana/entity.h"
#include "bana/sql.h"

struct bana_req;

/* One row that was found. */
struct bana_changed {
	const char *id;
	struct bana_row before, after; /* all fields */
	bool differs;                  /* there is something to write */
	struct bana_failure failure;   /* why not, when `fault` is not OK */
	enum bana_fault fault;
};

struct bana_change {
	const struct bana_entity *entity;
	const char *action;           /* for the audit log */
	const struct bana_row *patch; /* cells that are set; bana_now for the time of the change */
	const char *match;            /* If-Match; NULL: any version */
	bool each;                    /* a row that may not be changed does not stop the others */
	int64_t rows_max;             /* more than this: nothing is touched */

	struct bana_changed *rows; /* out, by id */
	size_t count;
};

/* As the text of a cell of a patch: the time of the change. Compared by address. */
extern const char bana_now[];

/*
 * Change the rows that `where` (conditions of ours, with values) selects. OK: committed, as far as
 * each row's fault says OK. CONFLICT: a move of status that is not to be had; STALE: another
 * version; INVALID: more rows than `rows_max`, or a field at odds with the status. Without `each`
 * the first of these is the result, and nothing was written.
 */
BANA_RES bana_change_run(
	struct bana_ctx *ctx, struct bana_change *change, const struct bana_sql *where);

/* The moves, effects and needs of the entity's life on the way from `before` to `after`; `patch` is
 * what was asked for. Effects go into `after`. CONFLICT with what is allowed, INVALID. */
BANA_RES bana_life_check(struct bana_ctx *ctx, const struct bana_entity *entity,
	const struct bana_row *patch, const struct bana_row *before, struct bana_row *after,
	const char *now);

/* Does an effect of reaching the patch's status apply to the field? */
const struct bana_effect *bana_life_effect(
	const struct bana_entity *entity, const struct bana_row *patch, size_t field);

/* If-Match against `"v<version>"` (RFC 9110 section 13.1.1: strong comparison). STALE; MALFORMED:
 * no list of entity tags. NULL matches. */
BANA_RES bana_match_check(struct bana_ctx *ctx, const char *match, const char *version);

/* For calls about many rows: MALFORMED when there is an If-Match, which whoever sent it relies on.
 */
BANA_RES bana_match_none(struct bana_req *q);

/* "v3" with its quotes; in the arena. NULL version: NULL. */
const char *bana_etag(struct bana_ctx *ctx, const char *version);

#endif
