#include "unit/support.h"

#include <errno.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "bana/stop.h"

/* Each case is a process of its own, for it is caught once a process. The child exits with the
 * line that was not so; 0: all was. */
#define HOLDS(condition)                 \
	do {                             \
		if (!(condition))        \
			_exit(__LINE__); \
	} while (0)

static int run(void (*child)(int number), int number)
{
	int status;
	pid_t pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		alarm(10);
		child(number);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/* Without waiting; -1 and EINTR when a signal came through `mask`. */
static int wait_none(const sigset_t *mask)
{
	errno = 0;
	return ppoll(NULL, 0, &(struct timespec){0}, mask);
}

static void pending(int number)
{
	sigset_t waiting;
	bana_stop_catch(&waiting);
	HOLDS(!bana_stopping());
	raise(number); /* it does not interrupt */
	HOLDS(poll(NULL, 0, 1) == 0);
	HOLDS(bana_stopping());
	HOLDS(bana_stopping()); /* and stays */
}

static void waited_for(int number)
{
	sigset_t waiting;
	bana_stop_catch(&waiting);
	HOLDS(wait_none(&waiting) == 0);
	HOLDS(!bana_stopping());
	raise(number);
	HOLDS(wait_none(&waiting) == -1 && errno == EINTR);
	HOLDS(bana_stopping());
	HOLDS(wait_none(&waiting) == 0); /* it was taken */
	HOLDS(bana_stopping());
}

/* Comes while the process waits, not before. */
static void wakes(int number)
{
	sigset_t waiting;
	bana_stop_catch(&waiting);
	pid_t parent = getpid();
	if (fork() == 0) {
		kill(parent, number);
		_exit(0);
	}
	HOLDS(ppoll(NULL, 0, NULL, &waiting) == -1 && errno == EINTR);
	HOLDS(bana_stopping());
}

static void ignored(int number)
{
	sigset_t waiting;
	bana_stop_catch(&waiting);
	raise(number);
	HOLDS(wait_none(&waiting) == 0);
	HOLDS(!bana_stopping());
}

/* Asked for once, however many came: while it waited, or pending. */
static void reloads(int number)
{
	sigset_t waiting;
	bana_stop_catch(&waiting);
	HOLDS(!bana_reload_asked());
	raise(number);
	raise(SIGHUP);
	raise(SIGUSR2);
	HOLDS(bana_reload_asked());
	HOLDS(!bana_reload_asked());
	raise(number);
	HOLDS(wait_none(&waiting) == -1 && errno == EINTR);
	HOLDS(bana_reload_asked());
	HOLDS(!bana_reload_asked());
	HOLDS(!bana_stopping());
}

/* Asked for before anybody listens. */
static void held(int number)
{
	sigset_t waiting;
	bana_reload_hold();
	raise(number);
	bana_stop_catch(&waiting);
	HOLDS(bana_reload_asked());
	HOLDS(!bana_reload_asked());
	raise(number);
	HOLDS(wait_none(&waiting) == -1 && errno == EINTR); /* it is let in while waiting */
}

/* A process may be started with them blocked; while it waits they must come through. */
static void inherited(int number)
{
	sigset_t waiting;
	sigemptyset(&waiting);
	sigaddset(&waiting, number);
	sigprocmask(SIG_BLOCK, &waiting, NULL);
	waited_for(number);
}

static void deadly(int number)
{
	sigset_t waiting;
	bana_stop_catch(&waiting);
	raise(number);
}

static void signals_stop_or_do_not(void **state)
{
	(void)state;
	/* clang-format off */
	static const struct { const char *name; void (*child)(int number); int number, expected; } rows[] = {
		{"pending TERM", pending, SIGTERM, 0}, {"pending INT", pending, SIGINT, 0}, {"pending QUIT", pending, SIGQUIT, 0},
		{"waited TERM", waited_for, SIGTERM, 0}, {"waited INT", waited_for, SIGINT, 0}, {"waited QUIT", waited_for, SIGQUIT, 0},
		{"wakes TERM", wakes, SIGTERM, 0}, {"wakes INT", wakes, SIGINT, 0}, {"wakes QUIT", wakes, SIGQUIT, 0},
		{"inherited TERM", inherited, SIGTERM, 0}, {"inherited QUIT", inherited, SIGQUIT, 0},
		{"HUP", reloads, SIGHUP, 0}, {"USR2", reloads, SIGUSR2, 0}, {"held HUP", held, SIGHUP, 0}, {"held USR2", held, SIGUSR2, 0}, {"PIPE", ignored, SIGPIPE, 0},
		{"USR1", deadly, SIGUSR1, -SIGUSR1}, {"ALRM", deadly, SIGALRM, -SIGALRM}, /* none of ours */
	};
	/* clang-format on */
	for (size_t i = 0; i < COUNT(rows); i++) {
		int got = run(rows[i].child, rows[i].number);
		assert_row(got == rows[i].expected, "%s: %d", rows[i].name, got);
	}
	assert_false(bana_stopping()); /* what children saw is not ours */
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(signals_stop_or_do_not)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
