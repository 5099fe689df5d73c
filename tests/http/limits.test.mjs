// Every field of a submit: its limits, types, defaults and what becomes of it in the database.
import assert from "node:assert/strict";
import { after, test } from "node:test";

import { assertAccepted, assertInvalid, inquiry, submit, tooBig, tooSmall, unique, unknownKey, wrongType } from "./lib/api.mjs";
import { close, inquiriesOf, inquiryRow } from "./lib/db.mjs";

after(close);

const TEXTS = [
  { name: "firstName", column: "first_name", min: 1, max: 100, required: true },
  { name: "lastName", column: "last_name", min: 0, max: 100 },
  { name: "phone", column: "phone", min: 0, max: 32 },
  { name: "businessName", column: "business_name", min: 0, max: 200 },
  { name: "subject", column: "subject", min: 0, max: 200 },
  { name: "message", column: "message", min: 1, max: 5000, required: true },
  { name: "locale", column: "locale", min: 0, max: 16 },
  { name: "pageUrl", column: "page_url", min: 0, max: 2048 },
  { name: "referrer", column: "referrer", min: 0, max: 2048 },
];
const ALPHABETS = [
  ["one byte", "a"],
  ["two bytes", "é"],
  ["three bytes", "ệ"],
  ["four bytes and two UTF-16 units", "😀"],
];
const stored = async (answer) => inquiryRow(assertAccepted(answer).id);

for (const { name, column, min, max, required } of TEXTS) {
  test(`${name}_takes_${min}_to_${max}_characters`, async (t) => {
    for (const [what, letter] of ALPHABETS) {
      await t.test(`of ${what}`, async () => {
        for (const count of new Set([1, max])) {
          const row = await stored(await submit(inquiry({ [name]: letter.repeat(count) })));
          assert.equal(row[column], letter.repeat(count));
        }
        const over = await submit(inquiry({ [name]: letter.repeat(max + 1) }));
        assertInvalid(over, [tooBig(name, "string", max, "characters")]);
      });
    }
    await t.test("a combining mark is a character", async () => {
      const row = await stored(await submit(inquiry({ [name]: "e\u0301".repeat(max / 2) })));
      assert.equal(row[column], "e\u0301".repeat(max / 2), "not normalised");
      const over = await submit(inquiry({ [name]: `${"e\u0301".repeat(max / 2)}e` }));
      assertInvalid(over, [tooBig(name, "string", max, "characters")]);
    });
    await t.test("outer white space goes and does not count", async () => {
      const white = " \t\n\r\u00a0\u2003\u3000\ufeff";
      const row = await stored(await submit(inquiry({ [name]: white + "x".repeat(max) + white })));
      assert.equal(row[column], "x".repeat(max));
      const blank = await submit(inquiry({ [name]: white }));
      if (min > 0) assertInvalid(blank, [tooSmall(name, "string", min, "characters")]);
      else assert.equal((await stored(blank))[column], "");
    });
    await t.test(required ? "it cannot be left out, empty or null" : "absent and null are NULL, empty is empty", async () => {
      const absent = inquiry();
      delete absent[name];
      const answers = [await submit(absent), await submit(inquiry({ [name]: null })), await submit(inquiry({ [name]: "" }))];
      if (required) {
        assertInvalid(answers[0], [wrongType(name, "string", "undefined")]);
        assertInvalid(answers[1], [wrongType(name, "string", "null")]);
        assertInvalid(answers[2], [tooSmall(name, "string", min, "characters")]);
        return;
      }
      const rows = await Promise.all(answers.map(stored));
      assert.deepEqual(rows.map((row) => row[column]), [null, null, ""]);
    });
  });
}

const NO_STRINGS = [[7, "number"], [7.5, "number"], [true, "boolean"], [{}, "object"], [["x"], "array"]];

test("a_text_must_be_a_string", async (t) => {
  for (const name of [...TEXTS.map((field) => field.name), "email", "type"]) {
    await t.test(name, async () => {
      for (const [value, received] of NO_STRINGS)
        assertInvalid(await submit(inquiry({ [name]: value })), [wrongType(name, "string", received)]);
    });
  }
});

test("type_is_one_of_its_names_and_general_by_default", async () => {
  const names = ["100_GENERAL", "200_SALES", "300_SUPPORT", "400_PARTNERSHIP", "900_OTHER"];
  for (const type of names) assert.equal(assertAccepted(await submit(inquiry({ type }))).type, type);
  const row = await stored(await submit(inquiry()));
  assert.equal(row.type, "100_GENERAL");
  assert.equal(row.status, "100_NEW");
  const wanted = names.map((name) => `"${name}"`).join("|");
  for (const type of ["", "100_general", "SALES", "200_SALES ", "500_X"]) {
    const text = `Invalid option: expected one of ${wanted}`;
    assertInvalid(await submit(inquiry({ type })), [["type", "invalid_value", text]]);
  }
  assertInvalid(await submit(inquiry({ type: null })), [wrongType("type", "string", "null")]);
});

const long = (count) => `a@${"b".repeat(63)}.${"c".repeat(63)}.${"d".repeat(63)}.${"e".repeat(count - 194)}`;
const EMAILS = [
  "a@b.co", "Ada.Lovelace+tag@Example.COM", "o'brien@example.com", "user_name@sub.sub.example.co.uk", "!#$%&'*+-/=?^_`{|}~@example.com",
  "a@xn--bcher-kva.example", "jürgen@bücher.example", "用户@例子.中国", `${"l".repeat(64)}@example.com`, long(254), "1@2.ab",
];
const NO_EMAILS = [
  "a@b", "aaa", "@example.com", "a@.com", "a@b..com", "a@b.com.", "a@@b.com", "a b@c.com", "a@b c.com", ".a@b.com", "a.@b.com",
  "a..b@c.com", "a@-b.com", "a@b-.com", "a@[127.0.0.1]", "a@127.0.0.1", "a@b.com,d@e.com", "<a@b.com>", "a@b.com\n.x",
  "\"a b\"@c.com", "a(x)@b.com", "a@b_c.com", `${"l".repeat(65)}@example.com`, `a@${"b".repeat(64)}.com`, "a@b.com\tx", "a\u200b @b.com", "a@b\u3000.com",
];

test("email_is_stored_as_given_when_it_is_an_address", async () => {
  for (const email of EMAILS) assert.equal((await stored(await submit(inquiry({ email })))).email, email);
  const email = `${unique("Mixed")}@Example.com`;
  assert.equal((await stored(await submit(inquiry({ email: `  ${email}\n` })))).email, email, "trimmed, its case kept");
});

test("email_that_is_no_address_is_refused", async (t) => {
  for (const email of NO_EMAILS) {
    await t.test(JSON.stringify(email), async () => {
      assertInvalid(await submit(inquiry({ email })), [["email", "invalid_format", "Invalid email address"]]);
    });
  }
  assertInvalid(await submit(inquiry({ email: "a@" })), [tooSmall("email", "string", 3, "characters")]);
  assertInvalid(await submit(inquiry({ email: long(255) })), [tooBig("email", "string", 254, "characters")]);
  assertInvalid(await submit(inquiry({ email: null })), [wrongType("email", "string", "null")]);
});

test("metadata_is_an_object_of_at_most_4_KiB_and_4_levels", async () => {
  const kept = [{}, { a: { b: { c: {} } } }, { a: { b: { c: [] } } }, { text: "\"\\/\n😀\u007f", n: [1, -0.5, 1e300, true, null] }, { "": 1, "a.b": 2 }];
  kept.push({ k: "x".repeat(4096 - 8) });
  for (const metadata of kept) assert.deepEqual((await stored(await submit(inquiry({ metadata })))).metadata, metadata);
  assert.equal((await stored(await submit(inquiry({ metadata: null })))).metadata, null);
  const spaced = JSON.stringify(inquiry()).replace(/}$/, `,"metadata":{${" ".repeat(5000)}}}`);
  assert.deepEqual((await stored(await submit(spaced))).metadata, {}, "white space does not count");

  assertInvalid(await submit(inquiry({ metadata: { k: "x".repeat(4096 - 7) } })), [tooBig("metadata", "object", 4096, "bytes")]);
  const deep = ["metadata", "too_big", "Too big: expected object to be <=4 levels deep"];
  for (const metadata of [{ a: { b: { c: { d: {} } } } }, { a: { b: { c: [[]] } } }])
    assertInvalid(await submit(inquiry({ metadata })), [deep]);
  for (const [value, received] of [["x", "string"], [1, "number"], [false, "boolean"], [[], "array"]])
    assertInvalid(await submit(inquiry({ metadata: value })), [wrongType("metadata", "object", received)]);
});

test("only_public_fields_are_taken", async (t) => {
  const closed = [
    "id", "createdAt", "modifiedAt", "createdBy", "modifiedBy", "status", "cancelReason", "spamScore", "spamReasons", "assigneeId", "handledAt",
    "completedAt", "deletedAt", "ipHash", "userAgent", "contentHash", "first_name", "FirstName", "x", "", "__proto__", "constructor", "naïve",
  ];
  for (const name of closed) {
    await t.test(name || "an empty name", async () => {
      const body = JSON.stringify(inquiry()).replace(/}$/, `,${JSON.stringify(name)}:null}`);
      assertInvalid(await submit(body), [unknownKey(name)]);
    });
  }
});

test("every_error_is_told_at_once_and_nothing_is_stored", async () => {
  const email = `${unique("all")}@example.com`;
  const body = { firstName: "", lastName: 1, email, phone: "1".repeat(33), message: null, type: "x", metadata: [], extra: 1, status: "100_NEW" };
  const answer = await submit({ ...body });
  const options = '"100_GENERAL"|"200_SALES"|"300_SUPPORT"|"400_PARTNERSHIP"|"900_OTHER"';
  assertInvalid(answer, [
    tooSmall("firstName", "string", 1, "characters"), wrongType("lastName", "string", "number"), tooBig("phone", "string", 32, "characters"),
    wrongType("message", "string", "null"), ["type", "invalid_value", `Invalid option: expected one of ${options}`],
    wrongType("metadata", "object", "array"), unknownKey("extra"), unknownKey("status"),
  ]);
  assert.deepEqual(await inquiriesOf(email), []);
  assertInvalid(await submit({}), ["firstName", "email", "message"].map((name) => wrongType(name, "string", "undefined")));
});

test("a_body_that_is_no_object_is_told_so", async () => {
  for (const [text, received] of [["[]", "array"], ['"x"', "string"], ["1", "number"], ["true", "boolean"], ["null", "null"]])
    assertInvalid(await submit(text), [wrongType("root", "object", received)]);
});
