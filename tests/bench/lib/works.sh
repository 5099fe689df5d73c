# shellcheck shell=bash disable=SC2154,SC2034 # names of tests/bench/run
# The table of works, and what follows from it.

declare -A work_says=()
works=()

works_read() {
	local line name=''
	while IFS= read -r line; do
		[[ $line =~ ^([a-z]+):\ (.*)$ ]] || continue
		if [[ ${BASH_REMATCH[1]} == work ]]; then
			name=${BASH_REMATCH[2]}
			works+=("$name")
		else
			work_says[$name ${BASH_REMATCH[1]}]=${BASH_REMATCH[2]}
		fi
	done <"$bench/works"
}

# of WORK KEY [DEFAULT]
of() { printf '%s' "${work_says[$1 $2]-${3-}}"; }

# works_choose LIST: `chosen`, in the order of the table; a group's name stands for all of it.
works_choose() {
	local name wish
	chosen=()
	for name in "${works[@]}"; do
		for wish in ${1:-"${works[@]}"}; do
			[[ $name != "$wish" && $name != "$wish".* ]] || { chosen+=("$name") && break; }
		done
	done
	for wish in $1; do
		[[ " ${works[*]}" == *" $wish"[\ .]* || " ${works[*]} " == *" $wish "* ]] || misused "--work: there is no $wish; there are ${works[*]}"
	done
}

clients_of() { # WORK
	local own
	own=$(of "$1" clients)
	if [[ $concurrency && $(of "$1" load wrk) == wrk ]]; then own=$concurrency; fi
	printf '%s' "$own"
}
judged_of() { # WORK: at which numbers of clients its demands are judged
	local clients one found=''
	clients=$(clients_of "$1")
	for one in $(of "$1" judged 64); do
		[[ " $clients " != *" $one "* ]] || found+="${found:+ }$one"
	done
	printf '%s' "${found:-${clients##* }}"
}
rounds_of() { # WORK
	local -i n
	n=$(of "$1" rounds "$rounds")
	printf '%d' "$n"
}

# contestants_of WORK [CLIENTS]: all, or those at that number of clients.
contestants_of() {
	local one judged
	judged=$(judged_of "$1")
	for one in $(of "$1" contestants); do
		[[ $one == *@ && $# -gt 1 && $2 != "${judged##* }" ]] || printf '%s\n' "${one%@}"
	done
}

# Is it asked over HTTP?  All but the limits that PostgreSQL sets.
is_http() { [[ $1 != limit.pgbench && $1 != limit.copy ]]; }
is_peer() { [[ $1 == *.fastify || $1 == *.bun || $1 == *.bunpg ]]; }

# Everybody who must run for the chosen works.
servers_needed() {
	local work one
	for work in "${chosen[@]}"; do contestants_of "$work"; done | sort -u | while read -r one; do
		! is_http "$one" || printf '%s\n' "$one"
	done
}

# Every round begins with another contestant, and every second one goes backwards.
in_order() { # ROUND WORK CLIENTS -> array order
	local i all n
	mapfile -t all < <(contestants_of "$2" "$3")
	n=${#all[@]}
	order=()
	for ((i = 0; i < n; i++)); do
		if (($1 % 2 == 1)); then order+=("${all[(i + 3 * $1) % n]}"); else order=("${all[(i + 3 * $1) % n]}" "${order[@]}"); fi
	done
}
