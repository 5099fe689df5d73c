#include "bana/stop.h"

#include <stddef.h>
#include <time.h>

/* for the signal handlers, hence file scope */
static volatile sig_atomic_t stopping, reload_asked;

static const int stops[] = {SIGTERM, SIGINT, SIGQUIT};
static const int reloads[] = {SIGHUP, SIGUSR2};

#define COUNT(list) (sizeof(list) / sizeof *(list))

static void stop(int number)
{
	(void)number;
	stopping = 1;
}

static void reload(int number)
{
	(void)number;
	reload_asked = 1;
}

static void catch_all(const int *numbers, size_t count, void (*call)(int number), sigset_t *set)
{
	struct sigaction action = {.sa_handler = call};
	for (size_t i = 0; i < count; i++) {
		sigaddset(set, numbers[i]);
		sigaction(numbers[i], &action, NULL);
	}
}

void bana_reload_hold(void)
{
	sigset_t held;
	sigemptyset(&held);
	for (size_t i = 0; i < COUNT(reloads); i++)
		sigaddset(&held, reloads[i]);
	sigprocmask(SIG_BLOCK, &held, NULL);
}

void bana_stop_catch(sigset_t *waiting)
{
	sigset_t blocked;
	sigemptyset(&blocked);
	catch_all(stops, COUNT(stops), stop, &blocked);
	catch_all(reloads, COUNT(reloads), reload, &blocked);
	sigprocmask(SIG_BLOCK, &blocked, waiting);
	for (int number = 1; number < NSIG; number++) {
		if (sigismember(&blocked, number) == 1)
			sigdelset(waiting, number);
	}
	signal(SIGPIPE, SIG_IGN);
}

bool bana_stopping(void)
{
	sigset_t pending;
	if (!stopping && sigpending(&pending) == 0) {
		for (size_t i = 0; i < COUNT(stops); i++)
			stopping = stopping || sigismember(&pending, stops[i]) == 1;
	}
	return stopping;
}

/* A pending one is taken, for a process that is never idle. */
bool bana_reload_asked(void)
{
	sigset_t set;
	sigemptyset(&set);
	for (size_t i = 0; i < COUNT(reloads); i++)
		sigaddset(&set, reloads[i]);
	bool asked = reload_asked;
	reload_asked = 0;
	while (sigtimedwait(&set, NULL, &(struct timespec){.tv_sec = 0}) > 0)
		asked = true;
	return asked;
}
