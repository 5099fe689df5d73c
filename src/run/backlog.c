#include "run/backlog.h"

#include <stdlib.h>
#include <sys/queue.h>

#include "bana/clock.h"
#include "bana/publisher.h"

enum { COUNT_MAX = 10000, BYTES_MAX = 32 << 20 };

struct message {
	STAILQ_ENTRY(message) next;
	int64_t arrived_tick;
	bana_str frame;
	char room[]; /* and the frame behind it */
};

struct bana_backlog {
	STAILQ_HEAD(, message) messages;
	size_t count, bytes;
};

struct bana_backlog *bana_backlog_new(void)
{
	struct bana_backlog *backlog = calloc(1, sizeof *backlog);
	if (backlog == NULL)
		abort();
	STAILQ_INIT(&backlog->messages);
	return backlog;
}

static void drop_first(struct bana_backlog *backlog)
{
	struct message *m = STAILQ_FIRST(&backlog->messages);
	STAILQ_REMOVE_HEAD(&backlog->messages, next);
	backlog->count--;
	backlog->bytes -= m->frame.len;
	free(m);
}

void bana_backlog_free(struct bana_backlog *backlog)
{
	if (backlog == NULL)
		return;
	bana_backlog_drop(backlog, backlog->count);
	free(backlog);
}

bool bana_backlog_add(struct bana_backlog *backlog, const char *room, bana_str frame)
{
	size_t room_bytes = strlen(room) + 1;
	if (backlog->count >= COUNT_MAX || backlog->bytes + frame.len > BYTES_MAX)
		return false;
	struct message *m = malloc(sizeof *m + room_bytes + frame.len);
	if (m == NULL)
		return false;
	m->arrived_tick = bana_tick_us();
	memcpy(m->room, room, room_bytes);
	memcpy(m->room + room_bytes, frame.at, frame.len);
	m->frame = (bana_str){m->room + room_bytes, frame.len};
	STAILQ_INSERT_TAIL(&backlog->messages, m, next);
	backlog->count++;
	backlog->bytes += frame.len;
	return true;
}

size_t bana_backlog_list(
	const struct bana_backlog *backlog, struct bana_post *posts, size_t count, size_t bytes)
{
	size_t listed = 0;
	const struct message *m;
	STAILQ_FOREACH(m, &backlog->messages, next)
	{
		size_t more = m->frame.len + BANA_POST_HEAD_BYTES;
		if (listed == count || (listed > 0 && more > bytes))
			break;
		bytes -= more < bytes ? more : bytes;
		posts[listed++] = (struct bana_post){.room = m->room, .body = m->frame};
	}
	return listed;
}

void bana_backlog_drop(struct bana_backlog *backlog, size_t count)
{
	for (; count > 0; count--)
		drop_first(backlog);
}

size_t bana_backlog_forget(struct bana_backlog *backlog, int64_t before_tick)
{
	size_t dropped = 0;
	for (;;) {
		const struct message *m = STAILQ_FIRST(&backlog->messages);
		if (m == NULL || m->arrived_tick >= before_tick)
			return dropped;
		drop_first(backlog);
		dropped++;
	}
}
