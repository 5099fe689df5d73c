/*
 * libfcgi would accept by itself, but ends its loop on EMFILE, drops a request on EINTR, and waits
 * up to 2 s for the peer to hang up after each answer. So the connection is accepted and closed
 * here: handed over as if it were a kept one, taken back when it is answered, and closed one
 * request later. By then nginx has hung up by itself and need not be woken for it. On a unix socket
 * the peer reads all that was written, provided we have read all it sent.
 */
#include "bana/fcgi.h"

#include <errno.h>
#include <fcgiapp.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "bana/arena.h"
#include "bana/log.h"
#include "bana/stop.h"

struct bana_fcgi {
	FCGX_Request request;
	sigset_t waiting_signals; /* the mask while waiting: what stops us is let in */
	int listener, epoll;
	bool rests;
	int answered; /* the connection before, still open; -1: none */
	struct timeval write_patience;
	size_t written; /* of the answer at hand */
	bool patient;   /* its socket has the patience set */
};

/* Exclusive: a connection wakes one idle worker of the pool, not all of them. */
static void listen_for(struct bana_fcgi *fcgi, int change)
{
	struct epoll_event event = {.events = EPOLLIN | EPOLLEXCLUSIVE};
	if (epoll_ctl(fcgi->epoll, change, fcgi->listener, &event) < 0)
		abort();
}

void bana_fcgi_rest(struct bana_fcgi *fcgi, bool rest)
{
	if (rest != fcgi->rests)
		listen_for(fcgi, rest ? EPOLL_CTL_DEL : EPOLL_CTL_ADD);
	fcgi->rests = rest;
}

struct bana_fcgi *bana_fcgi_new(int listener, int64_t write_ms)
{
	struct bana_fcgi *fcgi = calloc(1, sizeof *fcgi);
	if (fcgi == NULL || FCGX_Init() != 0)
		abort();
	/* libfcgi itself is given no listener: it must never accept. */
	FCGX_InitRequest(&fcgi->request, -1, 0);
	fcgi->listener = listener;
	fcgi->write_patience = (struct timeval){write_ms / 1000, write_ms % 1000 * 1000};
	fcgi->answered = -1;
	fcntl(listener, F_SETFL, fcntl(listener, F_GETFL) | O_NONBLOCK);
	fcgi->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (fcgi->epoll < 0)
		abort();
	listen_for(fcgi, EPOLL_CTL_ADD);
	bana_stop_catch(&fcgi->waiting_signals);
	return fcgi;
}

static void hang_up(struct bana_fcgi *fcgi)
{
	if (fcgi->answered >= 0)
		close(fcgi->answered);
	fcgi->answered = -1;
}

void bana_fcgi_free(struct bana_fcgi *fcgi)
{
	if (fcgi == NULL)
		return;
	hang_up(fcgi);
	FCGX_Free(&fcgi->request, 1);
	close(fcgi->epoll);
	free(fcgi);
}

static void pause_ms(long ms)
{
	nanosleep(&(struct timespec){.tv_nsec = ms * 1000000}, NULL);
}

static int take_connection(const struct bana_fcgi *fcgi)
{
	if (!fcgi->rests)
		return accept4(fcgi->listener, NULL, NULL, SOCK_CLOEXEC);
	errno = EAGAIN;
	return -1;
}

static int accept_one(struct bana_fcgi *fcgi, void (*idle)(void *what), void *what)
{
	struct epoll_event event;
	while (!bana_stopping()) {
		int fd = take_connection(fcgi);
		if (fd >= 0)
			return fd;
		switch (errno) {
		case EAGAIN:
			hang_up(fcgi);
			idle(what);
			epoll_pwait(fcgi->epoll, &event, 1, -1, &fcgi->waiting_signals);
			break;
		case EINTR:
		case ECONNABORTED:
		case EPROTO:
			break;
		case EMFILE:
		case ENFILE:
		case ENOBUFS:
		case ENOMEM:
			if (fcgi->answered < 0)
				pause_ms(50); /* others may give back what is short */
			hang_up(fcgi);
			break;
		default:
			bana_log(NULL, BANA_ERROR, "accept failed", "why", strerror(errno), NULL);
			return -1;
		}
	}
	return -1;
}

bool bana_fcgi_accept(struct bana_fcgi *fcgi, void (*idle)(void *what), void *what)
{
	/* nginx sends a request at once, and takes an answer until its buffers are full */
	static const struct timeval patience = {.tv_sec = 5};
	for (;;) {
		int fd = accept_one(fcgi, idle, what);
		if (fd < 0)
			return false;
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
		fcgi->request.ipcFd = fd;
		fcgi->request.keepConnection = 1;
		if (FCGX_Accept_r(&fcgi->request) == 0) {
			fcgi->request.keepConnection = 0;
			fcgi->written = 0;
			fcgi->patient = false;
			return true;
		}
		/* Not a request; libfcgi has closed it, tried to accept another and was refused. */
		FCGX_Free(&fcgi->request, 1);
	}
}

const char *bana_fcgi_param(const struct bana_fcgi *fcgi, const char *name)
{
	return FCGX_GetParam(name, fcgi->request.envp);
}

BANA_RES bana_fcgi_body(
	struct bana_fcgi *fcgi, struct bana_arena *arena, size_t bytes_max, bana_str *body)
{
	const char *announced = bana_fcgi_param(fcgi, "CONTENT_LENGTH");
	int64_t length = 0;
	if (announced != NULL && *announced != '\0')
		TRY(bana_parse_int(bana_str_of(announced), 0, INT64_MAX, &length));
	if ((uint64_t)length > bytes_max)
		return BANA_IS(TOO_LARGE);
	char *bytes = bana_alloc(arena, (size_t)length + 1);
	int got = FCGX_GetStr(bytes, (int)length, fcgi->request.in);
	if (got != length)
		return BANA_IS(MALFORMED);
	*body = (bana_str){bytes, (size_t)got};
	return BANA_DONE;
}

bool bana_fcgi_write(struct bana_fcgi *fcgi, bana_str bytes)
{
	enum { NEVER_WAITS_BYTES = 64 * 1024 }; /* a socket takes three times that at once */
	fcgi->written += bytes.len;
	if (fcgi->written > NEVER_WAITS_BYTES && !fcgi->patient) {
		setsockopt(fcgi->request.ipcFd, SOL_SOCKET, SO_SNDTIMEO, &fcgi->write_patience,
			sizeof fcgi->write_patience);
		fcgi->patient = true;
	}
	return FCGX_PutStr(bytes.at, (int)bytes.len, fcgi->request.out) == (int)bytes.len;
}

void bana_fcgi_break(struct bana_fcgi *fcgi)
{
	FCGX_FFlush(fcgi->request.out); /* what there is; then nothing more can be said */
	shutdown(fcgi->request.ipcFd, SHUT_WR);
}

/* What is left unread would make the kernel reset the connection and lose our answer. */
static void drain(FCGX_Stream *in)
{
	char rest[4096];
	while (FCGX_GetStr(rest, sizeof rest, in) > 0)
		continue;
}

bool bana_fcgi_finish(struct bana_fcgi *fcgi)
{
	drain(fcgi->request.in);
	FCGX_FClose(fcgi->request.err); /* first, so that the last record rides with the answer */
	bool whole = FCGX_FClose(fcgi->request.out) == 0;
	hang_up(fcgi);
	fcgi->answered = fcgi->request.ipcFd;
	fcgi->request.ipcFd = -1; /* ours again */
	FCGX_Finish_r(&fcgi->request);
	return whole;
}
