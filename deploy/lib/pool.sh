# shellcheck shell=bash disable=SC2154 # names of deploy/quickstart
# The pool: spawn-fcgi owns the socket, multiwatch keeps N workers alive on it, deploy/worker starts each one.

program=                # the worker's binary

pool_socket() { printf '%s/pool.sock' "$nginx_sockets"; }

# Workers are multiwatch's children once they have become the program (they begin as a shell).
pool_workers() {
	local pid one
	pid=$(process_pid pool) || return 0
	for one in $(children_of "$pid"); do
		[[ $(readlink "/proc/$one/exe") != "${program%/*}"/* ]] || printf '%s\n' "$one"
	done
}
pool_is_whole() { (($(pool_workers | wc -l) == workers)); }

pool_from() { sha256sum "$program" "$state/settings"; }

# run_program ARGUMENT...: the program by hand, as the user and with the settings of the workers.
run_program() {
	drop_to www-data
	env -i PATH="$PATH" LANG=C.UTF-8 "${pass[@]}" "${drop[@]}" "$repo/deploy/worker" "$state/settings" "$program" "$@"
}

pool_migrate() {
	quietly "$state/log/migrate.log" run_program migrate || die 'the database cannot be migrated' "$state/log/migrate.log"
	say migrate 'schema and seeds are current'
}

pool_start() {
	local pass=("${pass[@]}" STARTS_MAX=$((workers * 2 + 40)) STARTS_FILE="$nginx_sockets/starts")
	rm -f "$nginx_sockets/starts"
	# -r and -t: multiwatch forgives any number of deaths (it gives up after three).
	process_start pool www-data "$workers $(pool_from)" \
		spawn-fcgi -n -s "$(pool_socket)" -M 0660 -b 4096 -- /usr/bin/multiwatch -f "$workers" -r 1000000 -t 1 -s TERM -- \
		"$repo/deploy/worker" "$state/settings" "$program"
	wait_for 20 pool_stays || { process_stop pool TERM 5; die 'the workers do not stay up' "$state/log/outreach.log"; }
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
	why=$(process_why pool)
	from="$workers $(pool_from)"
	if process_current pool "$from" && wait_for 2 pool_is_whole; then
		say pool 'runs already'
	elif process_pid pool >/dev/null && [[ $(<"$state/run/pool.from") == "$workers "* ]]; then
		pool_roll
		say pool "$workers workers restarted one by one, program or settings changed"
	else
		process_stop pool TERM 15
		pool_start
		say pool "$why: $workers workers (multiwatch $(process_pid pool))"
	fi
}

# A rolling restart: a worker finishes its request and ends, multiwatch starts another, the rest serve meanwhile.
# Stops at the first one that does not come back, so a bad build costs one worker and no request; bad settings not
# even that, for the last ones are put back.
pool_roll() {
	local old before
	wait_for 5 pool_is_whole || die 'the pool is not whole: see the log, or run deploy/quickstart' "$state/log/outreach.log"
	for old in $(pool_workers); do
		before=$(pool_workers)
		kill -TERM "$old" 2>/dev/null || continue
		wait_for 15 gone "$old" || { note "worker $old does not finish: killed"; kill -KILL "$old" 2>/dev/null || :; }
		if ! wait_for 10 pool_is_whole || ! pool_kept "$before" "$old"; then
			mv "$state/settings.last" "$state/settings"
			die "a restarted worker does not stay up; the settings are the last ones again, the other $((workers - 1)) still serve" "$state/log/outreach.log"
		fi
	done
	printf '%s\n' "$workers $(pool_from)" >"$state/run/pool.from"
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
