// The reference client: whatever happens to sockets, nginx, Redis or its token, each inquiry is shown, and once.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { connect, createServer } from "node:net";
import { dirname, resolve } from "node:path";
import { after, afterEach, test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";

import WebSocket from "ws";

import { backOff, observe, Shown } from "../../conf/nginx/client/observer.mjs";
import { assertAccepted, inquiry, submit } from "../http/lib/api.mjs";
import { createInquiry, insertInquiries, staff } from "../http/lib/bo.mjs";
import { close, owner } from "../http/lib/db.mjs";
import { Load } from "../http/lib/load.mjs";
import { INQUIRIES, publisher, SUBMITTED } from "../http/lib/rooms.mjs";
import { freePort, stack } from "../http/lib/stack.mjs";
import { claims, now, token } from "../http/lib/token.mjs";
import { until, within } from "../http/lib/wait.mjs";

const { BASE_URL, BO_TOKEN } = stack.env;
const OFTEN = 300; // ms between checks, where the minute of the default would be too long to wait for

// A client and what it told. `tries`: when it opened a socket; `heard`: how many frames came.
const all = new Set();
function client({ onInquiry, onState, Socket = WebSocket, ...options } = {}) {
  const told = { shown: [], live: [], states: [], details: [], frames: [], tries: [], heard: 0 };
  class Noted extends Socket {
    constructor(url) {
      super(url);
      told.tries.push(performance.now());
      this.on("message", () => told.heard++);
    }
  }
  const observer = observe({
    baseUrl: BASE_URL,
    token: async () => BO_TOKEN,
    WebSocket: Noted,
    onInquiry(data, how) {
      told.shown.push(data);
      told.live.push(how.live);
      return onInquiry?.(data, how);
    },
    onState(state, detail) {
      told.states.push(state);
      told.details.push(detail);
      return onState?.(state, detail);
    },
    onFrame: (text) => told.frames.push(text),
    ...options,
  });
  all.add(observer);
  const reaches = (state, ms) => until(`${state}, not ${told.states}`, () => told.states.at(-1) === state, ms);
  return Object.assign(told, observer, { reaches, ids: () => told.shown.map(({ id }) => id) });
}
async function liveClients(count, options) {
  const clients = Array.from({ length: count }, () => client(options));
  await Promise.all(clients.map(({ reaches }) => reaches("live")));
  return clients;
}
const liveClient = async (options) => (await liveClients(1, options))[0];
afterEach(async () => {
  for (const observer of all) observer.stop();
  all.clear();
  if (!stack.isWhole()) await stack.repair();
});
after(close);

const submitOne = async () => assertAccepted(await submit(inquiry())).id;
const sorted = (ids) => [...ids].sort();
const inOrder = (list) => list.map(({ createdAt, id }) => [createdAt, id.padStart(19, "0")].join(" "));

// In the end: each of these, once, and nothing else.
async function assertShown(clients, ids, ms = 20_000) {
  for (const one of clients) {
    await until("all is shown", () => one.shown.length >= ids.length, ms).catch((error) => {
      throw new Error(`${error.message}: ${one.shown.length} of ${ids.length}, ${one.states}`);
    });
    assert.deepEqual(sorted(one.ids()), sorted(ids));
  }
}

// Run `disturb` while inquiries come; the ids of all that came.
async function whileSubmitting(disturb) {
  const load = new Load({ clients: 1 });
  try {
    await load.more(10);
    await disturb(load);
    await load.more(10);
  } finally {
    await load.stop();
    if (!stack.isWhole()) await stack.repair();
  }
  load.assertNoneRefused();
  return load.accepted.map(({ id }) => id);
}

// A port in front of the edge; `holds(text)`: this connection is never answered.
async function gate(port, holds = () => false) {
  const sockets = new Set();
  const keep = (socket) => sockets.add(socket.on("error", () => {}));
  const server = createServer((outer) => {
    keep(outer);
    outer.once("data", (head) => {
      if (holds(head.toString("latin1"))) return;
      const inner = connect(Number(new URL(BASE_URL).port), "127.0.0.1");
      keep(inner);
      inner.write(head);
      inner.pipe(outer).pipe(inner);
    });
  });
  await new Promise((done) => server.listen(port, "127.0.0.1", done));
  return () => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
}
const at = (port) => `http://127.0.0.1:${port}${new URL(BASE_URL).pathname}`;

// Takes ten seconds, so it begins first, and no test stops it: handshakes are never answered, REST is.
const hungPort = await freePort();
const closeHung = await gate(hungPort, (head) => head.startsWith("GET ") && head.includes("/ws?"));
const hung = client({ baseUrl: at(hungPort) });
all.clear();
await until("a handshake hangs", () => hung.tries.length === 1);
after(() => {
  hung.stop();
  closeHung();
});

// A socket that keeps frames to itself.
class Deaf extends WebSocket {
  addEventListener(type, ...rest) {
    if (type !== "message") super.addEventListener(type, ...rest);
  }
}

test("what_comes_is_shown_as_the_frame_has_it_and_nothing_old_is", async () => {
  await submitOne();
  const [near, far] = [await liveClient(), await liveClient({ Socket: Deaf })];
  const sent = inquiry({ type: "200_SALES", lastName: "Lovelace", subject: "S" });
  const { id, createdAt } = assertAccepted(await submit(sent));
  await assertShown([near, far], [id]);
  const told = { id, type: "200_SALES", firstName: "Ada", lastName: "Lovelace", email: sent.email, businessName: null, subject: "S", createdAt };
  for (const { shown } of [near, far]) assert.equal(JSON.stringify(shown[0]), JSON.stringify(told)); // by REST as by the socket
  assert.deepEqual([near.live, far.live], [[true], [false]]);
});

test("other_frames_are_handed_on_as_they_are", async () => {
  const one = await liveClient();
  const frames = ['{"event":"x","data":{"id":"1"}}', "no JSON", "null", `{"event":"${SUBMITTED}","data":{"id":1}}`];
  await until("the room is served", async () => {
    await publisher("POST", "broadcast", "knock");
    return one.frames.length > 0;
  });
  for (const frame of frames) await publisher("POST", "broadcast", frame);
  await until("they came", () => one.frames.at(-1) === frames.at(-1));
  assert.deepEqual(one.frames.filter((frame) => frame !== "knock"), frames);
  assert.deepEqual(one.shown, []);
});

for (const signal of ["SIGQUIT", "SIGKILL"]) {
  test(`20_clients_show_every_inquiry_once_though_the_rooms_are_restarted: ${signal}`, async () => {
    const clients = await liveClients(20);
    const ids = await whileSubmitting(async (load) => {
      await stack.end("rooms", signal);
      await load.more(20);
      await stack.repair();
      await load.more(10);
    });
    await assertShown(clients, ids);
    for (const { states, live } of clients) {
      assert.ok(states.includes("waiting") && live.includes(false), "it was away");
      await until("live again", () => states.at(-1) === "live");
    }
  });
}

test("50_clients_do_not_come_back_all_at_once", async () => {
  const clients = await liveClients(50);
  await stack.end("rooms", "SIGQUIT");
  const repaired = stack.repair();
  await until("each has tried again", () => clients.every(({ tries }) => tries.length > 1));
  await repaired;
  const times = clients.map(({ tries }) => tries[1]).sort((a, b) => a - b);
  const crowd = Math.max(...times.map((from) => times.filter((time) => time >= from && time < from + 200).length));
  assert.ok(times.at(-1) - times[0] > 1000, `spread over ${times.at(-1) - times[0]} ms`);
  assert.ok(crowd <= 20, `${crowd} of 50 within 200 ms`); // 5 on average
  await Promise.all(clients.map(({ reaches }) => reaches("live", 20_000)));
});

test("all_is_shown_while_redis_is_away_and_after", async () => {
  const clients = await liveClients(3, { checkEvery: OFTEN });
  const ids = await whileSubmitting(async (load) => {
    await stack.end("redis", "SIGKILL");
    await load.more(20);
    const sent = load.accepted.map(({ id }) => id);
    await until("it is shown though no frame can come", () => clients.every((one) => sent.every((id) => one.ids().includes(id))), 15_000);
    await stack.repair();
  });
  await assertShown(clients, ids);
  await Promise.all(clients.map(({ reaches }) => reaches("live", 40_000)));
  const id = await submitOne();
  await until("frames come again, or the check", () => clients.every((one) => one.ids().includes(id)));
});

test("a_socket_that_brings_nothing_is_replaced", async () => {
  const one = await liveClient({ checkEvery: OFTEN });
  await insertInquiries([{ created_at: new Date(Date.now() - 8000).toISOString() }]); // never announced
  await until("another socket", () => one.tries.length === 2);
  assert.match(one.details.find(({ error }) => error).error.message, /brings nothing/);
  await one.reaches("live");
  assert.equal(one.shown.length, 1);
});

test("a_frame_that_is_lost_is_found_soon_after_the_socket_opened", async () => {
  const one = await liveClient({ Socket: Deaf });
  await assertShown([one], [await submitOne()], 5000);
});

test("newer_frames_do_not_hide_one_that_was_lost", async () => {
  await submitOne();
  const one = await liveClient({ checkEvery: OFTEN });
  const ahead = { id: "9000000000000000001", createdAt: new Date(Date.now() + 20_000).toISOString() };
  await until("a frame that is newer", async () => {
    await publisher("POST", INQUIRIES, JSON.stringify({ event: SUBMITTED, data: ahead }));
    return one.shown.length > 0;
  });
  const [{ id }] = await insertInquiries([{ created_at: new Date(Date.now() - 45_000).toISOString() }]);
  await assertShown([one], [ahead.id, id]);
});

test("what_is_committed_late_is_shown_and_what_staff_makes_is_not", async () => {
  const newest = await submitOne();
  const one = await liveClient({ checkEvery: OFTEN, since: new Date(Date.now() - 300_000) });
  await until("the newest", () => one.ids().includes(newest));
  const before = one.shown.length;
  await createInquiry();
  const [{ id }] = await insertInquiries([{ created_at: new Date(Date.now() - 30_000).toISOString() }]);
  await until("the late one", () => one.shown.length > before);
  assert.deepEqual(one.ids().slice(before), [id]);
});

test("a_row_from_the_future_hides_nothing", async () => {
  const one = await liveClient({ checkEvery: OFTEN });
  const [{ id }] = await insertInquiries([{ created_at: new Date(Date.now() + 86_400_000).toISOString() }]);
  try {
    await assertShown([one], [id]);
    const missed = (await insertInquiries([{}]))[0].id;
    await assertShown([one], [id, missed]);
    const other = await liveClient({ checkEvery: OFTEN });
    await assertShown([other], [await submitOne()]);
  } finally {
    await owner('DELETE FROM outreach."Inquiry" WHERE id = $1', [id]);
  }
});

test("pages_are_followed_and_what_was_missed_comes_in_order", async () => {
  const from = Date.now();
  const rows = await insertInquiries(Array.from({ length: 2100 }, (_, i) => ({ created_at: new Date(from + ((i * 7) % 20)).toISOString() })));
  const one = await liveClient({ since: new Date(from).toISOString() });
  await assertShown([one], rows.map(({ id }) => id));
  assert.deepEqual(inOrder(one.shown), sorted(inOrder(one.shown)));
  const middle = one.shown[1000];
  const rest = await liveClient({ since: middle });
  assert.deepEqual(rest.ids(), one.ids().slice(1001), "what is newer than an inquiry");
});

test("frames_wait_for_what_was_missed_and_nothing_is_shown_twice", async () => {
  const since = new Date().toISOString();
  const missed = [await submitOne(), await submitOne()];
  let open;
  const opened = new Promise((done) => (open = done));
  const one = client({ since, fetch: async (...args) => (await opened, fetch(...args)) });
  await one.reaches("catching-up");
  let known = 0; // frames come once Redis has the subscription
  const meanwhile = [];
  await until("frames are heard", async () => {
    meanwhile.push(await submitOne());
    return (known = one.heard) >= 2;
  });
  assert.deepEqual(one.shown, [], "not before those that are older");
  open();
  await one.reaches("live");
  await assertShown([one], [...missed, ...meanwhile]);
  assert.deepEqual(one.ids(), [...missed, ...meanwhile]);
  assert.ok(known >= 2);
});

test("clients_that_come_while_inquiries_come_show_each_once", async () => {
  const since = new Date().toISOString();
  let clients = [];
  const ids = await whileSubmitting(async () => {
    clients = await liveClients(10, { since, checkEvery: OFTEN });
  });
  await assertShown(clients, ids);
  for (const { shown, live } of clients) {
    const caught = inOrder(shown.filter((_, i) => !live[i]));
    assert.deepEqual(caught, sorted(caught));
  }
});

test("a_token_that_expired_is_renewed_and_the_client_goes_on", async () => {
  const asked = [];
  let current = token({ payload: claims({ exp: now() - 10 }) });
  const renewing = (ttl) => async ({ renew }) => {
    asked.push(renew);
    if (renew) current = token({ payload: claims({ exp: now() + ttl }) });
    return current;
  };
  const one = await liveClient({ token: renewing(2), checkEvery: OFTEN });
  assert.deepEqual(asked, [false, true]);
  await until("it was renewed again", () => asked.filter(Boolean).length > 1);
  await one.reaches("live");
  await assertShown([one], [await submitOne()]);
  assert.ok(!one.states.includes("refused"));
});

const REFUSED = {
  "a bad token": [401, { token: async () => "a.b.c" }],
  "no permission": [403, { token: async () => token({ payload: claims({ roles: [] }) }) }],
  "no permission, of one inquiry": [403, { rooms: [`${INQUIRIES}/1`], token: async () => token({ payload: claims({ roles: [] }) }) }],
  "an unknown room": [404, { rooms: [INQUIRIES, "outreach/nothing"] }],
};
for (const [name, [status, options]] of Object.entries(REFUSED)) {
  test(`a_refusal_is_told_and_tried_again: ${name}`, async () => {
    const asked = [];
    const one = client({ ...options, random: () => 0.01, token: async ({ renew }) => asked.push(renew) && (options.token?.() ?? BO_TOKEN) });
    await one.reaches("refused");
    const { delay, error, problem } = one.details.at(-1);
    assert.deepEqual([error.status, problem.status], [status, status]);
    assert.match(problem.type, /^urn:bana:problem:/);
    if (status !== 401) assert.ok(delay >= 15_000, `${delay} ms`);
    else await until("another try", () => asked.length >= 4);
    one.stop();
    assert.deepEqual(asked.slice(0, 4), status === 401 ? [false, true, false, true] : [false]);
    assert.ok(!one.states.includes("live"));
  });
}

test("a_server_that_is_away_at_the_start_is_waited_for", async (t) => {
  const port = await freePort();
  const one = client({ baseUrl: at(port), random: () => 0.2 });
  await until("two tries", () => one.states.filter((state) => state === "waiting").length >= 2);
  t.after(await gate(port));
  await one.reaches("live");
  await assertShown([one], [await submitOne()]);
});

test("callbacks_that_throw_change_nothing", async (t) => {
  const errors = t.mock.method(console, "error", () => {});
  const fail = () => {
    throw new Error("mine");
  };
  const one = await liveClient({ onInquiry: fail, onState: async () => fail() });
  const ids = [await submitOne(), await submitOne()];
  await assertShown([one], ids);
  assert.ok(errors.mock.callCount() >= 4);
  const other = client({ token: fail, random: () => 0.01 });
  await until("it tries again", () => other.states.filter((state) => state === "waiting").length >= 2);
  other.stop();
});

test("after_stop_nothing_is_shown", async () => {
  const since = new Date().toISOString();
  for (let i = 0; i < 3; i++) await submitOne();
  const one = client({ since, onInquiry: () => one.stop() });
  await one.reaches("stopped");
  const other = await liveClient();
  await assertShown([other], [await submitOne()]);
  assert.equal(one.shown.length, 1);
  assert.equal(one.states.at(-1), "stopped");
});

test("stop_leaves_nothing_that_keeps_a_process", async () => {
  const [observer, ws] = ["../../conf/nginx/client/observer.mjs", "../node_modules/ws/wrapper.mjs"].map((file) => pathToFileURL(resolve(dirname(fileURLToPath(import.meta.url)), file)).href);
  const script = `
    import { observe } from "${observer}";
    import WebSocket from "${ws}";
    const until = (baseUrl, wanted) => new Promise((done) => {
      const one = observe({ baseUrl, token: async () => process.env.BO_TOKEN, WebSocket, random: () => 1, onState: (state) => state === wanted && setImmediate(() => done(one.stop())) });
    });
    for (const state of ["connecting", "catching-up", "live"]) await until("${BASE_URL}", state);
    await until("${at(hungPort)}", "connecting");
    await until("${at(await freePort())}", "waiting");
    console.log(performance.now());`;
  const begun = performance.now();
  const child = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", script], { env: { BO_TOKEN }, timeout: within(10_000) });
  assert.ok(Number(child.stdout) > 0, child.stderr);
  assert.ok(performance.now() - begun - Number(child.stdout) < within(1500), "it ends by itself");
});

test("waiting_grows_to_half_a_minute_and_all_of_it_is_random", () => {
  const most = (failures, more) => backOff({ failures, ...more }, () => 1);
  assert.deepEqual([1, 2, 3, 6, 7, 50].map((failures) => most(failures)), [500, 1000, 2000, 16_000, 30_000, 30_000]);
  assert.deepEqual([most(0, { lived: true }), most(1, { lived: true }), most(5, { lived: true })], [2000, 2000, 8000]);
  assert.equal(backOff({ failures: 9, lived: true }, () => 0), 0);
  assert.equal(backOff({ failures: 1, why: { retryAfterMs: 7000 } }, () => 0.5), 7250);
  const times = Array.from({ length: 1000 }, () => backOff({ failures: 0, lived: true }));
  for (let from = 0; from < 2000; from += 200) {
    const count = times.filter((time) => time >= from && time < from + 200).length;
    assert.ok(count > 50 && count < 150, `${count} of 1000 from ${from} ms`);
  }
});

test("memory_is_bounded_and_what_was_forgotten_is_not_shown_again", () => {
  const row = (i) => ({ id: String(i), createdAt: new Date(i).toISOString() });
  const shown = new Shown();
  for (let i = 0; i < 1000; i++) assert.ok(shown.add(row(i)));
  shown.forget(row(900).createdAt, 200);
  for (let i = 0; i < 1000; i++) assert.ok(!shown.add(row(i)), `${i} again`);
  for (let i = 800; i < 1000; i++) assert.ok(!shown.add(row(i), true), `${i} again, by a frame`);
  assert.ok(shown.add(row(1000)));
  shown.forget(row(500).createdAt, 0); // what may be asked for again stays
  for (let i = 800; i < 1001; i++) assert.ok(!shown.add(row(i)));
});

test("a_frame_of_one_that_was_never_shown_is_shown_however_old_it_is", () => {
  const row = (i) => ({ id: String(i), createdAt: new Date(i).toISOString() });
  const shown = new Shown();
  for (let i = 10; i < 1000; i++) shown.add(row(i));
  shown.forget(row(900).createdAt, 200);
  assert.ok(!shown.add(row(5)), "a row may have been forgotten");
  assert.ok(shown.add(row(5), true), "it was in quarantine");
  assert.ok(!shown.add(row(5), true), "once");
});

test("what_is_taken_out_of_quarantine_is_shown_though_newer_ones_were", async () => {
  const at = new Date(Date.now() - 3_600_000).toISOString();
  const [{ id }] = await insertInquiries([{ status: "505_CANCELLED", cancel_reason: "100_SPAM", quarantined_at: at, created_at: at }]);
  const one = await liveClient();
  const newer = await submitOne();
  await assertShown([one], [newer]);
  assert.equal((await staff("PATCH", `/inquiries/${id}`, { body: { status: "100_NEW" } })).status, 200);
  await assertShown([one], [newer, id]);
  assert.deepEqual(one.live, [true, true]);
});

test("a_handshake_that_hangs_is_given_up_and_what_it_would_bring_is_shown", async () => {
  await until("it is shown", () => hung.shown.length > 0, 15_000);
  assert.ok(!hung.states.includes("live"));
});
