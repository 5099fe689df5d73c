/*
 * An entity with a field of every type, for the tests of what reads entity tables.
 */
#ifndef TEST_ENTITY_H
#define TEST_ENTITY_H

#include "bana/entity.h"

/* clang-format off */
enum { NAME, NOTE, MAIL, KIND, REF, MORE, TAGS, SCORE, STAFF, MADE_AT, FIELDS };
static const struct bana_choice kinds[] = {{"100_ONE", "one"}, {"200_TWO", "two"}, {NULL, NULL}};
static const struct bana_field thing_fields[FIELDS] = {
	[NAME]    = {"name",   "name",    BANA_TEXT,    1, 5,    BANA_PUBLIC | BANA_SHOWN | BANA_FILTERED | BANA_REQUIRED, NULL, NULL, "", NULL},
	[NOTE]    = {"note",   "note",    BANA_TEXT,    0, 10,   BANA_PUBLIC | BANA_SHOWN | BANA_NULLABLE, NULL, NULL, "", NULL},
	[MAIL]    = {"mail",   "mail",    BANA_EMAIL,   3, 20,   BANA_PUBLIC | BANA_SHOWN | BANA_FILTERED | BANA_MASKED,                 NULL, NULL, "", NULL},
	[KIND]    = {"kind",   "kind",    BANA_ENUM,    0, 0,    BANA_PUBLIC | BANA_SHOWN | BANA_FILTERED,                 kinds, "100_ONE", "", NULL},
	[REF]     = {"ref",    "id",      BANA_ID,      0, 0,    BANA_PUBLIC | BANA_SHOWN | BANA_FILTERED,                 NULL, NULL, "", NULL},
	[MORE]    = {"more",   "more",    BANA_OBJECT,  0, 30,   BANA_PUBLIC | BANA_SHOWN | BANA_FILTERED | BANA_NULLABLE, NULL, NULL, "", NULL},
	[TAGS]    = {"tags",   "tags",    BANA_TEXTS,   4, 3,    BANA_PUBLIC | BANA_SHOWN | BANA_FILTERED,                 NULL, "[]", "", NULL},
	[SCORE]   = {"score",  "score",   BANA_SMALL,   1, 9,    BANA_PUBLIC | BANA_SHOWN | BANA_FILTERED | BANA_NULLABLE,                 NULL, NULL, "", NULL},
	[STAFF]   = {"staff",  "staff",   BANA_TEXT,    0, 9,    BANA_STAFF,                               NULL, NULL, "", NULL},
	[MADE_AT] = {"madeAt", "made_at", BANA_INSTANT, 0, 0,    BANA_SHOWN | BANA_FILTERED | BANA_MADE,                   NULL, NULL, "", NULL},
};
/* clang-format on */

static const struct bana_entity thing = {
	.name = "Thing", .table = "test.\"Thing\"", .fields = thing_fields, .count = FIELDS};

#endif
