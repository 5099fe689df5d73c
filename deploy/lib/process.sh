# shellcheck shell=bash disable=SC2154 # names of deploy/quickstart
# The parts that run: started in sessions of their own, found again by pid AND start time, stopped by them.
# DIR/run/NAME.pid   "<pid> <start time in clock ticks>": a recycled pid has another start time.
# DIR/run/NAME.from  what it was started from; differs from today's: it must be restarted.

# ---- /proc; bare Debian has no ps.  Fields after the command's name: state ppid pgrp session ... starttime(20th)
stat_of() { # PID -> sets the array stat; false when there is no such living process
	local line
	{ read -r line <"/proc/$1/stat"; } 2>/dev/null || return 1
	read -ra stat <<<"${line##*) }"
	[[ ${stat[0]} != [ZX] ]]
}

started_at() { stat_of "$1" && printf '%s' "${stat[19]}"; }

# All pids whose field N of stat is VALUE.
pids_with() { # N VALUE
	local entry
	for entry in /proc/[0-9]*; do
		# shellcheck disable=SC2015 # the list may end in false
		stat_of "${entry#/proc/}" && [[ ${stat[$1]} == "$2" ]] && printf '%s\n' "${entry#/proc/}" || :
	done
}
# The kernel's own list where it keeps one; with the dead that nobody has looked at, so they are left out.
children_of() {
	local one children=''
	if [[ -r /proc/$1/task/$1/children ]]; then
		read -r children <"/proc/$1/task/$1/children" || :
		for one in $children; do ! stat_of "$one" || printf '%s\n' "$one"; done
	else
		pids_with 1 "$1"
	fi
}
session_of() { pids_with 3 "$1"; }

# ---- Who runs a part.  Never root: PostgreSQL is postgres, all else is www-data.  A user who is not root is himself.
# Sets the array `drop` to the command prefix for USER.
drop_to() {
	drop=()
	((EUID == 0)) || return 0
	drop=(setpriv --reuid "$1" --regid "$1" --init-groups --no-new-privs
		--inh-caps="-all$reach" --ambient-caps="-all$reach" --bounding-set="-all$reach")
}

# A clone below a closed folder (/root is 0700) cannot be entered by these users.  They then keep the one
# capability to pass through folders and read files, and nothing else.
reach=
process_reach() {
	local place
	((EUID == 0)) || return 0
	for place in "$state/run" "$repo/deploy"; do
		drop_to www-data
		"${drop[@]}" test -x "$place" -a -r "$place" && continue
		reach=,+dac_read_search
		note "$place is closed to www-data: its processes keep CAP_DAC_READ_SEARCH to get there"
		return
	done
}

user_of() { if ((EUID == 0)); then printf '%s' "$1"; else id -un; fi; }
group_of() { if ((EUID == 0)); then printf '%s' "$1"; else id -gn; fi; }

# folder USER MODE PATH...
folder() { install -d -o "$(user_of "$1")" -g "$(group_of "$1")" -m "$2" "${@:3}"; }

# secret_file PATH: stdin becomes a file that www-data may read and nobody else; never half written.
secret_file() {
	install -o "$(id -u)" -g "$(group_of www-data)" -m 0640 /dev/null "$1.new"
	cat >>"$1.new"
	mv "$1.new" "$1"
}

# ---- A part's life
process_pid() { # NAME -> pid when it lives
	local pid ticks
	{ read -r pid ticks <"$state/run/$1.pid"; } 2>/dev/null || return 1
	[[ $(started_at "$pid") == "$ticks" ]] && printf '%s' "$pid"
}

process_log() { case $1 in pool) printf '%s/log/outreach.log' "$state" ;; *) printf '%s/log/%s.log' "$state" "$1" ;; esac; }

# process_start NAME USER FROM COMMAND...
process_start() {
	local name=$1 user=$2 from=$3 log pid fd
	shift 3
	log=$(process_log "$name")
	process_stop "$name" TERM 5             # what a killed leader left behind
	[[ -e $log ]] || install -o "$(user_of "$user")" -g "$(group_of "$user")" -m 0640 /dev/null "$log"
	drop_to "$user"
	(
		trap - INT TERM HUP EXIT
		cd "$state" || exit
		for fd in /proc/"$BASHPID"/fd/*; do     # our locks, and whatever our caller waits for
			fd=${fd##*/}
			((fd < 3)) || eval "exec $fd>&-"
		done
		exec setsid env -i --default-signal PATH="$PATH" LANG=C.UTF-8 "${pass[@]}" "${drop[@]}" "$@" </dev/null >>"$log" 2>&1
	) &
	pid=$!
	disown "$pid"
	printf '%s %s\n' "$pid" "$(started_at "$pid")" >"$state/run/$name.pid"
	printf '%s\n' "$from" >"$state/run/$name.from"
}

# Is it up, and from what would be started today?
process_current() { process_pid "$1" >/dev/null && [[ $(<"$state/run/$1.from") == "$2" ]]; }

# process_stop NAME SIGNAL SECONDS: ask, then kill; also what a killed leader left behind.  A session's number is not
# given to another process while a member lives, so its members are ours unless the pid itself has a new owner.
process_stop() {
	local name=$1 pid ticks
	{ read -r pid ticks <"$state/run/$name.pid"; } 2>/dev/null || return 0
	if ! stat_of "$pid"; then
		session_signal "$pid" TERM
	elif [[ ${stat[19]} == "$ticks" ]]; then
		kill "-$2" "$pid"
	else
		pid=
	fi
	if [[ $pid ]] && ! wait_for "$3" session_is_empty "$pid"; then
		session_signal "$pid" KILL
		wait_for 5 session_is_empty "$pid" || die "$name (pid $pid) does not end"
	fi
	rm -f "$state/run/$name.pid"
}
session_signal() { local one; for one in $(session_of "$1"); do kill "-$2" "$one" 2>/dev/null || :; done; }
session_is_empty() { [[ -z $(session_of "$1") ]]; }

# Why a part that is not current is started, in words.
process_why() { # NAME
	if [[ ! -e $state/run/$1.from ]]; then
		printf 'started'
	elif process_pid "$1" >/dev/null; then
		printf 'restarted, its settings or program changed'
	else
		printf 'restarted, it was down'
	fi
}

# End everything this script runs in the foreground, deepest first.
kill_children() {
	local pid
	for pid in $(children_of "$1"); do
		[[ $pid != "$BASHPID" ]] || continue
		kill_children "$pid"
		kill -TERM "$pid" 2>/dev/null || :
	done
}
