// Settings that are wrong or missing, and a database that is away as the pool starts: told, and no crash loop.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";

import { stack } from "../../http/lib/stack.mjs";
import { gone, until } from "../../http/lib/wait.mjs";

const program = join(stack.programs, "bana-outreach");

// { code, told, ms } of a program that has to end.
const run = (command, words, env) =>
  new Promise((done) => {
    const begun = performance.now();
    execFile(command, words, { env, timeout: 30_000 }, (error, out, told) => done({ code: error ? error.code : 0, told: out + told, ms: performance.now() - begun }));
  });

// No database, and one value of each kind that is none.
const WRONG = {
  APP_ENV_NODE_ID: "1024",
  APP_ENV_DATABASE_CONNECT_MS: "soon",
  APP_ENV_LOG_LEVEL: "loud",
  APP_ENV_WEBSOCKET_NCHAN: "perhaps",
  APP_ENV_OUTREACH_BARE_TOKENS: "2",
};
const STARTS_A_SECOND = 60; // deploy/worker waits after 2 N + 40

export default [
  {
    name: "settings wrong and missing",
    restartedBy: "-",
    async begin() {
      for (const command of ["api", "migrate", "check"]) {
        const { code, told } = await run(program, [command], { PATH: process.env.PATH, ...WRONG });
        assert.equal(code, 2, `${command}: ${told}`);
        for (const name of ["APP_ENV_DATABASE_URL", ...Object.keys(WRONG)]) assert.match(told, new RegExp(`^${name}\\b`, "m"), `${command} tells all at once`);
      }
    },
  },
  {
    name: "reload with wrong settings",
    restartedBy: "deploy/quickstart",
    async begin(here) {
      const [workers, begun, told] = [here.workers(), performance.now(), here.log("outreach.log").length];
      await assert.rejects(here.reload({ APP_ENV_LOG_LEVEL: "loud" }), /does not stay up; the settings are the last ones/);
      const starts = here.log("outreach.log").slice(told).match(/^APP_ENV_LOG_LEVEL\b/gm)?.length ?? 0;
      assert.ok(starts >= 1, "the log says why");
      assert.ok(starts <= (STARTS_A_SECOND * (performance.now() - begun)) / 1000, `${starts} starts`);
      assert.ok(workers.filter((pid) => !gone(pid)).length >= here.size - 1, "the others serve");
    },
  },
  {
    name: "database away as the pool starts",
    restartedBy: "deploy/quickstart",
    part: "postgres",
    allowed: [201, 503],
    async begin(here, load) {
      await here.end("postgres", "SIGINT");
      const old = here.workers();
      for (const pid of old) process.kill(pid, "SIGTERM");
      await until("a new pool", () => here.workers().length === here.size && !here.workers().some((pid) => old.includes(pid)), 5000);
      this.workers = here.workers();
      await load.more(400, "refused");
      const { code, told, ms } = await run("sh", ["-c", '. "$0" && exec "$1" migrate', join(here.dir, "settings"), program], process.env);
      assert.equal(code, 1, told);
      assert.match(told, /database is not available/i);
      assert.ok(ms < 5000, `migrate took ${ms} ms to fail`);
      assert.deepEqual(here.workers(), this.workers, "no crash loop");
    },
    async end(here) {
      await here.repair();
      assert.deepEqual(here.workers(), this.workers, "they connect by themselves");
    },
  },
];
