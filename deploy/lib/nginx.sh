# shellcheck shell=bash disable=SC2154 # names of deploy/quickstart
# The two nginx, edge and rooms: configurations from deploy/nginx-render, started, restarted or reloaded.

nginx_sockets=

# What the user's environment says of nginx-render's variables, for `reload`.
nginx_remember() {
	local name
	local -A value=()
	# shellcheck disable=SC2034 # read by exports
	for name in $("$repo/deploy/nginx-render" --names); do [[ ! -v $name ]] || value[$name]=${!name}; done
	exports | secret_file "$state/nginx/variables"
}

# What nginx-render is told.  Every other variable of it is taken from the environment, or has its default.
nginx_settle() {
	# Of another instance, had its DIR/env been sourced.
	unset FCGI_SOCKET STATUS_SOCKET STATUS_LISTEN ROOMS_UPSTREAM ROOMS_SOCKET PUBLISH_SOCKET \
		SIGNAL_FCGI_SOCKET SIGNAL_STATUS_SOCKET SIGNAL_STATUS_LISTEN
	export SIGNAL_BASE_PATH=
	each_service nginx_settle_service
	export RUN_DIR=$nginx_sockets LOG_DIR=$state/log DOC_DIR=$state/doc EDGE_LISTEN=127.0.0.1:$port
	export EDGE_WORKERS=${EDGE_WORKERS:-1} RATE_LIMIT=${RATE_LIMIT:-off}
	NOFILE=$(ulimit -Hn)
	[[ $NOFILE != unlimited && $NOFILE -lt 20000 ]] || NOFILE=20000
	export NOFILE
	[[ -v ROOMS_REDIS_URLS ]] || rooms_redis_settle
}

# BASE_PATH, SIGNAL_BASE_PATH, ...
nginx_settle_service() {
	local name=${prefix:+${service^^}_}BASE_PATH
	export "$name=$base_path"
}

# The workers' own, unless told otherwise: all of a cluster, else the first, for nchan takes several for a cluster.
rooms_redis_settle() {
	ROOMS_REDIS_URLS=${APP_ENV_WEBSOCKET_REDIS_URL:-$(redis_url)}
	[[ ${APP_ENV_WEBSOCKET_REDIS_MODE-} == cluster ]] || ROOMS_REDIS_URLS=${ROOMS_REDIS_URLS%%,*}
	export ROOMS_REDIS_URLS
}

# nginx_render ROLE: DIR/nginx/ROLE.conf is today's.
nginx_render() {
	local made
	folder www-data 0750 "$nginx_sockets/$1.tmp"
	made=$("$repo/deploy/nginx-render" "$1") || die "the configuration of $1 cannot be made"
	secret_file "$state/nginx/$1.conf" <<<"$made"
}

# What an nginx was started from: its configuration with the snippets it includes.
nginx_from() { cat "$state/nginx/$1.conf" "$repo"/conf/nginx/snippets/*.conf | sha256sum; }

nginx_command() { nginx=(nginx -e "$state/log/$1.error.log" -p "$state" -c "$state/nginx/$1.conf"); }

nginx_test() {
	local nginx
	nginx_command "$1"
	drop_to www-data
	quietly "$state/log/$1.log" "${drop[@]}" "${nginx[@]}" -q -t ||
		die "nginx refuses the configuration of $1" "$state/log/$1.log" "$state/log/$1.error.log"
}

edge_port_is_free() { port_is_free "$port" || die "port $port is taken by another program: choose one with --port"; }
edge_answers() { curl -s -o /dev/null --max-time 2 "http://127.0.0.1:$port/"; }
rooms_answers() { curl -s -o /dev/null --max-time 2 --unix-socket "$nginx_sockets/publish.sock" http://rooms/status; }

# nchan has its Redis: else new sockets get 503 for a moment.
rooms_have_redis() {
	[[ $(curl -s -o /dev/null -w '%{http_code}' --max-time 2 --unix-socket "$nginx_sockets/publish.sock" http://rooms/pub/broadcast) =~ ^(200|404)$ ]]
}

# nchan wants nginx's built-in folder for bodies, whatever the configuration says.  Debian's nginx makes it when it
# is first started, which it was not if we have just installed it.
nginx_builtin_folder() {
	((EUID != 0)) || [[ -d /var/lib/nginx/body ]] || folder www-data 0700 /var/lib/nginx/body
}

nginx_ensure() {
	local role=$1 why nginx
	nginx_builtin_folder
	why=$(process_why "$role")
	nginx_render "$role"
	if process_current "$role" "$(nginx_from "$role")" && "${role}_answers"; then
		say "$role" 'runs already'
		return
	fi
	nginx_test "$role"
	case $role in
		rooms)
			process_stop rooms QUIT 12              # its sockets are closed with 1001, not dropped
			rm -f "$nginx_sockets"/{rooms,publish}.sock     # an nginx that was killed leaves them
			;;
		edge)
			process_stop edge TERM 10
			edge_port_is_free
			rm -f "$nginx_sockets"/*status-http.sock
			;;
	esac
	nginx_command "$role"
	process_start "$role" www-data "$(nginx_from "$role")" "${nginx[@]}"
	wait_for 10 "${role}_answers" || die "nginx ($role) does not start" "$state/log/$role.log" "$state/log/$role.error.log"
	[[ $role != rooms ]] || wait_for 3 rooms_have_redis || note 'the rooms have no Redis yet: new sockets get 503'
	say "$role" "$why (pid $(process_pid "$role"))"
}

# Only when its configuration changed.  New workers take over, the old ones finish.
edge_reload() {
	local pid before
	pid=$(process_pid edge) || die 'edge is down: run deploy/quickstart'
	nginx_render edge
	if process_current edge "$(nginx_from edge)"; then
		say edge 'runs already'
		return
	fi
	nginx_test edge
	before=$(children_of "$pid")
	kill -HUP "$pid"
	wait_for 10 nginx_has_new_workers "$pid" "$before" || die 'nginx (edge) kept its old configuration' "$state/log/edge.error.log"
	nginx_from edge >"$state/run/edge.from"
	say edge 'reloaded, its configuration changed'
}
nginx_has_new_workers() { # PID BEFORE
	local one
	for one in $(children_of "$1"); do
		[[ " ${2//$'\n'/ } " == *" $one "* ]] || return 0
	done
	return 1
}
