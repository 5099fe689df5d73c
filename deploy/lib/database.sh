# shellcheck shell=bash
# A service's database as its owner, for psql and its kin.  A password never stands in a command line, where every
# user of the host can read it.
# Wants lib/say.sh.

# database_reach: DATABASE becomes what psql and pg_dump take with -d (empty: the variables of libpq tell), and
# PGPASSWORD what the URL has of one.
database_reach() {
	local url=${APP_ENV_DATABASE_OWNER_URL:-${DATABASE_OWNER_URL:-${APP_ENV_DATABASE_URL:-${DATABASE_URL-}}}}
	local user='^(postgres(ql)?://[^:/@?]*):([^@/]*)@(.*)$' member='^(postgres(ql)?://.*[?&])password=([^&]*)&?(.*)$'
	if [[ $url =~ $user ]]; then
		url=${BASH_REMATCH[1]}@${BASH_REMATCH[4]}
	elif [[ $url =~ $member ]]; then
		url=${BASH_REMATCH[1]}${BASH_REMATCH[4]}
	fi
	if ((${#BASH_REMATCH[@]} > 0)); then
		PGPASSWORD=$(url_decoded "${BASH_REMATCH[3]}")
		export PGPASSWORD
	fi
	[[ ! ${url,,} =~ password ]] ||
		die 'this form of the password would be seen in the command line: give it as PGPASSWORD, in PGPASSFILE or in PGSERVICEFILE'
	[[ $url || ${PGSERVICE-} || ${PGDATABASE-} ]] ||
		die 'which database? APP_ENV_DATABASE_OWNER_URL, or the variables of libpq (PGSERVICE, PGHOST, PGDATABASE ...)'
	export DATABASE=$url
}

url_decoded() {
	local text=${1//\\/\\\\}
	printf '%b' "${text//%/\\x}"
}

# database_psql OPTION...: the first statement that fails is the last.
database_psql() { psql -XqAt -v ON_ERROR_STOP=1 -v VERBOSITY=terse -d "$DATABASE" "$@"; }
