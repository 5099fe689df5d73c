/*
 * Messages that wait to be posted, oldest first. Bounded in number and bytes.
 */
#ifndef BANA_BACKLOG_H
#define BANA_BACKLOG_H

#include "bana/text.h"

struct bana_backlog;
struct bana_post;

struct bana_backlog *bana_backlog_new(void);
void bana_backlog_free(struct bana_backlog *backlog);

/* Copies both. False: full, nothing was added. */
bool bana_backlog_add(struct bana_backlog *backlog, const char *room, bana_str frame);

/* The oldest as posts: at most `count`, and at most `bytes` together unless the first alone is
 * longer. They stay, and what the posts point to lives until they are dropped. */
size_t bana_backlog_list(
	const struct bana_backlog *backlog, struct bana_post *posts, size_t count, size_t bytes);

void bana_backlog_drop(struct bana_backlog *backlog, size_t count);

/* Drop those that came in before that tick; how many they were. */
size_t bana_backlog_forget(struct bana_backlog *backlog, int64_t before_tick);

#endif
