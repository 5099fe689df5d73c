# shellcheck shell=bash disable=SC2154 # names of deploy/quickstart
# DIR/settings: what the workers run with.  DIR/env: what a user's shell needs.  Both can be sourced by any shell.

# quoted TEXT: for any POSIX shell, so not bash's own %q.
quoted() { printf "'%s'" "${1//\'/\'\\\'\'}"; }

# The options of the last start, as last_NAME.
options_load() {
	# shellcheck disable=SC1091 # written by options_save
	[[ ! -r $state/options ]] || . "$state/options"
}
options_save() {
	local name
	for name in port workers preset bin; do printf 'last_%s=%s\n' "$name" "$(quoted "${!name}")"; done >"$state/options"
}

# Our own value of each setting; the environment's wins.
settings_write() {
	# shellcheck disable=SC2054 # one element has a comma in it
	local -A value=(
		[APP_ENV_STATE_DIR]=$state/pool
		[APP_ENV_SETTINGS_FILE]=$state/settings
		[APP_ENV_MIGRATIONS_DIR]=$repo/migrations
		[APP_ENV_JWKS_URL]=file://$state/jwks.json
		[APP_ENV_WEBSOCKET_ORIGINS]=http://127.0.0.1:$port,http://localhost:$port
		[APP_ENV_NCHAN_PUBLISH_URL]=http://unix:$nginx_sockets/publish.sock:/pub/
		[APP_ENV_OUTREACH_SECRET]=$(<"$state/secret")
		[APP_ENV_BRIDGE_NAMESPACE]=${ROOMS_NAMESPACE:-bana}
	)
	local name
	if [[ -z ${APP_ENV_DATABASE_URL-} ]]; then
		value[APP_ENV_DATABASE_URL]=$(postgres_url outreach_app)
		value[APP_ENV_DATABASE_OWNER_URL]=$(postgres_url outreach_owner)
	fi
	[[ ${APP_ENV_WEBSOCKET_REDIS_URL-} ]] || value[APP_ENV_WEBSOCKET_REDIS_URL]=$(redis_url)
	for name in "${!APP_ENV_@}"; do value[$name]=${!name}; done
	[[ ! -e $state/settings ]] || cp -p "$state/settings" "$state/settings.last"
	exports | secret_file "$state/settings"
}

# The caller's array `value` as lines for a shell.
exports() {
	local name
	for name in $(printf '%s\n' "${!value[@]}" | sort); do
		printf 'export %s=%s\n' "$name" "$(quoted "${value[$name]}")"
	done
}

# Our own addresses in the environment (DIR/settings was sourced) are not somebody else's database and Redis.
own_is_not_outside() {
	if [[ ${APP_ENV_DATABASE_URL-} == "$(postgres_url outreach_app)" ]]; then unset APP_ENV_DATABASE_URL APP_ENV_DATABASE_OWNER_URL; fi
	if [[ -s $state/redis.port && ${APP_ENV_WEBSOCKET_REDIS_URL-} == "$(redis_url)" ]]; then unset APP_ENV_WEBSOCKET_REDIS_URL; fi
	if [[ ${APP_ENV_JWKS_URL-} == "file://$state/jwks.json" ]]; then unset APP_ENV_JWKS_URL; fi
}

# recall FILE: export what a file of exports says, but for what is in the environment already.
recall() {
	local name
	while read -r name; do
		# shellcheck disable=SC1090 # made of exports
		[[ -v $name ]] || export "$name=$(. "$1" && printf '%s' "${!name}")"
	done < <(sed -n 's/^export \([A-Z_]*\)=.*/\1/p' "$1")
}

# setting NAME: its value in DIR/settings.
setting() {
	# shellcheck disable=SC1091 # written by settings_write
	(. "$state/settings" && printf '%s' "${!1-}")
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

env_write() {
	local -A value=(
		[BASE_URL]=http://127.0.0.1:$port$base_path
		[WS_URL]=ws://127.0.0.1:$port$base_path/ws
		[WS_ORIGIN]=$(setting APP_ENV_WEBSOCKET_ORIGINS)
		[DATABASE_URL]=$(setting APP_ENV_DATABASE_URL)
		[DATABASE_OWNER_URL]=$(setting APP_ENV_DATABASE_OWNER_URL)
		[REDIS_URL]=$(setting APP_ENV_WEBSOCKET_REDIS_URL)
		[NCHAN_PUBLISH_URL]=$(setting APP_ENV_NCHAN_PUBLISH_URL)
		[JWKS_URL]=$(setting APP_ENV_JWKS_URL)
		[BO_TOKEN]=$bo_token
		[SIGNING_KEY]=$state/signing-key.pem
		[FCGI_SOCKET]=$(pool_socket)
		[METRICS_SOCKET]=$nginx_sockets/status-http.sock
		[EDGE_PID]=$(process_pid edge)
		[ROOMS_PID]=$(process_pid rooms)
		[POOL_PID]=$(process_pid pool)
		[STATUS_PID]=$(process_pid status)
		[BRIDGE_PID]=$(process_pid bridge)
		[POSTGRES_PID]=$(process_pid postgres)
		[REDIS_PID]=$(process_pid redis)
	)
	value[WS_ORIGIN]=${value[WS_ORIGIN]%%,*}
	[[ -z ${value[POSTGRES_PID]} ]] || value[DATABASE_ADMIN_URL]=$(postgres_url postgres)
	(umask 077 && exports >"$state/env.new")
	mv "$state/env.new" "$state/env"
}
