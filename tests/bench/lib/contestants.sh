# shellcheck shell=bash disable=SC2154,SC2034 # names of tests/bench/run
# Who is measured.  Every HTTP contestant is a server { } of one nginx, told apart by Host.

export USER_AGENT='Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'

# ---- Pools: the product as deploy/quickstart runs it (announce.outreach), without announcements, without a token
# for the read by id, and the trivial worker.
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
peer_command() { # KIND.WHO SOCKET NODE -> arrays command and environment
	local kind=${1%%.*} who=${1#*.}
	case $who in
		fastify) command=("$node" "$state/peers/fastify.mjs") ;;
		bun | bunpg) command=("$bun" run "$state/peers/bun.mjs") ;;
	esac
	environment=(NODE_ENV=production DO_NOT_TRACK=1 HOME="$sockets" BASE_PATH="$base_path" SOCKET="$2" KIND="$kind"
		NODE_NUMBER="$3" DATABASE_URL="$DATABASE_URL" REDIS_URL="$REDIS_URL" POOL_SIZE="$peer_pool" SQL_CLIENT="${who#bun}"
		INSERT_SQL="$(<"$state/insert.sql")" HASH_SECRET=0123456789abcdef0123456789abcdef JWKS="$(<"$stack/jwks.json")")
}
peer_start() { # KIND.WHO NODE: its two processes
	local name=$1 i pass environment command
	for i in 0 1; do
		peer_command "$name" "$sockets/$name.$i.sock" $(($2 + i))
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
		EDGE_WORKERS="${EDGE_WORKERS:-1}" RATE_LIMIT=off SIGNAL_BASE_PATH='' STATUS_SOCKET="$stack/run/www/status.sock" ROOMS_UPSTREAM="unix:$stack/run/www/rooms.sock" \
		DOC_DIR="$stack/doc" BASE_PATH="$base_path" "$repo/deploy/nginx-render" edge
}
server_of() { # NAME: the rendered server { } of visitors, which is the first, under another name
	awk '/^    server \{$/ {on = 1} on {print} on && /^    \}$/ {exit}' "$state/edge.conf" |
		sed -e "s|^\( *\)listen .*|\1listen 127.0.0.1:$port;\n\1server_name $1;|"
}
to_pool() { sed -e "s|fastcgi_pass \$bana_pool;|fastcgi_pass $1;|"; }
to_peer() {
	sed -e "s|include .*/fastcgi\.conf;|include $bench/nginx-peer.conf;|" -e '/fastcgi_ignore_headers/d' \
		-e "s|fastcgi_pass \$bana_pool;|proxy_pass http://$1;|"
}
nginx_conf() {
	local name
	head -n -1 "$state/edge.conf"
	for name in "${servers[@]}"; do
		if is_peer "$name"; then
			printf '    upstream %s {\n        server unix:%s max_fails=0;\n        server unix:%s max_fails=0;\n' \
				"$name" "$sockets/$name.0.sock" "$sockets/$name.1.sock"
			printf '        keepalive 1024; keepalive_requests 1000000000; keepalive_timeout 1h;\n    }\n'
			server_of "$name" | to_peer "$name"
		else
			printf '    upstream %s { server unix:%s; }\n' "$name" "$sockets/$name.sock"
			server_of "$name" | to_pool "$name"
		fi
	done
	printf '}\n'
}
nginx_start() {
	port=$(free_port)
	edge_render >"$state/edge.conf"
	nginx_conf >"$state/nginx.conf"
	# shellcheck disable=SC2016 # nginx's variable, not ours
	(($(grep -c 'fastcgi_pass $bana_pool;' "$state/edge.conf") == 1 &&
		${#servers[@]} == $(grep -cE '(fastcgi_pass [a-z]+\.[a-z]+|proxy_pass http://[a-z]+\.[a-z]+);' "$state/nginx.conf"))) ||
		die 'conf/nginx/edge.conf.template has another shape than this benchmark knows'
	process_start nginx www-data - nginx -e "$state/log/edge.error.log" -p "$state" -c "$state/nginx.conf"
	wait_for 10 curl -sf -o /dev/null "http://127.0.0.1:$port/readyz" || die 'nginx does not start' "$state/log/nginx.log" "$state/log/edge.error.log"
	url=http://127.0.0.1:$port$base_path
}

# The whole product is there already (announce.outreach): nginx first, for from it the peers' INSERT is learned.
contestants_start() {
	local name number=100
	mapfile -t servers < <(servers_needed | grep -v '^announce\.outreach$')
	folder www-data 0750 "$sockets"/edge.tmp
	settings_copy store 11
	settings_copy start 12
	settings_copy open 13
	for name in "${servers[@]}"; do
		case $name in
			store.outreach) pool_start "$name" "$repo/deploy/worker" "$state/settings.store" "$program" ;;
			open.outreach) pool_start "$name" "$repo/deploy/worker" "$state/settings.open" "$state/open_read" ;;
			limit.fastcgi) pool_start "$name" "$state/trivial" ;;
		esac
	done
	nginx_start
	learn submit.store
	cp "$state/pgbench/submit.store.text" "$state/insert.sql"
	for name in "${servers[@]}"; do
		is_peer "$name" || continue
		peer_start "$name" "$number"
		number=$((number + 2))
	done
	say started "$((${#servers[@]} + 1)) services, one nginx on port $port"
}
contestants_stop() {
	local file name
	for file in "$state"/run/*.pid; do
		[[ -e $file ]] || continue
		name=${file##*/}
		(process_stop "${name%.pid}" TERM 5) || :
	done
}

# ---- Asking.  headers_of CONTESTANT WORK -> array headers, for curl and wrk alike
headers_of() {
	local own
	own=$(of "$2" headers)
	headers=(-H "Host: $1" -H "User-Agent: $USER_AGENT" -H 'Accept: application/json')
	[[ -z $own ]] || headers+=(-H "$own")
	[[ $(of "$2" requests) == submit || $1 == open.* ]] || headers+=(-H "Authorization: Bearer ${token-$BO_TOKEN}")
}
# ask CONTESTANT WORK N CURL_ARGUMENT...: the Nth request of those that are compared
ask() {
	local headers method path content
	headers_of "$1" "$2"
	IFS=$'\t' read -r method path content < <(sed -n "$3p" "$state/requests/$(of "$2" requests).check.tsv")
	curl -sS --max-time 10 "${headers[@]}" -X "$method" ${content:+-d "$content"} "${@:4}" "$url$path"
}

# ---- Before anything is measured: the same status, the same headers of the application, the same body, the same row.
answer_shape() { # CONTESTANT WORK N
	local made=()
	[[ $(of "$2" requests) != @(submit|patch) ]] || made=(-e 's/[0-9-]{10}T[0-9:.]{12}Z/TIME/g')
	[[ $(of "$2" requests) != submit ]] || made+=(-e 's/[0-9]{15,19}/ID/')
	ask "$1" "$2" "$3" -D - | tr -d '\r' |
		sed -E -e 's|^HTTP/1.1 ([0-9]+).*|status \1|' -e '/^(Server|Date|Connection|Transfer-Encoding|Content-Length|X-Request-Id|X-Content|Referrer|Content-Security|Keep-Alive)/Id' \
			-e 's/cursor=[^>]*/cursor=CURSOR/' "${made[@]}" -e 's/; charset=utf-8$//I' -e 's/^([A-Za-z-]+:)/\L\1/' |
		awk '/^status [45]/ {print; exit} {print}' | sort
}
stored_shape() { # WORK: the row that the request made
	case $(of "$1" requests) in
		submit) owner 'SELECT to_jsonb(i) - ARRAY['\''id'\'','\''created_at'\'','\''modified_at'\'','\''ip_hash'\''] FROM outreach."Inquiry" i' ;;
		patch) owner 'SELECT to_jsonb(i) - ARRAY['\''modified_at'\'','\''handled_at'\''], i.modified_at = i.handled_at, to_jsonb(a) - ARRAY['\''id'\'','\''created_at'\'','\''request_id'\'','\''changes'\''],
			regexp_replace(a.changes::text, '\''"20[^"]*"'\'', '\''TIME'\'', '\''g'\'') FROM outreach."Inquiry" i, outreach."AuditLog" a WHERE i.id = 249000000004711000 ORDER BY a.id DESC LIMIT 1' ;;
	esac
}
prepared() { # WORK: the table as it was, for the next one
	case $(of "$1" requests) in
		submit) table_empty ;;
		patch) patched_reset ;;
	esac
}
bad_bodies=(
	'{"firstName":"Ada","email":"ada@example.com","message":"Hi","status":"303_COMPLETED"}'
	'{"firstName":"Ada","email":"ada at example.com","message":"Hi"}'
	'{"firstName":"Ada","email":"ada@example.com","message":""}'
	'{"firstName":"Ada","email":"ada@example.com","message":"Hi","metadata":{"a":{"b":{"c":{"d":{"e":1}}}}}}'
	'{"firstName":"Ada","email":"ada@example.com","message":"Hi","type":"100"}'
)
refuses_body() { # CONTESTANT WORK
	local body status headers
	headers_of "$1" "$2"
	for body in "${bad_bodies[@]}"; do
		status=$(curl -sS "${headers[@]}" -d "$body" -o /dev/null -w '%{http_code}' "$url/inquiries/submit")
		[[ $status == 4?? ]] || die "$1 answers $status to $body"
	done
}
# None, one with another signature, one that has expired: 401.  A cashier's: 403 where he may not.
refuses_token() { # CONTESTANT WORK
	local token bad status wanted=200 issue=("${program%/*}/bana-token" issue "$SIGNING_KEY" --user 2 --role CASHIER)
	[[ $(of "$2" requests) != @(patch|export) ]] || wanted=403
	bad=('' "${BO_TOKEN}x" "${BO_TOKEN%.*}.$(printf 'A%.0s' {1..86})" "$("${issue[@]}" --claim exp=1000000000)")
	for token in "${bad[@]}"; do
		status=$(ask "$1" "$2" 1 -o /dev/null -w '%{http_code}')
		[[ $status == 401 ]] || die "$1 answers $status to a bad token: $token" "$state/log/$1.0.log"
	done
	token=$("${issue[@]}" --ttl 600)
	status=$(ask "$1" "$2" 1 -o /dev/null -w '%{http_code}')
	[[ $status == "$wanted" ]] || die "$1 answers $status to a cashier, wanted: $wanted" "$state/log/$1.0.log"
}
work_check() { # WORK
	local name n count all got row first=()
	count=$(wc -l <"$state/requests/$(of "$1" requests).check.tsv")
	mapfile -t all < <(contestants_of "$1" | grep -v '^limit\.')
	for name in "${all[@]}"; do
		prepared "$1"
		for ((n = 1; n <= count; n++)); do
			[[ $(of "$1" requests) != submit ]] || table_empty
			got=$(answer_shape "$name" "$1" "$n")
			[[ $got == "${first[n]=$got}" ]] ||
				die "$name gives another answer to $1, request $n: $(diff <(echo "${first[n]}") <(echo "$got") | cut -c 1-300)" "$state/log/$name.0.log"
			((n == 1)) || continue
			[[ $got == *"status $(of "$1" answer | cut -d ' ' -f 1)"* ]] || die "$name answers $1: $got" "$state/log/$name.0.log"
			got=$(stored_shape "$1")
			[[ $got == "${row=$got}" ]] || die "$name stores another row: $got, wanted: $row"
		done
		if [[ $(of "$1" requests) == submit ]]; then
			refuses_body "$name" "$1"
		elif [[ $name != open.* ]]; then
			refuses_token "$name" "$1"
		fi
	done
	prepared "$1"
	say check "$1: ${#all[@]} give the same $count answers"
}

# Long enough for every compiler and connection; here every answer is looked at.
work_warm() { # WORK
	local name figures warm_seconds=2 answers wrong lost
	[[ -z $quick ]] || warm_seconds=1
	[[ $(of "$1" load wrk) == wrk ]] || return 0
	while read -r name; do
		is_http "$name" || continue
		CHECK=1 load_wrk "$1" "$name" 64 "$warm_seconds"
		read -r answers _ _ _ wrong lost <<<"$figures"
		((answers > 0 && wrong + lost == 0)) || die "$1, $name: of $answers answers $wrong were not as they should be, and $lost more never came" "$state/log/$name.0.log"
	done < <(contestants_of "$1")
	say warm "$1: every answer was right"
}
