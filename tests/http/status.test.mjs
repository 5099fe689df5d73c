// Probes: what they say, what they cost, and that they wait for nobody.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { assertAccepted, assertProblem, call, inquiry, submit } from "./lib/api.mjs";
import { admin, close, owner } from "./lib/db.mjs";
import { stack } from "./lib/stack.mjs";
import { gone, until, within } from "./lib/wait.mjs";

const run = promisify(execFile);
const root = fileURLToPath(new URL("../..", import.meta.url));

after(close);

const ready = () => call("GET", "/readyz");
const checks = async () => {
  const answer = await ready();
  return answer.status === 200 ? answer.body.checks : assertProblem(answer, 503).details.checks;
};
const command = (...words) => run(`${root}/deploy/worker`, [`${stack.dir}/settings`, `${stack.programs}/bana-outreach`, ...words]);

test("a_whole_stack_is_ready_and_says_why", async () => {
  assertAccepted(await submit(inquiry()));
  await until("every check is fine", async () => Object.values(await checks()).every(({ status }) => status === "ok"));
  const now = await checks();
  assert.deepEqual(Object.keys(now), ["database", "schema", "pool", "nchan", "redis", "jwks"]);
  assert.deepEqual(Object.values(now).map(({ required }) => required), [true, true, true, false, false, false]);
});

test("a_schema_that_lacks_a_migration_is_not_ready", async () => {
  const newest = (await owner(`SELECT name FROM outreach."Migration" WHERE name ~ '^[0-9]' ORDER BY name DESC LIMIT 1`))[0].name;
  await owner(`UPDATE outreach."Migration" SET name = '0000_renamed.sql' WHERE name = '${newest}'`);
  try {
    await until("the schema is said to be old", async () => /run migrate/.test((await checks()).schema.reason));
    assertProblem(await ready(), 503, "a migration of this version is not applied: run migrate");
    assert.equal((await checks()).database.status, "ok");
    assert.equal((await call("GET", "/healthz")).status, 200);
    assert.equal(await stack.metric("bana_migrations_missing"), 1);
  } finally {
    await owner(`UPDATE outreach."Migration" SET name = '${newest}' WHERE name = '0000_renamed.sql'`);
  }
  await until("ready again", async () => (await ready()).status === 200);
});

test("a_database_that_is_ahead_is_ready_and_counted", async () => {
  await owner(`INSERT INTO outreach."Migration" (name, checksum) VALUES ('9998_next.sql', 'x'), ('9999_after.sql', 'x')`);
  try {
    await until("both are counted", async () => (await stack.metric("bana_migrations_ahead")) === 2);
    assert.equal((await ready()).status, 200);
  } finally {
    await owner(`DELETE FROM outreach."Migration" WHERE name IN ('9998_next.sql', '9999_after.sql')`);
  }
});

test("a_read_only_database_is_not_ready", async () => {
  await admin("ALTER ROLE outreach_app SET default_transaction_read_only = on");
  try {
    for (const pid of stack.children("status")) process.kill(pid, "SIGTERM"); // for a connection with the new default
    await until("it is seen", async () => (await checks()).database.reason === "the database is read-only");
  } finally {
    await admin("ALTER ROLE outreach_app RESET default_transaction_read_only");
    for (const pid of stack.children("status")) process.kill(pid, "SIGTERM");
  }
  await until("ready again", async () => (await ready()).status === 200);
});

test("rooms_that_are_away_are_told_and_do_not_matter", async () => {
  await stack.end("rooms", "SIGKILL");
  try {
    await until("it is seen", async () => (await checks()).nchan.reason === "the rooms nginx does not answer");
    const answer = await ready();
    assert.equal(answer.status, 200);
    assert.equal(answer.body.checks.nchan.status, "failed");
    assert.equal(await stack.metric("bana_rooms_up"), 0);
    assert.equal(await stack.metric('bana_check_ok{check="nchan"}'), 0);
  } finally {
    await stack.repair();
  }
  await until("seen again", async () => (await checks()).nchan.status === "ok");
});

test("a_pool_that_drains_is_not_ready_and_serves_on", async () => {
  await command("drain");
  try {
    assertProblem(await ready(), 503, "draining: requests are served, new ones should go elsewhere");
    assertAccepted(await submit(inquiry()));
    assert.equal((await call("GET", "/healthz")).status, 200);
    assert.equal(await stack.metric("bana_draining"), 1);
  } finally {
    await command("resume");
  }
  assert.equal((await ready()).status, 200);
  for (const wrong of [["drain", "x"], ["drain", "-1"], ["drain", "1", "2"], ["resume", "1"]])
    await assert.rejects(command(...wrong), { code: 2 }, wrong.join(" "));
});

test("without_a_worker_it_is_neither_live_nor_ready", async () => {
  await stack.end("pool", "SIGTERM");
  try {
    for (const path of ["/healthz", "/readyz"]) assertProblem(await call("GET", path), 503, "no worker takes requests");
    assertProblem(await submit(inquiry()), 503); // nginx: no connection, so the request is nowhere
    await assert.rejects(command("drain"), ({ code, stderr }) => code === 1 && /no pool of this version runs/.test(stderr));
  } finally {
    await stack.repair();
  }
  await until("both are back", async () => (await call("GET", "/healthz")).status === 200 && (await ready()).status === 200);
});

test("a_storm_of_probes_asks_the_database_once_a_second", async () => {
  const asked = () => stack.metric('bana_db_statements_total{outcome="ok"}');
  await ready();
  const [before, begun] = [await asked(), performance.now()];
  const answers = await Promise.all(Array.from({ length: 500 }, ready));
  assert.ok(answers.every(({ status }) => status === 200));
  const seconds = (performance.now() - begun) / 1000;
  assert.ok((await asked()) - before <= Math.ceil(seconds) + 2, `${(await asked()) - before} in ${seconds} s`);
});

// Two processes: one may be waiting for the database when the other is asked.
test("probes_wait_for_no_one_while_the_database_hangs_and_the_pool_is_full", async () => {
  stack.signalAll("postgres", "SIGSTOP");
  let waiting;
  try {
    waiting = Promise.all(Array.from({ length: 64 }, () => submit(inquiry())));
    await until("every worker is busy", async () => (await stack.metric('bana_workers{state="busy"}')) === stack.size);
    assert.equal(await stack.metric("bana_http_requests_in_flight"), stack.size);
    await until("the database is said to be away", async () => (await checks()).database.reason === "the database does not answer");
    for (let i = 0; i < 20; i++) {
      const begun = performance.now();
      assert.equal((await call("GET", "/healthz")).status, 200);
      assert.ok(performance.now() - begun <= within(100), `${performance.now() - begun} ms`);
    }
  } finally {
    stack.signalAll("postgres", "SIGCONT");
  }
  for (const answer of await waiting) assert.ok([201, 503].includes(answer.status));
  await until("ready again", async () => (await ready()).status === 200);
});

test("a_killed_status_process_is_replaced_and_the_other_answers", async () => {
  const [first] = stack.children("status");
  process.kill(first, "SIGKILL");
  for (let i = 0; i < 50; i++) assert.equal((await call("GET", "/healthz")).status, 200);
  await until("another is there", () => gone(first) && stack.children("status").length === 2);
});
