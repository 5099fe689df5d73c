// What README and `deploy/quickstart --help` promise of the commands themselves, on an instance of its own.
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, readdirSync, rmSync } from "node:fs";
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
const run = (...args) =>
  promisify(execFile)(quickstart, [...args, "--state", state], { env, timeout: within(120_000) }).catch((error) => error);
const start = (...more) => ["start", "--port", String(port), "--workers", "3", "--preset", preset, ...more];
const pids = async () => Object.fromEntries((await run("pids", "--all")).stdout.trim().split("\n").map((line) => line.split("=")));
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
  for (const name of ["BASE_URL", "WS_URL", "WS_ORIGIN", "DATABASE_URL", "REDIS_URL", "NCHAN_PUBLISH_URL", "JWKS_URL", "BO_TOKEN", "SIGNING_KEY", "POOL_PID"])
    assert.match(readFileSync(`${state}/env`, "utf8"), new RegExp(`^export ${name}='.+'$`, "m"));
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
});

test("reload_replaces_every_worker", async () => {
  const before = (await run("pids")).stdout.trim().split("\n");
  const { stdout, code } = await run("reload");
  assert.equal(code, undefined, stdout);
  const now = (await run("pids")).stdout.trim().split("\n");
  assert.equal(now.length, 3);
  assert.deepEqual(now.filter((pid) => before.includes(pid)), []);
});

test("what_was_killed_is_repaired_by_a_start", async () => {
  const { edge, redis } = await pids();
  for (const pid of [edge, redis]) process.kill(Number(pid), "SIGKILL");
  await until("both are gone", () => gone(Number(edge)) && gone(Number(redis)));
  assert.equal((await run("status")).code, 1);
  assert.equal((await run(...start("--no-demo"))).code, undefined);
  assert.equal((await run("status")).code, undefined);
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
  for (const wrong of [["--port", "0"], ["--port", "x"], ["--workers", "0"], ["--preset", "fast"], ["--what"], ["--state"]]) {
    const { code, stderr } = await run("start", ...wrong.slice(0, 2));
    assert.equal(code, 2, wrong.join(" "));
    assert.match(stderr, /usage: /);
  }
});
