// The workers' clock jumps, through libfaketime (Debian: faketime). The monotonic clock goes on, as in a real step.
import { appendFileSync, existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { stack } from "../../http/lib/stack.mjs";
import { until } from "../../http/lib/wait.mjs";

const LIBRARY = `/usr/lib/${process.arch === "arm64" ? "aarch64" : "x86_64"}-linux-gnu/faketime/libfaketime.so.1`;
const STEPS = ["-3s", "+0", "-1s", "+3600s", "+0", "-3s", "+0"];

async function faked() {
  const here = await stack.beside("clock", { APP_ENV_NODE_ID: "83" });
  const file = join(here.dir, "run/www/clock");
  const set = (offset) => writeFileSync(file, `${offset}\n`);
  set("+0");
  // The file is read by deploy/worker as each worker starts.
  const lines = { LD_PRELOAD: LIBRARY, FAKETIME_TIMESTAMP_FILE: file, FAKETIME_NO_CACHE: "1", FAKETIME_DONT_FAKE_MONOTONIC: "1", FAKETIME_DISABLE_SHM: "1" };
  appendFileSync(join(here.dir, "settings"), Object.entries(lines).map(([name, value]) => `export ${name}='${value}'\n`).join(""));
  const old = here.workers();
  for (const pid of old) process.kill(pid, "SIGTERM");
  await until("a new pool", () => here.workers().length === 4 && !here.workers().some((pid) => old.includes(pid)));
  return { stack: Object.assign(here, { set }), remove: () => here.remove() };
}

const msOf = (id) => Number(BigInt(id) >> 22n) + 1735689600000;

export default [
  {
    name: "clock: -3 s, -1 s, +1 h, back, -3 s",
    there: () => existsSync(LIBRARY),
    on: faked,
    restartedBy: "-",
    gap: 1500,
    async begin(here, load) {
      for (const offset of STEPS) {
        here.set(offset);
        await load.more(100);
      }
      if (!load.accepted.some(({ id }) => msOf(id) > Date.now() + 3_000_000)) throw new Error("the clock did not jump");
    },
  },
];
