/*
 * A small server in a process of its own, for tests of clients: what it does is a function, what it
 * saw lies in memory shared with the test. Unix socket in a folder of its own, or loopback.
 */
#ifndef TEST_SERVER_H
#define TEST_SERVER_H

#include "unit/support.h"

#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

struct seen {
	volatile int connections, requests;
	volatile size_t bytes;
	char text[64 * 1024];
};

struct server {
	char dir[32], path[64];
	int listener, port;
	pid_t pid;
	struct seen *seen;
};

static inline void server_listen(struct server *s, bool local)
{
	*s = (struct server){.pid = -1};
	strcpy(s->dir, "/tmp/bana-server-XXXXXX");
	assert_non_null(mkdtemp(s->dir));
	s->seen = mmap(
		NULL, sizeof *s->seen, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	snprintf(s->path, sizeof s->path, "%s/sock", s->dir);
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t bytes = sizeof in;
	memcpy(at.sun_path, s->path, strlen(s->path));
	s->listener = socket(local ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(0, local ? bind(s->listener, (struct sockaddr *)&at, sizeof at)
				  : bind(s->listener, (struct sockaddr *)&in, sizeof in));
	assert_int_equal(0, listen(s->listener, 16));
	if (!local)
		getsockname(s->listener, (struct sockaddr *)&in, &bytes);
	s->port = ntohs(in.sin_port);
}

static inline void server_run(
	struct server *s, void (*serve)(int listener, struct seen *seen, void *what), void *what)
{
	s->pid = fork();
	if (s->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL); /* never outlive a test that crashed */
		serve(s->listener, s->seen, what);
		_exit(0);
	}
	assert_true(s->pid > 0);
}

static inline void server_kill(struct server *s)
{
	if (s->pid > 0) {
		kill(s->pid, SIGKILL);
		waitpid(s->pid, NULL, 0);
	}
	s->pid = -1;
}

static inline void server_done(struct server *s)
{
	server_kill(s);
	close(s->listener);
	unlink(s->path);
	rmdir(s->dir);
	munmap(s->seen, sizeof *s->seen);
}

#endif
