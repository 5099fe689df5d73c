// The requests, the samples, the table.
import { Agent } from "node:http";

import WebSocket from "ws";

import { close } from "../http/lib/db.mjs";
import { mix } from "../http/lib/mix.mjs";
import { bearer, INQUIRIES, roomsUrl } from "../http/lib/rooms.mjs";
import { stack } from "../http/lib/stack.mjs";
import { processesOf, usageOf } from "./usage.mjs";

const REQUESTS = Number(process.env.BANA_REQUESTS);
const SANITIZED = process.env.BANA_PRESET === "asan";
const CLIENTS = 12;
const SAMPLES = 100;
const WARM = [0.2, 0.3]; // shares of the run whose samples are compared
const END = [0.9, 1];
const GROWTH_MAX = 0.01;
const FILES_MAX = 2;
const SOCKET_EVERY = 50; // requests: one opens a socket instead
const SCRAPE_EVERY = 500;
const WRONG_MAX = 20; // then it ends

// A handshake and a close.
const socket = () =>
  new Promise((done) => {
    const one = new WebSocket(roomsUrl([INQUIRIES]), { headers: bearer() });
    one.on("open", () => one.close(1000));
    one.on("close", (code) => done({ kind: "socket", status: code, fits: code === 1000 }));
    // The one refusal that may be: nchan has 250 ms to say that it is there, and the machine has moments of its own.
    one.on("unexpected-response", (_, { statusCode: status }) => {
      done({ kind: status === 503 ? "socket refused" : "socket", status, fits: status === 503 });
      one.terminate();
    });
    one.on("error", (error) => done({ kind: "socket", status: 0, fits: false, error }));
  });
const scrape = async () => ({ kind: "metrics", status: 200, fits: (await stack.metrics()).length > 0 });

const kinds = {};
const wrong = [];
const note = ({ kind, fits, status, error, told }) => {
  kinds[kind] = (kinds[kind] ?? 0) + 1;
  if (!fits) wrong.push(`${kind}: ${status} ${error ?? told ?? ""}`);
};

const processes = processesOf(stack);
const samples = [];
const sample = () => samples.push(processes.map((one) => usageOf(one)));

const agent = new Agent({ keepAlive: true, maxSockets: CLIENTS });
const ask = mix();
const begun = performance.now();
let asked = 0;
let stopped = false; // by hand: the table is printed as far as it came
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => (stopped = true));
async function client() {
  for (let i = asked++; i < REQUESTS && wrong.length <= WRONG_MAX && !stopped; i = asked++) {
    if (i % Math.ceil(REQUESTS / SAMPLES) === 0) sample();
    note(i % SCRAPE_EVERY === 0 ? await scrape() : i % SOCKET_EVERY === 1 ? await socket() : await ask(agent, i));
  }
}
await Promise.all(Array.from({ length: CLIENTS }, client));
agent.destroy();
const seconds = (performance.now() - begun) / 1000;
sample();

const of = ([from, to], i, what) => samples.slice(Math.floor(samples.length * from), Math.ceil(samples.length * to)).map((row) => row[i][what]).sort((a, b) => a - b);
const median = (list) => list[Math.floor(list.length / 2)];

const tenths = (i) => samples.filter((_, at) => at % Math.ceil(SAMPLES / 10) === 0).map((row) => row[i].rss).join(", ");

const troubles = wrong.slice(0, WRONG_MAX);
const answered = Object.values(kinds).reduce((sum, count) => sum + count);
if (answered < REQUESTS) troubles.push(`ended after ${answered} of ${REQUESTS} requests`);
if (kinds["socket refused"] > kinds.socket / 100) troubles.push(`${kinds["socket refused"]} sockets were refused`);
const memory = await stack.metric("bana_rooms_memory_bytes");
console.log(`${answered} requests, ${(answered / seconds).toFixed()} a second: ${Object.entries(kinds).map(([kind, count]) => `${kind} ${count}`).join(", ")}\n`);
console.log(`nchan's shared memory at the end: ${memory} bytes\n`);
console.log("| process | RSS warm, KiB | RSS end, KiB | growth | PSS warm, KiB | PSS end, KiB | descriptors warm | end |\n|---|---|---|---|---|---|---|---|");
processes.forEach(({ name }, i) => {
  const [warm, end] = [WARM, END].map((window) => ({ rss: median(of(window, i, "rss")), pss: median(of(window, i, "pss")), files: of(window, i, "files")[0] }));
  const growth = end.rss / warm.rss - 1;
  console.log(`| ${[name, warm.rss, end.rss, `${(growth * 100).toFixed(1)} %`, warm.pss, end.pss, warm.files, end.files].join(" | ")} |`);
  if (growth > GROWTH_MAX && !SANITIZED) troubles.push(`${name} grew by ${(growth * 100).toFixed(1)} %: ${tenths(i)} KiB`);
  if (end.files > warm.files + FILES_MAX) troubles.push(`${name}: ${warm.files} descriptors became ${end.files}`);
});
const now = processesOf(stack).map(({ pid }) => pid);
if (processes.some(({ pid }) => !now.includes(pid))) troubles.push("a process was replaced");
for (const trouble of troubles) console.log(`! ${trouble}`);
await close();
process.exit(troubles.length > 0 ? 1 : 0);
