#ifndef BENCH_LISTENERS_H
#define BENCH_LISTENERS_H

#include <stddef.h>

/* Ends the program. */
__attribute__((noreturn)) void fail(const char *what, const char *why);

/* All of it, on a blocking socket. */
void send_all(int fd, const void *bytes, size_t count);

/* http://unix:SOCKET:PREFIX or redis://:PASSWORD@127.0.0.1:PORT. The descriptor, to be watched. */
int publisher_dial(const char *url);
void publisher_hang_up(void);

/* The answer is not waited for. */
void publisher_send(const char *room, const char *text);

/* Call when there is something to read: how many good answers came. */
size_t publisher_read(void);

#endif
