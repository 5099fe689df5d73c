// What happens to submits, to sockets and to those who observe when a part of the rooms is away.
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { after, before, test } from "node:test";

import Redis from "ioredis";
import WebSocket from "ws";

import { observe } from "../../conf/nginx/client/observer.mjs";
import { assertAccepted, inquiry, submit } from "../http/lib/api.mjs";
import { close } from "../http/lib/db.mjs";
import { freeze, kill, repair, thaw } from "../http/lib/faults.mjs";
import { Load } from "../http/lib/load.mjs";
import { frameOf, INQUIRIES, webSocket, withEars } from "../http/lib/rooms.mjs";
import { stack } from "../http/lib/stack.mjs";
import { until, within } from "../http/lib/wait.mjs";
import { whileOpeningRooms } from "./lib/opening.mjs";
import { SlowProxy } from "./lib/slow-proxy.mjs";

let proxy, slow, redis;
before(async () => {
  const { port, password } = new URL(stack.env.REDIS_URL);
  proxy = await SlowProxy.start(Number(port));
  slow = await stack.beside("slow", { APP_ENV_NODE_ID: "80", APP_ENV_WEBSOCKET_REDIS_URL: `redis://:${password}@127.0.0.1:${proxy.port}` });
  redis = new Redis(stack.env.REDIS_URL, { lazyConnect: true, maxRetriesPerRequest: 1 }).on("error", () => {}); // away at times
});
after(async () => {
  await slow?.remove();
  await proxy?.stop();
  redis?.disconnect();
  await close();
});

const memory = (most) => async () => redis.config("SET", "maxmemory", most);
const delay = (ms) => async () => void (proxy.delayMs = ms);
const quit = async () => {
  await stack.end("rooms", "SIGQUIT"); // as deploy/quickstart restarts it
  await repair();
};
const reload = async () => {
  const old = stack.children("edge");
  process.kill(stack.pid("edge"), "SIGHUP");
  await until("the old nginx workers have ended", () => !stack.children("edge").some((pid) => old.includes(pid)), 15_000); // with their sockets
};
const nothing = async () => {};

// `log`: what the operator reads. `count`: which counter tells. `kept`: an open socket survives. `of`: another stack.
const FAULTS = [
  { name: "redis_is_killed_and_restarted", begin: kill("redis"), end: repair, kept: true, log: /not ready.*way=(nchan|bus)/, count: /way="(nchan|bus)",outcome="(lost|skipped)"/ },
  { name: "redis_hangs", begin: freeze("redis"), end: thaw("redis"), kept: true, log: /not ready.*way=(nchan|bus)/, count: /way="(nchan|bus)",outcome="(lost|skipped)"/ },
  { name: "redis_hangs_while_new_rooms_are_opened", begin: freeze("redis"), end: thaw("redis"), kept: true, opening: true, log: /route=\/ws status=503/, count: /admissions_total\{outcome="unavailable"/ },
  { name: "redis_is_full", begin: memory("1"), end: memory("64mb"), kept: true },
  { name: "redis_takes_40_ms", begin: delay(20), end: delay(0), kept: true, of: () => slow },
  { name: "redis_takes_800_ms", begin: delay(400), end: delay(0), kept: true, of: () => slow, log: /not ready.*way=(nchan|bus)/, count: /way="(nchan|bus)",outcome="(lost|skipped)"/ },
  { name: "the_rooms_are_killed", begin: kill("rooms"), end: repair, crashes: true, log: /not ready.*way=nchan/, count: /way="nchan",outcome="(lost|skipped)"/ },
  { name: "the_rooms_hang", begin: freeze("rooms"), end: thaw("rooms"), kept: true, log: /not ready.*way=nchan/, count: /way="nchan",outcome="(lost|skipped)"/ },
  { name: "the_rooms_are_restarted", begin: quit, end: nothing },
  { name: "the_edge_is_reloaded", closes: true, begin: reload, end: nothing },
];

const descriptors = (pids) => pids.map((pid) => readdirSync(`/proc/${pid}/fd`).length);
const crashes = (of) => of.log("rooms.error.log").match(/exited on signal/g)?.length ?? 0;
const counted = async (of, pattern) => (await of.metrics()).filter(([name]) => pattern.test(name)).reduce((sum, [, value]) => sum + value, 0);

// One who observes with the reference client; which inquiries it was shown, in order.
function observer(of) {
  const shown = [];
  const client = observe({ baseUrl: of.env.BASE_URL, token: async () => of.env.BO_TOKEN, WebSocket, checkEvery: 3000, onInquiry: ({ id }) => shown.push(id), onState: (state) => (shown.state = state) });
  observers.push(client);
  return Object.assign(shown, { stop: client.stop });
}

const observers = [];
after(() => observers.forEach((one) => one.stop()));

const isHeard = async (ear, of) => {
  const sent = inquiry();
  const { id, createdAt } = assertAccepted(await submit(sent, { base: of.env.BASE_URL }));
  await until("a new frame", () => ear.frames.includes(frameOf(id, sent, createdAt)), 1000);
  return true;
};

// Submits at a steady pace, with the part away in between: the ratio of their rates.
async function ratioOf(load, { begin, end }) {
  await load.rate(30);
  const rate = await load.rate(160);
  await begin();
  try {
    return await load.shareOf(rate, 160);
  } finally {
    await end();
  }
}

for (const { name, kept, closes, opening, log, count, of = () => stack, ...fault } of FAULTS) {
  test(`submits_go_on_and_all_is_shown_when_${name}`, () =>
    withEars(async (open) => {
      const here = of();
      const before_ = { workers: here.workers(), files: descriptors(here.workers()), crashes: crashes(here), counted: count && (await counted(here, count)), log: here.log("outreach.log").length };
      const ear = await open([INQUIRIES], { of: here });
      const watching = observer(here);
      await until("somebody observes", () => watching.state === "live");
      const load = new Load({ clients: 4, pause: 40, of: here });
      try {
        const disturb = async () => {
          const ratio = await ratioOf(load, fault);
          console.log(`${name}: ${ratio.toFixed(2)} of the rate`);
          assert.ok(ratio >= 0.9, `${ratio} of the rate`);
        };
        if (opening) assert.ok((await whileOpeningRooms(disturb)).includes(503), "and new sockets were refused");
        else await disturb();
        await load.more(50);
      } finally {
        await load.stop();
        if (!stack.isWhole()) await repair();
      }
      load.assertNoneRefused({ closes });
      assert.ok(load.gap <= within(1500), `longest gap ${load.gap} ms`);
      await load.assertNothingLost();

      const again = kept ? ear : await until("a socket opens again", async () => {
        const one = await webSocket([INQUIRIES], { of: here });
        return one.close && one;
      });
      await until("frames are heard again", () => isHeard(again, here));
      assert.equal(ear.closed === undefined, Boolean(kept), `closed ${JSON.stringify(ear.closed)}`);
      if (!kept && !fault.crashes) assert.equal(ear.closed.code, name === "the_edge_is_reloaded" ? ear.closed.code : 1001);
      const missing = () => load.accepted.filter(({ id }) => !watching.includes(id));
      await until("the observer was shown all", () => missing().length === 0, 40_000)
        .catch((error) => assert.fail(`${error.message}: ${missing().length} of ${load.accepted.length} missing, ${watching.state}, ${JSON.stringify(missing().slice(0, 3))}`))
        .finally(watching.stop);
      assert.equal(new Set(watching).size, watching.length, "each once");

      assert.deepEqual(here.workers(), before_.workers, "no worker had to restart");
      descriptors(here.workers()).forEach((now, i) => assert.ok(now <= before_.files[i] + 3, `${before_.files[i]} descriptors became ${now}`));
      if (!fault.crashes) assert.equal(crashes(here), before_.crashes, "nginx did not crash");
      if (log) assert.match(here.log("outreach.log").slice(before_.log), log);
      if (count) assert.ok((await counted(here, count)) > before_.counted, "the counters tell");
    }));
}
