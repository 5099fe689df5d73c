// A listener can hear and nothing else: not publish, not reach the inside, not crash the rooms for others.
import assert from "node:assert/strict";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { test } from "node:test";

import { assertAccepted, assertProblem, call, inquiry, submit } from "../http/lib/api.mjs";
import { exchange, requestText } from "../http/lib/raw.mjs";
import { bearer, eventStream, frameOf, INQUIRIES, publisher, withEars } from "../http/lib/rooms.mjs";
import { stack } from "../http/lib/stack.mjs";
import { until } from "../http/lib/wait.mjs";

const { BO_TOKEN, BASE_URL, WS_URL } = stack.env;
const { pathname } = new URL(WS_URL);

const FRAMES = [
  ["text", (socket) => socket.send('{"event":"forged","data":{}}')],
  ["an ignis heartbeat", (socket) => socket.send('{"event":"heartbeat"}')],
  ["an empty text", (socket) => socket.send("")],
  ["binary", (socket) => socket.send(Buffer.from([1, 2, 3]))],
  ["64 KiB", (socket) => socket.send("x".repeat(65_536))],
  ["a fragment", (socket) => socket.send("a", { fin: false })],
];
for (const [name, send] of FRAMES) {
  test(`a_frame_from_a_client_ends_its_socket_and_reaches_no_one: ${name}`, () =>
    withEars(async (open) => {
      const [guilty, other] = [await open([INQUIRIES]), await open([INQUIRIES])];
      send(guilty.socket);
      await until("the socket is closed", () => guilty.closed);
      if (name !== "a fragment") assert.equal(guilty.closed.code, 1008);
      assert.deepEqual(await other.flush(INQUIRIES), []);
      assert.equal(other.closed, undefined);
    }));
}

test("a_ping_is_answered_and_a_close_is_confirmed", () =>
  withEars(async (open) => {
    const ear = await open([INQUIRIES]);
    let pong;
    ear.socket.on("pong", (data) => (pong = data.toString()));
    ear.socket.ping("there?");
    await until("the pong", () => pong === "there?");
    ear.socket.close(1000);
    await until("the close", () => ear.closed);
    assert.equal(ear.closed.code, 1000);
  }));

test("the_publisher_and_the_inside_cannot_be_reached_from_outside", async () => {
  const id = assertAccepted(await submit(inquiry())).id;
  await withEars(async (open) => {
    const ear = await open([INQUIRIES]);
    const paths = [
      "/pub/outreach/inquiries", "/pub/broadcast", "/_rooms/outreach/inquiries", "/_rooms/broadcast,outreach/inquiries", `/_rooms/outreach/inquiries/${id}`, "/status", "/nchan",
      "/nchan_stub_status", "/_problem", "/pub/../pub/broadcast", "/%70ub/broadcast", "//pub/broadcast", "/_rooms%2Fbroadcast",
    ];
    for (const path of [...paths, ...paths.map((one) => new URL(BASE_URL).pathname + one), `${pathname}/../../../../_rooms/broadcast`, `${pathname}/pub/broadcast`]) {
      for (const verb of ["GET", "POST", "DELETE"]) {
        const body = '{"event":"forged"}';
        const head = ["Host: a.example", `Authorization: Bearer ${BO_TOKEN}`, "Accept: text/event-stream", "Content-Type: application/json", `Content-Length: ${body.length}`];
        const [answer] = await exchange(requestText(`${verb} ${path} HTTP/1.1`, head, body));
        assert.ok([400, 404].includes(answer.status), `${verb} ${path}: ${answer.status}`);
      }
    }
    assert.deepEqual(await ear.flush(INQUIRIES), []);
  });
});

test("a_client_cannot_choose_where_nginx_redirects_to", async () => {
  const headers = { "X-Accel-Redirect": "/_rooms/broadcast", "X-Original-URI": "/_rooms/broadcast", "X-Rewrite-URL": "/_rooms/broadcast", Accept: "text/event-stream" };
  assertProblem(await call("GET", "/ws?rooms=broadcast", { headers }), 401);
  assertProblem(await call("GET", "/ws?rooms=broadcast", { headers, token: BO_TOKEN }), 404);
});

// The TCP ports on which these processes listen, from /proc.
function listeningPorts(pids) {
  const inodes = new Set(pids.flatMap((pid) => readdirSync(`/proc/${pid}/fd`).map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`))));
  const rows = ["tcp", "tcp6"].flatMap((file) => readFileSync(`/proc/net/${file}`, "utf8").split("\n").map((line) => line.trim().split(/\s+/)));
  const listening = rows.filter((row) => row[3] === "0A" && inodes.has(`socket:[${row[9]}]`));
  return listening.map((row) => parseInt(row[1].split(":")[1], 16));
}

test("only_the_public_port_is_open", () => {
  const of = (part) => listeningPorts([stack.pid(part), ...stack.children(part)]);
  assert.deepEqual(of("edge"), [Number(new URL(BASE_URL).port)]);
  for (const part of ["rooms", "pool", "postgres"]) assert.deepEqual(of(part), [], part);
});

// nchan 1.3.6 aborts on message ids that it does not know; one carrier alone is enough.
const IDS = ["1:0", "12:0", "0", "1", "9999999999:0", "1:-,-,[0]", "1:0,0,0", "-1:-1", "abc", ":", "1795202229:-,-,[0]", "x".repeat(500)];
const CARRIERS = {
  "Last-Event-ID": (id) => ({ headers: { "Last-Event-ID": id } }),
  "If-None-Match": (id) => ({ headers: { "If-None-Match": id } }),
  "If-Modified-Since": () => ({ headers: { "If-Modified-Since": "Thu, 01 Jan 1970 00:00:12 GMT" } }),
  "If-Modified-Since and If-None-Match": (id) => ({ headers: { "If-Modified-Since": "Thu, 01 Jan 1970 00:00:12 GMT", "If-None-Match": id } }),
  "last_event_id": (id) => ({ query: { last_event_id: encodeURIComponent(id) } }),
  "Last_Event_Id": (id) => ({ query: { Last_Event_Id: encodeURIComponent(id) } }),
  "all": (id) => ({ headers: { "Last-Event-ID": id, "If-None-Match": id, "If-Modified-Since": "Thu, 01 Jan 1970 00:00:01 GMT" }, query: { last_event_id: encodeURIComponent(id) } }),
};
for (const [name, carry] of Object.entries(CARRIERS)) {
  test(`a_message_id_kills_nothing: ${name}`, () =>
    withEars(async (open) => {
      const before = stack.children("rooms");
      const ear = await open([INQUIRIES]);
      const one = await open([INQUIRIES], {}, eventStream);
      for (const id of IDS) {
        const { headers, query } = carry(id);
        for (let round = 0; round < 2; round++) {
          const tried = await eventStream([INQUIRIES], { headers: { ...bearer(), ...headers }, query });
          if (tried.close) tried.close();
          else assertProblem(tried, 400);
        }
      }
      const sent = inquiry();
      const { id, createdAt } = assertAccepted(await submit(sent));
      for (const listener of [ear, one]) assert.deepEqual(await listener.count(1), [frameOf(id, sent, createdAt)]);
      assert.deepEqual(stack.children("rooms"), before, "the same nginx worker");
    }));
}

test("an_event_source_may_come_back_with_the_id_it_heard_last", () =>
  withEars(async (open) => {
    const first = await open([INQUIRIES], {}, eventStream);
    assertAccepted(await submit(inquiry()));
    await first.count(1);
    const id = first.ids.at(-1);
    assert.ok(id);
    first.close();
    const again = await open([INQUIRIES], { headers: { ...bearer(), "Last-Event-ID": id } }, eventStream);
    const sent = inquiry();
    const next = assertAccepted(await submit(sent));
    assert.deepEqual(await again.count(1), [frameOf(next.id, sent, next.createdAt)], "nothing old, and all that is new");
  }));

test("listeners_that_leave_at_once_harm_no_one", () =>
  withEars(async (open) => {
    const ear = await open([INQUIRIES]);
    const head = ["Host: a.example", `Authorization: Bearer ${BO_TOKEN}`, "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="];
    const bytes = requestText(`GET ${pathname}?rooms=${INQUIRIES} HTTP/1.1`, head);
    for (let round = 0; round < 10; round++)
      await Promise.all([...Array(10).keys()].map((i) => exchange(bytes.slice(0, i % 2 ? undefined : bytes.length - i), { answers: 0, finish: true })));
    const sent = inquiry();
    const { id, createdAt } = assertAccepted(await submit(sent));
    assert.deepEqual(await ear.count(1), [frameOf(id, sent, createdAt)]);
  }));

test("the_internal_publisher_takes_no_odd_verbs", async () => {
  for (const verb of ["HEAD", "PATCH", "PUT", "OPTIONS"]) assert.equal((await publisher(verb, INQUIRIES)).status, 405);
  assert.equal((await publisher("POST", "..%2f", "x")).status, 404);
});
