/*
 * SIGTERM, SIGINT and SIGQUIT all mean: finish what is in hand, then end. They never interrupt it:
 * they are blocked but while a process waits.
 */
#ifndef BANA_STOP_H
#define BANA_STOP_H

#include <signal.h>
#include <stdbool.h>

/* Block them; `waiting` becomes the mask for epoll_pwait or ppoll. SIGPIPE and SIGHUP are ignored
 * from now on. Once a process. */
void bana_stop_catch(sigset_t *waiting);

/* Has one come, or is one pending? */
bool bana_stopping(void);

#endif
