// Redis: the body that ignis servers expect, on both channels, and connections that say who they are.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import Redis from "ioredis";

import { assertAccepted, inquiry, submit } from "../http/lib/api.mjs";
import { frameOf, INQUIRIES } from "../http/lib/rooms.mjs";
import { stack } from "../http/lib/stack.mjs";
import { until } from "../http/lib/wait.mjs";

const heard = [];
let bus, redis;

before(async () => {
  redis = new Redis(stack.env.REDIS_URL);
  bus = new Redis(stack.env.REDIS_URL);
  bus.on("pmessageBuffer", (_, channel, message) => heard.push({ channel: channel.toString(), message: message.toString("latin1") }));
  await bus.psubscribe("*");
});
after(() => {
  bus.disconnect();
  redis.disconnect();
});

const about = (id, prefix) => heard.filter(({ channel, message }) => channel.startsWith(prefix) && message.includes(id));
const announced = (id, prefix) => until(`two of ${prefix}`, () => about(id, prefix).length >= 2 && about(id, prefix));

test("a_submit_is_published_as_ignis_does", async () => {
  for (const sent of [inquiry(), inquiry({ type: "900_OTHER", lastName: 'O"B', businessName: "B", subject: "S\\n" })]) {
    const { id, createdAt } = assertAccepted(await submit(sent));
    const { event, data } = JSON.parse(frameOf(id, sent, createdAt));
    const body = (target) => JSON.stringify({ serverId: "emitter", type: "room", target, event, data });
    assert.deepEqual(await announced(id, "ws:"), [
      { channel: `ws:room:${INQUIRIES}`, message: body(INQUIRIES) },
      { channel: `ws:room:${INQUIRIES}/${id}`, message: body(`${INQUIRIES}/${id}`) },
    ]);
  }
});

test("a_submit_reaches_both_rooms_of_nchan", async () => {
  const sent = inquiry();
  const { id, createdAt } = assertAccepted(await submit(sent));
  const messages = await announced(id, "bana:");
  assert.deepEqual(messages.map(({ channel }) => channel), [`bana:{channel:ws/${INQUIRIES}}:pubsub`, `bana:{channel:ws/${INQUIRIES}/${id}}:pubsub`]);
  for (const { message } of messages) assert.ok(message.includes(frameOf(id, sent, createdAt)));
});

test("every_submit_is_published_exactly_once", async () => {
  const ids = await Promise.all(Array.from({ length: 40 }, async () => assertAccepted(await submit(inquiry())).id));
  for (const id of ids) {
    await announced(id, "ws:");
    assert.equal(about(id, "ws:").length, 2);
    assert.equal((await announced(id, "bana:")).length, 2);
  }
});

test("nothing_else_is_published", () => {
  for (const { channel } of heard) assert.match(channel, /^(ws:room:outreach\/inquiries(\/\d+)?|bana:\{channel:ws\/outreach\/inquiries(\/\d+)?\}:pubsub)$/);
});

test("the_workers_are_named_in_client_list", async () => {
  await submit(inquiry());
  const names = (await redis.client("LIST")).split("\n").map((line) => / name=(\S*)/.exec(line)?.[1]);
  const ours = names.filter((name) => name === "outreach-ws-redis").length;
  assert.ok(ours >= 1 && ours <= 8, `${ours} connections of 8 workers`);
});
