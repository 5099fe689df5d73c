/*
 * Between the files of run/: what the parts look like that the pool stands on.
 */
#ifndef RUN_HEALTH_H
#define RUN_HEALTH_H

#include <stdbool.h>
#include <stddef.h>

struct bana_ctx;

enum health_check {
	HEALTH_DATABASE,
	HEALTH_SCHEMA,
	HEALTH_POOL,
	HEALTH_NCHAN,
	HEALTH_REDIS,
	HEALTH_JWKS,
	HEALTH_CONSUMER, /* of Kafka: the last, for a service without has no such check */
	HEALTH_CHECKS,
};

struct health {
	struct health_row {
		const char *name;
		bool required; /* for a submit */
		bool fine;
		const char *reason;
	} rows[HEALTH_CHECKS];
	size_t count; /* of the rows that the service has */
	bool ready;   /* all that is required is fine */
};

/* Asks at most once a second in the whole pool, and then one process only; the others, and who asks
 * again within the second, get what was found last. */
void health_look(struct bana_ctx *ctx, struct health *health);

#endif
