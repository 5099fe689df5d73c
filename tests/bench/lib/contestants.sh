# shellcheck shell=bash disable=SC2154,SC2034 # names of tests/bench/run
# Who is measured.  Every HTTP contestant is a server { } of one nginx, told apart by Host.

export USER_AGENT='Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'
body='{"type":"200_SALES","firstName":"Ada","lastName":"Lovelace","email":"ada@example.com","subject":"Hello","message":"Is it open?","metadata":{"a":1}}'

# A cell is a variant and who: pgbench, the trivial FastCGI, the product, Fastify, Hono on Bun with Bun's own SQL client
# and with pg
# (this last one only at the number of clients at which the demands are judged).  "store": the row only.  "announce": and, after the reply, the announcement.
peers=({store,announce}.{fastify,bun,bunpg})
submits=(store.outreach announce.outreach "${peers[@]}")
cells=(limit.{pgbench,fastcgi} {store,announce}.{outreach,fastify,bun,bunpg})

# ---- Pools: the product with announcements (deploy/quickstart's own), without, and the trivial worker.
pool_start() { # NAME COMMAND...
	local name=$1
	rm -f "$sockets/$name.sock"
	process_start "$name" www-data - spawn-fcgi -n -s "$sockets/$name.sock" -M 0660 -b 4096 -- \
		/usr/bin/multiwatch -f "$workers" -r 1000000 -t 1 -s TERM -- "${@:2}"
}

# settings NAME NODE: those of the product, of a pool of its own, without announcements.
settings_copy() {
	{
		cat "$stack/settings"
		printf "export APP_ENV_NODE_ID=%s APP_ENV_STATE_DIR='%s'\n" "$2" "$state/pools"
		printf 'export APP_ENV_WEBSOCKET_NCHAN=false APP_ENV_WEBSOCKET_BUS=false\n'
	} | secret_file "$state/settings.$1"
}

# ---- Peers: two processes each, behind a kept-alive upstream of two unix sockets.
peer_command() { # WHO SOCKET ANNOUNCE NODE -> arrays command and environment
	case $1 in
		fastify) command=("$node" "$state/peers/fastify.mjs") ;;
		bun | bunpg) command=("$bun" run "$state/peers/bun.mjs") ;;
	esac
	environment=(NODE_ENV=production DO_NOT_TRACK=1 HOME="$sockets" BASE_PATH="$base_path" SOCKET="$2" ANNOUNCE="$3"
		NODE_NUMBER="$4" DATABASE_URL="$DATABASE_URL" REDIS_URL="$REDIS_URL" POOL_SIZE="$peer_pool" SQL_CLIENT="${1#bun}"
		INSERT_SQL="$(<"$state/insert.sql")" HASH_SECRET=0123456789abcdef0123456789abcdef)
}
peer_start() { # CELL NODE: its two processes
	local name=$1 i pass environment command announce=0
	[[ $name != announce.* ]] || announce=1
	for i in 0 1; do
		peer_command "${name#*.}" "$sockets/$name.$i.sock" "$announce" $(($2 + i))
		pass=("${environment[@]}")
		process_start "$name.$i" www-data - "${command[@]}"
	done
	for i in 0 1; do
		wait_for 20 test -S "$sockets/$name.$i.sock" || die "$name does not start" "$state/log/$name.$i.log"
	done
}

# ---- nginx: the edge's configuration as deploy/nginx-render makes it; its server { } is repeated for every
# contestant, with another upstream and nothing else changed.
edge_render() {
	local nofile
	nofile=$(ulimit -Hn)
	[[ $nofile != unlimited && $nofile -lt 20000 ]] || nofile=20000
	env RUN_DIR="$sockets" LOG_DIR="$state/log" FCGI_SOCKET="$FCGI_SOCKET" EDGE_LISTEN="127.0.0.1:$port" NOFILE="$nofile" \
		EDGE_WORKERS="${EDGE_WORKERS:-1}" RATE_LIMIT=off ROOMS_UPSTREAM="unix:$stack/run/www/rooms.sock" \
		BASE_PATH="$base_path" "$repo/deploy/nginx-render" edge
}
server_of() { # NAME: the rendered server { } under another name
	awk '/^    server \{$/ {on = 1} on {print} /^    \}$/ {on = 0}' "$state/edge.conf" |
		sed -e "s|^\( *\)listen .*|\1listen 127.0.0.1:$port;\n\1server_name $1;|"
}
to_pool() { sed -e "s|fastcgi_pass pool;|fastcgi_pass $1;|"; }
to_peer() {
	sed -e "s|include .*/fastcgi\.conf;|include $bench/nginx-peer.conf;|" -e '/fastcgi_ignore_headers/d' \
		-e "s|fastcgi_pass pool;|proxy_pass http://$1;|"
}
nginx_conf() {
	local name
	head -n -1 "$state/edge.conf"
	for name in store.outreach limit.fastcgi; do
		printf '    upstream %s { server unix:%s; }\n' "$name" "$sockets/$name.sock"
		server_of "$name" | to_pool "$name"
	done
	for name in "${peers[@]}"; do
		printf '    upstream %s {\n        server unix:%s max_fails=0;\n        server unix:%s max_fails=0;\n' \
			"$name" "$sockets/$name.0.sock" "$sockets/$name.1.sock"
		printf '        keepalive 1024; keepalive_requests 1000000000; keepalive_timeout 1h;\n    }\n'
		server_of "$name" | to_peer "$name"
	done
	printf '}\n'
}
nginx_start() {
	port=$(free_port)
	edge_render >"$state/edge.conf"
	nginx_conf >"$state/nginx.conf"
	(($(grep -c 'fastcgi_pass pool;' "$state/edge.conf") * (3 + ${#peers[@]}) == $(grep -cE '(fastcgi_pass (pool|store|limit)|proxy_pass http://(store|announce))' "$state/nginx.conf"))) ||
		die 'conf/nginx/edge.conf.template has another shape than this benchmark knows'
	process_start nginx www-data - nginx -e "$state/log/edge.error.log" -p "$state" -c "$state/nginx.conf"
	wait_for 10 curl -sf -o /dev/null "http://127.0.0.1:$port/readyz" || die 'nginx does not start' "$state/log/nginx.log" "$state/log/edge.error.log"
	url=http://127.0.0.1:$port$base_path/inquiries/submit
}

contestants_start() {
	local name number=100
	folder www-data 0750 "$sockets"/edge.tmp
	settings_copy store 11
	settings_copy start 12
	pool_start store.outreach "$repo/deploy/worker" "$state/settings.store" "$program"
	pool_start limit.fastcgi "$state/trivial"
	for name in "${peers[@]}"; do
		peer_start "$name" "$number"
		number=$((number + 2))
	done
	nginx_start
	say started "${#cells[@]} contestants, one nginx on port $port"
}
contestants_stop() {
	local name
	for name in nginx store.outreach limit.fastcgi "${peers[@]/%/.0}" "${peers[@]/%/.1}"; do
		(process_stop "$name" TERM 5) || :
	done
}

# ---- All give the same answer to the same inquiry: same status, same members, same headers of the application.
answer_shape() {
	post_one "$url" -H "Host: $1" -D - | tr -d '\r' |
		sed -E -e 's|^HTTP/1.1 ([0-9]+).*|status \1|' -e '/^(Server|Date|Connection|Transfer-Encoding|Content-Length|X-Request-Id|X-Content|Referrer|Content-Security|Keep-Alive)/Id' \
			-e 's/[0-9]{15,19}/ID/' -e 's/[0-9-]{10}T[0-9:.]{12}Z/TIME/' -e 's/; charset=utf-8//I' -e 's/^([A-Za-z-]+:)/\L\1/' | sort
}
stored_shape() { owner 'SELECT to_jsonb(i) - ARRAY['\''id'\'','\''created_at'\'','\''modified_at'\'','\''ip_hash'\''] FROM outreach."Inquiry" i'; }
bad_bodies=(
	'{"firstName":"Ada","email":"ada@example.com","message":"Hi","status":"303_COMPLETED"}'
	'{"firstName":"Ada","email":"ada at example.com","message":"Hi"}'
	'{"firstName":"Ada","email":"ada@example.com","message":""}'
	'{"firstName":"Ada","email":"ada@example.com","message":"Hi","metadata":{"a":{"b":{"c":{"d":{"e":1}}}}}}'
	'{"firstName":"Ada","email":"ada@example.com","message":"Hi","type":"100"}'
)
refuses() { # CELL
	local body status
	for body in "${bad_bodies[@]}"; do
		status=$(post_one "$url" -H "Host: $1" -o /dev/null -w '%{http_code}')
		[[ $status == 4?? ]] || die "$1 answers $status to $body"
	done
}
contestants_check() {
	local name wanted row
	table_empty
	wanted=$(answer_shape announce.outreach) row=$(stored_shape)
	[[ $wanted == *'status 201'* && $row == *Lovelace* ]] || die "a submit is answered: $wanted"
	for name in "${submits[@]}"; do
		table_empty
		[[ $(answer_shape "$name") == "$wanted" ]] || die "$name gives another answer: $(answer_shape "$name"), wanted: $wanted" "$state/log/$name.0.log"
		[[ $(stored_shape) == "$row" ]] || die "$name stores another row: $(stored_shape), wanted: $row"
		refuses "$name"
	done
	say check 'all give the same answer, store the same row, refuse the same'
}

# Long enough for every compiler and connection; here every answer is looked at.
contestants_warm() {
	local name figures warm_seconds=3 answers wrong lost
	[[ -z $quick ]] || warm_seconds=1
	for name in limit.fastcgi "${submits[@]}"; do
		CHECK=1 load "$name" 64 "$warm_seconds"
		read -r answers _ _ _ wrong lost <<<"$figures"
		((answers > 0 && wrong + lost == 0)) || die "$name: of $answers answers $wrong were not 201, and $lost more never came" "$state/log/$name.0.log"
	done
	say warm 'every answer was 201'
}
