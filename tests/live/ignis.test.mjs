// Real ignis peers on our Redis: its server understands what we publish, and its emitter publishes the same bytes.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import Redis from "ioredis";

import { assertAccepted, inquiry, submit, unique } from "../http/lib/api.mjs";
import { frameOf, INQUIRIES } from "../http/lib/rooms.mjs";
import { stack } from "../http/lib/stack.mjs";
import { until } from "../http/lib/wait.mjs";
import { emit, ignisClient, startServer } from "./lib/ignis.mjs";

// Blanks at either end would be cut by the service: none here.
const AWKWARD = {
  quotes: { firstName: '"', lastName: '\\"', subject: "'`\"\"" },
  backslashes: { firstName: "\\", lastName: "\\\\u0041", businessName: "C:\\new\\table", subject: "\\n" },
  "control characters": { firstName: "a\b\t\n\f\rb", subject: Array.from({ length: 31 }, (_, i) => String.fromCharCode(i + 1)).join("") + "\u007f\u0080\u009f" },
  "line separators": { firstName: "a\u2028b", subject: "a\u2028b\u2029c\u0085d" },
  emoji: { firstName: "😀", businessName: "👩‍👩‍👧‍👦", subject: "🏳️‍🌈 e\u0301 \u{10ffff} \ufeff\ufffd" },
  slashes: { firstName: "/", lastName: "<!--", subject: "</script><b>&amp;" },
  "lone digits": { firstName: "7", lastName: "0", businessName: "-1", subject: "1e999" },
  "words of JSON": { firstName: "null", lastName: "true", businessName: "{}", subject: "[]" },
  "members that are null": { lastName: null, businessName: null, subject: null },
  "texts that are empty": { lastName: "", businessName: "", subject: "" },
  "every member": { type: "900_OTHER", firstName: "Ada", lastName: "Lovelace", businessName: "Engines Ltd", subject: "Seats", email: `o'b+${Date.now()}@example.com` },
};

const heard = []; // all of the bus, byte for byte: { channel, message } in latin1
let bus, redis;

before(async () => {
  await startServer();
  redis = new Redis(stack.env.REDIS_URL);
  bus = new Redis(stack.env.REDIS_URL);
  bus.on("pmessageBuffer", (_, channel, message) => heard.push({ channel: channel.toString("latin1"), message: message.toString("latin1") }));
  await bus.psubscribe("ws:*");
});
after(() => {
  bus?.disconnect();
  redis?.disconnect();
});

const about = (text) => heard.filter(({ message }) => message.includes(text));
const published = (text, count) => until(`${count} messages about ${text}`, () => about(text).length >= count && about(text));

// An inquiry that is announced: what was sent, its id, and the frame that the contract promises.
async function announce(more) {
  const sent = inquiry(more);
  const { id, createdAt } = assertAccepted(await submit(sent));
  await published(id, 2);
  return { id, frame: frameOf(id, sent, createdAt) };
}

async function withClients(lists, use) {
  const clients = await Promise.all(lists.map((rooms) => ignisClient(rooms)));
  try {
    return await use(...clients);
  } finally {
    for (const client of clients) client.close();
  }
}

test("an_ignis_client_hears_our_announcement_exactly_once", () =>
  withClients([[INQUIRIES], ["elsewhere", INQUIRIES]], async (one, other) => {
    const { frame } = await announce();
    assert.deepEqual(await one.heard(), [frame]);
    assert.deepEqual(await other.heard(), [frame]);
  }));

// Nobody can join that room before the id is known, and it is announced but once: what was published comes again.
test("an_ignis_client_hears_what_we_published_to_the_room_of_one_inquiry", async () => {
  const { id, frame } = await announce();
  const { channel, message } = about(id).at(-1);
  assert.equal(channel, `ws:room:${INQUIRIES}/${id}`);
  await withClients([[`${INQUIRIES}/${id}`], [INQUIRIES]], async (one, other) => {
    await redis.publish(channel, Buffer.from(message, "latin1"));
    assert.deepEqual(await one.heard(), [frame]);
    assert.deepEqual(await other.heard(), []);
  });
});

test("an_ignis_client_in_another_room_hears_nothing", () =>
  withClients([[], ["outreach"], [`${INQUIRIES}/`, `${INQUIRIES}/1`, `${INQUIRIES}*`], ["outreach/subscribers"], [INQUIRIES]], async (...clients) => {
    const { frame } = await announce();
    const frames = await Promise.all(clients.map((client) => client.heard()));
    assert.deepEqual(frames, [[], [], [], [], [frame]]);
  }));

test("an_ignis_client_that_left_the_room_hears_nothing", () =>
  withClients([[INQUIRIES]], async (client) => {
    client.send("leave", { rooms: [INQUIRIES] });
    client.send("rooms");
    await until("left", () => !client.rooms.includes(INQUIRIES));
    await announce();
    assert.deepEqual(await client.heard(), []);
  }));

// What the other tests stand on.
test("the_original_emitter_publishes_as_we_know_it", async () => {
  const cases = [
    // scope, target, channel, members of the body
    ["room", "a/b", "ws:room:a/b", '"type":"room","target":"a/b"'],
    ["client", "c-1", "ws:client:c-1", '"type":"client","target":"c-1"'],
    ["user", "u1", "ws:user:u1", '"type":"user","target":"u1"'],
    ["broadcast", undefined, "ws:broadcast", '"type":"broadcast"'],
  ];
  for (const [scope, target, channel, members] of cases) {
    const event = unique(scope);
    await emit({ scope, target, event, data: { n: null, 7: [1.5, "/"] } });
    const message = `{"serverId":"emitter",${members},"event":"${event}","data":{"7":[1.5,"/"],"n":null}}`;
    assert.deepEqual(await published(event, 1), [{ channel, message }]);
  }
});

for (const [what, more] of Object.entries(AWKWARD)) {
  test(`we_publish_the_bytes_of_the_original_emitter: ${what}`, () =>
    withClients([[INQUIRIES]], async (client) => {
      const { id, frame } = await announce(more);
      const { event, data } = JSON.parse(frame);
      for (const target of [INQUIRIES, `${INQUIRIES}/${id}`]) await emit({ scope: "room", target, event, data });
      const messages = await published(id, 4);
      assert.deepEqual(messages.slice(0, 2), messages.slice(2), "on the bus");
      const [ours, original, ...others] = await client.heard();
      assert.equal(ours, original, "at the client");
      assert.equal(ours, frame, "as the contract says");
      assert.deepEqual(others, []);
    }));
}
