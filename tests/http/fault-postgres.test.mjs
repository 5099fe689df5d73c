// Without the database nothing is acknowledged, everything is answered, and all heals by itself.
import assert from "node:assert/strict";
import { after, test } from "node:test";

import pg from "pg";

import { assertAccepted, assertProblem, call, inquiry, submit } from "./lib/api.mjs";
import { close, query } from "./lib/db.mjs";
import { underLoad } from "./lib/load.mjs";
import { stack } from "./lib/stack.mjs";
import { gone, until, within } from "./lib/wait.mjs";

after(close);

const accepts = async () => {
  const client = new pg.Client({ connectionString: stack.env.DATABASE_URL, connectionTimeoutMillis: 1000 });
  client.on("error", () => {});
  try {
    await client.connect();
    await client.query("SELECT 1");
    return true;
  } finally {
    client.end().catch(() => {});
  }
};

// Every refusal is a 503 that says when to come back, in time.
function assertAnswered(load, limitMs) {
  for (const { status, retryAfter, ms, error } of load.refused) {
    assert.equal(status, 503, String(error));
    assert.match(retryAfter, /^[1-9]\d?$/);
    assert.ok(ms <= limitMs, `answered after ${ms} ms`);
  }
}

for (const [name, signal] of [["restarted", "SIGINT"], ["killed", "SIGKILL"]]) {
  test(`nothing_acknowledged_is_lost_when_postgres_is_${name}`, async () => {
    const workers = stack.workers();
    let backAt;
    const load = await underLoad(async (running) => {
      const pid = stack.pid("postgres");
      process.kill(pid, signal);
      await until("postgres is gone", () => gone(pid), 20_000);
      await running.more(50, "refused");
      assertProblem(await call("GET", "/readyz"), 503);
      assert.equal((await call("GET", "/healthz")).status, 200);
      const watched = until("postgres accepts", accepts, 30_000).then(() => (backAt = performance.now()));
      await stack.repair();
      await watched;
      await running.more(100);
    });
    assertAnswered(load, within(2000));
    const acknowledged = load.accepted.map(({ begun, ms }) => begun + ms).find((at) => at > backAt - 500);
    assert.ok(acknowledged - backAt <= within(1000), `first acknowledgement ${acknowledged - backAt} ms after postgres was back`);
    assert.deepEqual(stack.workers(), workers, "nobody had to restart");
  });
}

test("who_tries_again_until_postgres_is_back_is_not_taken_for_a_flood", async () => {
  const pid = stack.pid("postgres");
  const body = inquiry();
  process.kill(pid, "SIGINT");
  await until("postgres is gone", () => gone(pid), 20_000);
  for (let i = 0; i < 12; i++) assertProblem(await submit(body), 503);
  await stack.repair();
  const answer = await until("it is taken", async () => {
    const one = await submit(body);
    return one.status === 201 && one;
  }, 30_000);
  const [row] = await query('SELECT status, spam_reasons FROM outreach."Inquiry" WHERE id = $1', [assertAccepted(answer).id]);
  assert.equal(row.status, "100_NEW", row.spam_reasons.join());
});

test("every_request_is_answered_while_postgres_hangs", async () => {
  const workers = stack.workers();
  const load = await underLoad(async (running) => {
    stack.signalAll("postgres", "SIGSTOP");
    try {
      await running.more(100, "refused");
      const begun = performance.now();
      assertProblem(await call("GET", "/readyz"), 503);
      assert.equal((await call("GET", "/healthz")).status, 200);
      assert.ok(performance.now() - begun <= within(7000));
    } finally {
      stack.signalAll("postgres", "SIGCONT");
    }
    await running.more(100, "accepted", 3000);
  });
  assertAnswered(load, within(7000));
  assert.ok(load.refused.length >= 100);
  assert.deepEqual(stack.workers(), workers, "nobody had to restart");
});

test("a_backend_that_is_terminated_costs_no_submit", async () => {
  const admin = new pg.Client({ connectionString: stack.env.DATABASE_ADMIN_URL });
  await admin.connect();
  try {
    const load = await underLoad(async (running) => {
      for (let round = 0; round < 3; round++) {
        const idle = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'outreach'";
        await admin.query(idle);
        await running.more(100);
      }
    });
    assertAnswered(load, within(2000));
    assert.ok(load.refused.length <= 3 * stack.size, "at most the statements that ran");
  } finally {
    await admin.end();
  }
});

test("a_locked_table_is_503_and_never_a_hang", async () => {
  const owner = new pg.Client({ connectionString: stack.env.DATABASE_OWNER_URL });
  await owner.connect();
  try {
    await owner.query('BEGIN; LOCK TABLE outreach."Inquiry" IN ACCESS EXCLUSIVE MODE');
    const begun = performance.now();
    assertProblem(await submit(inquiry()), 503, "The record is locked");
    assert.ok(performance.now() - begun <= within(7000));
    await owner.query("ROLLBACK");
    assertAccepted(await submit(inquiry()));
  } finally {
    await owner.end();
  }
});

test("the_service_cannot_change_its_schema_or_delete", async () => {
  const table = 'outreach."Inquiry"';
  const forbidden = [
    `DELETE FROM ${table}`, `TRUNCATE ${table}`, `DROP TABLE ${table}`, `ALTER TABLE ${table} ADD x text`, `UPDATE ${table} SET id = 1`, "CREATE TABLE outreach.x ()",
    "CREATE TABLE public.x ()", "CREATE SCHEMA x", "CREATE ROLE x", `INSERT INTO outreach."CasbinRule" (ptype, v0, v1) VALUES ('p', 'x', 'x')`,
    `UPDATE outreach."CasbinRule" SET v0 = 'x'`, "SELECT pg_read_file('/etc/passwd')",
  ];
  for (const sql of forbidden) await assert.rejects(query(sql), { code: "42501" }, sql);
});
