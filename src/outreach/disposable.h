/*
 * Domains that give addresses away for minutes: a list from outside (deploy/lib/disposable.sh),
 * asked by the abuse gate. One a process.
 */
#ifndef OUTREACH_DISPOSABLE_H
#define OUTREACH_DISPOSABLE_H

#include "bana/text.h"

/*
 * Use this list from now on, for as long as the process lives; the one before is let go. A line is
 * a domain in lower case and A-labels, or ".domain" for it and all below it; sorted by bytes. The
 * file is mapped, so replace it by rename(2), never write into it. "" or NULL: no list, nothing is
 * disposable. NULL: done; else why not, in words, and there is no list.
 */
const char *outreach_disposable_load(const char *path);

/* Is the domain (normalised: what stands behind the @ of bana_email_normalise) on the list, or
 * below one that is there with all below it? */
bool outreach_disposable(bana_str domain);

/* Load the list of the settings; a line in the log when it cannot be read: everything goes on
 * without it. */
void outreach_disposable_begin(void);

#endif
