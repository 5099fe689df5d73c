// Subscriptions: one answer whatever the address is to us, and what really happens behind it.
import assert from "node:assert/strict";
import { after, test } from "node:test";

import { assertInvalid, post, tooBig, tooSmall, unique, unknownKey, wrongType } from "./lib/api.mjs";
import { close, query, subscriberRow } from "./lib/db.mjs";

after(close);

const address = () => `${unique("sub")}@example.com`;
const subscribe = (body) => post("/subscribers/subscribe", JSON.stringify(body));
const setStatus = (email, status) => query(`UPDATE outreach."Subscriber" SET status = $2 WHERE email = $1`, [email, status]);

// What of an answer may not depend on the address.
const shape = ({ status, text, headers }) => {
  const seen = Object.fromEntries(headers);
  delete seen.date;
  delete seen["x-request-id"];
  return { status, text, headers: seen };
};
const accepted = (answer) => {
  assert.equal(answer.status, 200, answer.text);
  assert.equal(answer.text, '{"count":1,"data":{"status":"accepted"}}');
};

test("a_new_address_is_subscribed", async () => {
  const email = `${unique("New")}@Example.COM`;
  accepted(await subscribe({ email, firstName: "Ada", locale: "vi-VN", topics: ["news", "a,b", '"q"\\', "é😀"], source: "footer", consentVersion: "v1" }));
  const row = await subscriberRow(email);
  assert.equal(row.email, email, "its case is kept");
  assert.deepEqual([row.first_name, row.locale, row.source, row.consent_version], ["Ada", "vi-VN", "footer", "v1"]);
  assert.deepEqual(row.topics, ["news", "a,b", '"q"\\', "é😀"]);
  assert.equal(row.status, "201_ACTIVATED");
  assert.ok(row.subscribed_at && row.consented_at);
  assert.match(row.unsubscribe_token, /^[1-9][0-9]{16,18}$/);
  assert.notEqual(row.unsubscribe_token, row.id);
});

test("only_the_address_is_needed", async () => {
  const email = address();
  accepted(await subscribe({ email }));
  const row = await subscriberRow(email);
  assert.deepEqual([row.first_name, row.locale, row.source, row.consent_version, row.topics], [null, null, null, null, []]);
});

test("the_answer_is_the_same_for_every_state_of_an_address", async () => {
  const email = address();
  const answers = [await subscribe({ email }), await subscribe({ email })];
  for (const status of ["103_PENDING", "401_DEACTIVATED", "403_BLOCKED", "405_ARCHIVED"]) {
    await setStatus(email, status);
    answers.push(await subscribe({ email }));
  }
  answers.forEach(accepted);
  for (const answer of answers) assert.deepEqual(shape(answer), shape(answers[0]));
});

test("a_known_address_keeps_its_row_in_any_case_of_letters", async () => {
  const email = address();
  accepted(await subscribe({ email, firstName: "First", topics: ["a"] }));
  const before = await subscriberRow(email);
  accepted(await subscribe({ email: email.toUpperCase(), firstName: "Second", topics: ["b"], source: "x" }));
  assert.deepEqual(await subscriberRow(email), before);
});

test("a_deactivated_address_is_reactivated_with_a_fresh_token", async () => {
  const email = address();
  accepted(await subscribe({ email, consentVersion: "v1" }));
  const { unsubscribe_token: old } = await subscriberRow(email);
  accepted(await post("/subscribers/unsubscribe", JSON.stringify({ token: old, reason: "too many" })));
  assert.equal((await subscriberRow(email)).status, "401_DEACTIVATED");
  accepted(await subscribe({ email, consentVersion: "v2" }));
  const row = await subscriberRow(email);
  assert.deepEqual([row.status, row.unsubscribed_at, row.unsubscribe_reason, row.consent_version], ["201_ACTIVATED", null, null, "v2"]);
  assert.notEqual(row.unsubscribe_token, old);
  accepted(await post("/subscribers/unsubscribe", JSON.stringify({ token: old })));
  assert.equal((await subscriberRow(email)).status, "201_ACTIVATED", "the old token is dead");
});

test("a_blocked_address_stays_as_it_is", async () => {
  for (const status of ["403_BLOCKED", "405_ARCHIVED"]) {
    const email = address();
    accepted(await subscribe({ email }));
    await setStatus(email, status);
    const before = await subscriberRow(email);
    accepted(await subscribe({ email, firstName: "Eve" }));
    assert.deepEqual(await subscriberRow(email), before);
  }
});

test("one_address_subscribed_20_times_at_once_is_one_row", async () => {
  const email = address();
  const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => subscribe({ email: i % 2 ? email : email.toUpperCase() })));
  answers.forEach(accepted);
  const rows = await query('SELECT count(*) FROM outreach."Subscriber" WHERE lower(email) = lower($1)', [email]);
  assert.equal(rows[0].count, "1");
});

const TEXTS = [["firstName", 100], ["locale", 16], ["source", 64], ["consentVersion", 64]];
test("fields_have_limits_and_types", async () => {
  for (const [name, max] of TEXTS) {
    accepted(await subscribe({ email: address(), [name]: "😀".repeat(max) }));
    accepted(await subscribe({ email: address(), [name]: null }));
    assertInvalid(await subscribe({ email: address(), [name]: "x".repeat(max + 1) }), [tooBig(name, "string", max, "characters")]);
    assertInvalid(await subscribe({ email: address(), [name]: 1 }), [wrongType(name, "string", "number")]);
  }
  assertInvalid(await subscribe({}), [wrongType("email", "string", "undefined")]);
  assertInvalid(await subscribe({ email: "x@y" }), [["email", "invalid_format", "Invalid email address"]]);
  for (const name of ["status", "unsubscribeToken", "id", "message", "confirmedAt"]) assertInvalid(await subscribe({ email: address(), [name]: "1" }), [unknownKey(name)]);
});

test("topics_are_at_most_20_of_64_characters", async () => {
  const email = address();
  const most = Array.from({ length: 20 }, (_, i) => `${i}`.padEnd(64, "é"));
  accepted(await subscribe({ email, topics: most }));
  assert.deepEqual((await subscriberRow(email)).topics, most);
  assertInvalid(await subscribe({ email, topics: [...most, "x"] }), [tooBig("topics", "array", 20, "items")]);
  assertInvalid(await subscribe({ email, topics: ["x".repeat(65), "", "ok", 7, null, "  "] }), [
    tooBig("topics.0", "string", 64, "characters"), tooSmall("topics.1", "string", 1, "characters"), wrongType("topics.3", "string", "number"),
    wrongType("topics.4", "string", "null"), tooSmall("topics.5", "string", 1, "characters"),
  ]);
  for (const [topics, received] of [["a", "string"], [null, "null"], [{}, "object"], [1, "number"]])
    assertInvalid(await subscribe({ email, topics }), [wrongType("topics", "array", received)]);
});
