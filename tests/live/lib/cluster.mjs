// A real Redis Cluster of three masters and three replicas on loopback, of the test that starts it.
import { execFile, spawn } from "node:child_process";
import { mkdtempSync, openSync, rmSync } from "node:fs";
import { createConnection } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

import Redis from "ioredis";

import { gone, until } from "../../http/lib/wait.mjs";

const run = promisify(execFile);
const PASSWORD = "cluster-password";
const NODE_TIMEOUT_MS = 1500;

const free = (port) =>
  new Promise((done) => {
    const socket = createConnection(port, "127.0.0.1", () => done(!socket.destroy())).on("error", () => done(true));
  });

// Six neighbours; a node also listens 10000 above. Below the ports that the kernel gives to clients.
async function freePorts() {
  for (;;) {
    const first = 10_000 + Math.floor(Math.random() * 1000) * 10;
    const ports = Array.from({ length: 6 }, (_, i) => first + i);
    if ((await Promise.all(ports.flatMap((port) => [free(port), free(port + 10_000)]))).every(Boolean)) return ports;
  }
}

class Node {
  constructor(dir, port) {
    Object.assign(this, { dir, port });
  }

  start() {
    const log = openSync(join(this.dir, `${this.port}.log`), "a");
    const words = {
      port: this.port, bind: "127.0.0.1", dir: this.dir, "cluster-enabled": "yes", "cluster-config-file": `${this.port}.conf`, "cluster-node-timeout": NODE_TIMEOUT_MS,
      requirepass: PASSWORD, masterauth: PASSWORD, save: "", appendonly: "no", "cluster-require-full-coverage": "yes", dbfilename: `${this.port}.rdb`, "repl-diskless-sync-delay": 0,
    };
    this.process = spawn("redis-server", Object.entries(words).flatMap(([name, value]) => [`--${name}`, String(value)]), { stdio: ["ignore", log, log] });
    this.pid = this.process.pid;
    return this;
  }

  // One command, as text.
  async ask(...words) {
    const { stdout } = await run("redis-cli", ["-h", "127.0.0.1", "-p", String(this.port), ...words], { env: { ...process.env, REDISCLI_AUTH: PASSWORD }, timeout: 500 });
    return stdout;
  }

  signal(name) {
    process.kill(this.pid, name);
  }

  async end() {
    if (gone(this.pid)) return;
    this.signal("SIGKILL");
    await until("the node is gone", () => this.process.exitCode !== null || this.process.signalCode !== null);
  }
}

export class Cluster {
  static async start() {
    const cluster = new Cluster();
    cluster.dir = mkdtempSync(join(tmpdir(), "bana-cluster-"));
    cluster.nodes = (await freePorts()).map((port) => new Node(cluster.dir, port).start());
    for (const node of cluster.nodes) await until("a node answers", async () => (await node.ask("PING")).startsWith("PONG"));
    await run("redis-cli", ["--cluster", "create", ...cluster.addresses, "--cluster-replicas", "1", "--cluster-yes"], { env: { ...process.env, REDISCLI_AUTH: PASSWORD }, timeout: 30_000 });
    await cluster.whole();
    return cluster;
  }

  get addresses() {
    return this.nodes.map(({ port }) => `127.0.0.1:${port}`);
  }

  get urls() {
    return this.addresses.map((address) => `redis://:${PASSWORD}@${address}`).join(",");
  }

  client() {
    return new Redis.Cluster(this.nodes.map(({ port }) => ({ host: "127.0.0.1", port })), { redisOptions: { password: PASSWORD } });
  }

  // Every node that runs sees three masters with all slots, and nobody failing.
  whole() {
    return until("the cluster is whole", async () => {
      const running = this.nodes.filter(({ pid }) => !gone(pid));
      for (const node of running) {
        const [info, list] = [await node.ask("CLUSTER", "INFO"), await node.ask("CLUSTER", "NODES")];
        if (!info.includes("cluster_state:ok") || !info.includes("cluster_slots_ok:16384")) return false;
        if (/fail\?|handshake/.test(list)) return false;
        if (running.length === 6 && list.split("\n").filter((line) => /slave/.test(line) && /connected/.test(line)).length !== 3) return false;
      }
      return true;
    }, 30_000);
  }

  // The masters with slots, as one that runs sees it.
  async masters() {
    for (const node of this.nodes) {
      const list = await node.ask("CLUSTER", "NODES").catch(() => "");
      const ports = [...list.matchAll(/:(\d+)@\d+\S* (?:myself,)?master - \d+ \d+ \d+ connected \d/g)].map(([, port]) => Number(port));
      if (ports.length > 0) return this.nodes.filter(({ port }) => ports.includes(port));
    }
    return [];
  }

  // The master that has the key's slot; others answer MOVED.
  async ownerOf(key) {
    const answers = await Promise.all((await this.masters()).map(async (node) => [node, await node.ask("GET", key)]));
    return answers.find(([, answer]) => !answer.includes("MOVED"))[0];
  }

  async stop() {
    for (const node of this.nodes) if (!gone(node.pid)) node.signal("SIGCONT");
    await Promise.all(this.nodes.map((node) => node.end()));
    rmSync(this.dir, { recursive: true, force: true });
  }
}
