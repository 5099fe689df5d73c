// The same submit from a plain HTML form.
import assert from "node:assert/strict";
import { after, test } from "node:test";

import { assertAccepted, assertInvalid, assertProblem, inquiry, post, submitForm, unique, unknownKey, wrongType } from "./lib/api.mjs";
import { close, inquiriesOf, inquiryRow, subscriberRow } from "./lib/db.mjs";

after(close);

const base = () => new URLSearchParams(inquiry()).toString();
const stored = async (answer) => inquiryRow(assertAccepted(answer).id);

test("a_form_is_stored_like_json", async () => {
  const form = new URLSearchParams(inquiry({ type: "200_SALES", lastName: "Lôvelace & Söhne", subject: "a=b;c", message: "50% +\r\n😀" }));
  const row = await stored(await submitForm(form));
  assert.deepEqual([row.type, row.last_name, row.subject, row.message], ["200_SALES", "Lôvelace & Söhne", "a=b;c", "50% +\r\n😀"]);
});

test("plus_is_a_blank_and_percent_2B_a_plus", async () => {
  assert.equal((await stored(await submitForm(`${base()}&subject=a+b%2Bc%20d`))).subject, "a b+c d");
});

test("empty_values_and_empty_pairs_are_left_out", async () => {
  const row = await stored(await submitForm(`&&${base()}&lastName=&phone&&type=&`));
  assert.deepEqual([row.last_name, row.phone, row.type], [null, null, "100_GENERAL"]);
  assertInvalid(await submitForm("firstName=&email=a%40b.co&message="), ["firstName", "message"].map((name) => wrongType(name, "string", "undefined")));
  assertInvalid(await submitForm(""), ["firstName", "email", "message"].map((name) => wrongType(name, "string", "undefined")));
});

test("names_may_be_escaped", async () => {
  assert.equal((await stored(await submitForm(`${base()}&sub%6Aect=x`))).subject, "x");
});

test("a_field_sent_twice_is_refused", async () => {
  for (const twice of ["firstName=Eve", "subject=a&subject=b", "subject=a&subject=a", "subject=a&%73ubject=b"])
    assertProblem(await submitForm(`${base()}&${twice}`), 422);
});

test("unknown_and_closed_fields_are_refused", async () => {
  for (const name of ["x", "status", "id", "metadata.a", "firstName[]", "__proto__"])
    assertInvalid(await submitForm(`${base()}&${encodeURIComponent(name)}=1`), [unknownKey(name)]);
  assertInvalid(await submitForm(`${base()}&metadata=%7B%7D`), [wrongType("metadata", "object", "string")]);
});

const BROKEN = [
  "%", "%4", "%zz", "%4z", "a%", "%%41", "%00", "a%00b", "%ff", "%C0%AF", "%ED%A0%80", "%E2%82", "%F4%90%80%80", "%u0041",
];
test("a_broken_escape_or_encoding_is_refused", async (t) => {
  for (const value of BROKEN) {
    await t.test(value, async () => {
      const email = `${unique("form")}@example.com`;
      const form = new URLSearchParams(inquiry({ email }));
      assertProblem(await submitForm(`${form}&subject=${value}`), 400, "Malformed Body Payload");
      assertProblem(await submitForm(`${form}&${value}=x`), 400, "Malformed Body Payload");
      assert.deepEqual(await inquiriesOf(email), []);
    });
  }
  assertProblem(await submitForm(Buffer.from(`${base()}&subject=\xff`, "latin1")), 400, "Malformed Body Payload");
  assertProblem(await submitForm(`${base()}&subject=a\0b`), 400, "Malformed Body Payload");
});

test("raw_utf8_in_a_form_is_text", async () => {
  assert.equal((await stored(await submitForm(`${base()}&subject=é😀`))).subject, "é😀");
});

test("a_form_of_many_pairs_is_bounded", async () => {
  assertProblem(await submitForm(`${base()}${"&".repeat(300)}`), 400);
  assertProblem(await submitForm(`${base()}${"&a=1".repeat(20_000)}`), 400);
});

test("topics_of_a_subscription_are_a_list", async () => {
  const email = `${unique("topics")}@example.com`;
  const form = `email=${encodeURIComponent(email)}&topics=a&topics=b%2Cc&topics=&source=footer`;
  const answer = await post("/subscribers/subscribe", form, { type: "application/x-www-form-urlencoded" });
  assert.equal(answer.status, 200, answer.text);
  const row = await subscriberRow(email);
  assert.deepEqual(row.topics, ["a", "b,c"]);
  assert.equal(row.source, "footer");
});
