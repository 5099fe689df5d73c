/*
 * A database of the test's own on the private server, an administrator's connection beside the one
 * under test, and the service's program as a child.
 */
#ifndef TEST_DB_SUPPORT_H
#define TEST_DB_SUPPORT_H

#include "unit/support.h"

#include <fcntl.h>
#include <libpq-fe.h>
#include <signal.h>
#include <sys/wait.h>

#include "bana/clock.h"
#include "bana/pg.h"

struct db {
	struct unit *u;
	char name[32];
	char owner_url[256], app_url[256];
	PGconn *admin; /* in this database, as the superuser */
	struct bana_pg *pg;
};

static inline const char *need(const char *name)
{
	const char *value = getenv(name);
	if (value == NULL)
		fail_msg("%s is not set: run this through ctest", name);
	return value;
}

static inline void ignore_notice(void *what, const char *text)
{
	(void)what;
	(void)text;
}

static inline PGconn *admin_connect(const char *database)
{
	char url[256];
	snprintf(url, sizeof url, "host=%s user=postgres dbname=%s", need("DB_SOCKET"), database);
	PGconn *c = PQconnectdb(url);
	if (PQstatus(c) != CONNECTION_OK)
		fail_msg("%s", PQerrorMessage(c));
	PQsetNoticeProcessor(c, ignore_notice, NULL);
	return c;
}

/* Run it; the first value of the first row, "" when there is none. */
static inline const char *ask(PGconn *c, const char *sql)
{
	static char text[64 * 1024];
	PGresult *r = PQexec(c, sql);
	ExecStatusType status = PQresultStatus(r);
	if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK)
		fail_msg("%s: %s", sql, PQerrorMessage(c));
	const char *value = PQntuples(r) > 0 && PQnfields(r) > 0 ? PQgetvalue(r, 0, 0) : "";
	snprintf(text, sizeof text, "%s", value);
	PQclear(r);
	return text;
}

static inline long number(PGconn *c, const char *sql)
{
	return strtol(ask(c, sql), NULL, 10);
}

/* The SQLSTATE of what must fail; "" when it did not. */
static inline const char *state_of(PGconn *c, const char *sql)
{
	static char state[8];
	PGresult *r = PQexec(c, sql);
	const char *code = PQresultErrorField(r, PG_DIAG_SQLSTATE);
	snprintf(state, sizeof state, "%s", code == NULL ? "" : code);
	PQclear(r);
	return state;
}

/* Wait until a query says yes; no longer than 10 s. */
static inline void await(PGconn *c, const char *sql)
{
	int64_t deadline = bana_tick_us() + 10000000;
	while (strcmp(ask(c, sql), "t") != 0) {
		if (bana_tick_us() > deadline)
			fail_msg("never came true: %s", sql);
		usleep(2000);
	}
}

/* ---- children ---------------------------------------------------------------------------------
 */

struct child {
	pid_t pid;
	int out;
	char text[16 * 1024]; /* what it said on both streams */
	int status;           /* exit status; -1: killed */
};

static inline void child_start(struct child *c, const char *const *argv)
{
	int ends[2];
	memset(c, 0, sizeof *c);
	assert_int_equal(0, pipe2(ends, O_CLOEXEC));
	c->pid = fork();
	if (c->pid == 0) {
		dup2(ends[1], 1);
		dup2(ends[1], 2);
		execv(argv[0], (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	close(ends[1]);
	c->out = ends[0];
}

static inline void child_wait(struct child *c)
{
	size_t len = 0;
	char rest[4096];
	for (ssize_t n;;) {
		bool room = len < sizeof c->text - 1;
		n = room ? read(c->out, c->text + len, sizeof c->text - 1 - len)
			 : read(c->out, rest, sizeof rest);
		if (n <= 0)
			break;
		len += room ? (size_t)n : 0;
	}
	close(c->out);
	int status;
	waitpid(c->pid, &status, 0);
	c->status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* bana-outreach COMMAND on this database, with its migrations in `dir` (NULL: the real ones). */
static inline void program_start(
	struct child *c, const struct db *db, const char *command, const char *dir)
{
	setenv("APP_ENV_DATABASE_URL", db->owner_url, 1);
	setenv("APP_ENV_DATABASE_ALLOW_UNSAFE", "true", 1);
	setenv("APP_ENV_MIGRATIONS_DIR", dir == NULL ? need("DB_MIGRATIONS") : dir, 1);
	child_start(c, (const char *[]){need("DB_PROGRAM"), command, NULL});
}

static inline int program(
	struct child *c, const struct db *db, const char *command, const char *dir)
{
	program_start(c, db, command, dir);
	child_wait(c);
	return c->status;
}

static inline void cluster(const char *command)
{
	struct child c;
	child_start(&c, (const char *[]){need("DB_CLUSTER"), command, need("DB_STATE"), NULL});
	child_wait(&c);
	if (c.status != 0)
		fail_msg("cluster %s: %s", command, c.text);
}

/* ---- one database a test ----------------------------------------------------------------------
 */

/* Empty, not migrated. */
static inline void db_make(struct db *db, void **state)
{
	static int count;
	char sql[128];
	*db = (struct db){.u = *state};
	snprintf(db->name, sizeof db->name, "t_%d_%d", (int)getpid(), count++);
	PGconn *c = admin_connect("postgres");
	snprintf(sql, sizeof sql, "CREATE DATABASE %s TEMPLATE template0", db->name);
	ask(c, sql);
	PQfinish(c);
	snprintf(db->owner_url, sizeof db->owner_url, "host=%s user=postgres dbname=%s",
		need("DB_SOCKET"), db->name);
	snprintf(db->app_url, sizeof db->app_url, "host=%s user=outreach_app dbname=%s",
		need("DB_SOCKET"), db->name);
	db->admin = admin_connect(db->name);
}

/* A connection as a worker has it; the limits are short, for tests wait for them. */
static inline void db_connect(struct db *db, const char *url)
{
	db->pg = bana_pg_new(&(struct bana_pg_options){.url = url,
		.name = "unit-worker",
		.connect_ms = 500,
		.statement_ms = 600,
		.lock_ms = 200,
		.allow_unsafe = true});
	db->u->ctx.db = db->pg;
}

/* Migrated, seeded, connected as the worker's role. */
static inline void db_open(struct db *db, void **state)
{
	struct child c;
	db_make(db, state);
	if (program(&c, db, "migrate", NULL) != 0)
		fail_msg("migrate: %s", c.text);
	db_connect(db, db->app_url);
}

static inline void db_close(struct db *db)
{
	char sql[128];
	bana_arena_reset(db->u->ctx.arena);
	bana_pg_free(db->pg);
	PQfinish(db->admin);
	PGconn *c = admin_connect("postgres");
	snprintf(sql, sizeof sql, "DROP DATABASE %s WITH (FORCE)", db->name);
	ask(c, sql);
	PQfinish(c);
}

/* As between two requests, on the same connection. */
static inline struct bana_ctx *db_fresh(struct db *db)
{
	struct bana_ctx *ctx = fresh(db->u);
	ctx->db = db->pg;
	return ctx;
}

/* One value through the module under test. */
static inline const char *value_of(struct db *db, const char *sql)
{
	const struct bana_rows *rows;
	struct bana_ctx *ctx = db_fresh(db);
	bana_res r = bana_pg_exec(ctx, sql, 0, NULL, &rows);
	if (r.fault != BANA_OK)
		return bana_print(ctx->arena, "fault %d", (int)r.fault);
	const char *text = bana_rows_count(rows) == 0 ? "" : bana_rows_text(rows, 0, 0);
	return text == NULL ? "NULL" : text;
}

#endif
