# shellcheck shell=bash disable=SC2154 # names of deploy/quickstart
# What runs beside the pool of a service, two processes each so that the death of one costs nothing: `status` answers
# probes and scrapes, `bridge` brings the messages of other services to the rooms (one leads, the other takes over),
# `consumer` takes events from Kafka (they share the partitions), `sender` sends webhooks where they are turned on.

status_socket() { printf '%s/%sstatus.sock' "$nginx_sockets" "$prefix"; }

beside_program() { case $1 in bridge) printf '%s/bana-bridge' "$bin_folder" ;; *) printf '%s' "$program" ;; esac; }
beside_from() { sha256sum "$(beside_program "$1")" "$settings"; }

# Both are the program, no longer the shell they began as.
beside_is_whole() {
	local pid one found=0
	pid=$(process_pid "$1") || return 1
	for one in $(children_of "$pid"); do
		[[ $(readlink "/proc/$one/exe") != "$(beside_program "$1")"* ]] || found=$((found + 1))         # or its "(deleted)" file
	done
	((found == 2))
}

# Longer than the sender may take: 12 s for what it has under way.
beside_patience=15

# One after the other: multiwatch starts another, which has today's program and settings, while the mate serves on.
beside_roll() {
	local one
	for one in $(children_of "$(process_pid "$1")"); do
		kill -TERM "$one" 2>/dev/null || continue
		wait_for "$beside_patience" gone "$one" && wait_for 10 beside_is_whole "$1" || return 1
	done
	beside_from "$1" >"$state/run/$1.from"
}

# An older version's program.
consumer_is_known() { "$program" --help | grep -q '^ *consume '; }

# A setting of the current service, or an older version's program.
sender_is_wanted() {
	[[ $(setting APP_ENV_OUTREACH_WEBHOOKS) =~ ^(true|1|on|yes)$ ]] && "$program" --help | grep -q '^ *work '
}

# beside_ensure PART: of the current service.
beside_ensure() {
	local part=$1 why listen=() words=() pass=("${pass[@]}" STARTS_MAX=10 STARTS_FILE="$nginx_sockets/$1.starts")
	if [[ $part == consumer ]] && ! consumer_is_known; then
		part_end consumer
		say consumer "not started: this bana-$service has no command \`consume\`"
		return
	fi
	if [[ $part == sender ]] && ! sender_is_wanted; then
		part_end sender
		return
	fi
	why=$(process_why "$part")
	if process_current "$part" "$(beside_from "$part")" && wait_for 2 beside_is_whole "$part"; then
		say "$part" 'runs already'
		return
	elif beside_is_whole "$part"; then
		beside_roll "$part" || die "$part does not come back" "$(process_log "$part")"
		say "$part" '2 processes restarted one by one, program or settings changed'
		return
	fi
	case $part in
		*status) listen=(spawn-fcgi -n -s "$(status_socket)" -M 0660 -b 1024 --) words=(status) ;;
		consumer) words=(consume) ;;
		sender) words=(work) ;;
	esac
	process_stop "$part" TERM "$beside_patience"
	process_start "$part" www-data "$(beside_from "$part")" \
		"${listen[@]}" /usr/bin/multiwatch -f 2 -r 1000000 -t 1 -s TERM -- \
		"$repo/deploy/worker" "$settings" "$(beside_program "$part")" "${words[@]}"
	wait_for 10 beside_is_whole "$part" ||
		{ process_stop "$part" TERM "$beside_patience"; die "$part does not stay up" "$(process_log "$part")"; }
	say "$part" "$why: 2 processes (multiwatch $(process_pid "$part"))"
}
beside_ensure_all() { local one; for one in "${beside[@]}"; do beside_ensure "$one"; done; }
