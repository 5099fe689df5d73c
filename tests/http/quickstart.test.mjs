// What README and `deploy/quickstart --help` promise of the commands themselves, on an instance of its own.
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, resolve } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { stack, freePort } from "./lib/stack.mjs";
import { gone, until, within } from "./lib/wait.mjs";

const quickstart = resolve(dirname(fileURLToPath(import.meta.url)), "../../deploy/quickstart");
const state = `${stack.dir}.own`;
const preset = /^last_preset='(.*)'$/m.exec(readFileSync(`${stack.dir}/options`, "utf8"))[1];
let port;

// No APP_ENV_* of ours: a new user has none.
const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("APP_ENV_")));
const runWith = (more, ...args) =>
  promisify(execFile)(quickstart, [...args, "--state", state], { env: { ...env, ...more }, timeout: within(120_000) }).catch((error) => error);
const run = (...args) => runWith({}, ...args);
const start = (...more) => ["start", "--port", String(port), "--workers", "3", "--preset", preset, ...more];
const pids = async () => Object.fromEntries((await run("pids", "--all")).stdout.trim().split("\n").map((line) => line.split("=")));
const workersOf = (all, name) => all.split("\n").filter((line) => line.startsWith(`${name}=`));
const exported = (file) => readFileSync(`${state}/${file}`, "utf8").match(/^export \w+(?==)/gm).map((line) => line.slice(7));
const statusOf = async (path) => (await fetch(`http://127.0.0.1:${port}${path}`)).status;
const SIGNAL = ["signal", "signal-status", "broker"];
const ofState = () =>
  readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/environ`, "utf8").includes(`${state}/`) || readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(`${state}/`);
      } catch {
        return false; // ended meanwhile
      }
    });

before(async () => {
  port = await freePort();
});
after(async () => {
  await run("stop");
  rmSync(state, { recursive: true, force: true });
});

test("the_first_start_shows_a_frame_and_how_to_go_on", async () => {
  const { stdout, code } = await run(...start());
  assert.equal(code, undefined, stdout);
  const [id] = /"id":"(\d+)"/.exec(stdout).slice(1);
  const frame = stdout.split("\n").find((line) => line.startsWith('{"event":"observation/outreach/inquiry/submitted"'));
  assert.equal(JSON.parse(frame).data.id, id);
  for (const hint of ["BO token", "curl", "watch.mjs", "psql", "stop", `http://127.0.0.1:${port}/v1/api/outreach`]) assert.ok(stdout.includes(hint), hint);
  for (const name of ["BASE_URL", "WS_URL", "WS_ORIGIN", "DATABASE_URL", "REDIS_URL", "NCHAN_PUBLISH_URL", "JWKS_URL", "BO_TOKEN", "SIGNING_KEY", "POOL_PID",
    "SIGNAL_BASE_URL", "SIGNAL_WS_URL", "SIGNAL_DATABASE_URL", "SIGNAL_DATABASE_OWNER_URL", "SIGNAL_METRICS_SOCKET", "SIGNAL_FCGI_SOCKET", "SIGNAL_PID", "SIGNAL_STATUS_PID", "BROKER_PID", "KAFKA_BROKERS"])
    assert.match(readFileSync(`${state}/env`, "utf8"), new RegExp(`^export ${name}='.+'$`, "m"));

  const notification = stdout.split("\n").find((line) => line.startsWith('{"event":"observation/signal/notification/created"'));
  if ((await pids()).consumer) assert.match(JSON.parse(notification).data.content, /Invoice 2026-17/);
  else assert.match(stdout, /^consumer +not started: .* no command `consume`[^]*^event +skipped: no consumer runs/m);
  for (const hint of [`http://127.0.0.1:${port}/v1/api/signal`, "produce.mjs", "signal/notification/1"]) assert.ok(stdout.includes(hint), hint);
});

test("both_services_answer_behind_one_edge", async () => {
  for (const base of ["/v1/api/outreach", "/v1/api/signal"])
    for (const path of ["/healthz", "/readyz", "/doc", "/doc/explorer", "/doc/openapi.json"]) assert.equal(await statusOf(base + path), 200, base + path);
  for (const path of ["/v1/api/signal", "/v1/api/signal/", "/v1/api/signalx/healthz", "/v1/api/signal/metrics", "/v1/api/signal/doc/observe"]) assert.equal(await statusOf(path), 404, path);
  assert.equal(await statusOf("/v1/api/signal/ws?rooms=x"), 401);
});

test("a_service_gets_no_setting_that_is_anothers", () => {
  const [outreach, signal] = [exported("settings"), exported("signal.settings")];
  assert.deepEqual(outreach.filter((name) => /^APP_ENV_(SIGNAL|KAFKA)_/.test(name)), []);
  assert.deepEqual(signal.filter((name) => /^APP_ENV_(OUTREACH|BRIDGE)_|SERVER_BASE_PATH|SIGNAL_.*_URL/.test(name)), []);
  assert.ok(signal.includes("APP_ENV_KAFKA_BROKERS"));
  const value = (file, name) => new RegExp(`^export ${name}='(.*)'$`, "m").exec(readFileSync(`${state}/${file}`, "utf8"))[1];
  for (const name of ["APP_ENV_STATE_DIR", "APP_ENV_SETTINGS_FILE", "APP_ENV_DATABASE_URL", "APP_ENV_DATABASE_OWNER_URL"])
    assert.notEqual(value("settings", name), value("signal.settings", name), name);
});

test("a_second_start_finds_what_runs", async () => {
  const before = await pids();
  const { stdout, code } = await run(...start("--no-demo"));
  assert.equal(code, undefined, stdout);
  assert.deepEqual(await pids(), before);
});

test("status_and_pids_tell_what_runs", async () => {
  assert.equal((await run("status")).code, undefined);
  const workers = (await run("pids")).stdout.trim().split("\n");
  assert.equal(workers.length, 3);
  assert.ok(workers.every((pid) => !gone(Number(pid))));
  const all = (await run("pids", "--all")).stdout;
  assert.deepEqual(workersOf(all, "worker").map((line) => line.slice(7)), workers);
  assert.equal(workersOf(all, "signal-worker").length, 3);
  for (const part of SIGNAL) assert.match(all, new RegExp(`^${part}=\\d+$`, "m"));
});

test("reload_replaces_every_worker", async () => {
  const before = (await run("pids", "--all")).stdout;
  const { stdout, code } = await runWith({ APP_ENV_SIGNAL_KEEP_DAYS: "7", APP_ENV_OUTREACH_SECRET: "x".repeat(32) }, "reload");
  assert.equal(code, undefined, stdout);
  const now = (await run("pids", "--all")).stdout;
  for (const name of ["worker", "signal-worker"]) {
    assert.equal(workersOf(now, name).length, 3);
    assert.deepEqual(workersOf(now, name).filter((line) => before.includes(line)), []);
  }
  assert.match(readFileSync(`${state}/signal.settings`, "utf8"), /^export APP_ENV_SIGNAL_KEEP_DAYS='7'$/m);
  assert.ok(!readFileSync(`${state}/settings`, "utf8").includes("SIGNAL"));
  assert.ok(!readFileSync(`${state}/signal.settings`, "utf8").includes("OUTREACH"));
  assert.equal((await run("reload")).code, undefined);
  assert.match(readFileSync(`${state}/signal.settings`, "utf8"), /^export APP_ENV_SIGNAL_KEEP_DAYS='7'$/m, "kept by a reload without it");
});

test("what_was_killed_is_repaired_by_a_start", async () => {
  const { edge, redis, signal, broker } = await pids();
  const killed = [edge, redis, signal, broker].map(Number);
  for (const pid of killed) process.kill(pid, "SIGKILL");
  await until("all are gone", () => killed.every(gone));
  assert.equal((await run("status")).code, 1);
  assert.equal((await run(...start("--no-demo"))).code, undefined);
  assert.equal((await run("status")).code, undefined);
});

test("a_service_that_is_no_longer_wanted_ends_and_leaves_the_other_alone", async () => {
  const before = await pids();
  const { stdout, code } = await run(...start("--no-demo", "--services", "outreach"));
  assert.equal(code, undefined, stdout);
  const now = await pids();
  assert.deepEqual(Object.keys(now).filter((name) => /signal|consumer|broker/.test(name)), []);
  await until("they are gone", () => SIGNAL.every((part) => gone(Number(before[part]))));
  assert.deepEqual([now.pool, now.redis, now.bridge], [before.pool, before.redis, before.bridge]);
  assert.deepEqual(exported("env").filter((name) => /SIGNAL|KAFKA|CONSUMER|BROKER/.test(name)), []);
  for (const path of ["/v1/api/signal/readyz", "/v1/api/signal/ws", "/v1/api/signal/doc"]) assert.equal(await statusOf(path), 404, path);
  assert.equal(await statusOf("/v1/api/outreach/readyz"), 200);
  assert.equal((await run(...start("--no-demo"))).code, undefined);
  assert.equal((await pids()).signal, undefined, "the next start remembers");
  assert.equal((await run(...start("--no-demo", "--services", "outreach,signal", "--signal-workers", "1"))).code, undefined);
  assert.equal(workersOf((await run("pids", "--all")).stdout, "signal-worker").length, 1);
  assert.equal(await statusOf("/v1/api/signal/readyz"), 200);
});

test("with_a_database_elsewhere_signal_wants_one_too", async () => {
  const { stdout, code } = await runWith({ APP_ENV_DATABASE_URL: stack.env.DATABASE_URL, APP_ENV_DATABASE_OWNER_URL: stack.env.DATABASE_OWNER_URL }, ...start("--no-demo", "--workers", "1"));
  assert.equal(code, undefined, stdout);
  assert.match(stdout, /signal is not started: APP_ENV_DATABASE_URL is given, and APP_ENV_SIGNAL_DATABASE_URL is not/);
  assert.deepEqual(Object.keys(await pids()).filter((name) => /signal|consumer|broker|postgres/.test(name)), []);
});

test("stop_leaves_no_process", async () => {
  assert.equal((await run("stop")).code, undefined);
  assert.deepEqual(ofState(), []);
  assert.equal((await run("status")).code, 1);
});

test("an_interrupted_start_leaves_no_process", async () => {
  const child = spawn(quickstart, [...start("--no-demo"), "--state", state], { env, stdio: ["ignore", "pipe", "ignore"], detached: true });
  // listened to until the end: a pipe that nobody reads would end it before our signal does
  await new Promise((seen) => child.stdout.on("data", (part) => /^rooms/m.test(String(part)) && seen()));
  process.kill(-child.pid, "SIGINT");
  assert.deepEqual(await once(child, "exit"), [130, null]);
  await until("no process is left", () => ofState().length === 0);
});

test("wrong_options_are_usage", async () => {
  for (const wrong of [["--port", "0"], ["--port", "x"], ["--workers", "0"], ["--preset", "fast"], ["--what"], ["--state"], ["--services", "outreach,telegraph"], ["--services", "signal"], ["--services", ","], ["--signal-workers", "0"]]) {
    const { code, stderr } = await run("start", ...wrong.slice(0, 2));
    assert.equal(code, 2, wrong.join(" "));
    assert.match(stderr, /usage: /);
  }
});

// Each part that may be missing asks npm's registry; what `npm` says and how often it is asked.
for (const [what, says, asked] of [["the network failed", "npm ERR! code ECONNREFUSED", 1], ["nothing answered", "npm error code FETCH_ERROR", 1], ["one package is bad", "npm ERR! code EINTEGRITY", 2]]) {
  test(`npm_is_not_waited_for_again_once_the_network_failed: ${what}`, async () => {
    const dir = mkdtempSync(`${tmpdir()}/npm-`);
    try {
      mkdirSync(`${dir}/log`);
      writeFileSync(`${dir}/npm`, `#!/bin/sh\necho x >>${dir}/asked\necho "$npm_config_fetch_timeout $npm_config_fetch_retries" >>${dir}/limits\necho '${says}'\nexit 1\n`, { mode: 0o755 });
      const lib = resolve(dirname(quickstart), "lib");
      const script = `set -euo pipefail; state=${dir}; . ${lib}/say.sh; . ${lib}/npm.sh; for part in doc try; do ! npm_ci ${lib}/../$part ${dir}/$part || exit 1; done`;
      await promisify(execFile)("bash", ["-c", script], { env: { ...env, PATH: `${dir}:${env.PATH}` } });
      assert.equal(readFileSync(`${dir}/asked`, "utf8"), "x\n".repeat(asked));
      assert.match(readFileSync(`${dir}/limits`, "utf8"), /^(20000 1\n)+$/);
    } finally {
      rmSync(dir, { recursive: true });
    }
  });
}
