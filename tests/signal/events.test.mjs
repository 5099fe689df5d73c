// From Kafka to rows and frames.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { before, test } from "node:test";

import { unique } from "../http/lib/api.mjs";
import { bearer, withEars } from "../http/lib/rooms.mjs";
import { stack } from "../http/lib/stack.mjs";
import { until } from "../http/lib/wait.mjs";
import { assertCountersExact, call, consuming, CREATED, event, person, producer, rowsOf, rowsWhen, sql, TOPIC, tokenOf } from "./lib/signal.mjs";

let out;
before(async () => {
  await consuming();
  out = await producer();
});

const member = async (userId, organizerId, more = {}) => ({ userId, organizerId, role: "EMPLOYEE", ...more });
const put = async (...rows) => {
  const answer = await call("PUT", "/memberships", { body: await Promise.all(rows) });
  assert.equal(answer.status, 200, answer.text);
};
// Whoever got it, by what it was about.
const toldOf = async ({ data }) => {
  const rows = await sql(`SELECT recipient_id FROM signal."ActivityNotification" WHERE data->'payment'->>'subject' = $1 ORDER BY 1`, [data.payment.subject]);
  return rows.map((row) => row.recipient_id);
};
// Events of one key are taken in order: once the mark is there, the others are.
const settled = async (...events) => {
  const mark = event({ organizerId: events[0].organizerId });
  await out.send(...events.map((e) => ({ key: mark.organizerId, value: JSON.stringify(e) })), { key: mark.organizerId, value: JSON.stringify(mark) });
  await rowsWhen(mark.recipientIds[0], 1);
};

test("an_event_becomes_a_row_and_a_frame_for_each_recipient", () =>
  withEars(async (open) => {
    const [a, b] = [person(), person()];
    const ear = await open([`signal/notification/${a}`], { url: stack.env.SIGNAL_WS_URL, headers: bearer(tokenOf(a)) });
    const sent = event({ recipientIds: [a, b, a] });
    await out.send(sent);
    const [row] = await rowsWhen(a, 1);
    await rowsWhen(b, 1);
    await ear.count(1);
    const text = JSON.stringify({
      event: CREATED,
      data: {
        id: row.id, type: "PAYMENT_SUCCESS", organizerId: sent.organizerId, content: `Payment received: ${sent.data.payment.subject}`, actionUrl: "/payments/1001",
        data: sent.data, isRead: false, createdAt: row.created_at.toISOString(),
      },
    });
    assert.deepEqual(ear.frames, [text]);
    assert.equal(row.seq, 1);
  }));

test("scopes_tell_whom_they_should", async () => {
  const [org, merchant, other] = [unique("org"), unique("m"), unique("m")];
  const [boss, clerk, away, elsewhere, gone] = [person(), person(), person(), person(), person()];
  await put(
    member(boss, org, { role: "900_OWNER" }), member(clerk, org, { merchantId: merchant }), member(away, org, { merchantId: merchant, status: "401_DEACTIVATED" }),
    member(elsewhere, org, { merchantId: other, role: "OWNER" }), member(gone, unique("org")));
  const toOrg = event({ organizerId: org, recipientScope: "org", recipientIds: undefined });
  const toMerchant = event({ organizerId: org, recipientScope: "merchant", merchantId: merchant, recipientIds: undefined });
  const toNobody = event({ organizerId: unique("org"), recipientScope: "org", recipientIds: undefined });
  await settled(toOrg, toMerchant, toNobody);
  assert.deepEqual(await toldOf(toOrg), [boss, clerk, elsewhere].sort());
  assert.deepEqual(await toldOf(toMerchant), [boss, clerk].sort());
  assert.deepEqual(await toldOf(toNobody), []);
});

test("texts_speak_the_language_of_the_recipient", async () => {
  const org = unique("org");
  const [de, at, fr] = [person(), person(), person()];
  await put(member(de, org, { locale: "de" }), member(at, org, { locale: "de-AT" }), member(fr, org, { locale: "fr" }));
  const sent = event({ organizerId: org, recipientScope: "org", data: { payment: { id: "a/b ?", subject: "Ä" } } });
  await settled(sent);
  assert.deepEqual((await Promise.all([de, at, fr].map((one) => rowsOf(one)))).map(([row]) => row.content), ["Zahlung eingegangen: Ä", "Zahlung eingegangen: Ä", "Payment received: Ä"]);
  assert.equal((await rowsOf(de))[0].action_url, "/payments/a%2Fb%20%3F");
  const bare = event({ organizerId: org, recipientScope: "org", data: {} });
  await settled(bare);
  assert.equal((await rowsOf(fr))[1].content, "Payment received: ");
});

test("the_same_event_again_makes_no_second_row_and_is_pushed_again_with_its_id", () =>
  withEars(async (open) => {
    const one = person();
    const ear = await open([`signal/notification/${one}`], { url: stack.env.SIGNAL_WS_URL, headers: bearer(tokenOf(one)) });
    const sent = event({ recipientIds: [one] });
    for (let i = 1; i <= 3; i++) {
      await out.send(sent);
      await ear.count(i);
    }
    assert.equal(new Set(ear.frames).size, 1);
    await settled(sent);
    assert.equal((await rowsOf(one)).length, 1);
    await assertCountersExact(one);
  }));

test("an_event_id_names_the_event_whatever_its_bytes", async () => {
  const one = person();
  const id = unique("event");
  for (const subject of ["first", "second"])
    await out.send({ key: "k", headers: { "event-id": id }, value: JSON.stringify(event({ recipientIds: [one], data: { payment: { subject } } })) });
  await out.send({ key: "k", headers: { "event-id": unique("event") }, value: JSON.stringify(event({ recipientIds: [one], data: { payment: { subject: "third" } } })) });
  const rows = await rowsWhen(one, 2);
  assert.deepEqual(rows.map((row) => row.data.payment.subject), ["first", "third"]);
});

test("kcat_and_compressed_batches_are_understood", async () => {
  const one = person();
  const sent = event({ recipientIds: [one] });
  await new Promise((done, failed) => {
    const kcat = execFile("kcat", ["-P", "-b", stack.env.KAFKA_BROKERS, "-t", TOPIC, "-k", "7"], (error) => (error ? failed(error) : done()));
    kcat.stdin.end(JSON.stringify(sent));
  });
  await rowsWhen(one, 1);
  const many = Array.from({ length: 50 }, () => event({ recipientIds: [one] }));
  const raw = out.kafka.producer();
  await raw.connect();
  await raw.send({ topic: TOPIC, compression: 1, messages: many.map((e) => ({ key: "7", value: JSON.stringify(e) })) });
  await raw.disconnect();
  const rows = await rowsWhen(one, 51);
  assert.deepEqual(rows.map((row) => row.seq), Array.from({ length: 51 }, (_, i) => i + 1));
  assert.deepEqual(rows.slice(1).map((row) => row.data.payment.subject), many.map((e) => e.data.payment.subject));
});

test("an_event_for_ten_thousand_is_taken", async () => {
  const tag = unique("many");
  await out.send(event({ recipientIds: Array.from({ length: 10_000 }, (_, i) => `${tag}-${i}`) }));
  await until("ten thousand rows", async () => (await sql('SELECT count(*)::int AS n FROM signal."ActivityNotification" WHERE recipient_id LIKE $1', [`${tag}-%`]))[0].n === 10_000, 30_000);
  await assertCountersExact(`${tag}-%`);
});
