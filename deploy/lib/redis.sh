# shellcheck shell=bash disable=SC2154 # names of deploy/quickstart
# A private Redis on a loopback port (nchan knows no unix socket), with a password: who can write to it can
# crash nchan.  It keeps nothing: it only passes messages on.

redis_url() { printf 'redis://:%s@127.0.0.1:%s' "$(<"$state/redis.password")" "$(<"$state/redis.port")"; }

redis_answers() {
	[[ $(REDISCLI_AUTH=$(<"$state/redis.password") redis-cli -h 127.0.0.1 -p "$(<"$state/redis.port")" PING 2>&1) == PONG ]]
}

port_is_free() { ! (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# Below the range from which the kernel takes ports for clients; chosen once, so that settings stay.
redis_choose_port() {
	local port
	[[ ! -s $state/redis.port ]] || port_is_free "$(<"$state/redis.port")" || rm "$state/redis.port"
	until [[ -s $state/redis.port ]]; do
		port=$((20000 + RANDOM % 10000))
		! port_is_free "$port" || printf '%s\n' "$port" >"$state/redis.port"
	done
}

redis_conf() {
	cat <<-END
		bind 127.0.0.1
		port $(<"$state/redis.port")
		protected-mode yes
		requirepass $(<"$state/redis.password")
		daemonize no
		save ""
		appendonly no
		dir $state/run/www
		maxmemory 64mb
		maxmemory-policy noeviction
	END
}

redis_ensure() {
	local why
	if [[ ${APP_ENV_WEBSOCKET_REDIS_URL-} ]]; then
		process_stop redis TERM 5
		say redis 'outside: APP_ENV_WEBSOCKET_REDIS_URL is given'
		return
	fi
	[[ -s $state/redis.password ]] || openssl rand -hex 16 | secret_file "$state/redis.password"
	why=$(process_why redis)
	if ! process_pid redis >/dev/null; then redis_choose_port; fi
	redis_conf | secret_file "$state/redis.conf"
	if process_current redis "$(sha256sum <"$state/redis.conf")" && redis_answers; then
		say redis 'runs already'
		return
	fi
	process_stop redis TERM 5
	process_start redis www-data "$(sha256sum <"$state/redis.conf")" redis-server "$state/redis.conf"
	wait_for 10 redis_answers || die 'Redis does not start' "$state/log/redis.log"
	say redis "$why (pid $(process_pid redis), port $(<"$state/redis.port"))"
}
