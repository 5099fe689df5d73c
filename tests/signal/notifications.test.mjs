// A person's own notifications over REST, and what their other tabs learn.
import assert from "node:assert/strict";
import { before, test } from "node:test";

import { assertProblem } from "../http/lib/api.mjs";
import { bearer, webSocket, withEars } from "../http/lib/rooms.mjs";
import { stack } from "../http/lib/stack.mjs";
import { assertCountersExact, call, consuming, event, person, producer, rowsOf, rowsWhen, sql, tokenOf, UPDATED } from "./lib/signal.mjs";

let out;
before(async () => {
  await consuming();
  out = await producer();
});

// Somebody with `count` notifications, and their calls.
async function somebody(count) {
  const id = person();
  await out.send(...Array.from({ length: count }, () => ({ key: id, value: JSON.stringify(event({ recipientIds: [id] })) })));
  const rows = await rowsWhen(id, count);
  const token = tokenOf(id);
  return { id, rows, ids: rows.map((row) => row.id), ask: (method, path, body) => call(method, path, { token, body }), token };
}
const unread = async (one) => (await one.ask("GET", "/notifications/unread-count")).body;

test("a_feed_holds_my_own_rows_only", async () => {
  const [mine, yours] = [await somebody(3), await somebody(2)];
  const { body } = await mine.ask("GET", "/notifications");
  assert.deepEqual(body.data.map(({ id }) => id), mine.ids);
  assert.deepEqual(Object.keys(body.data[0]), ["id", "createdAt", "type", "organizerId", "merchantId", "recipientId", "actorId", "actor", "content", "actionUrl", "data", "isRead", "readAt", "seenAt", "archivedAt", "occurredAt", "seq", "expiresAt"]);
  const filter = encodeURIComponent(JSON.stringify({ where: { recipientId: yours.id } }));
  assert.deepEqual((await mine.ask("GET", `/notifications?filter=${filter}`)).body.data, []);
  assertProblem(await mine.ask("GET", `/notifications/${yours.ids[0]}`), 404);
  for (const verb of ["read", "unread", "seen", "archive"]) assertProblem(await mine.ask("PATCH", `/notifications/${yours.ids[0]}/${verb}`), 404);
  assertProblem(await mine.ask("DELETE", `/notifications/${yours.ids[0]}`), 404);
  await mine.ask("POST", "/notifications/read", { ids: yours.ids });
  assert.deepEqual(await unread(yours), { count: 2, seq: 2 });
  assertProblem(await call("GET", "/notifications", { token: null }), 401);
});

test("pages_follow_each_other_by_key_and_after_gives_what_was_missed", async () => {
  const one = await somebody(25);
  const filter = encodeURIComponent(JSON.stringify({ order: ["seq DESC"], limit: 10 }));
  const seen = [];
  for (let path = `/notifications?filter=${filter}`; path; ) {
    const answer = await one.ask("GET", path);
    seen.push(...answer.body.data.map(({ seq }) => seq));
    const next = /<([^>]*)>; rel="next"/.exec(answer.headers.get("link") ?? "")?.[1];
    path = next && next.slice(next.indexOf("/notifications"));
  }
  assert.deepEqual(seen, Array.from({ length: 25 }, (_, i) => 25 - i));
  const missed = await one.ask("GET", `/notifications?after=20`);
  assert.deepEqual(missed.body.data.map(({ seq }) => seq), [21, 22, 23, 24, 25]);
  assertProblem(await one.ask("GET", "/notifications?after=x"), 422);
  const read = encodeURIComponent(JSON.stringify({ where: { isRead: true } }));
  assert.deepEqual((await one.ask("GET", `/notifications?filter=${read}`)).body.data, []);
});

test("changes_are_idempotent_and_the_counter_is_exact", async () => {
  const one = await somebody(10);
  const steps = [
    ["PATCH", `/notifications/${one.ids[0]}/read`, undefined, 9], ["PATCH", `/notifications/${one.ids[0]}/unread`, undefined, 10],
    ["POST", "/notifications/read", { ids: [one.ids[0], one.ids[1]] }, 8], ["POST", "/notifications/read", { upToSeq: 5 }, 5],
    ["PATCH", `/notifications/${one.ids[5]}/archive`, undefined, 4], ["PATCH", `/notifications/${one.ids[0]}/archive`, undefined, 4],
    ["POST", "/notifications/seen", { upToSeq: 10 }, 4], ["DELETE", `/notifications/${one.ids[6]}`, undefined, 3],
    ["POST", "/notifications/unread", { ids: [one.ids[2]] }, 4], ["POST", "/notifications/archive", { ids: [one.ids[9]] }, 3],
  ];
  for (const [method, path, body, left] of steps) {
    for (let again = 0; again < 2; again++) {
      const answer = await one.ask(method, path, body);
      if (method === "DELETE" && again) assertProblem(answer, 404);
      else assert.equal(answer.status, 200, `${path}: ${answer.text}`);
      assert.equal((await unread(one)).count, left, `${method} ${path}`);
    }
  }
  await assertCountersExact(one.id);
  assert.ok((await rowsOf(one.id)).every((row) => row.seen_at));
});

test("bad_bodies_are_refused_with_every_reason", async () => {
  const one = await somebody(1);
  for (const body of [{}, { ids: ["1"], upToSeq: 1 }, { ids: [] }, { ids: [1] }, { ids: ["x"] }, { upToSeq: -1 }, { upToSeq: "1" }, { upToSeq: 1.5 }, { id: "1" }, []])
    assertProblem(await one.ask("POST", "/notifications/read", body), 422);
  assertProblem(await one.ask("POST", "/notifications/read", "{"), 400);
  assertProblem(await one.ask("PATCH", "/notifications/x/read"), 404);
});

test("a_hundred_changes_at_once_leave_the_counter_exact", async () => {
  const one = await somebody(20);
  const verbs = ["read", "unread", "archive", "seen"];
  const more = Array.from({ length: 30 }, () => ({ key: one.id, value: JSON.stringify(event({ recipientIds: [one.id] })) }));
  const answers = await Promise.all([
    ...Array.from({ length: 100 }, (_, i) => one.ask("PATCH", `/notifications/${one.ids[i % 20]}/${verbs[i % 4]}`)), ...more.map((m) => out.send(m)),
  ]);
  assert.deepEqual([...new Set(answers.slice(0, 100).map(({ status }) => status))], [200]);
  await rowsWhen(one.id, 50);
  await assertCountersExact(one.id);
});

test("other_tabs_follow", () =>
  withEars(async (open) => {
    const one = await somebody(4);
    const ear = await open([`signal/notification/${one.id}`], { url: stack.env.SIGNAL_WS_URL, headers: bearer(one.token) });
    await one.ask("PATCH", `/notifications/${one.ids[0]}/read`);
    await one.ask("PATCH", `/notifications/${one.ids[0]}/read`); // nothing changes: no frame
    await one.ask("POST", "/notifications/read", { upToSeq: 3 });
    await one.ask("PATCH", `/notifications/${one.ids[1]}/unread`);
    await one.ask("PATCH", `/notifications/${one.ids[3]}/archive`);
    await ear.count(4);
    const frame = (data) => JSON.stringify({ event: UPDATED, data });
    assert.deepEqual(ear.frames, [
      frame({ ids: [one.ids[0]], isRead: true, unreadCount: 3, seq: 4 }), frame({ upToSeq: 3, isRead: true, unreadCount: 1, seq: 4 }),
      frame({ ids: [one.ids[1]], isRead: false, unreadCount: 2, seq: 4 }), frame({ ids: [one.ids[3]], isRead: null, unreadCount: 1, seq: 4 }),
    ]);
  }));

test("nobody_observes_the_notifications_of_another", async () => {
  const [me, you] = [person(), person()];
  for (const room of [`signal/notification/${you}`, "signal/notification/"]) {
    const answer = await webSocket([room], { url: stack.env.SIGNAL_WS_URL, headers: bearer(tokenOf(me, ["OWNER"])) });
    assert.ok([400, 403, 404].includes(answer.status), `${room}: ${answer.status}`);
  }
});

test("what_has_expired_goes_and_the_counter_with_it", async () => {
  const one = await somebody(3);
  await one.ask("PATCH", `/notifications/${one.ids[0]}/read`);
  await sql('UPDATE signal."ActivityNotification" SET expires_at = now() - interval \'1 s\' WHERE id = ANY($1)', [one.ids.slice(0, 2)]);
  await sql("SELECT 1");
  const { until } = await import("../http/lib/wait.mjs");
  await until("two are gone", async () => (await rowsOf(one.id)).length === 1, 30_000);
  assert.equal((await unread(one)).count, 1);
});
