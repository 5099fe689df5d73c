// The rooms on a Redis Cluster: three masters, three replicas; a master hangs, dies, and another takes its place.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { assertAccepted, inquiry, submit, unique } from "../http/lib/api.mjs";
import { close } from "../http/lib/db.mjs";
import { Load } from "../http/lib/load.mjs";
import { frameOf, INQUIRIES, webSocket, withEars } from "../http/lib/rooms.mjs";
import { stack } from "../http/lib/stack.mjs";
import { until, within } from "../http/lib/wait.mjs";
import { Cluster } from "./lib/cluster.mjs";
import { whileOpeningRooms } from "./lib/opening.mjs";

let cluster, of, base;
before(async () => {
  cluster = await Cluster.start();
  of = await stack.beside("cluster", { APP_ENV_NODE_ID: "79", APP_ENV_WEBSOCKET_REDIS_MODE: "cluster", APP_ENV_WEBSOCKET_REDIS_URL: cluster.urls });
  base = of.env.BASE_URL;
});
after(async () => {
  await of?.remove();
  await cluster?.stop();
  await close();
});

const submitted = async () => {
  const sent = inquiry();
  const { id, createdAt } = assertAccepted(await submit(sent, { base }));
  return { id, text: frameOf(id, sent, createdAt) };
};
const isHeard = async (ear) => {
  const { text } = await submitted();
  await until("a new frame", () => ear.frames.includes(text), 1000);
  return true;
};
// A socket that was closed, because nginx crashed, is told from one that is deaf.
const heardAgain = async (ear) => {
  await until("frames are heard again", () => ear.closed || isHeard(ear), 20_000);
  assert.equal(ear.closed, undefined, "its socket was kept");
};

test("rooms_on_every_node_are_heard", () =>
  withEars(async (open) => {
    const inquiries = await Promise.all(Array.from({ length: 12 }, submitted));
    for (const { id } of inquiries) await open([`${INQUIRIES}/${id}`], { of }); // knocks until it is heard
    const ear = await open([INQUIRIES, ...inquiries.map(({ id }) => `${INQUIRIES}/${id}`)], { of });
    await isHeard(ear);
  }));

test("the_bus_and_the_bridge_work_through_any_node", async () => {
  const redis = cluster.client();
  try {
    const heard = [];
    const ears = redis.duplicate();
    ears.on("pmessage", (_, channel) => heard.push(channel));
    await ears.psubscribe("ws:room:*");
    await withEars(async (open) => {
      const ear = await open([INQUIRIES], { of, knock: ["broadcast"] });
      const name = unique("t/cluster");
      for (const n of [1, 2, 3, 4, 5, 6]) await redis.publish("ws:broadcast", JSON.stringify({ serverId: "emitter", type: "broadcast", event: name, data: n }));
      await until("all", () => ear.frames.filter((text) => text.includes(name)).length === 6);
    });
    const { id } = await submitted();
    await until("both rooms on the bus", () => heard.includes(`ws:room:${INQUIRIES}`) && heard.includes(`ws:room:${INQUIRIES}/${id}`));
    ears.disconnect();
  } finally {
    redis.disconnect();
  }
});

for (const [name, begin, end] of [
  ["frozen_for_a_moment", (node) => node.signal("SIGSTOP"), (node) => node.signal("SIGCONT")],
  ["frozen_until_another_takes_its_place", (node) => node.signal("SIGSTOP"), (node) => node.signal("SIGCONT")],
  ["killed", (node) => node.end(), (node) => node.start()],
]) {
  test(`sockets_survive_a_master_that_is_${name}`, () =>
    withEars(async (open) => {
      const ear = await open([INQUIRIES], { of });
      const [workers, nginx] = [of.workers(), of.children("rooms")];
      const [node] = await cluster.masters();
      const load = new Load({ of, pause: 30 });
      const answers = await whileOpeningRooms(async (opened) => {
        await until("rooms are opened", () => opened.length > 10);
        const rate = await load.rate();
        await begin(node);
        try {
          if (name === "frozen_for_a_moment") await until("a refusal", () => opened.includes(503), 3000);
          else await until("another master", async () => !(await cluster.masters()).includes(node), 15_000);
          const share = await load.shareOf(rate);
          console.log(`${name}: ${share.toFixed(2)} of the rate`);
          assert.ok(share >= 0.9, `${share} of ${rate} submits a second`);
          if (name !== "frozen_for_a_moment") await heardAgain(ear);
        } finally {
          await end(node);
          await cluster.whole();
        }
        await heardAgain(ear);
        const from = opened.length;
        await until("rooms are opened again", () => opened.slice(from).includes(101), 20_000);
      }, of).finally(() => load.stop());
      load.assertNoneRefused();
      assert.ok(load.gap <= within(1500), `longest gap ${load.gap} ms`);
      await load.assertNothingLost();
      assert.deepEqual(of.children("rooms"), nginx, "nginx did not crash");
      assert.deepEqual(of.workers(), workers);
      assert.ok(answers.every((status) => [101, 503].includes(status)), String(new Set(answers)));
    }));
}

// nchan drops a node that refuses, as it drops one that dies or hangs; a refusal always meets a subscription under
// way, a death seldom.
test("a_node_that_is_lost_in_the_middle_of_a_subscription_costs_no_socket", () =>
  withEars(async (open) => {
    const nginx = of.children("rooms");
    const ear = await open([INQUIRIES], { of });
    const { id } = await submitted();
    const room = `${INQUIRIES}/${id}`;
    const node = await cluster.ownerOf(`{channel:ws/${room}}`);
    await node.ask("ACL", "SETUSER", "default", "-ssubscribe");
    const refused = await webSocket([room], { of });
    try {
      await until("it is refused", async () => /ssubscribe/.test(await node.ask("ACL", "LOG")));
    } finally {
      await node.ask("ACL", "SETUSER", "default", "+ssubscribe");
    }
    await heardAgain(ear);
    await refused.ready([room]);
    assert.deepEqual(of.children("rooms"), nginx, "nginx did not crash");
  }));
