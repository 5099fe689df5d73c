# shellcheck shell=bash disable=SC2154 # names of deploy/quickstart
# A Kafka broker for Signal: deploy/demo/broker.c, which keeps nothing and has new ports after each start.

broker_topics='signal.activity-notification:3'

broker_file() { printf '%s/brokers' "$nginx_sockets"; }
brokers() { cat "$(broker_file)" 2>/dev/null || :; }

# Not among the installed programs, so a folder of other programs may lack it.
broker_program() {
	local one
	for one in "$bin_folder" "$repo/build/$preset/bin"; do
		[[ ! -x $one/bana-demo-broker ]] || { printf '%s/bana-demo-broker' "$one"; return; }
	done
	die 'bana-demo-broker is not built: build it, or give APP_ENV_KAFKA_BROKERS'
}

broker_ensure() {
	local why from command
	serves signal || return 0
	if [[ ${APP_ENV_KAFKA_BROKERS-} ]]; then
		part_end broker
		say broker 'outside: APP_ENV_KAFKA_BROKERS is given'
		return
	fi
	command=$(broker_program) why=$(process_why broker)
	from="$(sha256sum "$command") $broker_topics"
	if process_current broker "$from" && [[ -s $(broker_file) ]]; then
		say broker 'runs already'
		return
	fi
	process_stop broker TERM 5
	rm -f "$(broker_file)"
	# shellcheck disable=SC2086 # words
	process_start broker www-data "$from" "$command" "$(broker_file)" $broker_topics
	wait_for 10 test -s "$(broker_file)" || die 'the broker does not start' "$state/log/broker.log"
	say broker "$why (pid $(process_pid broker), $(brokers))"
}
