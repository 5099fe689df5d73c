# shellcheck shell=bash disable=SC2154 # names of deploy/quickstart
# The proof that it works: a BO client listens, a visitor submits, the frame arrives; somebody pays, the notification
# arrives.

demo_install() {
	local to=$state/demo
	mkdir -p "$to"
	cp "$repo"/deploy/demo/{watch,produce}.mjs "$repo/conf/nginx/client/observer.mjs" "$to/"
	[[ ! -d $to/node_modules/kafkajs ]] || ! cmp -s "$repo/deploy/demo/package-lock.json" "$to/package-lock.json" || return 0
	[[ -z $npm_is_away ]] || die "npm's registry does not answer, and the demo needs it; --no-demo does without" "$state/log/npm.log"
	cp "$repo"/deploy/demo/package{,-lock}.json "$to/"
	quietly "$state/log/npm.log" env npm_config_cache="$state/demo/.npm" \
		npm ci --prefix "$to" --no-audit --no-fund --ignore-scripts || die 'npm ci failed' "$state/log/npm.log"
}

# demo_node SCRIPT ARGUMENT...: become one of those scripts, where DIR/env says; its service is the current one.  Called
# in a shell of its own, which `exec` makes the script: so who kills it kills that.
demo_node() {
	# shellcheck disable=SC1091 # written by env_write
	. "$state/env"
	export BASE_URL=http://127.0.0.1:$port$base_path
	exec 8>&- 9>&-          # our locks
	exec node "$state/demo/$1" "${@:2}"
}

# Somebody listens, in nchan's own count: the socket is open and its room is subscribed.
demo_is_heard() { # ROOM
	curl -sf --unix-socket "$nginx_sockets/publish.sock" -H 'Accept: text/json' "http://rooms/pub/$1" |
		grep -q '"subscribers": *[1-9]'
}

# demo_show ROOM COMMAND...: who listens to the room gets one frame once COMMAND is done.
demo_show() {
	local room=$1 log=$state/log/demo.log watcher
	shift
	: >"$log"
	(demo_node watch.mjs --count 1 "$room" >>"$log" 2>&1) &
	watcher=$!
	wait_for 15 grep -q '^open' "$log" || die 'the BO client got no socket' "$log" "$(pool_log)"
	wait_for 5 demo_is_heard "$room" || die 'the room of the BO client is not served' "$state/log/rooms.error.log"
	"$@"
	wait_for 10 gone "$watcher" || { kill "$watcher"; die 'no frame came for it' "$log" "$(pool_log)"; }
	wait "$watcher" || die 'the BO client failed' "$log"
	say frame 'received over the WebSocket:'
	sed -n 's/^frame //p' "$log"
}

demo_inquiry='{"firstName":"Ada","lastName":"Lovelace","email":"ada@example.com","subject":"Hello",
	"message":"The first inquiry of this instance."}'
demo_submit() {
	local answer
	answer=$(curl -sS --max-time 10 -H 'Content-Type: application/json' -d "$demo_inquiry" \
		"http://127.0.0.1:$port$base_path/inquiries/submit") || die 'the submit failed' "$(pool_log)"
	say submit "${answer:0:64}"
}

demo_produce() {
	local answer
	answer=$(demo_node produce.mjs 2>&1) || die "the event cannot be sent: $answer" "$state/log/broker.log"
	say event "$answer"
}
# Before it has its partitions a consumer would take what comes for what was there.
demo_is_consumed() { curl -s --max-time 2 "http://127.0.0.1:$port$base_path/readyz" | grep -q '"consumer":{"status":"ok"'; }
demo_notify() {
	if ! process_pid consumer >/dev/null; then
		say event 'skipped: no consumer runs, so no notification would come'
	elif [[ ${APP_ENV_KAFKA_BROKERS-} ]]; then
		say event 'skipped: APP_ENV_KAFKA_BROKERS is given, and the topic is not ours'
	else
		service_use signal
		wait_for 30 demo_is_consumed || die 'the consumers got no partitions' "$state/log/consumer.log"
		demo_show signal/notification/1 demo_produce
		service_use "$services_first"
	fi
}
