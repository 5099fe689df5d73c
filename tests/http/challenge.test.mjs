// Proof of work and form stamps, seen by the library that others check with.
import assert from "node:assert/strict";
import { after, test } from "node:test";

import { createChallenge, extractParams, solveChallenge, verifySolution } from "altcha-lib/v1";

import { assertAccepted, assertInvalid, assertProblem, call, inquiry, post, submit, submitForm, tooBig, unique, unknownKey } from "./lib/api.mjs";
import { close, inquiryRow, subscriberRow } from "./lib/db.mjs";
import { payloadOf, solved } from "./lib/gate.mjs";
import { hmac } from "./lib/links.mjs";
import { stack } from "./lib/stack.mjs";

after(close);

const keyOf = (purpose) => hmac(stack.secret, purpose);
const hmacKey = keyOf("challenge").toString("hex");
const challenge = async () => (await call("GET", "/challenge")).body;

test("the_official_library_solves_a_challenge_and_finds_its_signature_right", async () => {
  const one = await challenge();
  assert.deepEqual(Object.keys(one), ["algorithm", "challenge", "maxnumber", "salt", "signature"]);
  assert.equal(one.algorithm, "SHA-256");
  assert.equal(one.maxnumber, 50_000);
  const { number } = await solveChallenge(one.challenge, one.salt, one.algorithm, one.maxnumber).promise;
  assert.ok(number >= 0 && number <= one.maxnumber);
  assert.equal(await verifySolution(payloadOf(one, number), hmacKey), true);
  assert.equal(await verifySolution(payloadOf(one, number + 1), hmacKey), false);
  assert.equal(await verifySolution(payloadOf(one, number), keyOf("form stamp").toString("hex")), false, "each purpose has a key of its own");
  const again = await createChallenge({ hmacKey, salt: one.salt, number, maxnumber: one.maxnumber });
  assert.deepEqual(again, one, "what the library makes of the same salt and number");
});

test("a_challenge_says_until_when_and_no_two_are_the_same", async () => {
  const all = await Promise.all(Array.from({ length: 50 }, challenge));
  for (const one of all) {
    assert.match(one.salt, /^[0-9a-f]{24}\?expires=\d+&$/);
    const left = Number(extractParams(one).expires) - Date.now() / 1000;
    assert.ok(left > 590 && left <= 600, `${left} s`);
  }
  assert.equal(new Set(all.map(({ salt }) => salt)).size, all.length);
  assert.equal(new Set(all.map((one) => one.challenge)).size, all.length);
});

test("neither_is_kept_by_caches", async () => {
  for (const path of ["/challenge", "/form-stamp"]) {
    const answer = await call("GET", path);
    assert.equal(answer.status, 200);
    assert.equal(answer.headers.get("content-type"), "application/json");
    assert.equal(answer.headers.get("cache-control"), "no-store");
    assert.equal(answer.headers.get("etag"), null);
    assertProblem(await call("POST", path), 405);
  }
});

test("pages_of_other_origins_get_them_where_they_may", async () => {
  for (const path of ["/challenge", "/form-stamp"]) {
    const allowed = async (origin) => (await call("GET", path, { headers: { Origin: origin } })).headers.get("access-control-allow-origin");
    assert.equal(await allowed("https://www.example.com"), "https://www.example.com");
    assert.equal(await allowed("https://evil.example"), null);
  }
});

test("a_stamp_is_the_time_signed_with_a_key_of_its_own", async () => {
  const { data } = (await call("GET", "/form-stamp")).body;
  const [ms, signature] = data.stamp.split(".");
  assert.ok(Math.abs(Number(ms) - Date.now()) < 5000);
  assert.equal(signature, hmac(keyOf("form stamp"), ms).subarray(0, 10).toString("base64url"));
});

const door = async () => ({ website: "", formStamp: (await call("GET", "/form-stamp")).body.data.stamp, altcha: await solved() });

test("what_is_for_the_door_is_taken_from_json_and_forms_and_not_stored", async () => {
  for (const send of [submit, (body) => submitForm(new URLSearchParams(body))]) {
    const fields = await door();
    const row = await inquiryRow(assertAccepted(await send(inquiry(fields))).id);
    for (const value of [fields.formStamp, fields.altcha]) assert.ok(!JSON.stringify(row).includes(value));
    assert.ok(!Object.keys(row).some((name) => /website|stamp|altcha/.test(name)));
  }
  const email = `${unique("ada")}@example.com`;
  const fields = await door();
  assert.equal((await post("/subscribers/subscribe", JSON.stringify({ email, ...fields }))).status, 200);
  assert.ok(!JSON.stringify(await subscriberRow(email)).includes(fields.altcha));
});

test("what_is_for_the_door_has_its_limits", async () => {
  assertInvalid(await submit(inquiry({ website: "x".repeat(201), formStamp: "x".repeat(101), altcha: "x".repeat(4097) })), [
    tooBig("website", "string", 200, "characters"),
    tooBig("formStamp", "string", 100, "characters"),
    tooBig("altcha", "string", 4096, "characters"),
  ]);
  assertAccepted(await submit(inquiry({ website: null, formStamp: null, altcha: null })));
});

// Neither staff nor filters know them: for all but those who submit there are no such fields.
test("what_is_for_the_door_is_the_public_s_only", async () => {
  const { BO_TOKEN } = stack.env;
  const names = ["website", "formStamp", "altcha"];
  const id = assertAccepted(await submit(inquiry())).id;
  for (const name of names) {
    const body = JSON.stringify(inquiry({ [name]: "x" }));
    assertInvalid(await post("/inquiries", body, { token: BO_TOKEN }), [unknownKey(name)]);
    assertInvalid(await call("PATCH", `/inquiries/${id}`, { body: JSON.stringify({ [name]: "x" }), token: BO_TOKEN, headers: { "Content-Type": "application/json" } }), [unknownKey(name)]);
    assertProblem(await call("GET", `/inquiries?filter=${encodeURIComponent(JSON.stringify({ where: { [name]: "x" } }))}`, { token: BO_TOKEN }), 400);
    assertProblem(await call("GET", `/inquiries?filter=${encodeURIComponent(JSON.stringify({ order: [`${name} ASC`] }))}`, { token: BO_TOKEN }), 400);
    const { data } = (await call("GET", `/inquiries/${id}?filter=${encodeURIComponent(JSON.stringify({ fields: ["id", name] }))}`, { token: BO_TOKEN })).body;
    assert.deepEqual(Object.keys(data), ["id"]);
  }
  const row = (await call("GET", `/inquiries/${id}`, { token: BO_TOKEN })).body.data;
  assert.deepEqual(names.filter((name) => name in row), []);
  const changed = await call("PATCH", `/inquiries/${id}`, { body: JSON.stringify({ subject: "x" }), token: BO_TOKEN, headers: { "Content-Type": "application/json" } });
  assert.equal(changed.status, 200, changed.text);
});
