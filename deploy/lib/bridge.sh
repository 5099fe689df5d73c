# shellcheck shell=bash disable=SC2154 # names of deploy/quickstart
# The bridge from the Redis bus of other services to the rooms: two processes, one leads, the other takes over.

bridge_program() { printf '%s/bana-bridge' "${program%/*}"; }
bridge_from() { sha256sum "$(bridge_program)" "$state/settings"; }

# Both are the program, no longer the shell they began as.
bridge_is_whole() {
	local pid one found=0
	pid=$(process_pid bridge) || return 1
	for one in $(children_of "$pid"); do
		[[ $(readlink "/proc/$one/exe") != "$(bridge_program)" ]] || found=$((found + 1))
	done
	((found == 2))
}

bridge_ensure() {
	local why pass=("${pass[@]}" STARTS_MAX=10 STARTS_FILE="$nginx_sockets/bridge.starts")
	why=$(process_why bridge)
	if process_current bridge "$(bridge_from)" && wait_for 2 bridge_is_whole; then
		say bridge 'runs already'
		return
	fi
	process_stop bridge TERM 5
	process_start bridge www-data "$(bridge_from)" \
		/usr/bin/multiwatch -f 2 -r 1000000 -t 1 -s TERM -- "$repo/deploy/worker" "$state/settings" "$(bridge_program)"
	wait_for 10 bridge_is_whole || { process_stop bridge TERM 5; die 'the bridge does not stay up' "$state/log/bridge.log"; }
	say bridge "$why: one leads, one stands by (multiwatch $(process_pid bridge))"
}
