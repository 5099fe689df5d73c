// What takes longer or a machine of its own: disks that are full, no more descriptors, a clock that jumps, a database that
// is not there at the start or fails over.
import { execFileSync } from "node:child_process";
import { appendFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { at } from "../http/lib/db.mjs";
import { freePort, Stack, stack } from "../http/lib/stack.mjs";
import { sleep, until } from "../http/lib/wait.mjs";
import { pair } from "./replicas.mjs";

const sh = (command, ...words) => execFileSync(command, words, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });

// ---- Workers that start with more lines in their settings, which are a shell's.
const settingsOf = (of) => join(of.dir, "settings");
async function restart(of) {
  const old = of.workers();
  for (const pid of old) process.kill(pid, "SIGTERM");
  await until("all are new", () => of.workers().length === of.size && !of.workers().some((pid) => old.includes(pid)));
}
async function withSettings(of, lines, act) {
  const kept = readFileSync(settingsOf(of), "utf8");
  appendFileSync(settingsOf(of), lines.map((line) => `${line}\n`).join(""));
  try {
    await restart(of);
    return await act();
  } finally {
    writeFileSync(settingsOf(of), kept);
    await restart(of);
  }
}
const program = (of, word, env) => {
  try {
    return { code: 0, text: sh("env", "-i", ...env, `${of.programs}/bana-outreach`, word) };
  } catch (error) {
    return { code: error.status, text: error.stderr };
  }
};

// ---- A stack of which a folder (all of it: "") is a small disk, filled to the last byte and emptied again.
const stacks = [];
async function onDisk(folder, size) {
  const of = new Stack(`${stack.dir}.disk${stacks.length}`);
  const dir = join(of.dir, folder);
  mkdirSync(dir, { recursive: true });
  sh("mount", "-t", "tmpfs", "-o", `size=${size},mode=755`, "tmpfs", dir);
  stacks.push({ of, dir });
  await of.quickstart("start", "--no-demo", "--no-build", "--workers", "4", "--port", String(await freePort()));
  return of;
}
const ballast = (of) => join(stacks.find((one) => one.of === of).dir, "ballast");
const fill = (of) => {
  try {
    sh("dd", "if=/dev/zero", `of=${ballast(of)}`, "bs=4k");
  } catch {
    // that is what it is for
  }
};
const empty = (of) => rmSync(ballast(of), { force: true });
async function endDisks() {
  for (const { of, dir } of stacks.splice(0)) {
    await of.quickstart("stop");
    sh("umount", dir);
    rmSync(of.dir, { recursive: true, force: true });
  }
}

// ---- The workers' clock, by libfaketime; the monotonic one is the kernel's.
const FAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1";
const clock = (of) => join(of.dir, "pool", "clock");

let standby;
export const HARD = [
  {
    name: "settings: wrong and missing",
    by: "-",
    disturb: async (of, load, note) => {
      const wrong = program(of, "check", ["APP_ENV_NODE_ID=x", "APP_ENV_LOG_LEVEL=loud", "APP_ENV_JWKS_URL=ftp://x", "APP_ENV_WORKERS=-1"]);
      const reasons = ["APP_ENV_DATABASE_URL", "APP_ENV_NODE_ID", "APP_ENV_LOG_LEVEL", "APP_ENV_WORKERS"].filter((name) => !wrong.text.includes(name));
      if (wrong.code !== 2 || reasons.length > 0) note(`exit ${wrong.code}, not named: ${reasons}`);
      // every worker that starts now refuses: the ones that serve go on, and no core is eaten
      appendFileSync(settingsOf(of), "export APP_ENV_NODE_ID=x\n");
      const [victim] = of.workers();
      const from = of.log("outreach.log").length;
      process.kill(victim, "SIGTERM");
      await sleep(2000); // of tries
      const tries = of.log("outreach.log").slice(from).split("APP_ENV_NODE_ID: a whole number").length - 1;
      if (tries === 0 || tries > 2 * 3 * 60) note(`${tries} starts in 2 s`);
      writeFileSync(settingsOf(of), readFileSync(settingsOf(of), "utf8").replace("export APP_ENV_NODE_ID=x\n", ""));
    },
  },
  {
    name: "database: not there when workers start",
    by: "workers",
    disturb: async (of, load, note) => {
      const url = "postgresql:///bana?host=/nonexistent";
      const begun = performance.now();
      const migrate = program(of, "migrate", [`APP_ENV_DATABASE_URL=${url}`, `APP_ENV_MIGRATIONS_DIR=${of.dir}`]);
      if (migrate.code !== 1 || !/nonexistent/.test(migrate.text) || performance.now() - begun > 5000) note(`migrate: ${migrate.code} ${migrate.text}`);
      await withSettings(of, [`export APP_ENV_DATABASE_URL='${url}'`], async () => {
        const pids = of.workers();
        await load.more(100, "refused");
        if (`${pids}` !== `${of.workers()}`) note("workers died of it");
      });
    },
  },
  {
    name: "everything: the disk is full",
    by: "quickstart",
    of: () => onDisk("", "400m"),
    ask: (of) => at(of.env.DATABASE_URL),
    disturb: async (of, load) => {
      fill(of);
      await load.more(50, "refused", 60_000);
      empty(of);
      await of.repair();
    },
    end: endDisks,
  },
  {
    name: "logs: their disk is full",
    by: "-",
    of: () => onDisk("log", "4m"),
    ask: (of) => at(of.env.DATABASE_URL),
    disturb: async (of, load, note) => {
      fill(of);
      await load.more(200);
      await restart(of); // and workers begin
      await load.more(200);
      if (load.refused.length > 0) note("submits were refused");
      empty(of);
    },
    end: endDisks,
  },
  {
    name: "workers: no descriptor left",
    by: "-",
    disturb: (of, load) => withSettings(of, ['first=$1; shift; set -- "$first" prlimit --nofile=10 "$@"'], () => load.more(200, "answers", 30_000)), // one more than it holds open when it answers
  },
  {
    name: "workers: the clock jumps -3 s, +1 h, -1 h",
    by: "-",
    disturb: async (of, load) => {
      writeFileSync(clock(of), "+0s");
      await withSettings(of, [`export LD_PRELOAD=${FAKETIME} FAKETIME_TIMESTAMP_FILE='${clock(of)}' FAKETIME_NO_CACHE=1 FAKETIME_DONT_FAKE_MONOTONIC=1`], async () => {
        for (const offset of ["+0s", "-3s", "+3600s", "+0s", "-1s", "+0s"]) {
          writeFileSync(clock(of), offset);
          await load.more(100);
        }
      });
    },
  },
  {
    name: "postgres: the primary dies, its standby is promoted",
    by: "operator",
    of: async () => (standby ??= await pair(stack)).stack,
    ask: () => at(standby.url),
    disturb: async () => standby.failOver(),
    end: async () => standby?.end(),
  },
];
