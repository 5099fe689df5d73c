// A streaming standby of the stack's PostgreSQL, to which every commit is replicated before it is acknowledged.
import { execFile, spawn } from "node:child_process";
import { chmodSync, chownSync, mkdtempSync, openSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

import { at } from "../../http/lib/db.mjs";
import { until } from "../../http/lib/wait.mjs";

const run = promisify(execFile);
const bin = join("/usr/lib/postgresql", readdirSync("/usr/lib/postgresql").sort((a, b) => b - a)[0], "bin");

export class Standby {
  static async of(stack) {
    const { uid, gid } = statSync(join(stack.dir, "pg")); // who runs the primary
    const standby = Object.assign(new Standby(), { primary: stack, dir: mkdtempSync(join(tmpdir(), "bana-standby-")), uid, gid });
    chownSync(standby.dir, uid, gid);
    chmodSync(standby.dir, 0o755); // the workers are somebody else
    await run(join(bin, "pg_basebackup"), ["-D", standby.data, "-R", "-X", "stream", "-c", "fast", "-h", standby.socketOfPrimary, "-U", "postgres"], { uid, gid, cwd: "/" });
    await standby.#start();
    await standby.#synchronous();
    return standby;
  }

  get data() {
    return join(this.dir, "data");
  }

  get socketOfPrimary() {
    return new URLSearchParams(this.primary.env.DATABASE_ADMIN_URL.split("?")[1]).get("host");
  }

  // Of both, whichever may be written.
  urlOf(role) {
    return `postgresql://${role}@/bana?host=${this.socketOfPrimary},${this.dir}&port=5432,5432&target_session_attrs=read-write`;
  }

  get ask() {
    return at(`postgresql://postgres@/bana?host=${this.dir}&port=5432`);
  }

  async #start() {
    const log = openSync(join(this.dir, "log"), "a");
    const words = ["-D", this.data, "-c", "listen_addresses=", "-c", `unix_socket_directories=${this.dir}`];
    this.process = spawn(join(bin, "postgres"), words, { uid: this.uid, gid: this.gid, cwd: "/", stdio: ["ignore", log, log] });
    await until("the standby answers", async () => (await this.ask("SELECT 1")).length, 20_000);
  }

  async #synchronous() {
    const admin = at(this.primary.env.DATABASE_ADMIN_URL);
    await admin("ALTER SYSTEM SET synchronous_standby_names = '*'");
    await admin("SELECT pg_reload_conf()");
    await until("it is synchronous", async () => (await admin("SELECT FROM pg_stat_replication WHERE sync_state = 'sync'")).length === 1);
  }

  async promote() {
    await this.ask("SELECT pg_promote()");
  }

  // The primary goes on alone: as a file, for it may be down, and waits for nobody when it comes back.
  async stop() {
    writeFileSync(join(this.primary.dir, "pg/postgresql.auto.conf"), "");
    const ended = new Promise((done) => this.process.once("exit", done));
    if (this.process.exitCode === null && this.process.kill("SIGQUIT")) await ended;
    rmSync(this.dir, { recursive: true, force: true });
  }
}
