// Settings that change while the workers run: SIGHUP to a worker, SIGUSR2 to multiwatch, which passes it on.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { promisify } from "node:util";

import { assertAccepted, call, inquiry, submit, unique } from "./lib/api.mjs";
import { close, query } from "./lib/db.mjs";
import { stack } from "./lib/stack.mjs";
import { until } from "./lib/wait.mjs";

const WORKERS = 4;
let own, base;

before(async () => {
  own = await stack.beside("reload", { APP_ENV_NODE_ID: "14" }, { workers: WORKERS });
  base = own.env.BASE_URL;
});
after(async () => {
  await close();
  await own?.remove();
});

// Change lines of the settings file, and have it read.
async function change(lines, { expect = /settings read again/, times = WORKERS } = {}) {
  const file = `${own.dir}/settings`;
  const kept = readFileSync(file, "utf8").split("\n").filter((line) => !Object.keys(lines).some((name) => line.startsWith(`export ${name}=`)));
  writeFileSync(file, [...Object.entries(lines).filter(([, value]) => value !== undefined).map(([name, value]) => `export ${name}='${value}'`), ...kept].join("\n"));
  const from = own.log("outreach.log").length;
  process.kill(own.pid("pool"), "SIGUSR2");
  await until("every worker has read it", () => own.log("outreach.log").slice(from).split("\n").filter((line) => expect.test(line)).length >= times);
}
const workers = (state) => own.metric(`bana_workers{state="${state}"}`);
const linesOf = (id) => own.log("outreach.log").split("\n").filter((line) => line.includes(id));
const ask = async (options) => {
  const id = unique("request");
  await call("GET", "/inquiries/x", { base, headers: { "X-Request-Id": id, ...options } });
  return id;
};

test("the_log_level_changes_without_a_restart", async () => {
  const pids = own.workers();
  const quiet = await ask();
  await until("the line is there", () => linesOf(quiet).length > 0);
  await change({ APP_ENV_LOG_LEVEL: "warn" }, { expect: /./, times: 0 });
  await until("no more INFO", async () => {
    const id = await ask();
    const id2 = await ask();
    return linesOf(id).length === 0 && linesOf(id2).length === 0;
  });
  await change({ APP_ENV_LOG_LEVEL: "info" });
  const loud = await ask();
  await until("INFO again", () => linesOf(loud).length > 0);
  assert.deepEqual(own.workers(), pids);
});

test("lines_become_json_with_the_same_names", async () => {
  await change({ APP_ENV_LOG_FORMAT: "json" });
  const id = unique("json");
  const trace = "4bf92f3577b34da6a3ce929d0e0e4736";
  await call("GET", "/inquiries/x", { base, headers: { "X-Request-Id": id, traceparent: `00-${trace}-00f067aa0ba902b7-01` } });
  await until("the line is there", () => linesOf(id).length > 0);
  const line = JSON.parse(linesOf(id)[0]);
  assert.deepEqual(Object.keys(line).slice(0, 7), ["ts", "level", "service", "requestId", "traceId", "spanId", "msg"]);
  assert.equal(line.traceId, trace);
  assert.match(line.spanId, /^[0-9a-f]{16}$/);
  assert.notEqual(line.spanId, "00f067aa0ba902b7");
  assert.deepEqual([line.method, line.route, line.status], ["GET", "/inquiries/{id}", "401"]);
  await until("nginx says the same trace", () => own.log("edge.access.log").split("\n").some((one) => one.includes(id) && JSON.parse(one).traceId === trace));
  await change({ APP_ENV_LOG_FORMAT: undefined, APP_ENV_LOG_LEVEL: "info" }); // left out: as it was
  const plain = await ask({ traceparent: "00-bad" });
  await until("the line is there", () => linesOf(plain).length > 0);
  assert.match(linesOf(plain)[0], /^ts=\S+ level=info service=outreach requestId=\S+ msg=request /);
});

test("a_file_with_a_wrong_value_changes_nothing_and_says_why", async () => {
  await change({ APP_ENV_LOG_LEVEL: "debug", APP_ENV_WORKERS: "lots" }, { expect: /settings not taken over, the last ones stay.*APP_ENV_WORKERS: a whole number/ });
  assert.equal(await workers("dormant"), 0);
  await change({ APP_ENV_WORKERS: "0", APP_ENV_LOG_LEVEL: "info" });
});

test("a_file_that_the_service_cannot_use_changes_nothing_and_says_why", async () => {
  await change({ APP_ENV_WORKERS: "1", APP_ENV_OUTREACH_WEBHOOK_NETWORKS: "10.0.0.1/8" }, { expect: /settings not taken over, the last ones stay.*APP_ENV_OUTREACH_WEBHOOK_NETWORKS: networks like/ });
  assert.equal(await workers("dormant"), 0);
  await change({ APP_ENV_WORKERS: "0", APP_ENV_OUTREACH_WEBHOOK_NETWORKS: undefined });
});

test("the_pool_shrinks_and_grows_without_a_failed_request", async () => {
  const pids = own.workers();
  let running = true;
  const statuses = new Set();
  const load = Promise.all(Array.from({ length: 8 }, async () => {
    while (running) statuses.add((await submit(inquiry(), { base })).status);
  }));
  try {
    await change({ APP_ENV_WORKERS: "1" });
    const threeRest = async () => (await workers("dormant")) === WORKERS - 1 && (await workers("idle")) + (await workers("busy")) === 1;
    await until("three rest", threeRest);
    const starts = await own.metric("bana_worker_starts_total");
    process.kill(own.workers()[0], "SIGTERM"); // whoever comes takes its place, so still only one serves
    await until("another has begun", async () => (await own.metric("bana_worker_starts_total")) > starts && threeRest());
    await change({ APP_ENV_WORKERS: "3" });
    await until("one rests", async () => (await workers("dormant")) === 1);
    await change({ APP_ENV_WORKERS: "0" });
    await until("none rests", async () => (await workers("dormant")) === 0);
  } finally {
    running = false;
    await load;
  }
  assert.deepEqual([...statuses], [201]);
  assert.equal(own.workers().filter((pid) => pids.includes(pid)).length, WORKERS - 1);
});

test("dormant_workers_hold_no_database_connection", async () => {
  const connections = async () => (await query("SELECT count(*)::int AS n FROM pg_stat_activity WHERE application_name = 'outreach'"))[0].n;
  for (let i = 0; i < 40; i++) assertAccepted(await submit(inquiry(), { base }));
  const before = await connections();
  await change({ APP_ENV_WORKERS: "1" });
  await until("they are given back", async () => (await connections()) <= before - 2);
  await change({ APP_ENV_WORKERS: "0" });
});

test("a_process_that_begins_reads_the_file_too", async () => {
  const check = (text) => {
    writeFileSync(`${own.dir}/other`, text);
    return promisify(execFile)(`${own.programs}/bana-outreach`, ["check"], { env: { APP_ENV_DATABASE_URL: "postgresql://x", APP_ENV_SETTINGS_FILE: `${own.dir}/other` } });
  };
  assert.match((await check("APP_ENV_WORKERS=3\nAPP_ENV_NODE_ID=not looked at\n")).stdout, /fine/);
  await assert.rejects(check("APP_ENV_WORKERS=3\nAPP_ENV_LOG_LEVEL=loud\nAPP_ENV_BULK_ROWS_MAX=0\n"), ({ code, stderr }) => code === 2 && /APP_ENV_LOG_LEVEL: one of/.test(stderr) && /APP_ENV_BULK_ROWS_MAX: a whole/.test(stderr));
  await assert.rejects(check("APP_ENV_OUTREACH_WEBHOOK_SCHEDULE=5,x\n"), ({ code, stderr }) => code === 2 && /APP_ENV_OUTREACH_WEBHOOK_SCHEDULE: seconds from/.test(stderr));
  rmSync(`${own.dir}/other`);
  await assert.rejects(promisify(execFile)(`${own.programs}/bana-outreach`, ["check"], { env: { APP_ENV_DATABASE_URL: "postgresql://x", APP_ENV_SETTINGS_FILE: `${own.dir}/other` } }), ({ code, stderr }) => code === 2 && /No such file/.test(stderr));
});

test("a_start_that_fails_tells_every_reason_whoever_looks_for_it", async () => {
  const env = { APP_ENV_OUTREACH_GATE_LINE: "0", APP_ENV_NCHAN_PUBLISH_URL: "nowhere", APP_ENV_OUTREACH_WEBHOOK_SCHEDULE: "5,x" };
  const { code, stderr } = await promisify(execFile)(`${own.programs}/bana-outreach`, ["check"], { env }).catch((error) => error);
  assert.equal(code, 2);
  for (const name of ["APP_ENV_DATABASE_URL", ...Object.keys(env)]) assert.match(stderr, new RegExp(`^${name}\\b`, "m"));
});

test("a_single_worker_reads_them_at_hup", async () => {
  const from = own.log("outreach.log").length;
  process.kill(own.workers()[0], "SIGHUP");
  await until("it has", () => /settings read again/.test(own.log("outreach.log").slice(from)));
  assert.equal(own.log("outreach.log").slice(from).split("settings read again").length, 2);
});
