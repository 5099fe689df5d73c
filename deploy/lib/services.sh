# shellcheck shell=bash disable=SC2034,SC2154 # names of deploy/quickstart
# The services, and what differs from one to the next: another service is another row.  What is done for each is done
# for the current one; PostgreSQL, Redis, the broker and both nginx serve them all.

# name    | its pool | its other names begin | most workers | what runs beside the pool | settings that are no other's
services_known='
outreach  | pool     |                       | 999          | status bridge sender      | OUTREACH_|BRIDGE_
signal    | signal   | signal-               | 4            | signal-status consumer    | SIGNAL_|KAFKA_
'
services_first=outreach

# Settings that no two services share: of the first service they are called so in the environment, of another for
# example APP_ENV_SIGNAL_DATABASE_URL.
settings_own='DATABASE_URL|DATABASE_OWNER_URL|SERVER_BASE_PATH|STATE_DIR|SETTINGS_FILE'

service=                # name of the current one
pool=                   # its pool, a part
prefix=                 # of its other names
beside=()               # the parts beside the pool
foreign=                # the settings of others, as an expression
program=                # its binary
settings=               # the file its processes run with
size=                   # how many workers
base_path=              # in front of its routes
service_use() { # NAME
	local name part begin most besides own
	foreign=
	while IFS='|' read -r name part begin most besides own; do
		name=${name// /} own=${own// /}
		if [[ $name && $name != "$1" ]]; then
			foreign+=${foreign:+|}$own
		elif [[ $name ]]; then
			service=$name pool=${part// /} prefix=${begin// /} size=$((most))
			read -ra beside <<<"$besides"
		fi
	done <<<"$services_known"
	program=$bin_folder/bana-$service
	settings=$state/${prefix:+$service.}settings
	((size < workers)) || size=$workers
	[[ $service != signal ]] || size=${signal_workers:-$size}
	base_path=$(environment_name APP_ENV_SERVER_BASE_PATH)
	base_path=${!base_path:-/v1/api/$service}
}

# environment_name SETTING: what the environment calls this setting of the current service.
environment_name() {
	if [[ $service != "$services_first" && $1 =~ ^APP_ENV_($settings_own)$ ]]; then
		printf 'APP_ENV_%s_%s' "${service^^}" "${BASH_REMATCH[1]}"
	else
		printf '%s' "$1"
	fi
}

# setting_name NAME: sets `setting` to what the environment's NAME is among the settings of the current service;
# false: none of them.
setting_name() {
	setting=$1
	[[ ! $1 =~ ^APP_ENV_($foreign) ]] || return 1
	[[ $service != "$services_first" ]] || return 0
	[[ ! $1 =~ ^APP_ENV_($settings_own)$ ]] || return 1             # the first one's
	[[ ! $1 =~ ^APP_ENV_${service^^}_($settings_own)$ ]] || setting=APP_ENV_${BASH_REMATCH[1]}
}

services_names() { sed -n 's/^\([a-z]*\) .*/\1/p' <<<"$services_known"; }

# services_settle LIST: sets `serving`, in the order of the table; false: there is no such service, or not the first.
serving=()
services_settle() {
	local one wanted=",$1,"
	[[ $wanted == *",$services_first,"* ]] || return 1
	for one in ${1//,/ }; do grep -qx "$one" <(services_names) || return 1; done
	serving=()
	for one in $(services_names); do [[ $wanted != *",$one,"* ]] || serving+=("$one"); done
}
serves() { [[ " ${serving[*]} " == *" $1 "* ]]; }

# each_service COMMAND...: for those of this host; the first is the current one before and after.
each_service() {
	local one
	for one in "${serving[@]}"; do
		service_use "$one"
		"$@"
	done
	service_use "$services_first"
}

# Without the services that cannot be: of another version's programs, or without a database while the first has one
# elsewhere.
services_reduce() {
	local one url able=()
	for one in "${serving[@]}"; do
		service_use "$one"
		url=$(environment_name APP_ENV_DATABASE_URL)
		if [[ $one != "$services_first" && $bin && ! -x $program ]]; then
			note "$one is not started: there is no ${program##*/} in $bin"
		elif [[ ${APP_ENV_DATABASE_URL-} && ! ${!url-} ]]; then
			note "$one is not started: APP_ENV_DATABASE_URL is given, and $url is not"
		else
			able+=("$one")
		fi
	done
	serving=("${able[@]}")
	service_use "$services_first"
}

# Those that were started and have not been stopped since.
services_started() {
	local one started=()
	for one in "${serving[@]}"; do
		service_use "$one"
		[[ $service != "$services_first" && ! -e $state/run/$pool.from ]] || started+=("$one")
	done
	serving=("${started[@]}")
	service_use "$services_first"
}

# services_end: stop what runs of services that are no longer wanted.
services_end() {
	local one
	for one in $(services_names); do
		serves "$one" || { service_use "$one" && part_end "$pool" "${beside[@]}"; }
	done
	serves signal || part_end broker
	service_use "$services_first"
}
part_end() {
	local part
	for part; do
		process_stop "$part" TERM 15
		rm -f "$state/run/$part.from"
	done
}
