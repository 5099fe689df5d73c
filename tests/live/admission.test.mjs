// How many sockets an address and a user may have, and what becomes of sockets whose other end is not really there.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { after, before, test } from "node:test";

import { assertProblem, call, unique } from "../http/lib/api.mjs";
import { close, owner } from "../http/lib/db.mjs";
import { bearer, INQUIRIES, publisher, webSocket, withEars } from "../http/lib/rooms.mjs";
import { stack } from "../http/lib/stack.mjs";
import { claims, token } from "../http/lib/token.mjs";
import { until } from "../http/lib/wait.mjs";

const [ADDRESS_SOCKETS, USER_SOCKETS, PING_S] = [8, 3, 2];
let of;
before(async () => {
  of = await stack.beside("admit", {
    APP_ENV_NODE_ID: "81", APP_ENV_JWKS_URL: stack.env.JWKS_URL, BO_TOKEN: stack.env.BO_TOKEN,
    RATE_LIMIT: "on", HANDSHAKE_RATE: "1000r/s", HANDSHAKE_BURST: "2000", ADDRESS_SOCKETS, USER_SOCKETS, ROOMS_PING_S: PING_S, TRUSTED_PROXIES: "127.0.0.1",
  });
});
after(async () => {
  await of?.remove();
  await close();
});

const tokenOf = (userId) => token({ payload: claims({ userId }) });
let last = 0;
const address = () => `10.${(last >> 16) & 255}.${(last >> 8) & 255}.${last++ & 255}`;
// As a gateway passes them on: from some address, by some user.
const from = ({ ip = address(), user = unique("u") } = {}) => ({ of, headers: { ...bearer(tokenOf(user)), "X-Forwarded-For": ip } });

test(`a_user_may_have_${USER_SOCKETS}_sockets_from_wherever`, () =>
  withEars(async (open) => {
    const user = unique("busy");
    const ears = [];
    for (let i = 0; i < USER_SOCKETS; i++) ears.push(await open([INQUIRIES], from({ user })));
    for (let i = 0; i < 3; i++) assertProblem(await webSocket([INQUIRIES], from({ user })), 429);
    await open([INQUIRIES], from());
    ears[0].close();
    await until("there is room again", async () => {
      const ear = await webSocket([INQUIRIES], from({ user }));
      return ear.close && !ear.close();
    });
    for (const ear of ears.slice(1)) await ear.flush(INQUIRIES);
  }));

test(`an_address_may_have_${ADDRESS_SOCKETS}_sockets_of_whomever`, () =>
  withEars(async (open) => {
    const ip = address();
    for (let i = 0; i < ADDRESS_SOCKETS; i++) await open([INQUIRIES], from({ ip }));
    assertProblem(await webSocket([INQUIRIES], from({ ip })), 429);
    await open([INQUIRIES], from());
  }));

test("a_user_whose_permission_was_taken_is_put_out_and_stays_out", () =>
  withEars(async (open) => {
    const user = unique("out");
    const ear = await open([INQUIRIES], from({ user }));
    await owner('INSERT INTO outreach."CasbinRule" (ptype, v0, v1, v2, v3, v4) VALUES ($1, $2, $3, $4, $5, $6)', ["p", `User_${user}`, "*", "Inquiry.observe", "read", "deny"]);
    try {
      await until("the rule holds in every worker", async () => {
        const answers = await Promise.all(Array.from({ length: 12 }, () => call("GET", "/permissions/me", { base: of.env.BASE_URL, token: tokenOf(user) })));
        return answers.every(({ body }) => !body.data.permissions.some(({ permission }) => permission === "Inquiry.observe"));
      });
      assert.equal(ear.closed, undefined, "a socket that is open does not see rules");
      assert.equal((await call("DELETE", `/ws/users/${user}`, { base: of.env.BASE_URL, token: stack.env.BO_TOKEN })).status, 200);
      assert.equal((await until("it is put out", () => ear.closed)).code, 1001);
      assertProblem(await webSocket([INQUIRIES], from({ user })), 403);
    } finally {
      await owner('DELETE FROM outreach."CasbinRule" WHERE v0 = $1', [`User_${user}`]);
    }
  }));

test("the_call_that_ends_sockets_takes_any_user_id_and_nothing_else", async () => {
  const end = (path) => call("DELETE", path, { base: of.env.BASE_URL, token: stack.env.BO_TOKEN });
  for (const user of ["nobody", "auth0|x y", "ünicode", "../broadcast", "a,broadcast", "x".repeat(127)]) {
    const answer = await end(`/ws/users/${encodeURIComponent(user)}`);
    assert.equal(answer.status, 200, user);
    assert.equal(answer.body.data.userId, user);
  }
  assertProblem(await end(`/ws/users/${"x".repeat(128)}`), 404);
  assertProblem(await end("/ws/users/"), 404);
  assertProblem(await end("/ws/users/%00"), 400);
});

// A client that does what these bytes say, and reads nothing at all after the handshake.
function rawSocket({ then, headers = from().headers } = {}) {
  const { hostname, port, pathname } = new URL(of.env.WS_URL);
  const lines = Object.entries({ Host: "a.example", ...headers, Upgrade: "websocket", Connection: "Upgrade", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==" });
  const socket = connect(Number(port), hostname, () => socket.write(`GET ${pathname}?rooms=${INQUIRIES} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n`));
  socket.on("close", () => (socket.over = true)).on("error", () => {});
  if (then) socket.once("data", () => socket.write(then));
  else socket.pause();
  return socket;
}
const listeners = async () => Number(/"subscribers": *(\d+)/.exec((await publisher("GET", INQUIRIES, "", of)).text)?.[1] ?? 0);
const residentKiB = () => of.children("rooms").concat(of.children("edge")).reduce((sum, pid) => sum + Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))[1]), 0);

test("1000_sockets_that_never_read_harm_no_one_and_are_dropped", () =>
  withEars(async (open) => {
    const headers = Array.from({ length: 1000 }, () => from().headers); // signing takes its time, and pings do not wait
    const [nginx, before_] = [of.children("rooms"), residentKiB()];
    const sockets = headers.map((one) => rawSocket({ headers: one }));
    try {
      await until("they listen", async () => (await listeners()) > 900);
      const ear = await open([INQUIRIES], from());
      const begun = performance.now();
      for (let n = 0; n < 200; n++) await publisher("POST", INQUIRIES, JSON.stringify({ event: "flood", data: [n, "x".repeat(1000)] }), of);
      await ear.count(200);
      assert.deepEqual(ear.frames.map((text) => JSON.parse(text).data[0]), Array.from({ length: 200 }, (_, n) => n), "the one that reads hears all, in order");
      const [took, grown] = [performance.now() - begun, residentKiB() - before_];
      await until("who answers no ping is dropped", async () => (await listeners()) <= 1, 10_000);
      console.log(`200,000 frames of 1 KB for nobody: ${Math.round(took)} ms, nginx grew by ${Math.round(grown / 1024)} MiB`);
      assert.ok(grown < 200 * 1024, `${grown} KiB`);
      await ear.flush(INQUIRIES);
      assert.deepEqual(of.children("rooms"), nginx);
    } finally {
      for (const socket of sockets) socket.destroy();
    }
  }));

test("a_peer_that_is_gone_without_a_word_is_dropped_and_one_that_answers_pings_is_not", () =>
  withEars(async (open) => {
    const ear = await open([INQUIRIES], from());
    const silent = rawSocket({ then: "" });
    await until("both listen", async () => (await listeners()) === 2);
    const begun = Date.now();
    await until("the silent one is dropped", async () => (await listeners()) === 1, 10_000);
    assert.ok(Date.now() - begun >= PING_S * 1000 - 200, "not before a ping");
    silent.destroy();
    await ear.flush(INQUIRIES);
    assert.equal(ear.closed, undefined);
  }));

// Frames by their first bytes: opcode, then a length that is never sent, or more than anybody may send.
const FRAMES = {
  "a text of 2^62 bytes that is announced only": Buffer.from([0x81, 0xff, 0x40, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4]),
  "a binary of 1 GiB that is announced only": Buffer.from([0x82, 0xff, 0, 0, 0, 0, 0x40, 0, 0, 0, 1, 2, 3, 4]),
  "4 MiB of a text": Buffer.concat([Buffer.from([0x81, 0xff, 0, 0, 0, 0, 0, 0x40, 0, 0, 1, 2, 3, 4]), Buffer.alloc(4 << 20)]),
  "a ping that is too long": Buffer.concat([Buffer.from([0x89, 0xfe, 0xff, 0xff, 1, 2, 3, 4]), Buffer.alloc(65_535)]),
  "an unknown opcode": Buffer.from([0x8b, 0x80, 1, 2, 3, 4]),
  "a text that is not masked": Buffer.from([0x81, 0x01, 0x61]),
  "noise": Buffer.from("GET / HTTP/1.1\r\n\r\n".repeat(100)),
};
for (const [name, bytes] of Object.entries(FRAMES)) {
  test(`a_frame_costs_its_sender_the_socket_and_others_nothing: ${name}`, () =>
    withEars(async (open) => {
      const ear = await open([INQUIRIES], from());
      const [nginx, before_] = [of.children("rooms"), residentKiB()];
      const guilty = rawSocket({ then: bytes });
      guilty.resume();
      await until("it is over", () => guilty.over, 10_000);
      assert.ok(residentKiB() - before_ < 8 * 1024, "nothing was kept of it");
      await ear.flush(INQUIRIES);
      assert.equal(ear.closed, undefined);
      assert.deepEqual(of.children("rooms"), nginx);
    }));
}
