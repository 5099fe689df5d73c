/*
 * Normalised copies of addresses that SQL alone wrote: the backfill of a migration, and the trigger
 * for a version that does not know them, both without A-labels.
 */
#ifndef RUN_MEND_H
#define RUN_MEND_H

#include "bana/result.h"

struct bana_ctx;

/* Mend those of every entity of the service. A row that another row of the same address stands in
 * the way of stays as it is, and is told in the log. Nothing before the service's newest migration
 * is applied. */
BANA_RES run_mend(struct bana_ctx *ctx);

#endif
