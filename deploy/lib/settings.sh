# shellcheck shell=bash disable=SC2154 # names of deploy/quickstart
# DIR/settings: what the processes of Outreach run with, DIR/signal.settings those of Signal.  DIR/env: what a user's
# shell needs.  All can be sourced by any shell.

# quoted TEXT: for any POSIX shell, so not bash's own %q.
quoted() { printf "'%s'" "${1//\'/\'\\\'\'}"; }

# The options of the last start, as last_NAME.
options_load() {
	# shellcheck disable=SC1091 # written by options_save
	[[ ! -r $state/options ]] || . "$state/options"
}
options_save() {
	local name
	for name in port workers signal_workers services preset bin; do printf 'last_%s=%s\n' "$name" "$(quoted "${!name}")"; done >"$state/options"
}

# The current service's settings: our own value of each; the environment's wins.
settings_write() {
	# shellcheck disable=SC2054 # one element has a comma in it
	local -A value=(
		[APP_ENV_STATE_DIR]=$(state_dir)
		[APP_ENV_SETTINGS_FILE]=$settings
		[APP_ENV_MIGRATIONS_DIR]=$repo/migrations
		[APP_ENV_JWKS_URL]=file://$state/jwks.json
		[APP_ENV_WEBSOCKET_ORIGINS]=http://127.0.0.1:$port,http://localhost:$port
		[APP_ENV_NCHAN_PUBLISH_URL]=http://unix:$nginx_sockets/publish.sock:/pub/
	)
	local name setting database
	database=$(environment_name APP_ENV_DATABASE_URL)
	if [[ -z ${!database-} ]]; then
		value[APP_ENV_DATABASE_URL]=$(postgres_url "${service}_app")
		value[APP_ENV_DATABASE_OWNER_URL]=$(postgres_url "${service}_owner")
	fi
	[[ ${APP_ENV_WEBSOCKET_REDIS_URL-} ]] || value[APP_ENV_WEBSOCKET_REDIS_URL]=$(redis_url)
	"settings_of_$service"
	for name in "${!APP_ENV_@}"; do ! setting_name "$name" || value[$setting]=${!name}; done
	[[ ! -e $settings ]] || cp -p "$settings" "$settings.last"
	exports | secret_file "$settings"
}
# What only that service has.
settings_of_outreach() {
	value[APP_ENV_OUTREACH_SECRET]=$(<"$state/secret")
	[[ ! -e $state/disposable-domains.txt ]] || value[APP_ENV_OUTREACH_DISPOSABLE_DOMAINS]=$state/disposable-domains.txt
	value[APP_ENV_OUTREACH_PUBLIC_URL]=http://127.0.0.1:$port${APP_ENV_SERVER_BASE_PATH:-/v1/api/outreach}
	value[APP_ENV_BRIDGE_NAMESPACE]=${ROOMS_NAMESPACE:-bana}
}
# The mock broker lets others into a group only once the time of those who left is over: so let it be short.
settings_of_signal() {
	[[ ! ${APP_ENV_KAFKA_BROKERS-} ]] || return 0
	value[APP_ENV_KAFKA_BROKERS]=$(brokers)
	value[APP_ENV_KAFKA_PROPERTIES]='session.timeout.ms=3000;heartbeat.interval.ms=300'
}

state_dir() { printf '%s/%spool' "$state" "$prefix"; }

# As it was, but for what is now in the environment.  In a shell of its own: the settings of one service are not
# another's environment.
settings_renew() (
	recall "$settings"
	own_is_not_outside
	settings_write
)

# The caller's array `value` as lines for a shell.
exports() {
	local name
	for name in $(printf '%s\n' "${!value[@]}" | sort); do
		printf 'export %s=%s\n' "$name" "$(quoted "${value[$name]}")"
	done
}

# Our own addresses in the environment (DIR/settings was sourced) are not somebody else's database, Redis and broker.
own_is_not_outside() {
	local database
	database=$(environment_name APP_ENV_DATABASE_URL)
	if [[ ${!database-} == "$(postgres_url "${service}_app")" ]]; then unset "$database" "${database/_URL/_OWNER_URL}"; fi
	if [[ ${APP_ENV_KAFKA_BROKERS-} && ${APP_ENV_KAFKA_BROKERS-} == "$(brokers)" ]]; then unset APP_ENV_KAFKA_BROKERS; fi
	if [[ -s $state/redis.port && ${APP_ENV_WEBSOCKET_REDIS_URL-} == "$(redis_url)" ]]; then unset APP_ENV_WEBSOCKET_REDIS_URL; fi
	if [[ ${APP_ENV_JWKS_URL-} == "file://$state/jwks.json" ]]; then unset APP_ENV_JWKS_URL; fi
}

# recall FILE: export what a file of exports says, but for what is in the environment already.
recall() {
	local name as
	while read -r name; do
		as=$(environment_name "$name")
		# shellcheck disable=SC1090 # made of exports
		[[ -v $as ]] || export "$as=$(. "$1" && printf '%s' "${!name}")"
	done < <(sed -n 's/^export \([A-Z_]*\)=.*/\1/p' "$1")
}

# setting NAME: its value in the settings of the current service.
setting() {
	# shellcheck disable=SC1090 # written by settings_write
	(. "$settings" && printf '%s' "${!1-}")
}

# The development key, its public half for the workers, and a token of it.
keys_ensure() {
	local claims=() token=${program%/*}/bana-token
	[[ -s $state/secret ]] || openssl rand -hex 32 | secret_file "$state/secret"
	[[ -s $state/signing-key.pem ]] || "$token" key "$state/signing-key.pem" || die 'no signing key can be made'
	"$token" jwks "$state/signing-key.pem" >"$state/jwks.json.new" || die 'no JWKS can be made'
	mv "$state/jwks.json.new" "$state/jwks.json"
	[[ -z ${APP_ENV_JWT_ISSUER-} ]] || claims+=(--claim "iss=\"$APP_ENV_JWT_ISSUER\"")
	[[ -z ${APP_ENV_JWT_AUDIENCE-} ]] || claims+=(--claim "aud=\"$APP_ENV_JWT_AUDIENCE\"")
	bo_token=${APP_ENV_JWKS_URL:+${BO_TOKEN-}}               # with somebody else's keys, somebody else's token
	[[ $bo_token ]] ||
		bo_token=$("$token" issue "$state/signing-key.pem" --user 1 --role OWNER --ttl 604800 "${claims[@]}") || die 'no token can be made'
}

# Of the current service, for env_write: SIGNAL_BASE_URL and so on; the first one's names have nothing in front.
env_of_service() {
	local of=${prefix:+${service^^}_}
	value[${of}BASE_URL]=http://127.0.0.1:$port$base_path
	value[${of}WS_URL]=ws://127.0.0.1:$port$base_path/ws
	value[${of}DATABASE_URL]=$(setting APP_ENV_DATABASE_URL)
	value[${of}DATABASE_OWNER_URL]=$(setting APP_ENV_DATABASE_OWNER_URL)
	value[${of}FCGI_SOCKET]=$(pool_socket)
	value[${of}METRICS_SOCKET]=$nginx_sockets/${prefix}status-http.sock
	[[ $service != signal ]] || value[KAFKA_BROKERS]=$(setting APP_ENV_KAFKA_BROKERS)
}

env_write() {
	local -A value=(
		[WS_ORIGIN]=$(setting APP_ENV_WEBSOCKET_ORIGINS)
		[REDIS_URL]=$(setting APP_ENV_WEBSOCKET_REDIS_URL)
		[NCHAN_PUBLISH_URL]=$(setting APP_ENV_NCHAN_PUBLISH_URL)
		[JWKS_URL]=$(setting APP_ENV_JWKS_URL)
		[BO_TOKEN]=$bo_token
		[SIGNING_KEY]=$state/signing-key.pem
	)
	local part name
	value[WS_ORIGIN]=${value[WS_ORIGIN]%%,*}
	each_service env_of_service
	for part in $(parts_here); do
		name=${part//-/_}_PID
		value[${name^^}]=$(process_pid "$part" || :)
	done
	[[ -z ${value[POSTGRES_PID]} ]] || value[DATABASE_ADMIN_URL]=$(postgres_url postgres)
	(umask 077 && exports >"$state/env.new")
	mv "$state/env.new" "$state/env"
}
