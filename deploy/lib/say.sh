# shellcheck shell=bash disable=SC2154 # names of deploy/quickstart
# What the user sees: one line a step with its time; the reason and the log that matters when a step fails.

begun=${EPOCHREALTIME/./}
step_begun=$begun

# say WHAT TEXT: the step WHAT is done; its time is the time since the last line.
say() {
	local now=${EPOCHREALTIME/./}
	printf '%-13s %-64s %6s s\n' "$1" "$2" "$(seconds $((now - step_begun)))"
	step_begun=$now
}

seconds() { printf '%d.%d' $(($1 / 1000000)) $(($1 % 1000000 / 100000)); }

# note TEXT: something to know, without a time.
note() { printf '%-13s %s\n' '' "$1"; }

# die TEXT [LOG...]: say why, show the end of the logs, give up.
die() {
	local log
	printf '\n%s: %s\n' "${0##*/}" "$1" >&2
	shift
	for log; do
		[[ -s $log ]] || continue
		printf -- '--- the end of %s\n' "$log" >&2
		tail -n 15 "$log" >&2
	done
	exit 1
}

# wait_for SECONDS COMMAND...: until the command succeeds; fails when it did not in time.
wait_for() {
	local until=$((${EPOCHREALTIME/./} + $1 * 1000000))
	shift
	until "$@" >/dev/null 2>&1; do
		((${EPOCHREALTIME/./} < until)) || return 1
		sleep 0.05
	done
}

# quietly LOG COMMAND...: a long command with its output in LOG.  In the background and waited for, because bash
# runs a trap only between commands: Ctrl-C must not wait for a compiler.
quietly() {
	local log=$1
	shift
	"$@" >>"$log" 2>&1 </dev/null &
	wait $!
}
