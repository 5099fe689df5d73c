# shellcheck shell=bash disable=SC2154,SC2034 # names of tests/bench/run
# One cell, and what is measured beside the cells: memory and start-up.

# ---- Order: every round begins with another cell, and every second one goes backwards.
cells_in_order() { # ROUND -> array order
	local i n=${#cells[@]}
	order=()
	for ((i = 0; i < n; i++)); do
		if (($1 % 2 == 1)); then order+=("${cells[(i + 3 * $1) % n]}"); else order=("${cells[(i + 3 * $1) % n]}" "${order[@]}"); fi
	done
}

# ---- CPU: clock ticks of these processes, user and system, with their children that have ended.
ticks_of() { # PID...
	local pid line sum=0 fields
	for pid; do
		{ read -r line <"/proc/$pid/stat"; } 2>/dev/null || continue
		read -ra fields <<<"${line##*) }"
		sum=$((sum + fields[11] + fields[12] + fields[13] + fields[14]))
	done
	printf '%s' "$sum"
}
tier_of() { # CELL -> pids of the processes that serve it
	case $1 in
		announce.outreach) children_of "$POOL_PID" ;;
		store.outreach | limit.fastcgi) children_of "$(process_pid "$1")" ;;
		limit.pgbench) ;;
		*) process_pid "$1.0"; printf '\n'; process_pid "$1.1" ;;
	esac
}
# Tier, nginx, PostgreSQL, and what announces (Redis and the rooms' nginx).
ticks_now() { # CELL
	local tier nginx postgres rest
	mapfile -t tier < <(tier_of "$1")
	mapfile -t nginx < <(children_of "$(process_pid nginx)")
	mapfile -t postgres < <(printf '%s\n' "$POSTGRES_PID"; children_of "$POSTGRES_PID")
	mapfile -t rest < <(printf '%s\n' "$REDIS_PID"; children_of "$ROOMS_PID")
	printf '%s %s %s %s' "$(ticks_of "${tier[@]}")" "$(ticks_of "${nginx[@]}")" "$(ticks_of "${postgres[@]}")" "$(ticks_of "${rest[@]}")"
}

# ---- Load.  Both set figures: requests, seconds, p50 ms, p99 ms, wrong answers, lost answers.
load() { # CELL CLIENTS SECONDS
	local out=$state/load.txt threads=$(($(nproc) / 2)) host=$1
	((threads > 0)) || threads=1
	((threads <= $2)) || threads=$2
	wrk -t "$threads" -c "$2" -d "$3s" --timeout 10s --latency -H "Host: $host" -H "User-Agent: $USER_AGENT" -H 'Accept: application/json' \
		-s "$bench/submit.lua" "$url" -- "$state/bodies.lua" >"$out" 2>&1 &
	wait $! || die 'wrk failed' "$out"
	figures=$(sed -n 's/^figures //p' "$out")
	[[ $figures ]] || die 'wrk gave no figures' "$out"
}
load_pgbench() { # CLIENTS SECONDS
	local out=$state/load.txt threads=2 done_count rate p50 p99 failed
	((threads <= $1)) || threads=$1
	rm -f "$state"/pgbench_log.*
	"$pgbench" -n -M prepared -c "$1" -j "$threads" -T "$2" "${scripts[@]}" "${defines[@]}" \
		--log --sampling-rate=0.2 --log-prefix="$state/pgbench_log" "$DATABASE_URL" >"$out" 2>&1 &
	wait $! || die 'pgbench failed' "$out"
	done_count=$(sed -n 's/^number of transactions actually processed: \([0-9]*\).*/\1/p' "$out")
	failed=$(sed -n 's/^number of failed transactions: \([0-9]*\).*/\1/p' "$out")
	rate=$(sed -n 's/^tps = \([0-9.]*\).*/\1/p' "$out")
	read -r p50 p99 < <(cat "$state"/pgbench_log.* | cut -d ' ' -f 3 | sort -n |
		awk '{at[NR] = $1} END {printf "%.3f %.3f\n", at[int(NR * .5) + 1] / 1000, at[int(NR * .99) + 1] / 1000}')
	figures="$done_count $(awk "BEGIN {printf \"%.6f\", $done_count / $rate}") $p50 $p99 ${failed:-0} 0"
}

table_empty() { owner 'TRUNCATE outreach."Inquiry"'; }
table_rows() { owner 'SELECT count(*) FROM outreach."Inquiry"'; }
logs_empty() { local log; for log in "$state/log/edge.access.log" "$state/log/store.outreach.log" "$stack"/log/{outreach,rooms.access}.log; do : >"$log"; done; }

# cell ROUND NAME CLIENTS: one line of cells.tsv
cell() {
	local before after figures rows missing=0 done_count
	table_empty
	logs_empty
	before=$(ticks_now "$2")
	if [[ $2 == limit.pgbench ]]; then load_pgbench "$3" "$seconds"; else load "$2" "$3" "$seconds"; fi
	after=$(ticks_now "$2")
	rows=$(table_rows)
	read -r done_count _ <<<"$figures"
	# Every answer must be a row; up to one a client may be a row whose answer we did not wait for.
	[[ $2 == limit.fastcgi ]] || missing=$((rows < done_count ? done_count - rows : 0))
	printf '%s\t%s\t%s\t%s\t%s\t%s\t%s\n' "$1" "$2" "$3" "${figures// /$'\t'}" "$missing" "${before// /$'\t'}" "${after// /$'\t'}" >>"$state/cells.tsv"
}

# ---- Private memory after all that work: KiB of each process
private_of() { awk '/^Private_(Clean|Dirty):/ {sum += $2} END {print sum + 0}' "/proc/$1/smaps_rollup"; }
memory_measure() {
	local name pid
	for name in "${submits[@]}"; do
		for pid in $(tier_of "$name"); do printf '%s\t%s\n' "$name" "$(private_of "$pid")"; done
	done >"$state/memory.tsv"
	say memory 'measured'
}

# ---- Start-up of one process, everything else idle: milliseconds, five times in turn
starts_measure() {
	local i who
	for i in {1..5}; do
		for who in outreach fastify bun bunpg; do
			printf '%s\t%s\n' "$who" "$(start_once "$who")"
		done
	done >"$state/starts.tsv"
	say start-up 'measured'
}
start_once() { # WHO
	local drop command environment kind=http at=$sockets/start.sock
	drop_to www-data
	if [[ $1 == outreach ]]; then
		kind=fcgi environment=() command=("$repo/deploy/worker" "$state/settings.start" "$program")
	else
		peer_command "$1" "$at" 1 90
	fi
	env -i -C "$state" PATH="$PATH" LANG=C.UTF-8 "${environment[@]}" "${drop[@]}" "$state/first_answer" "$kind" "$at" "${command[@]}" 2>>"$state/log/bench.log" ||
		die "$1 does not start" "$state/log/bench.log"
}

# ---- What the page says of the machine and the programs
facts_write() {
	local version
	version() { sed -n 's/^ *"version": "\(.*\)",*$/\1/p' "$state/peers/node_modules/$1/package.json" | head -n 1; }
	{
		printf 'cores\t%s\n' "$(nproc)"
		printf 'processor\t%s\n' "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)"
		printf 'memory\t%s GiB\n' "$(awk '/^MemTotal/ {printf "%.0f", $2 / 1048576}' /proc/meminfo)"
		printf 'system\t%s, Linux %s\n' "$(. /etc/os-release && printf '%s' "$PRETTY_NAME")" "$(uname -r | cut -d . -f 1,2)"
		printf 'product\t%s\n' "$("$program" --version | head -n 1)"
		printf 'nginx\t%s\n' "$(nginx -v 2>&1 | sed 's|.*nginx/||')"
		printf 'postgres\t%s\n' "$(admin 'SHOW server_version')"
		printf 'redis\t%s\n' "$(redis-server --version | sed 's/.* v=\([0-9.]*\).*/\1/')"
		printf 'wrk\t%s\n' "$(wrk --version 2>&1 | sed -n '1s/^wrk \([^ ]*\).*/\1/p')"
		printf 'node\t%s\nbun\t%s\n' "$("$node" --version)" "$("$bun" --version)"
		local one
		for one in fastify pg hono zod ioredis; do printf '%s\t%s\n' "$one" "$(version "$one")"; done
		printf 'rounds\t%s\nseconds\t%s\nconcurrency\t%s\nworkers\t%s\npeerPool\t%s\nquick\t%s\njudgedAt\t%s\n' \
			"$rounds" "$seconds" "$concurrency" "$workers" "$peer_pool" "$quick" "$judged_at"
		printf 'ticks\t%s\n' "$(getconf CLK_TCK)"
		printf 'nginxWorkers\t%s\n' "$(children_of "$(process_pid nginx)" | wc -l)"
		printf 'insert\t%s\n' "$(<"$state/insert.sql")"
	} >"$state/facts.tsv"
}
