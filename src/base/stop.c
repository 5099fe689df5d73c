#include "bana/stop.h"

#include <stddef.h>

static volatile sig_atomic_t stopping; /* for the signal handler, hence file scope */

static const int signals[] = {SIGTERM, SIGINT, SIGQUIT};
static const size_t count = sizeof signals / sizeof *signals;

static void stop(int number)
{
	(void)number;
	stopping = 1;
}

void bana_stop_catch(sigset_t *waiting)
{
	struct sigaction action = {.sa_handler = stop};
	sigset_t blocked;
	sigemptyset(&blocked);
	for (size_t i = 0; i < count; i++) {
		sigaddset(&blocked, signals[i]);
		sigaction(signals[i], &action, NULL);
	}
	sigprocmask(SIG_BLOCK, &blocked, waiting);
	for (size_t i = 0; i < count; i++)
		sigdelset(waiting, signals[i]);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGHUP, SIG_IGN); /* a terminal that goes away is no reason to drop a request */
}

bool bana_stopping(void)
{
	sigset_t pending;
	if (!stopping && sigpending(&pending) == 0) {
		for (size_t i = 0; i < count; i++)
			stopping = stopping || sigismember(&pending, signals[i]) == 1;
	}
	return stopping;
}
