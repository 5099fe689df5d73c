# shellcheck shell=bash disable=SC2154 # names of deploy/quickstart
# A private PostgreSQL cluster: DIR/pg, one unix socket in DIR/run/pg, no TCP.  Whoever can enter that folder
# (postgres, www-data, root) may be any role: the roles are there for their privileges, not against each other.

pg_socket=
pg_bin=

postgres_url() { printf 'postgresql://%s@/bana?host=%s&port=5432' "$1" "$pg_socket"; }
postgres_psql() { "$pg_bin/psql" -XqAt -v ON_ERROR_STOP=1 -h "$pg_socket" -U postgres "$@"; }
postgres_ready() { "$pg_bin/pg_isready" -q -h "$pg_socket" -U postgres; }

postgres_find() {
	local found
	found=$(printf '%s\n' /usr/lib/postgresql/*/bin | sort -V | tail -n 1)
	[[ -x $found/postgres ]] || die 'PostgreSQL is not installed'
	pg_bin=$found
}

postgres_conf() {
	cat <<-END
		data_directory = '$state/pg'
		hba_file = '$state/pg/pg_hba.conf'
		listen_addresses = ''
		unix_socket_directories = '$pg_socket'
		max_connections = $(postgres_connections)
		shared_buffers = 128MB
		timezone = UTC
		log_timezone = UTC
		# What is acknowledged stays.
		fsync = on
		full_page_writes = on
		synchronous_commit = on
		# No personal data in the log: no statements, no values.
		log_min_error_statement = panic
		log_error_verbosity = terse
		log_line_prefix = '%m [%p] %u '
	END
}

# Twice the workers of all services: those of a rolling restart overlap.
postgres_connections() { printf '%s' $((40 + 2 * ($(each_service pool_size | paste -sd +)))); }

postgres_init() {
	[[ ! -e $state/pg/PG_VERSION ]] || return 0
	drop_to postgres
	rm -rf "$state/pg"                       # half made by a run that was interrupted
	folder postgres 0700 "$state/pg"
	quietly "$state/log/initdb.log" "${drop[@]}" env -C / "$pg_bin/initdb" -D "$state/pg" -U postgres \
		--auth=trust --encoding=UTF8 --locale=C.UTF-8 --no-instructions || die 'initdb failed' "$state/log/initdb.log"
}

# Of each service, the owner makes the schema, the app lives in it and can change nothing about it.
postgres_roles() {
	postgres_psql -d postgres -v owner="${service}_owner" -v app="${service}_app" <<-'END'
		SELECT 'CREATE ROLE ' || name || ' LOGIN' FROM unnest(ARRAY[:'owner', :'app']) AS name
		WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) \gexec
		SELECT 'CREATE DATABASE bana OWNER ' || :'owner'
		WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'bana') \gexec
		REVOKE ALL ON DATABASE bana FROM PUBLIC;
		GRANT CONNECT, CREATE ON DATABASE bana TO :owner;
		GRANT CONNECT ON DATABASE bana TO :app;
	END
}
postgres_roles_ensure() { each_service postgres_roles || die 'roles and database cannot be made' "$state/log/postgres.log"; }

postgres_ensure() {
	local log=$state/log/postgres.log why
	if [[ ${APP_ENV_DATABASE_URL-} ]]; then
		process_stop postgres INT 20
		say postgres 'outside: APP_ENV_DATABASE_URL is given'
		return
	fi
	folder www-data 0750 "$pg_socket"
	((EUID != 0)) || chown postgres "$pg_socket"
	postgres_init
	postgres_conf >"$state/postgres.conf"
	if process_current postgres "$(<"$state/postgres.conf")" && postgres_ready; then
		postgres_roles_ensure           # a service may be new
		say postgres 'runs already'
		return
	fi
	why=$(process_why postgres)
	process_stop postgres INT 20
	wait_for 20 postgres_start || die 'PostgreSQL does not start' "$log"
	postgres_roles_ensure
	say postgres "$why (pid $(process_pid postgres))"
}
# After a kill -9 of the postmaster its children hold the cluster for a moment: hence tried again.
postgres_start() {
	local file dead
	# PostgreSQL believes that a postmaster lives as long as its pid does, and a dead process keeps its pid until
	# its parent looks, which the first process of some containers never does.
	for file in "$state/pg/postmaster.pid" "$pg_socket/.s.PGSQL.5432.lock"; do
		{ read -r dead <"$file"; } 2>/dev/null || continue
		stat_of "$dead" || rm -f "$file"
	done
	process_start postgres postgres "$(<"$state/postgres.conf")" \
		"$pg_bin/postgres" -D "$state/pg" --config-file="$state/postgres.conf"
	wait_for 60 postgres_answered && postgres_ready
}
# Ready, or dead: both end the wait.
postgres_answered() { postgres_ready || ! process_pid postgres; }
