/*
 * What the files of Signal share. Contract: docs/interfaces.md.
 */
#ifndef SIGNAL_SERVICE_H
#define SIGNAL_SERVICE_H

#include "bana/entity.h"
#include "bana/result.h"

struct bana_call;
struct bana_service;

/* Short words for the columns of the entity tables. */
enum {
	READ = BANA_SHOWN | BANA_FILTERED,
	NULLS = BANA_NULLABLE,
};

struct signal_settings {
#define SETTING(type, member, ...) type member;
#include "signal/setting.def"
#undef SETTING
};

extern struct signal_settings signal_settings; /* filled once, before any work */
extern const struct bana_service signal_service;
extern const struct bana_entity signal_membership;

#endif
