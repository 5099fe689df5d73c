/*
 * E-mail addresses: which ones are taken, and when two of them are one. docs/email-addresses.md
 * says the rule and where each part of it comes from.
 */
#ifndef BANA_EMAIL_H
#define BANA_EMAIL_H

#include "bana/text.h"

struct bana_arena;

/* The rule of BANA_EMAIL. `text` may be any bytes. */
bool bana_email_valid(bana_str text);

/*
 * The copy that is compared: ASCII letters in lower case, the domain in A-labels, at most 254
 * bytes; dots and tags stay. "Jane+News@Bücher.example" becomes
 * "jane+news@xn--bcher-kva.example". Normalised again it is the same. In the arena.
 * INVALID: no address.
 */
BANA_RES bana_email_normalise(struct bana_arena *arena, bana_str text, const char **normalised);

/* The same without a tag ("jane@xn--bcher-kva.example"): for limits on one person, never to store
 * or to send to, for not every host has tags. INVALID: no address. */
BANA_RES bana_email_person(struct bana_arena *arena, bana_str text, const char **person);

/* The normalised copy; of what is no address, as rows of before the rule may hold, the text with
 * ASCII letters in lower case. In the arena. */
const char *bana_email_key(struct bana_arena *arena, bana_str text);

#endif
