// What cannot be taken is kept with its reasons, and never stops what comes behind it.
import assert from "node:assert/strict";
import { before, test } from "node:test";

import { assertProblem, unique } from "../http/lib/api.mjs";
import { until } from "../http/lib/wait.mjs";
import { call, consuming, event, person, producer, rowsOf, rowsWhen, sql, tokenOf } from "./lib/signal.mjs";

let out;
before(async () => {
  await consuming();
  out = await producer();
});

const day = 86_400_000;
const without = (name) => ({ ...event(), [name]: undefined });
const nested = (depth) => (depth === 0 ? 1 : { a: nested(depth - 1) });
const text = (value) => Buffer.from(typeof value === "string" ? value : JSON.stringify(value));
const odd = [undefined, null, 1, true, [], {}];

// [value, what the reason must name]
const CORPUS = [
  ...["", "{", "[1", "nul", "{\"a\":1,}", "{'a':1}", "NaN", "\"\\ud800\"", "{\"a\":1}{}", "\u0000"].map((one) => [text(one), one === "" ? /value|Malformed|object/ : /Malformed|Unexpected/]),
  ...["null", "[]", "1", "\"x\"", "true"].map((one) => [text(one), /root.*expected object/]),
  ...["eventType", "recipientScope", "actorId", "actor", "organizerId", "recipientIds", "data", "occurredAt"].map((name) => [text(without(name)), new RegExp(name)]),
  ...["eventType", "recipientScope", "actorId", "organizerId", "occurredAt"].flatMap((name) => odd.slice(1).map((value) => [text({ ...event(), [name]: value }), new RegExp(name)])),
  ...[null, 1, "x", []].flatMap((value) => [[text({ ...event(), actor: value }), /actor/], [text({ ...event(), data: value }), /data/]]),
  [text({ ...event(), actor: { id: "2" } }), /actor\.name.*actor\.type/],
  [text({ ...event(), actor: { id: 2, name: "", type: "User" } }), /actor\.id.*actor\.name/],
  [text({ ...event(), eventType: "PAYMENT_LOST" }), /Unknown event type: PAYMENT_LOST/],
  [text({ ...event(), recipientScope: "everybody" }), /recipientScope/],
  [text({ ...event(), recipientScope: "merchant" }), /merchantId/],
  [text({ ...event(), recipientIds: [] }), /recipientIds.*1 to 10000/],
  [text({ ...event(), recipientIds: ["1", 2, "a/b", "", ".."] }), /recipientIds\.1.*recipientIds\.2.*recipientIds\.3.*recipientIds\.4/],
  [text({ ...event(), recipientIds: "1" }), /recipientIds/],
  [text({ ...event(), recipientIds: Array.from({ length: 10_001 }, (_, i) => `u${i}`) }), /received 10001/],
  [text({ ...event(), occurredAt: "yesterday" }), /occurredAt/],
  [text({ ...event(), occurredAt: "2026-02-30T00:00:00Z" }), /occurredAt/],
  [text({ ...event(), occurredAt: new Date(Date.now() + 3 * day).toISOString() }), /occurredAt.*ahead/],
  [text({ ...event(), data: nested(40) }), /./],
  [text(JSON.stringify(event()).replace("Grace", "Gr\\u0000ce")), /./],
  [text(JSON.stringify(event()).replace('"actorId"', '"actorId":"1","actorId"')), /./],
  [Buffer.from(JSON.stringify(event()).replace("Grace", "Gr\xff\xfece"), "latin1"), /./],
  [text({ ...event(), data: { n: "9".repeat(5) }, x: undefined, organizerId: "x".repeat(300) }), /organizerId/],
  [Buffer.concat([text(event()), Buffer.alloc(900_000, 0x78)]), /./],
];

test("each_malformed_event_becomes_a_letter_with_a_reason_and_the_next_good_one_is_taken", async () => {
  assert.ok(CORPUS.length >= 60, `${CORPUS.length} cases`);
  const tag = unique("dead");
  const good = person();
  const key = unique("key");
  for (const [i, [value]] of CORPUS.entries()) {
    const id = `${tag}-${i}`;
    await out.send({ key, headers: { "event-id": id }, value }, { key, value: JSON.stringify(event({ recipientIds: [good] })) });
  }
  await rowsWhen(good, CORPUS.length, { ms: 60_000 });
  const letters = await sql('SELECT * FROM signal."DeadLetter" WHERE event_id = ANY($1)', [CORPUS.map((_, i) => Buffer.from(`${tag}-${i}`).toString("base64url"))]);
  for (const [i, [value, reason]] of CORPUS.entries()) {
    const letter = letters.find((one) => Buffer.from(one.event_id, "base64url").toString() === `${tag}-${i}`);
    assert.ok(letter, `case ${i} has no letter: ${value.subarray(0, 80)}`);
    assert.match(letter.reason, reason, `case ${i}`);
    assert.deepEqual(Buffer.from(letter.payload, "base64url"), value, `case ${i} is kept whole`);
  }
});

const letterOf = async (value) => {
  const id = unique("letter");
  await out.send({ key: "k", headers: { "event-id": id }, value });
  let row;
  await until("a letter", async () => ([row] = await sql('SELECT id FROM signal."DeadLetter" WHERE event_id = $1', [Buffer.from(id).toString("base64url")])).length === 1);
  return row.id;
};

test("a_replay_takes_it_once_whatever_is_asked_again", async () => {
  const one = person();
  const type = unique("TYPE");
  const id = await letterOf(JSON.stringify(event({ eventType: type, recipientIds: [one] })));
  assertProblem(await call("POST", `/dead-letters/${id}/replay`), 422);
  await sql('INSERT INTO signal."NotificationType" (type, locale, content) VALUES ($1, \'en\', \'Now known\')', [type]);
  let answer;
  await until("the new type is known", async () => (answer = await call("POST", `/dead-letters/${id}/replay`)).status === 200);
  assert.equal(answer.body.data.status, "200_REPLAYED");
  const answers = await Promise.all(Array.from({ length: 5 }, () => call("POST", `/dead-letters/${id}/replay`)));
  assert.deepEqual(answers.map(({ status }) => status), [200, 200, 200, 200, 200]);
  assert.deepEqual((await rowsOf(one)).map((row) => row.content), ["Now known"]);
  assertProblem(await call("POST", `/dead-letters/${id}/discard`), 409);
});

test("letters_are_listed_filtered_read_and_discarded", async () => {
  const value = `{"broken": "${unique("x")}"`;
  const id = await letterOf(value);
  const filter = encodeURIComponent(JSON.stringify({ where: { status: "100_NEW", id } }));
  const { body } = await call("GET", `/dead-letters?filter=${filter}`);
  assert.deepEqual(body.data.map((one) => [one.id, one.excerpt, one.attempts]), [[id, value, 1]]);
  assert.equal((await call("GET", `/dead-letters/${id}/payload`)).text, value);
  for (let again = 0; again < 2; again++) assert.equal((await call("POST", `/dead-letters/${id}/discard`)).body.data.status, "505_DISCARDED");
  assertProblem(await call("POST", `/dead-letters/${id}/replay`), 409);
  assertProblem(await call("POST", "/dead-letters/1/replay"), 404);
  for (const path of ["/dead-letters", `/dead-letters/${id}`, `/dead-letters/${id}/payload`]) assertProblem(await call("GET", path, { token: tokenOf("5") }), 403);
  assertProblem(await call("POST", `/dead-letters/${id}/replay`, { token: tokenOf("5") }), 403);
});
