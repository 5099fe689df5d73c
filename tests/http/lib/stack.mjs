// The stack under test: where it is, its processes, and how to disturb and repair it.
import { execFile, spawn } from "node:child_process";
import { readFileSync, readdirSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { gone, until, within } from "./wait.mjs";

const run = promisify(execFile);
const repo = resolve(dirname(fileURLToPath(import.meta.url)), "../../..");

// A file of `export NAME='value'` lines, as deploy/quickstart writes them.
const exportsOf = (file) =>
  Object.fromEntries(
    [...readFileSync(file, "utf8").matchAll(/^export (\w+)='(.*)'$/gm)].map(([, name, value]) => [
      name,
      value.replaceAll("'\\''", "'"),
    ]),
  );

const childrenOf = (pid) => {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean).map(Number);
  } catch {
    return [];
  }
};

const commandOf = (pid) => {
  try {
    return readFileSync(`/proc/${pid}/comm`, "utf8").trim();
  } catch {
    return "";
  }
};

// The parts of deploy/quickstart.
const PARTS = ["edge", "rooms", "pool", "status", "bridge", "sender", "signal", "signal-status", "consumer", "broker", "postgres", "redis"];
const POOLS = { outreach: "pool", signal: "signal" };
// Settings that no two services share; deploy/lib/services.sh tells what the environment calls those of Signal.
const OWN = /^APP_ENV_(?=(DATABASE_URL|DATABASE_OWNER_URL|SERVER_BASE_PATH|STATE_DIR|SETTINGS_FILE)$)/;

export class Stack {
  static starts = 0; // of any stack: what was known of one may be old

  constructor(dir) {
    this.dir = dir;
  }

  get env() {
    return exportsOf(join(this.dir, "env"));
  }

  get secret() {
    return readFileSync(join(this.dir, "secret"), "utf8").trim();
  }

  get origin() {
    return new URL(this.env.BASE_URL).origin;
  }

  // Of one of PARTS; 0 or NaN: it is not here.
  pid(part) {
    return Number(this.env[`${part.toUpperCase().replaceAll("-", "_")}_PID`]);
  }

  workers(service = "outreach") {
    return childrenOf(this.pid(POOLS[service])).filter((pid) => commandOf(pid) === `bana-${service}`);
  }

  // The processes below a part, e.g. the nginx workers of "rooms".
  children(part) {
    return childrenOf(this.pid(part));
  }

  isWhole() {
    const parts = PARTS.filter((part) => this.pid(part) > 0); // the others are elsewhere
    return parts.every((part) => !gone(this.pid(part))) && this.workers().length === this.size && this.workers("signal").length === this.signalSize;
  }

  get size() {
    return Number(this.#option("workers"));
  }

  get signalSize() {
    return this.pid("signal") > 0 ? Number(this.#option("signal_workers")) || Math.min(this.size, 4) : 0;
  }

  // kill(2) for a part and everything below it: nothing of it may go on.
  signalAll(part, signal) {
    for (const pid of [this.pid(part), ...this.children(part)]) process.kill(pid, signal);
  }

  // End a part, and wait until it is gone. What is asked to (not killed) ends what is below it by itself.
  async end(part, signal) {
    const pids = [this.pid(part), ...this.children(part)];
    if (signal === "SIGKILL") this.signalAll(part, signal);
    else process.kill(pids[0], signal);
    await until(`${part} is gone`, () => pids.every(gone), 15_000);
  }

  // The counters of a service's pool: [name with labels, value].
  async metrics(service) {
    return [...(await this.exposition(service)).matchAll(/^([a-z_]+(?:\{.*\})?) (\S+)$/gm)].map(([, name, value]) => [name, Number(value)]);
  }

  // One of them, by its name with labels; undefined: there is no such sample now.
  async metric(name, service) {
    return new Map(await this.metrics(service)).get(name);
  }

  // What Prometheus gets.
  async exposition(service = "outreach") {
    const socket = this.env[service === "outreach" ? "METRICS_SOCKET" : `${service.toUpperCase()}_METRICS_SOCKET`];
    const { stdout } = await run("curl", ["-sf", "--max-time", "5", "--unix-socket", socket, "http://inside/metrics"]);
    return stdout;
  }

  // What Signal's processes run with.
  signalSettings() {
    return exportsOf(join(this.dir, "signal.settings"));
  }

  // The folder of the programs that run here.
  get programs() {
    return this.#option("bin") || join(repo, "build", this.#option("preset"), "bin");
  }

  // One more process of Outreach, with the settings of the others; whoever starts it ends it.
  run(...words) {
    return spawn(join(repo, "deploy/worker"), [join(this.dir, "settings"), join(this.programs, "bana-outreach"), ...words], { stdio: "ignore" });
  }

  log(name) {
    return readFileSync(join(this.dir, "log", name), "utf8");
  }

  logNames() {
    return readdirSync(join(this.dir, "log"));
  }

  async quickstart(...args) {
    return this.#quickstart({}, args);
  }

  // Restart the workers one by one, with these settings changed.
  async reload(settings = {}) {
    return this.#quickstart(settings, ["reload"]);
  }

  // Start what is down, with the settings it had; what runs is not touched.
  async repair() {
    return this.#quickstart({ ...this.#ofSignal, ...exportsOf(join(this.dir, "settings")) }, ["start", "--no-demo", "--no-build"]);
  }

  // Signal's settings, as the environment calls them.
  get #ofSignal() {
    if (!(this.pid("signal") > 0)) return {};
    const settings = Object.entries(exportsOf(join(this.dir, "signal.settings")));
    return Object.fromEntries(settings.map(([name, value]) => [name.replace(OWN, "APP_ENV_SIGNAL_"), value]));
  }

  async #quickstart(settings, args) {
    Stack.starts++;
    const options = { env: { ...process.env, ...settings }, timeout: within(120_000), maxBuffer: 1 << 24 };
    const done = await run(join(repo, "deploy/quickstart"), [...args, "--state", this.dir], options);
    return done.stdout;
  }

  // Start (or start again, with other settings) a stack of our own on the database and Redis of this one; with Signal,
  // it has a broker of its own.
  async beside(name, settings, { workers = 4, services = "outreach", bin } = {}) {
    const { DATABASE_URL, DATABASE_OWNER_URL, SIGNAL_DATABASE_URL, SIGNAL_DATABASE_OWNER_URL, REDIS_URL } = this.env;
    const other = new Stack(`${this.dir}.${name}`);
    const all = {
      APP_ENV_DATABASE_URL: DATABASE_URL,
      APP_ENV_DATABASE_OWNER_URL: DATABASE_OWNER_URL,
      ...(services.includes("signal") && { APP_ENV_SIGNAL_DATABASE_URL: SIGNAL_DATABASE_URL, APP_ENV_SIGNAL_DATABASE_OWNER_URL: SIGNAL_DATABASE_OWNER_URL }),
      APP_ENV_WEBSOCKET_REDIS_URL: REDIS_URL,
      ROOMS_NAMESPACE: name,
      ...settings,
    };
    const options = ["start", "--no-demo", "--no-build", "--workers", String(workers), "--services", services, "--preset", this.#option("preset"), ...(bin ? ["--bin", bin] : [])];
    const port = other.#port ?? (await freePort());
    await other.#quickstart(all, [...options, "--port", String(port)]);
    return other;
  }

  get #port() {
    try {
      return new URL(this.env.BASE_URL).port;
    } catch {
      return undefined;
    }
  }

  // Of the last start.
  #option(name) {
    return new RegExp(`^last_${name}='(.*)'$`, "m").exec(readFileSync(join(this.dir, "options"), "utf8"))[1];
  }

  async remove() {
    await this.quickstart("stop");
    const reports = this.logNames().filter((name) => /^(a|ub|l)san\./.test(name));
    if (reports.length > 0) throw new Error(reports.map((name) => this.log(name)).join("\n"));
    rmSync(this.dir, { recursive: true, force: true });
  }
}

export const freePort = () =>
  new Promise((found, failed) => {
    const server = createServer().once("error", failed);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => found(port));
    });
  });

if (!process.env.BANA_STACK) throw new Error("BANA_STACK=DIR: a stack that `tests/stack start PRESET DIR` made");
export const stack = new Stack(resolve(process.env.BANA_STACK));
