// Real ignis peers on the Redis of the stack: a server and an emitter under Bun, and clients of the server. What is
// started here ends when the test file does.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after } from "node:test";
import { fileURLToPath } from "node:url";

import WebSocket from "ws";

import { stack } from "../../http/lib/stack.mjs";
import { until, within } from "../../http/lib/wait.mjs";

const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const ARCHITECTURES = { x64: "x64", arm64: "aarch64" };
const BUN = here(`../../node_modules/@oven/bun-linux-${ARCHITECTURES[process.arch]}/bin/bun`); // npm runs no scripts: bun/bin is empty

// A script under Bun. Its answers are the lines of JSON; the others are ignis's log.
class Peer {
  #answers = [];
  #log = [];

  constructor(script) {
    this.folder = mkdtempSync(join(tmpdir(), "ignis-")); // of the log files
    this.name = script;
    const env = { PATH: process.env.PATH, REDIS_URL: stack.env.REDIS_URL, APP_ENV_LOGGER_FOLDER_PATH: this.folder };
    this.process = spawn(BUN, ["run", here(script)], { env, cwd: this.folder });
    for (const out of [this.process.stdout, this.process.stderr])
      createInterface({ input: out }).on("line", (line) => (line.startsWith("{") ? this.#answers.push(JSON.parse(line)) : this.#log.push(line)));
    this.process.on("error", (error) => this.#log.push(String(error)));
    this.process.stdin.on("error", () => {
      // it is gone: whoever waits for its answer hears of that
    });
  }

  get over() {
    return this.process.pid === undefined || this.process.exitCode !== null || this.process.signalCode !== null;
  }

  async answer() {
    await until(`an answer of ${this.name}`, () => this.#answers.length > 0 || this.over, 15_000).catch(() => {});
    assert.ok(this.#answers.length > 0, `${this.name} ${this.over ? "has ended" : "says nothing"}:\n${this.#log.slice(-20).join("\n")}`);
    return this.#answers.shift();
  }

  ask(question) {
    this.process.stdin.write(`${JSON.stringify(question)}\n`);
    return this.answer();
  }

  async stop() {
    if (!this.over) {
      const gone = once(this.process, "exit");
      process.kill(this.process.pid, "SIGKILL");
      await gone;
    }
    rmSync(this.folder, { recursive: true, force: true });
  }
}

const peers = [];
const clients = new Set();
const start = (script) => peers[peers.push(new Peer(script)) - 1];
after(async () => {
  for (const client of clients) client.close();
  await Promise.all(peers.map((peer) => peer.stop()));
});

let server, emitter;
let turn = Promise.resolve(); // answers carry no number: one question at a time

// The URL of the one server.
export const startServer = () => (server ??= start("ignis-server.mjs").answer().then(({ url }) => url));

const startEmitter = async () => {
  const peer = start("ignis-emitter.mjs");
  await peer.answer();
  return peer;
};

// Through the original emitter, which is started when it is first needed; returns when Redis has it.
// `scope` is room, client, user, or broadcast, which has no `target`.
export const emit = (what) => {
  const emitted = turn.then(async () => (await (emitter ??= startEmitter())).ask(what));
  turn = emitted.catch(() => {});
  return emitted;
};

class IgnisClient {
  id = undefined; // given by the server
  rooms = []; // where the server says that we are
  frames = []; // the very texts of all that is not the protocol's own
  #marks = new Set();

  constructor(socket, userId) {
    this.socket = socket;
    this.userId = userId;
    socket.on("message", (frame, isBinary) => this.#hear(isBinary ? `binary ${frame}` : frame.toString()));
    clients.add(this);
  }

  #hear(text) {
    const { event, data } = text.startsWith("{") ? JSON.parse(text) : {};
    if (event === "connected") this.id = data.id;
    else if (event === "rooms") this.rooms = data;
    else if (event === "mark") this.#marks.add(data);
    else this.frames.push(text);
  }

  send(event, data) {
    this.socket.send(JSON.stringify({ event, data }));
  }

  // What was published before the call has come: the bus and the server keep the order.
  async heard() {
    const mark = randomUUID();
    await emit({ scope: "broadcast", event: "mark", data: mark });
    await until("the mark", () => this.#marks.has(mark));
    return this.frames;
  }

  close() {
    this.socket.terminate();
    clients.delete(this);
  }
}

// A client of the server that is authenticated and in these rooms.
export async function ignisClient(rooms = [], userId = randomUUID()) {
  const socket = new WebSocket(await startServer(), { handshakeTimeout: within(5000) });
  const client = new IgnisClient(socket, userId);
  await once(socket, "open");
  client.send("authenticate", { userId });
  await until("connected", () => client.id);
  client.send("join", { rooms });
  client.send("rooms");
  await until(`in ${rooms}`, () => client.rooms.length > 0);
  assert.deepEqual(client.rooms, [client.id, "ws-default", "ws-notification", ...rooms]);
  return client;
}
