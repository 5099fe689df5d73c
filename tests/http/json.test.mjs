// JSON is RFC 8259 and nothing more: what others forgive is refused with 400 or 422, never 5xx, never stored.
import assert from "node:assert/strict";
import { after, test } from "node:test";

import { assertAccepted, assertProblem, inquiry, submit, unique } from "./lib/api.mjs";
import { close, inquiriesOf } from "./lib/db.mjs";

after(close);

const nested = (depth, open = "[", close = "]") => open.repeat(depth) + close.repeat(depth);
const latin = (text) => Buffer.from(text, "latin1");

// A value, alone as the body and as a member of `metadata` in an otherwise good body.
const MALFORMED = {
  "trailing comma in an array": "[1,]", "trailing comma in an object": '{"a":1,}', "leading comma": "[,1]", "double comma": "[1,,2]",
  "no comma": "[1 2]", "no colon": '{"a" 1}', "two colons": '{"a"::1}', "no value": '{"a":}', "no name": "{:1}", "a number as a name": "{1:1}",
  "a bare name": "{a:1}", "single quotes": "{'a':1}", "a bare word": "abc",
  "NaN": "NaN", "Infinity": "Infinity", "-Infinity": "-Infinity", "nan": "nan", "True": "True", "NULL": "NULL", "tru": "tru", "nulll": "nulll",
  "a line comment": "1 // x", "a block comment": "/* x */ 1", "a hash comment": "1 # x",
  "leading zero": "01", "-01": "-01", "a leading plus": "+1", "2.": "2.", ".5": ".5", "-.5": "-.5", "2.e3": "2.e3", "1e": "1e", "1e+": "1e+", "0x1F": "0x1F",
  "1_000": "1_000", "minus only": "-", "--1": "--1", "1.2.3": "1.2.3", "full-width digit": "１",
  "a raw newline in a string": '"a\nb"', "a raw tab": '"a\tb"', "a raw NUL": '"a\u0000b"', "\\x": '"\\x41"', "\\a": '"\\a"', "\\'": "\"\\'\"", "\\0": '"\\0"',
  "\\u12": '"\\u12"', "\\u12G4": '"\\u12G4"', "\\U0041": '"\\U0041"', "an open escape": '"\\', "an open string": '"abc', "a lone quote": '"',
  "a lone high surrogate": '"\\ud800"', "a lone low surrogate": '"\\udc00"', "a reversed pair": '"\\udc00\\ud800"', "two high surrogates": '"\\ud800\\ud800"',
  "a high surrogate and text": '"\\ud83dx"',
  "an open array": "[1", "an open object": '{"a":1', "an array closed as an object": "[1}", "an object closed as an array": '{"a":1]', "closed twice": "[1]]",
  "a comma behind": "1,", "two values": "1 2", "text behind": "{}x", "a NUL behind": "{}\u0000", "a form feed": "\f1", "a vertical tab": "[\v1]",
  "a no-break space": "[\u00a01]", "a byte order mark": "\ufeff1", "depth 100000": "[".repeat(50_000), "100 levels open": nested(100, '{"a":', "}"),
  "invalid UTF-8": latin('"\xff"'), "an overlong slash": latin('"\xc0\xaf"'), "an overlong NUL": latin('"\xc0\x80"'), "an overlong three": latin('"\xe0\x80\xaf"'),
  "a CESU surrogate": latin('"\xed\xa0\x80"'), "beyond U+10FFFF": latin('"\xf4\x90\x80\x80"'), "five bytes": latin('"\xf8\x88\x80\x80\x80"'),
  "a cut sequence": latin('"\xe2\x82"'), "a lone continuation": latin('"\x80"'), "invalid UTF-8 in a name": latin('{"\xff":1}'), "UTF-8 outside a string": latin("\xc3\xa9"),
};
// Well-formed, and refused all the same.
const UNWANTED = {
  "\\u0000": '"a\\u0000b"', "\\u0000 in a name": '{"a\\u0000":1}', "the same member twice": '{"a":1,"a":1}', "the same member, escaped": '{"a":1,"\\u0061":2}',
  "twice and nested": '{"x":[{"a":1,"b":2,"a":3}]}', "1e400": "1e400", "-1e400": "-1e400", "a 400-digit integer": "9".repeat(400),
  "2^63": "9223372036854775808", "-2^63-1": "-9223372036854775809", "2^64": "18446744073709551616", "digits without end": `1.${"1".repeat(600)}`,
};
const GOOD = [
  "0", "-0", "1", "-1.5e-3", "1E5", "1e308", "9223372036854775807", "-9223372036854775808", '""', '"\\u00e9\\ud83d\\ude00\\/\\b\\f\\n\\r\\t\\\\\\""', '"\x7f"',
  "[]", "{}", "[ 1 , 2 ]", '{ "a" :\t1 ,\r\n"b" : [ true , false , null ] }', '{"":{"":[]}}', '["\u2028"]',
];

const embedded = (value) => {
  const email = `${unique("json")}@example.com`;
  const [head, tail] = JSON.stringify(inquiry({ email, metadata: { x: 0 } })).split('"x":0');
  return { email, body: Buffer.concat([Buffer.from(`${head}"x":`), Buffer.from(value), Buffer.from(tail)]) };
};

for (const [status, table] of [[400, MALFORMED], [422, UNWANTED]]) {
  for (const [name, value] of Object.entries(table)) {
    test(`json_is_refused_with_${status}: ${name}`, async () => {
      assertProblem(await submit(Buffer.from(value)), status);
      const { email, body } = embedded(value);
      const answer = await submit(body);
      assertProblem(answer, status, status === 400 ? "Malformed Body Payload" : "ValidationError");
      assert.deepEqual(await inquiriesOf(email), []);
    });
  }
}

test("json_that_is_well_formed_is_taken", async () => {
  for (const value of GOOD) {
    assertAccepted(await submit(embedded(value).body));
    assertProblem(await submit(value), 422);
  }
});

test("json_takes_outer_white_space_and_escaped_names", async () => {
  assertAccepted(await submit(` \r\n\t${JSON.stringify(inquiry())} \n`));
  assertAccepted(await submit(JSON.stringify(inquiry()).replace('"firstName"', '"first\\u004eame"')));
});

test("json_of_17_levels_is_refused_and_of_16_is_read", async () => {
  // 16 levels are read, and then are too deep for metadata: the reason tells the two apart.
  const levels = (depth) => submit(embedded(nested(depth - 2)).body);
  const cause = async (depth) => assertProblem(await levels(depth), 422).details.cause[0];
  assert.equal((await cause(16)).path, "metadata");
  const { path, message } = await cause(17);
  assert.equal(path, "root");
  assert.match(message, /^Nested too deeply at byte \d+$/);
});

test("json_cut_at_any_byte_is_refused", async () => {
  const whole = Buffer.from(JSON.stringify({ firstName: "é😀", email: "cut@example.com", message: 'a\\"b\u0007', metadata: { a: [1.5e3, true, null] } }));
  for (let length = 1; length < whole.length; length++) assertProblem(await submit(whole.subarray(0, length)), 400, "Malformed Body Payload");
});

test("json_with_any_one_byte_changed_is_never_an_internal_error", async () => {
  const whole = Buffer.from(JSON.stringify({ firstName: "é", email: "byte@example.com", message: "a\\b", metadata: { a: [1.5, true] } }));
  for (let at = 0; at < whole.length; at++) {
    for (const byte of [0x00, 0x22, 0x2c, 0x5c, 0x7d, 0x80, 0xff]) {
      const body = Buffer.from(whole);
      body[at] = byte;
      const { status } = await submit(body);
      assert.ok([201, 400, 422].includes(status), `${status} for ${body.toString("latin1")}`);
    }
  }
});
