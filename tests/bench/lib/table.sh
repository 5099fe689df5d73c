# shellcheck shell=bash disable=SC2154,SC2034 # names of tests/bench/run
# What is in the database before a cell, and what the product says to it.

table_laid=             # how many rows, when nobody has changed them since

table_empty() {
	owner 'TRUNCATE outreach."Inquiry"; ALTER TABLE outreach."Inquiry" RESET (autovacuum_enabled)'
	table_laid=
}

# table_lay ROWS: made of bodies.json in turn, with ids as prepare.mjs knows them.  Nothing is left for autovacuum to do.
table_lay() {
	[[ $table_laid != "$1" ]] || return 0
	note "laying $1 rows"
	run_quietly "${psql[@]}" -v rows="$1" -v bodies="$(<"$bench/bodies.json")" -f "$bench/table.sql" "$DATABASE_OWNER_URL"
	admin 'CHECKPOINT'
	table_laid=$1
}
table_settle() { # WORK WHEN: lay it if this is when
	local rows when
	read -r rows when <<<"$(of "$1" table)"
	[[ $when == "$2" ]] || return 0
	if ((rows == 0)); then table_empty; else table_lay "$rows"; fi
}
rows_of() { owner "SELECT count(*) FROM $1"; } # TABLE

# ---- Statements under test: the product's own word, as PostgreSQL logs it.
log_settings() { # SET|RESET
	local set=$1
	admin "ALTER SYSTEM $set log_statement${2:+ = $2}"
	admin "ALTER SYSTEM $set log_error_verbosity${3:+ = $3}"
	admin 'SELECT pg_reload_conf()' >/dev/null
}
learned() { # WORK
	ask announce.outreach "$1" 1 -o /dev/null
	grep -v 'CasbinRule' "$stack/log/postgres.log" >"$state/learned/$1.log"
	grep -qE 'execute [^:]*: .*outreach\."Inquiry"' "$state/learned/$1.log"
}
# learn WORK: the same request until it is in the log, and alone there.
learn() {
	local name
	name=$(of "$1" requests)
	log_settings SET "'all'" "'default'"
	wait_for 10 learned "$1" || die "the statements of $1 are not in the log of PostgreSQL" "$stack/log/outreach.log"
	[[ $name != patch ]] || patched_reset
	: >"$stack/log/postgres.log"
	learned "$1" || die "the statements of $1 are not in the log of PostgreSQL"
	[[ $name != patch ]] || patched_reset
	log_settings RESET
	: >"$stack/log/postgres.log"
	run_quietly "$node" "$bench/prepare.mjs" statements "$1" "$name" "$state"
}
# The row that is patched by hand, as it was laid.
patched_reset() {
	owner "UPDATE outreach.\"Inquiry\" SET (status, assignee_id, modified_by, modified_at, handled_at, completed_at, version) =
		('100_NEW', NULL, NULL, created_at, NULL, NULL, 1) WHERE id = 249000000004711000"
}
