/*
 * The decision before a handler runs.
 */
#ifndef BANA_GUARD_H
#define BANA_GUARD_H

#include "bana/result.h"

struct bana_req;

/* A public route passes. Else: the token (Authorization: Bearer; access_token only where the route
 * says so) and then the permission of the route; with BANA_MASKS also whether q->masked. NO_TOKEN,
 * FORBIDDEN, UNAVAILABLE. */
BANA_RES bana_guard(struct bana_req *q);

/* The token only, for routes that decide by themselves what is permitted. */
BANA_RES bana_guard_token(struct bana_req *q);

#endif
