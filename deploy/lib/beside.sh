# shellcheck shell=bash disable=SC2154 # names of deploy/quickstart
# What runs beside the pool, two processes each so that the death of one costs nothing: `status` answers probes and
# scrapes, `bridge` brings the messages of other services to the rooms (one leads, the other takes over).

status_socket() { printf '%s/status.sock' "$nginx_sockets"; }

beside_program() { case $1 in status) printf '%s' "$program" ;; bridge) printf '%s/bana-bridge' "${program%/*}" ;; esac; }
beside_from() { sha256sum "$(beside_program "$1")" "$state/settings"; }

# Both are the program, no longer the shell they began as.
beside_is_whole() {
	local pid one found=0
	pid=$(process_pid "$1") || return 1
	for one in $(children_of "$pid"); do
		[[ $(readlink "/proc/$one/exe") != "$(beside_program "$1")"* ]] || found=$((found + 1))         # or its "(deleted)" file
	done
	((found == 2))
}

# One after the other: multiwatch starts another, which has today's program and settings, while the mate serves on.
beside_roll() {
	local one
	for one in $(children_of "$(process_pid "$1")"); do
		kill -TERM "$one" 2>/dev/null || continue
		wait_for 10 gone "$one" && wait_for 10 beside_is_whole "$1" || return 1
	done
	beside_from "$1" >"$state/run/$1.from"
}

# beside_ensure status|bridge
beside_ensure() {
	local part=$1 why listen=() words=() pass=("${pass[@]}" STARTS_MAX=10 STARTS_FILE="$nginx_sockets/$1.starts")
	why=$(process_why "$part")
	if process_current "$part" "$(beside_from "$part")" && wait_for 2 beside_is_whole "$part"; then
		say "$part" 'runs already'
		return
	elif beside_is_whole "$part"; then
		beside_roll "$part" || die "$part does not come back" "$(process_log "$part")"
		say "$part" '2 processes restarted one by one, program or settings changed'
		return
	fi
	[[ $part != status ]] || { listen=(spawn-fcgi -n -s "$(status_socket)" -M 0660 -b 1024 --); words=(status); }
	process_stop "$part" TERM 5
	process_start "$part" www-data "$(beside_from "$part")" \
		"${listen[@]}" /usr/bin/multiwatch -f 2 -r 1000000 -t 1 -s TERM -- \
		"$repo/deploy/worker" "$state/settings" "$(beside_program "$part")" "${words[@]}"
	wait_for 10 beside_is_whole "$part" ||
		{ process_stop "$part" TERM 5; die "$part does not stay up" "$(process_log "$part")"; }
	say "$part" "$why: 2 processes (multiwatch $(process_pid "$part"))"
}
