# shellcheck shell=bash disable=SC2154,SC2034 # names of tests/bench/run
# One cell, and what is measured beside the cells: memory and start-up.

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
tier_of() { # CONTESTANT -> pids of the processes that serve it
	case $1 in
		announce.outreach) children_of "$POOL_PID" ;;
		*.outreach | limit.fastcgi) children_of "$(process_pid "$1")" ;;
		limit.*) ;;
		*) process_pid "$1.0"; printf '\n'; process_pid "$1.1" ;;
	esac
}
# Tier, nginx, PostgreSQL, and what announces (Redis and the rooms' nginx).
ticks_now() { # CONTESTANT
	local tier nginx postgres rest
	mapfile -t tier < <(tier_of "$1")
	mapfile -t nginx < <(children_of "$(process_pid nginx)")
	mapfile -t postgres < <(printf '%s\n' "$POSTGRES_PID"; children_of "$POSTGRES_PID")
	mapfile -t rest < <(printf '%s\n' "$REDIS_PID"; children_of "$ROOMS_PID")
	printf '%s %s %s %s' "$(ticks_of "${tier[@]}")" "$(ticks_of "${nginx[@]}")" "$(ticks_of "${postgres[@]}")" "$(ticks_of "${rest[@]}")"
}

# ---- Load.  All set figures: requests, seconds, p50 ms, p99 ms, wrong answers, lost answers.
load_wrk() { # WORK CONTESTANT CLIENTS SECONDS
	local out=$state/load.txt threads=$(($(nproc) / 2)) headers status pattern
	((threads > 0)) || threads=1
	((threads <= $3)) || threads=$3
	headers_of "$2" "$1"
	read -r status pattern <<<"$(of "$1" answer)"
	wrk -t "$threads" -c "$3" -d "$4s" --timeout 10s --latency "${headers[@]}" \
		-s "$bench/requests.lua" "$url" -- "$state/requests/$(of "$1" requests).tsv" "${EPOCHREALTIME//[^0-9]/}" "$status" "$pattern" >"$out" 2>&1 &
	wait $! || die 'wrk failed' "$out"
	figures=$(sed -n 's/^figures //p' "$out")
	[[ $figures ]] || die 'wrk gave no figures' "$out"
}
load_pgbench() { # WORK CLIENTS SECONDS
	local out=$state/load.txt threads=2 done_count rate p50 p99 failed one scripts=() defines
	((threads <= $2)) || threads=$2
	for one in "$state/pgbench/$1".sql "$state/pgbench/$1"-*.sql; do [[ ! -e $one ]] || scripts+=(-f "$one"); done
	mapfile -d '' -t defines <"$state/pgbench/$1.defines"
	defines+=("base=$(date +%s)00000000")           # of ids that no other cell has
	rm -f "$state"/pgbench_log.*
	"$pgbench" -n -M prepared -c "$2" -j "$threads" -T "$3" "${scripts[@]}" "${defines[@]/#/-D}" \
		--log --sampling-rate=0.2 --log-prefix="$state/pgbench_log" "$DATABASE_URL" >"$out" 2>&1 &
	wait $! || die "pgbench failed at $1" "$out"
	done_count=$(sed -n 's/^number of transactions actually processed: \([0-9]*\).*/\1/p' "$out")
	failed=$(sed -n 's/^number of failed transactions: \([0-9]*\).*/\1/p' "$out")
	rate=$(sed -n 's/^tps = \([0-9.]*\).*/\1/p' "$out")
	read -r p50 p99 < <(cat "$state"/pgbench_log.* | cut -d ' ' -f 3 | sort -n |
		awk '{at[NR] = $1} END {printf "%.3f %.3f\n", at[int(NR * .5) + 1] / 1000, at[int(NR * .99) + 1] / 1000}')
	figures="$done_count $(awk "BEGIN {printf \"%.6f\", $done_count / $rate}") $p50 $p99 ${failed:-0} 0"
}
# One answer to its end.  Its rows are the requests, its first byte and its end the p50 and p99, its bytes those of
# everybody else.
load_curl() { # WORK CONTESTANT
	local headers out=$state/load.txt method path status bytes first total rows wrong
	headers_of "$2" "$1"
	IFS=$'\t' read -r method path _ <"$state/requests/$(of "$1" requests).tsv"
	curl -sS -X "$method" "${headers[@]}" -o /dev/null -w '%{http_code} %{size_download} %{time_starttransfer} %{time_total}\n' "$url$path" >"$out" 2>&1 &
	wait $! || die "$2 breaks off" "$out" "$state/log/$2.0.log"
	read -r status bytes first total <"$out"
	read -r rows _ <<<"$(of "$1" table)"
	: "${bytes_wanted:=$bytes}"
	wrong=$((status != 200 || bytes != bytes_wanted))
	figures="$rows $total $(awk "BEGIN {printf \"%.3f %.3f\", $first * 1000, $total * 1000}") $wrong 0"
}
load_copy() { # WORK
	local begun=${EPOCHREALTIME/./} took rows
	"${psql[@]}" -f "$state/pgbench/$1.sql" "$DATABASE_URL" >/dev/null 2>"$state/load.txt" &
	wait $! || die 'COPY failed' "$state/load.txt"
	took=$((${EPOCHREALTIME/./} - begun))
	read -r rows _ <<<"$(of "$1" table)"
	figures="$rows $(awk "BEGIN {printf \"%.6f\", $took / 1e6}") 0 $((took / 1000)) 0 0"
}

# ---- Resident memory: how far the process that grew most went above where it was, in KiB
resident() { awk -v of="$2" '$1 == of":" {print $2}' "/proc/$1/status"; } # PID VmRSS|VmHWM
growth_begin() { # CONTESTANT -> array resident_before
	local pid
	resident_before=()
	for pid in $(tier_of "$1"); do
		printf '5' >"/proc/$pid/clear_refs"             # the peak is what it is now
		resident_before[pid]=$(resident "$pid" VmRSS)
	done
}
growth_end() {
	local pid most=0 grown
	for pid in "${!resident_before[@]}"; do
		grown=$(($(resident "$pid" VmHWM) - resident_before[pid]))
		most=$((grown > most ? grown : most))
	done
	printf '%s' "$most"
}

logs_empty() { local log; for log in "$state/log/edge.access.log" "$state"/log/*.outreach.log "$stack"/log/{outreach,rooms.access}.log; do [[ ! -e $log ]] || : >"$log"; done; }

# cell WORK ROUND CONTESTANT CLIENTS: one line of cells.tsv
cell() {
	local before after figures rows=0 missing=0 done_count stored resident_before growth=0
	table_settle "$1" cell
	logs_empty
	stored=$(of "$1" stored)
	[[ -z $stored ]] || rows=$(rows_of "$stored")
	[[ $(of "$1" load wrk) == wrk ]] || growth_begin "$3"
	before=$(ticks_now "$3")
	case $3 in
		limit.pgbench) load_pgbench "$1" "$4" "$seconds" ;;
		limit.copy) load_copy "$1" ;;
		*) "load_$(of "$1" load wrk)" "$1" "$3" "$4" "$seconds" ;;
	esac
	after=$(ticks_now "$3")
	[[ $(of "$1" load wrk) == wrk ]] || growth=$(growth_end)
	read -r done_count _ <<<"$figures"
	# Every answer must be a row; up to one a client may be a row whose answer we did not wait for.
	if [[ $stored && $3 != limit.fastcgi ]]; then
		rows=$(($(rows_of "$stored") - rows))
		missing=$((rows < done_count ? done_count - rows : 0))
		[[ $(of "$1" table) == 0\ * ]] || table_laid=
	fi
	printf '%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n' "$2" "$3" "$4" "${figures// /$'\t'}" "$missing" "${before// /$'\t'}" "${after// /$'\t'}" "$growth" >>"$results/cells.tsv"
}

# ---- Private memory after all that work: KiB of each process
private_of() { awk '/^Private_(Clean|Dirty):/ {sum += $2} END {print sum + 0}' "/proc/$1/smaps_rollup"; }
memory_measure() { # WORK
	local name pid
	while read -r name; do
		[[ $name != limit.* ]] || continue
		for pid in $(tier_of "$name"); do printf '%s\t%s\n' "$name" "$(private_of "$pid")"; done
	done < <(contestants_of "$1") >"$results/memory.tsv"
}

# ---- Start-up of one process, everything else idle: milliseconds, five times in turn
starts_measure() {
	local i who
	for i in {1..5}; do
		for who in outreach fastify bun bunpg; do
			printf '%s\t%s\n' "$who" "$(start_once "$who")"
		done
	done >"$results/starts.tsv"
	say start-up 'measured'
}
start_once() { # WHO
	local drop command environment kind=http at=$sockets/start.sock
	drop_to www-data
	if [[ $1 == outreach ]]; then
		kind=fcgi environment=() command=("$repo/deploy/worker" "$state/settings.start" "$program")
	else
		peer_command "announce.$1" "$at" 90
	fi
	env -i -C "$state" PATH="$PATH" LANG=C.UTF-8 "${environment[@]}" "${drop[@]}" "$state/first_answer" "$kind" "$at" "${command[@]}" 2>>"$state/log/bench.log" ||
		die "$1 does not start" "$state/log/bench.log"
}

# ---- What the page says of the machine and the programs
facts_write() { # WORK
	local version one
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
		for one in fastify pg hono zod ioredis jose; do printf '%s\t%s\n' "$one" "$(version "$one")"; done
		printf 'rounds\t%s\nseconds\t%s\nclients\t%s\njudged\t%s\nworkers\t%s\npeerPool\t%s\nquick\t%s\n' \
			"$(rounds_of "$1")" "$seconds" "$(clients_of "$1")" "$(judged_of "$1")" "$workers" "$peer_pool" "$quick"
		printf 'ticks\t%s\n' "$(getconf CLK_TCK)"
		printf 'nginxWorkers\t%s\n' "$(children_of "$(process_pid nginx)" | wc -l)"
		printf 'measured\t%s\n' "$(date -u +%F)"
	} >"$results/facts.tsv"
	cp "$state/pgbench/$1.text" "$results/statements.sql"
}
