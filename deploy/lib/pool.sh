# shellcheck shell=bash disable=SC2154 # names of deploy/quickstart
# The pool of the current service: spawn-fcgi owns the socket, multiwatch keeps N workers alive on it, deploy/worker
# starts each one.

pool_socket() { printf '%s/%s.sock' "$nginx_sockets" "$pool"; }
pool_log() { process_log "$pool"; }
pool_size() { printf '%s\n' "$size"; }

# Workers are multiwatch's children once they have become the program (they begin as a shell).
pool_workers() {
	local pid one
	pid=$(process_pid "$pool") || return 0
	for one in $(children_of "$pid"); do
		[[ $(readlink "/proc/$one/exe") != "$bin_folder"/* ]] || printf '%s\n' "$one"
	done
}
pool_is_whole() { (($(pool_workers | wc -l) == size)); }

pool_from() { sha256sum "$program" "$settings"; }

# run_program ARGUMENT...: the program by hand, as the user and with the settings of the workers.
run_program() {
	drop_to www-data
	env -i PATH="$PATH" LANG=C.UTF-8 "${pass[@]}" "${drop[@]}" "$repo/deploy/worker" "$settings" "$program" "$@"
}

pool_migrate() {
	quietly "$state/log/migrate.log" run_program migrate || die "the database of $service cannot be migrated" "$state/log/migrate.log"
	say migrate "schema $service and its seeds are current"
}

pool_start() {
	local pass=("${pass[@]}" STARTS_MAX=$((size * 2 + 40)) STARTS_FILE="$nginx_sockets/${prefix}starts")
	rm -f "$nginx_sockets/${prefix}starts"
	# -r and -t: multiwatch forgives any number of deaths (it gives up after three).
	process_start "$pool" www-data "$size $(pool_from)" \
		spawn-fcgi -n -s "$(pool_socket)" -M 0660 -b 4096 -- /usr/bin/multiwatch -f "$size" -r 1000000 -t 1 -s TERM -- \
		"$repo/deploy/worker" "$settings" "$program"
	wait_for 20 pool_stays || { process_stop "$pool" TERM 5; die "the workers of $service do not stay up" "$(pool_log)"; }
}
# All there, and the same ones a moment later.
pool_stays() {
	local first
	pool_is_whole || return 1
	first=$(pool_workers)
	sleep 0.2
	[[ $(pool_workers) == "$first" ]]
}

pool_ensure() {
	local why from
	why=$(process_why "$pool")
	from="$size $(pool_from)"
	if process_current "$pool" "$from" && wait_for 2 pool_is_whole; then
		say "$pool" 'runs already'
	elif process_pid "$pool" >/dev/null && [[ $(<"$state/run/$pool.from") == "$size "* ]]; then
		pool_roll
		say "$pool" "$size workers restarted one by one, program or settings changed"
	else
		process_stop "$pool" TERM 15
		pool_start
		say "$pool" "$why: $size workers (multiwatch $(process_pid "$pool"))"
	fi
}

# A rolling restart: a worker finishes its request and ends, multiwatch starts another, the rest serve meanwhile.
# Stops at the first one that does not come back, so a bad build costs one worker and no request; bad settings not
# even that, for the last ones are put back.
pool_roll() {
	local old before
	wait_for 5 pool_is_whole || die "the pool of $service is not whole: see the log, or run deploy/quickstart" "$(pool_log)"
	for old in $(pool_workers); do
		before=$(pool_workers)
		kill -TERM "$old" 2>/dev/null || continue
		wait_for 15 gone "$old" || { note "worker $old does not finish: killed"; kill -KILL "$old" 2>/dev/null || :; }
		if ! wait_for 10 pool_is_whole || ! pool_kept "$before" "$old"; then
			mv "$settings.last" "$settings"
			die "a restarted worker does not stay up; the settings are the last ones again, the other $((size - 1)) still serve" "$(pool_log)"
		fi
	done
	printf '%s\n' "$size $(pool_from)" >"$state/run/$pool.from"
}
gone() { ! stat_of "$1"; }

# The pool is `before` with `old` replaced by one other, which is the same a moment later.
pool_kept() {
	local first second
	first=$(pool_workers)
	sleep 0.15
	second=$(pool_workers)
	[[ $first == "$second" && ! $second =~ (^|$'\n')$2($|$'\n') ]] &&
		(($(comm -13 <(sort <<<"$1") <(sort <<<"$second") | wc -l) == 1))
}
