/*
 * Who acts: what a verified token says about its holder.
 */
#ifndef BANA_ACTOR_H
#define BANA_ACTOR_H

#include "bana/text.h"

enum { BANA_ROLES_MAX = 16, BANA_ROLE_BYTES = 64, BANA_USER_BYTES = 128 };

struct bana_actor {
	char user_id[BANA_USER_BYTES];
	char principal_type[32];                     /* "User" when the token does not say */
	char roles[BANA_ROLES_MAX][BANA_ROLE_BYTES]; /* upper case, without the NNN_ prefix */
	unsigned role_count;
	int64_t expires_at; /* us since 1970 */
};

/* "900_OWNER", "Owner", "010_shop-owner": upper case, without the priority. False: empty or too
 * long to be a role. */
bool bana_role_write(bana_str text, char role[BANA_ROLE_BYTES]);

#endif
