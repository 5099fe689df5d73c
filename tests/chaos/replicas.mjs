// A PostgreSQL primary with a synchronous standby, and a stack on both.
import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, openSync, rmSync } from "node:fs";
import { join } from "node:path";

import { at } from "../http/lib/db.mjs";
import { freePort, Stack } from "../http/lib/stack.mjs";
import { gone, until } from "../http/lib/wait.mjs";

const BIN = execFileSync("sh", ["-c", "ls -d /usr/lib/postgresql/*/bin | sort -V | tail -n 1"], { encoding: "utf8" }).trim();
const postgres = (command, ...words) => execFileSync("runuser", ["-u", "postgres", "--", join(BIN, command), ...words], { encoding: "utf8", cwd: "/", stdio: ["ignore", "pipe", "pipe"] });

class Server {
  constructor(dir) {
    this.dir = dir;
  }

  // Its socket is not among its data, which a base backup copies.
  get socket() {
    return `${this.dir}.sock`;
  }

  start() {
    execFileSync("install", ["-d", "-o", "postgres", "-m", "0755", this.socket]);
    const words = ["-D", this.dir, "-k", this.socket, "-c", "listen_addresses=", "-c", "hot_standby=on"];
    const log = openSync(`${this.dir}.log`, "a");
    spawn("runuser", ["-u", "postgres", "--", join(BIN, "postgres"), ...words], { stdio: ["ignore", log, log], cwd: "/" });
    return until("postgres answers", () => postgres("pg_isready", "-q", "-h", this.socket) === "", 20_000);
  }

  get pid() {
    return Number(execFileSync("head", ["-n", "1", join(this.dir, "postmaster.pid")], { encoding: "utf8" }));
  }

  ask(sql) {
    return at(`postgresql://postgres@/postgres?host=${this.socket}`)(sql);
  }

  // With its children, which would serve on.
  async kill() {
    const { pid } = this;
    const children = execFileSync("pgrep", ["-P", String(pid)], { encoding: "utf8" }).trim().split("\n").map(Number);
    for (const one of [pid, ...children]) process.kill(one, "SIGKILL");
    await until("it is gone", () => gone(pid));
  }
}

export async function pair(stack) {
  const dir = mkdtempSync("/tmp/bana-pair-");
  execFileSync("chown", ["postgres", dir]);
  const [primary, standby] = ["a", "b"].map((name) => new Server(join(dir, name)));
  postgres("initdb", "-D", primary.dir, "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8");
  await primary.start();
  for (const sql of ["CREATE ROLE outreach_owner LOGIN", "CREATE ROLE outreach_app LOGIN", "CREATE DATABASE bana OWNER outreach_owner"]) await primary.ask(sql);
  postgres("pg_basebackup", "-h", primary.socket, "-U", "postgres", "-D", standby.dir, "-R", "--checkpoint=fast");
  await standby.start();
  await primary.ask("ALTER SYSTEM SET synchronous_standby_names = '*'");
  await primary.ask("SELECT pg_reload_conf()");
  await until("it is synchronous", async () => (await primary.ask("SELECT sync_state FROM pg_stat_replication"))[0]?.sync_state === "sync");
  execFileSync("chmod", ["0755", dir]); // for the workers, to the sockets

  const url = (role, hosts) => `postgresql://${role}@/bana?host=${hosts}&target_session_attrs=read-write`;
  const both = [primary, standby].map((one) => one.socket).join();
  const own = new Stack(`${stack.dir}.pair`);
  process.env.APP_ENV_DATABASE_URL = url("outreach_app", both);
  process.env.APP_ENV_DATABASE_OWNER_URL = url("outreach_owner", both);
  await own.quickstart("start", "--no-demo", "--no-build", "--workers", "4", "--port", String(await freePort()));
  delete process.env.APP_ENV_DATABASE_URL;
  delete process.env.APP_ENV_DATABASE_OWNER_URL;
  return {
    stack: own,
    url: url("outreach_app", standby.socket),
    async failOver() {
      await primary.kill();
      postgres("pg_ctl", "-D", standby.dir, "promote");
    },
    async end() {
      await own.remove();
      await standby.kill();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
