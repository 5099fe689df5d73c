// Messages of services to sockets: to all, to a room, to one client, over REST and over the emitter of ignis.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { before, test } from "node:test";

import { assertProblem, unique } from "../http/lib/api.mjs";
import { bearer, publisher, withEars } from "../http/lib/rooms.mjs";
import { stack } from "../http/lib/stack.mjs";
import { sleep, until } from "../http/lib/wait.mjs";
import { emit } from "../live/lib/ignis.mjs";
import { call, consuming, person, tokenOf } from "./lib/signal.mjs";

before(() => consuming());

const CLIENTS = "/socket/websocket/clients";
const send = (path, topic, data, more) => call("POST", CLIENTS + path, { body: { topic, data }, ...more });
const listener = async (open, client = randomUUID()) => {
  const id = person();
  const ear = await open([`signal/notification/${id}`], { url: stack.env.SIGNAL_WS_URL, headers: bearer(tokenOf(id)), query: { clientId: client } });
  return Object.assign(ear, { id, client });
};
// What nchan knows of a room is late, and stays as it is while it is asked all the time.
const counted = (room, fits) =>
  until(`nchan counts who is in ${room}`, async () => {
    await sleep(300);
    return fits(JSON.parse((await publisher("GET", room)).text).subscribers);
  });
const mine = (ear, topic) => ear.frames.filter((text) => text.includes(topic));

test("a_broadcast_reaches_everyone_a_room_its_own_and_a_client_alone", () =>
  withEars(async (open) => {
    const [a, b] = [await listener(open), await listener(open)];
    await counted("broadcast", (n) => n >= 2);
    const topic = unique("t/all");
    const answer = await send("/broadcast", topic, { n: 1, text: "ü" });
    assert.equal(answer.status, 200, answer.text);
    assert.deepEqual(Object.keys(answer.body), ["success", "message", "subscribers"]);
    assert.ok(answer.body.subscribers >= 2, answer.text);
    await until("both hear it", () => [a, b].every((ear) => mine(ear, topic).length === 1));
    assert.deepEqual(mine(a, topic), [JSON.stringify({ event: topic, data: { n: 1, text: "ü" } })]);

    const room = unique("t/room");
    const inRoom = await send(`/rooms/${encodeURIComponent(`signal/notification/${a.id}`)}/send`, room, [1]);
    assert.deepEqual(inRoom.body.success, true);
    await until("its own hear it", () => mine(a, room).length === 1);

    const client = unique("t/client");
    assert.deepEqual((await send(`/${b.client.toUpperCase()}/send`, client, null)).body, { success: true, message: "Message sent to client", subscribers: 1 });
    await until("the client hears it", () => mine(b, client).length === 1);
    await a.flush(`signal/notification/${a.id}`);
    assert.deepEqual([mine(a, client), mine(b, room)], [[], []]);
  }));

test("a_client_that_is_not_there_is_not_found", async () => {
  let client;
  await withEars(async (open) => {
    ({ client } = await listener(open));
    await counted(`client/${client}`, (n) => n === 1); // who leaves before nchan has counted them stays counted
  });
  await counted(`client/${client}`, (n) => n === 0);
  assertProblem(await send(`/${client}/send`, "t", 1), 404);
  assertProblem(await send(`/${randomUUID()}/send`, "t", 1), 404);
  assertProblem(await send("/not-a-client%20/send", "t", 1), 404);
});

test("bad_messages_are_refused", async () => {
  for (const body of [{}, { topic: "" }, { topic: 1 }, { topic: "x".repeat(257) }, []]) assertProblem(await call("POST", `${CLIENTS}/broadcast`, { body }), 422);
  assertProblem(await call("POST", `${CLIENTS}/broadcast`, { body: { topic: "t", data: "x".repeat(131_100) } }), 413);
  assertProblem(await call("POST", `${CLIENTS}/broadcast`, { body: "{" }), 400);
  for (const room of ["broadcast", "client%2Fx", "user%2F1", "expires%2F10", "a%2F%2Fb", "a%20b", "..%2Fx"]) assertProblem(await send(`/rooms/${room}/send`, "t", 1), 422);
});

test("only_those_who_may_send", async () => {
  for (const path of ["/broadcast", "/rooms/x/send", `/${randomUUID()}/send`]) {
    assertProblem(await send(path, "t", 1, { token: null }), 401);
    for (const role of ["EMPLOYEE", "CASHIER"]) assertProblem(await send(path, "t", 1, { token: tokenOf("5", [role]) }), 403);
  }
  assert.equal((await send("/broadcast", "t", 1, { token: tokenOf("svc", ["SERVICE"]) })).status, 200);
});

test("the_emitter_of_ignis_reaches_the_same_sockets", () =>
  withEars(async (open) => {
    const ear = await listener(open);
    const scopes = { room: `signal/tests/${ear.id}`, client: ear.client, user: ear.id, broadcast: undefined };
    for (const [scope, target] of Object.entries(scopes)) {
      const event = unique(`t/${scope}`);
      await emit({ scope, target, event, data: { n: 1 } });
      if (scope === "room") continue; // it is in no such room
      await until(`${scope} is heard`, () => mine(ear, event).length === 1);
      assert.deepEqual(mine(ear, event), [JSON.stringify({ event, data: { n: 1 } })]);
    }
    assert.deepEqual(mine(ear, "t/room"), []);
  }));
