# shellcheck shell=bash disable=SC2154 # names of deploy/quickstart
# The proof that it works: a BO client listens, a visitor submits, the frame arrives.

demo_install() {
	local to=$state/demo
	mkdir -p "$to"
	cp "$repo/deploy/demo/watch.mjs" "$repo/conf/nginx/client/observer.mjs" "$to/"
	[[ ! -d $to/node_modules/ws ]] || ! cmp -s "$repo/deploy/demo/package-lock.json" "$to/package-lock.json" || return 0
	cp "$repo"/deploy/demo/package{,-lock}.json "$to/"
	quietly "$state/log/npm.log" env npm_config_cache="$state/demo/.npm" \
		npm ci --prefix "$to" --no-audit --no-fund --ignore-scripts || die 'npm ci failed' "$state/log/npm.log"
}

demo_inquiry='{"firstName":"Ada","lastName":"Lovelace","email":"ada@example.com","subject":"Hello",
	"message":"The first inquiry of this instance."}'

# Somebody listens, in nchan's own count: the socket is open and its room is subscribed.
demo_is_heard() {
	curl -sf --unix-socket "$nginx_sockets/publish.sock" -H 'Accept: text/json' http://rooms/pub/outreach/inquiries |
		grep -q '"subscribers": *[1-9]'
}

demo_run() {
	local log=$state/log/demo.log answer watcher
	: >"$log"
	(
		# shellcheck disable=SC1091 # written by env_write
		. "$state/env"
		exec node "$state/demo/watch.mjs" --count 1 >>"$log" 2>&1
	) &
	watcher=$!
	wait_for 15 grep -q '^open' "$log" || die 'the BO client got no socket' "$log" "$state/log/outreach.log"
	wait_for 5 demo_is_heard || die 'the room of the BO client is not served' "$state/log/rooms.error.log"
	answer=$(curl -sS --max-time 10 -H 'Content-Type: application/json' -d "$demo_inquiry" \
		"http://127.0.0.1:$port$base_path/inquiries/submit") ||
		die 'the submit failed' "$state/log/outreach.log"
	say submit "${answer:0:64}"
	wait_for 10 gone "$watcher" || { kill "$watcher"; die "no frame came for $answer" "$log" "$state/log/outreach.log"; }
	wait "$watcher" || die 'the BO client failed' "$log"
	say frame 'received over the WebSocket:'
	sed -n 's/^frame //p' "$log"
}
