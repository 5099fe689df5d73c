// Unsubscribing by token, by the page behind a link, and by a mail program's one click.
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { after, test } from "node:test";

import { assertInvalid, assertProblem, call, post, tooBig, tooSmall, unique, unknownKey, wrongType } from "./lib/api.mjs";
import { close, query, subscriberRow } from "./lib/db.mjs";
import { stack } from "./lib/stack.mjs";

after(close);

const hmac = (key, text) => createHmac("sha256", key).update(text).digest();
// docs/interfaces.md: 80 bits of HMAC-SHA-256 under a key derived for this purpose.
const signed = (snowflake, secret = stack.secret) =>
  `${snowflake}.${hmac(hmac(secret, "unsubscribe link"), snowflake).subarray(0, 10).toString("base64url")}`;

async function subscriber() {
  const email = `${unique("unsub")}@example.com`;
  assert.equal((await post("/subscribers/subscribe", JSON.stringify({ email }))).status, 200);
  return { email, token: (await subscriberRow(email)).unsubscribe_token };
}
const unsubscribe = (body) => post("/subscribers/unsubscribe", JSON.stringify(body));
const use = (token, options) => call("POST", `/subscribers/unsubscribe/${token}`, options);
const statusOf = async (email) => (await subscriberRow(email)).status;
const accepted = (answer) => {
  assert.equal(answer.status, 200, answer.text);
  assert.equal(answer.text, '{"count":1,"data":{"status":"accepted"}}');
};
const forged = (token) => token.slice(0, -1) + (token.endsWith("A") ? "Q" : "A");

test("a_valid_token_deactivates_and_keeps_the_reason", async () => {
  for (const make of [(token) => token, signed]) {
    const { email, token } = await subscriber();
    accepted(await unsubscribe({ token: make(token), reason: "  zu viele 😀 " }));
    const row = await subscriberRow(email);
    assert.deepEqual([row.status, row.unsubscribe_reason], ["401_DEACTIVATED", "zu viele 😀"]);
    assert.ok(row.unsubscribed_at);
  }
});

test("a_second_use_changes_nothing", async () => {
  const { email, token } = await subscriber();
  accepted(await unsubscribe({ token, reason: "first" }));
  const before = await subscriberRow(email);
  accepted(await unsubscribe({ token, reason: "second" }));
  accepted(await use(token));
  assert.deepEqual(await subscriberRow(email), before);
});

test("a_well_formed_token_that_is_wrong_gets_the_same_answer_and_does_nothing", async () => {
  const { email, token } = await subscriber();
  const right = signed(token);
  const wrong = [
    "1", "9223372036854775807", String(BigInt(token) + 1n), `${token}.${"A".repeat(14)}`, forged(right), signed(token, "another secret"),
    `${BigInt(token) + 1n}.${right.split(".")[1]}`,
  ];
  for (const one of wrong) {
    accepted(await unsubscribe({ token: one }));
    accepted(await use(one));
  }
  assert.equal(await statusOf(email), "201_ACTIVATED");
  accepted(await unsubscribe({ token: right }));
  assert.equal(await statusOf(email), "401_DEACTIVATED");
});

const MALFORMED = [
  "abc", "0", "-1", "+1", "01", "1e5", "1.5", "0x10", "9223372036854775808", "99999999999999999999", "1.", ".", "1..2", "１",
  `1.${"A".repeat(13)}`, `1.${"A".repeat(15)}`, `1.${"A".repeat(13)}=`, `1.${"A".repeat(13)}+`, `1.${"A".repeat(13)}/`, "1;2", "1 2", "1'--",
];
const invalid = [["token", "invalid_format", "Invalid token"]];
test("a_malformed_token_is_told_so_everywhere", async (t) => {
  for (const token of MALFORMED) {
    await t.test(token, async () => {
      assertInvalid(await unsubscribe({ token }), invalid);
      if (token === ".") return; // no path has it
      assertInvalid(await use(encodeURIComponent(token)), invalid);
      assertInvalid(await call("GET", `/subscribers/unsubscribe/${encodeURIComponent(token)}`), invalid);
    });
  }
  assertInvalid(await unsubscribe({ token: "" }), [tooSmall("token", "string", 1, "characters")]);
  assertInvalid(await unsubscribe({ token: "1".repeat(65) }), [tooBig("token", "string", 64, "characters")]);
  assertInvalid(await unsubscribe({ token: 12345 }), [wrongType("token", "string", "number")]);
  assertInvalid(await unsubscribe({ token: "1", reason: "x".repeat(501), x: 1 }), [tooBig("reason", "string", 500, "characters"), unknownKey("x")]);
  assertInvalid(await unsubscribe({}), [wrongType("token", "string", "undefined")]);
  for (const raw of ["%00", "%ff", "%", "%zz"]) assertProblem(await use(raw), 400);
});

test("a_blocked_or_archived_subscriber_is_not_changed_by_a_token", async () => {
  for (const status of ["403_BLOCKED", "405_ARCHIVED"]) {
    const { email, token } = await subscriber();
    await query(`UPDATE outreach."Subscriber" SET status = $2 WHERE email = $1`, [email, status]);
    accepted(await unsubscribe({ token }));
    assert.equal(await statusOf(email), status);
  }
});

test("the_page_of_a_link_shows_a_button_and_changes_nothing", async () => {
  const { email, token } = await subscriber();
  const before = await subscriberRow(email);
  for (const one of [token, signed(token), "1"]) {
    const answer = await call("GET", `/subscribers/unsubscribe/${one}`, { headers: { Accept: "text/html" } });
    assert.equal(answer.status, 200);
    assert.equal(answer.headers.get("content-type"), "text/html; charset=utf-8");
    assert.equal(answer.headers.get("cache-control"), "no-store");
    assert.match(answer.headers.get("content-security-policy"), /default-src 'none'.*form-action 'self'.*frame-ancestors 'none'/);
    assert.doesNotMatch(answer.headers.get("content-security-policy"), /script/);
    assert.match(answer.text, /<form method="post"><button>Unsubscribe<\/button><\/form>/);
    assert.ok(!answer.text.includes(token) && !answer.text.includes(email));
  }
  assert.deepEqual(await subscriberRow(email), before);
});

const CLICKS = [
  ["RFC 8058, a form", { headers: { "Content-Type": "application/x-www-form-urlencoded" }, body: "List-Unsubscribe=One-Click" }],
  ["RFC 8058, multipart", { headers: { "Content-Type": "multipart/form-data; boundary=b" }, body: '--b\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--b--\r\n' }],
  ["an empty body", {}],
  ["the button of the page", { headers: { "Content-Type": "application/x-www-form-urlencoded", Accept: "text/html,*/*" }, body: "" }],
];
for (const [name, options] of CLICKS) {
  test(`one_click_deactivates: ${name}`, async () => {
    for (const make of [(token) => token, signed]) {
      const { email, token } = await subscriber();
      const answer = await use(make(token), options);
      if (options.headers?.Accept) assert.match(answer.text, /You are unsubscribed/);
      else accepted(answer);
      assert.equal(await statusOf(email), "401_DEACTIVATED");
      const again = await use(make(token), options);
      assert.equal(again.text, answer.text);
    }
  });
}

test("a_token_cannot_be_sent_in_the_query", async () => {
  const { email, token } = await subscriber();
  assertInvalid(await call("POST", `/subscribers/unsubscribe?token=${token}`), [wrongType("token", "string", "undefined")]);
  assert.equal(await statusOf(email), "201_ACTIVATED");
});

test("many_one_clicks_of_one_mail_provider_get_through_the_limits", async (t) => {
  const limited = await stack.beside("limited", { RATE_LIMIT: "on", APP_ENV_NODE_ID: "87", APP_ENV_JWKS_URL: stack.env.JWKS_URL, APP_ENV_OUTREACH_SECRET: stack.secret }, { workers: 2 });
  t.after(() => limited.remove());
  const all = await Promise.all(Array.from({ length: 40 }, subscriber));
  for (const { email, token } of all) {
    const click = { base: limited.env.BASE_URL, ...CLICKS[0][1] };
    accepted(await use(signed(token), click));
    assert.equal(await statusOf(email), "401_DEACTIVATED");
  }
});
