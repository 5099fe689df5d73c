// A counted load of submits, to see what a fault costs. Its clients pause, so that it leaves room for repairs.
import assert from "node:assert/strict";
import { Agent, request } from "node:http";

import { inquiry } from "./api.mjs";
import { countStored } from "./db.mjs";
import { stack } from "./stack.mjs";
import { sleep, until, within } from "./wait.mjs";

const CLIENTS = 16;
const PAUSE_MS = 10;

// One answer: { begun, ms, status (0: no answer), text, retryAfter, error, reused (the connection was) }.
export const askOnce = (agent, url, { method = "GET", headers, body } = {}) =>
  new Promise((done) => {
    const begun = performance.now();
    const end = (more) => done({ begun, ms: performance.now() - begun, status: 0, reused: asked.reusedSocket, ...more });
    const asked = request(url, { method, agent, headers: { ...headers, ...(body && { "Content-Length": Buffer.byteLength(body) }) }, timeout: within(30_000) }, (answer) => {
      let text = "";
      answer.on("data", (part) => (text += part));
      answer.on("error", (error) => end({ error }));
      answer.on("end", () => end({ status: answer.statusCode, text, retryAfter: answer.headers["retry-after"] }));
    });
    asked.on("error", (error) => end({ error }));
    asked.on("timeout", () => asked.destroy(new Error("no answer in time")));
    asked.end(body);
  });

// The same, with the `id` that was given.
export async function submitOnce(agent, url) {
  const { text, ...answer } = await askOnce(agent, url, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(inquiry()) });
  return { ...answer, id: answer.status === 201 ? JSON.parse(text).data.id : undefined };
}

export class Load {
  answers = [];
  #running = true;
  #clients;

  // `ask(agent, i)` makes the i-th request: submits where nothing else is said.
  constructor({ clients = CLIENTS, pause = PAUSE_MS, of = stack, keepAlive = true, ask } = {}) {
    const agent = new Agent({ keepAlive, maxSockets: clients });
    const url = `${of.env.BASE_URL}/inquiries/submit`;
    ask ??= () => submitOnce(agent, url);
    let asked = 0;
    const client = async () => {
      while (this.#running) {
        this.answers.push(await ask(agent, asked++));
        await sleep(pause);
      }
    };
    this.#clients = Promise.all(Array.from({ length: clients }, client)).finally(() => agent.destroy());
  }

  get accepted() {
    return this.answers.filter(({ status }) => status === 201);
  }

  get refused() {
    return this.answers.filter(({ status }) => status !== 201);
  }

  // The longest time without an acknowledgement, in milliseconds.
  get gap() {
    const ends = this.accepted.map(({ begun, ms }) => begun + ms).sort((a, b) => a - b);
    return Math.max(0, ...ends.slice(1).map((end, i) => end - ends[i]));
  }

  statuses() {
    const counts = {};
    for (const { status } of this.answers) counts[status] = (counts[status] ?? 0) + 1;
    return counts;
  }

  // Until so many more were acknowledged (or answered at all).
  async more(count, list = "accepted", ms = 30_000) {
    const from = this[list].length;
    await until(`${count} more ${list}`, () => this[list].length >= from + count, ms);
  }

  // Acknowledged submits a second, over the next so many. With a long `pause` the clients, not the machine, set it.
  async rate(count = 600) {
    const [begun, had] = [performance.now(), this.accepted.length];
    await this.more(count);
    return ((this.accepted.length - had) * 1000) / (performance.now() - begun);
  }

  // What of `rate` is left now: the best of up to three windows in a row. The machine is noisy; a delay of ours is in each.
  async shareOf(rate, count, enough = 0.9) {
    let best = 0;
    for (let window = 0; window < 3 && best < enough; window++) best = Math.max(best, (await this.rate(count)) / rate);
    return best;
  }

  // Every client has its last answer.
  async stop() {
    this.#running = false;
    await this.#clients;
    return this;
  }

  // How many acknowledged submits are not stored where `ask` looks, and how many ids were given twice.
  async losses(ask) {
    const ids = this.accepted.map(({ id }) => id).filter(Boolean);
    const unique = [...new Set(ids)];
    let stored = 0;
    for (let i = 0; i < unique.length; i += 5000) stored += await countStored(unique.slice(i, i + 5000), ask);
    return { submits: ids.length, lost: unique.length - stored, repeated: ids.length - unique.length };
  }

  // The promise of the service: what was acknowledged is there, and no id was given twice.
  async assertNothingLost() {
    const { submits, lost, repeated } = await this.losses();
    assert.ok(submits > 0, "the load did something");
    assert.equal(repeated, 0, "every id once");
    assert.equal(lost, 0, "every acknowledged submit is stored");
  }

  // A kept connection may be closed just as it is used again; clients send that once more (RFC 9112 section 9.3.1).
  get failed() {
    return this.refused.filter(({ reused, error }) => !reused || error?.code !== "ECONNRESET");
  }

  assertNoneRefused({ closes = false } = {}) {
    if (closes) assert.deepEqual(this.failed, []);
    else assert.deepEqual(this.statuses(), { 201: this.answers.length }, String(this.refused[0]?.error ?? ""));
  }
}

// Run `disturb(load)` under load; the stack is whole again afterwards, whatever happened.
export async function underLoad(disturb, options) {
  const load = new Load(options);
  try {
    await load.more(100);
    await disturb(load);
    await load.stop();
  } finally {
    await load.stop();
    if (!stack.isWhole()) await stack.repair();
  }
  await load.assertNothingLost();
  return load;
}
