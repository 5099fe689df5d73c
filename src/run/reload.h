/*
 * Between the files of run/: settings that change while the process runs.
 */
#ifndef RUN_RELOAD_H
#define RUN_RELOAD_H

#include "bana/setting.h"

/* Process lifetime; the groups and their targets must outlive it. `settle` says of values that are
 * in the targets whether they can be used, as struct bana_service's; NULL: all can. */
struct reload;
struct reload *reload_new(const struct bana_setting_group *groups, size_t count,
	const struct bana_settings *settings, bool (*settle)(FILE *errors));
void reload_free(struct reload *reload);

/* What the file says already as a process begins: one that replaces another has the same settings
 * as its mates. False: something in it is wrong, and every reason is a line on `errors`. */
bool reload_begin(struct reload *reload, FILE *errors);

/* If a signal has asked for it since the last call, read APP_ENV_SETTINGS_FILE. Either everything
 * in it is right and taken over, or nothing is; the log says which. Between two units of work only.
 * True: it was taken over. */
bool reload_tend(struct reload *reload);

#endif
