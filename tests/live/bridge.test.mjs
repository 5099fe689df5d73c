// What other services publish on Redis for ignis servers reaches the rooms, once; of two bridges one leads.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, test } from "node:test";

import Redis from "ioredis";

import { assertAccepted, inquiry, submit, unique } from "../http/lib/api.mjs";
import { bearer, INQUIRIES, publisher, withEars } from "../http/lib/rooms.mjs";
import { stack } from "../http/lib/stack.mjs";
import { claims, token } from "../http/lib/token.mjs";
import { until, within } from "../http/lib/wait.mjs";
import { emit as emitOriginal } from "./lib/ignis.mjs";

let redis;
before(() => (redis = new Redis(stack.env.REDIS_URL)));
after(() => redis.disconnect());

const message = (type, target, event, data) => JSON.stringify({ serverId: "emitter", type, target, event, data });
const channel = (type, target) => (type === "broadcast" ? "ws:broadcast" : `ws:${type}:${target}`);
// As an ignis emitter does it; `body` is the very text, if given.
const emit = (type, target, event, data, body = message(type, target, event, data)) => redis.publish(channel(type, target), body);
const as = (userId) => ({ headers: bearer(token({ payload: claims({ userId }) })) });

const DATA = { text: 'a "b" \\ \u0001 \u2028 </script> 😀', none: null, deep: [{ n: 1.5, big: 12345678901234, e: 1e21 }], empty: {} };
const frame = (event, data) => JSON.stringify({ event, data });

test("each_scope_reaches_its_room_and_no_other", () =>
  withEars(async (open) => {
    const [user, other, client] = [unique("user"), "auth0|some one", randomUUID()];
    const mine = await open([INQUIRIES], { ...as(user), query: { clientId: client } });
    const his = await open([INQUIRIES], as(other));
    const { id } = assertAccepted(await submit(inquiry()));
    const room = `outreach/inquiries/${id}`;
    await emit("user", user, "t/user", DATA);
    await emit("user", other, "t/other", DATA);
    await emit("client", client.toUpperCase(), "t/client", DATA);
    await emit("broadcast", undefined, "t/all", DATA);
    await emit("room", room, "t/room", DATA); // of a room of ours: announced by ourselves, not brought again
    await until("all are heard", () => mine.frames.includes(frame("t/all", DATA)) && his.frames.includes(frame("t/all", DATA)));
    const brought = (ear) => ear.frames.filter((text) => text.startsWith('{"event":"t/')).sort();
    assert.deepEqual(brought(mine), [frame("t/all", DATA), frame("t/client", DATA), frame("t/user", DATA)]);
    assert.deepEqual(brought(his), [frame("t/all", DATA), frame("t/other", DATA)]);
  }));

test("the_original_emitter_of_ignis_reaches_the_rooms", () =>
  withEars(async (open) => {
    const [user, client, name] = [unique("user"), randomUUID(), unique("t/ignis")];
    const ear = await open([INQUIRIES], { ...as(user), query: { clientId: client }, knock: ["broadcast"] });
    for (const [scope, target] of [["user", user], ["client", client], ["broadcast"]]) await emitOriginal({ scope, target, event: `${name}/${scope}`, data: DATA });
    for (const scope of ["user", "client", "broadcast"]) await until(scope, () => ear.frames.includes(frame(`${name}/${scope}`, DATA)));
  }));

test("a_room_that_is_not_announced_here_is_brought", async () => {
  const of = await stack.beside("bridge", { APP_ENV_NODE_ID: "77", APP_ENV_BRIDGE_OWN_ROOMS: "" }, { workers: 1 });
  try {
    await withEars(async (open) => {
      const ear = await open([INQUIRIES], { of });
      await emit("room", INQUIRIES, "t/room", DATA);
      await ear.count(1);
      assert.deepEqual(await ear.flush(INQUIRIES), [frame("t/room", DATA)]);
    });
  } finally {
    await of.remove();
  }
});

const REFUSED = {
  "no JSON": "{",
  "no object": "[1]",
  "no serverId": '{"type":"broadcast","event":"x","data":1}',
  "a serverId that is a number": '{"serverId":1,"type":"broadcast","event":"x","data":1}',
  "no event": '{"serverId":"e","type":"broadcast","data":1}',
  "an unknown type": '{"serverId":"e","type":"all","event":"x","data":1}',
  "no target": '{"serverId":"e","type":"user","event":"x","data":1}',
  "an empty target": message("user", "", "x", 1),
  "a room that everybody is in": message("room", "broadcast", "x", 1),
  "a user's room as a room": message("room", "user/1", "x", 1),
  "a room of expiry": message("room", "expires/1", "x", 1),
  "a room that is no name": message("room", "a/../b", "x", 1),
  "a room with a comma": message("room", "a,broadcast", "x", 1),
  "not UTF-8": Buffer.from('{"serverId":"e","type":"broadcast","event":"\xff","data":1}', "latin1"),
  "nested too deeply": `{"serverId":"e","type":"broadcast","event":"x","data":${"[".repeat(70)}${"]".repeat(70)}}`,
  "300 KiB": message("broadcast", undefined, "x", "y".repeat(300 * 1024)),
};
for (const [name, body] of Object.entries(REFUSED)) {
  test(`a_message_is_refused_and_the_next_one_comes: ${name}`, () =>
    withEars(async (open) => {
      const ear = await open([INQUIRIES], { knock: ["broadcast"] });
      const before = stack.log("bridge.log").split("message refused").length;
      await emit("broadcast", undefined, "", 0, body);
      await emit("broadcast", undefined, "t/next", name);
      await until("the next one", () => ear.frames.includes(frame("t/next", name)));
      assert.deepEqual(heardOf(ear, "x"), []);
      await until("the log says so", () => stack.log("bridge.log").split("message refused").length === before + 1);
    }));
}

test("data_may_be_missing_and_exclude_is_ignored", () =>
  withEars(async (open) => {
    const ear = await open([INQUIRIES], { knock: ["broadcast"] });
    await emit("broadcast", undefined, "", 0, '{"serverId":"e","type":"broadcast","event":"t/bare"}');
    await emit("broadcast", undefined, "", 0, '{"serverId":"e","type":"broadcast","event":"t/ex","data":[],"exclude":["a"]}');
    for (const text of ['{"event":"t/bare"}', '{"event":"t/ex","data":[]}']) await until(text, () => ear.frames.includes(text));
  }));

// nchan may repeat what was announced in the second in which a socket opened: only what a test itself sent counts.
const heardOf = (ear, name) => ear.frames.map((text) => JSON.parse(text)).filter(({ event }) => event === name).map(({ data }) => data);
const bridges = () => stack.children("bridge");
// Its lease says who leads: host:pid:random.
const leader = async () => {
  const pid = Number((await redis.get("bana:bridge"))?.split(":").at(-2));
  return bridges().includes(pid) ? pid : undefined;
};

test("2000_messages_come_each_once_and_in_order", () =>
  withEars(async (open) => {
    const [ear, name] = [await open([INQUIRIES], { knock: ["broadcast"] }), unique("t/many")];
    await Promise.all(Array.from({ length: 2000 }, (_, n) => emit("broadcast", undefined, name, n)));
    await until("the last one", () => heardOf(ear, name).includes(1999));
    await ear.flush("broadcast");
    assert.deepEqual(heardOf(ear, name), Array.from({ length: 2000 }, (_, n) => n));
  }));

// Publish a number every few milliseconds while `disturb` runs, and until the listener hears new ones again.
async function whilePublishing(disturb) {
  return withEars(async (open) => {
    const [ear, name] = [await open([INQUIRIES], { knock: ["broadcast"] }), unique("t/n")];
    const numbers = () => heardOf(ear, name);
    const sent = [];
    let running = true;
    const publishing = (async () => {
      while (running) {
        const n = sent.length;
        sent.push(performance.now());
        await emit("broadcast", undefined, name, n);
        await until("the next turn", () => performance.now() - sent[n] >= 5 || !running);
      }
    })();
    await until("the first ones", () => numbers().length > 20);
    await disturb();
    const from = sent.length;
    await until("news", () => numbers().some((n) => n >= from), 5000);
    running = false;
    await publishing;
    await until("the last one", () => numbers().includes(sent.length - 1));
    const heard = numbers();
    return { sent: sent.length, heard, missing: sent.map((_, n) => n).filter((n) => !heard.includes(n)), doubled: heard.length - new Set(heard).size };
  });
}

for (const signal of ["SIGKILL", "SIGTERM", "SIGSTOP"]) {
  test(`the_other_bridge_takes_over_within_2_s_and_nothing_is_lost: ${signal}`, async () => {
    await until("both are there", () => bridges().length === 2);
    const first = await until("one leads", leader);
    let took;
    const result = await whilePublishing(async () => {
      const begun = performance.now();
      process.kill(first, signal);
      try {
        await until("another leads", async () => ![undefined, first].includes(await leader()), 4000);
        took = performance.now() - begun;
      } finally {
        if (signal === "SIGSTOP") process.kill(first, "SIGCONT");
      }
      await until("both are there again", () => bridges().length === 2);
    });
    assert.ok(took < within(2000), `${took} ms`);
    assert.deepEqual(result.missing, []);
    console.log(`${signal}: after ${Math.round(took)} ms, of ${result.sent} sent ${result.doubled} came twice`);
  });
}

test("in_steady_state_nothing_comes_twice", async () => {
  const { sent, missing, doubled } = await whilePublishing(() => until("a while", async () => (await redis.pttl("bana:bridge")) > 0));
  assert.deepEqual({ missing, doubled }, { missing: [], doubled: 0 }, `of ${sent}`);
});
