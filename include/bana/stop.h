/*
 * SIGTERM, SIGINT and SIGQUIT all mean: finish what is in hand, then end. SIGHUP and SIGUSR2 mean:
 * read the settings again (multiwatch passes only the second on; the first ends it). None of them
 * interrupts anything: they are blocked but while a process waits.
 */
#ifndef BANA_STOP_H
#define BANA_STOP_H

#include <signal.h>
#include <stdbool.h>

/* First of all in a process: a reload that is asked for before it listens waits until it does,
 * and does not end it. */
void bana_reload_hold(void);

/* Block them; `waiting` becomes the mask for epoll_pwait or ppoll. SIGPIPE is ignored from now
 * on. Once a process. */
void bana_stop_catch(sigset_t *waiting);

/* Has one come, or is one pending? */
bool bana_stopping(void);

/* Was a reload asked for since this was last asked? */
bool bana_reload_asked(void);

#endif
