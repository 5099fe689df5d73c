# shellcheck shell=bash disable=SC2154,SC2034 # names of tests/bench/run
# What everything stands on: tools, and the product as deploy/quickstart starts it.

# run_quietly COMMAND...: a long command, in the background and waited for, so that Ctrl-C is heard at once.
run_quietly() {
	local log=$state/log/bench.log
	quietly "$log" "$@" || die "this failed: $*" "$log"
}

# ---- Tools
tools_install() {
	local missing=() one
	: >"$state/log/bench.log"
	command -v wrk >/dev/null || missing+=(wrk)
	command -v npm >/dev/null || missing+=(npm)
	command -v node >/dev/null || missing+=(nodejs)
	if ((${#missing[@]} > 0)); then
		((EUID == 0)) || die "these packages are missing, and only root can install them: ${missing[*]}"
		note "installing ${missing[*]}"
		run_quietly apt-get update
		run_quietly env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}"
	fi
	peers_install
	for one in bun node; do
		local -n path=$one
		path=$(find "$state/peers/node_modules" -path "*linux*/bin/$one" -type f | head -n 1)
		"$path" --version >/dev/null || die "$one is missing or does not run here"
	done
	say tools "wrk, node $("$node" --version), bun $("$bun" --version)"
}

# The peers and their packages, pinned, in the state folder.
peers_install() {
	local to=$state/peers
	cp "$bench"/peers/*.mjs "$to/"
	if [[ -e $to/installed ]] && cmp -s "$bench/package-lock.json" "$to/installed"; then return; fi
	cp "$bench"/package{,-lock}.json "$to/"
	run_quietly env npm_config_cache="$to/.npm" npm ci --prefix "$to" --no-audit --no-fund --ignore-scripts
	rm -rf "$to/.npm"
	cp "$to/package-lock.json" "$to/installed"
}

helpers_build() {
	local flags=(-O2 -std=c17 -D_GNU_SOURCE -Wall -Wextra -Werror) built=$repo/build/release libraries
	run_quietly cc "${flags[@]}" -o "$state/trivial" "$bench/trivial.c" -lfcgi
	run_quietly cc "${flags[@]}" -o "$state/first_answer" "$bench/first_answer.c"
	read -ra libraries < <(pkg-config --libs libpq hiredis json-c libjwt libcurl libcrypto libidn2 rdkafka)
	run_quietly cc "${flags[@]}" -I"$repo/include" -I"$repo/src" -o "$state/open_read" "$bench/open_read.c" \
		"$built/liboutreach.a" "$built/libbana.a" "${libraries[@]}" -lfcgi
	run_quietly "$node" "$bench/prepare.mjs" requests "$state"
}

# ---- The product
quickstart() { run_quietly "$repo/deploy/quickstart" "$@" --state "$stack"; }

# A free port below the range from which the kernel takes ports for clients.
port_is_free() { ! (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
free_port() {
	local port
	for _ in {1..50}; do
		port=$((20000 + RANDOM % 10000))
		if port_is_free "$port"; then
			printf '%s' "$port"
			return
		fi
	done
	die 'no port is free'
}

stack_start() {
	local most=64 needed work one
	note 'starting the product (a release build the first time)'
	stack_stop
	rm -rf "${stack:?}/pg"                  # a database of this run alone, with nothing of the last one in it
	stack_up
	# PostgreSQL must have room for everybody, and for a pgbench of as many clients.
	for work in "${chosen[@]}"; do
		for one in $(clients_of "$work"); do most=$((one > most ? one : most)); done
	done
	needed=$((most + 3 * workers + 16 * peer_pool + 60))
	if (($(admin 'SHOW max_connections') < needed)); then
		admin "ALTER SYSTEM SET max_connections = $needed"
		stack_stop
		stack_up
	fi
	say product "$workers workers, $(admin 'SHOW server_version')"
}
stack_up() {
	# The peers have no gate, and send the same inquiries over and over; what it costs: tests/http/gate-cost.test.mjs
	APP_ENV_OUTREACH_GATE=false quickstart start --services outreach --port "$(free_port)" --workers "$workers" --no-demo
	# shellcheck disable=SC1091 # written by deploy/quickstart
	. "$stack/env"
	psql=(psql -XqAt -v ON_ERROR_STOP=1)
	program=$repo/build/release/bin/bana-outreach
	base_path=/${BASE_URL#http://*/}
	pgbench=$(dirname "$(readlink "/proc/$POSTGRES_PID/exe")")/pgbench
}
stack_stop() { [[ ! -d $stack/run ]] || "$repo/deploy/quickstart" stop --state "$stack" >>"$state/log/bench.log" 2>&1 || :; }

admin() { "${psql[@]}" -c "$1" "$DATABASE_ADMIN_URL"; }
owner() { "${psql[@]}" -c "$1" "$DATABASE_OWNER_URL"; }
