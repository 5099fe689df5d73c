// Double opt-in: who subscribes is pending until the link in a mail was used; what is kept as proof of it.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { after, before, test } from "node:test";
import { promisify } from "node:util";

import { assertInvalid, assertProblem, call, post, unique } from "./lib/api.mjs";
import { rowsOf, staff } from "./lib/bo.mjs";
import { close, query, subscriberRow } from "./lib/db.mjs";
import { links, pathOf, PUBLIC_URL, signed } from "./lib/links.mjs";
import { stack } from "./lib/stack.mjs";

const DAY = 86_400_000;
let own, base;
before(async () => {
  own = await stack.beside("confirm", {
    APP_ENV_NODE_ID: "16", APP_ENV_OUTREACH_DOUBLE_OPT_IN: "true", APP_ENV_OUTREACH_PUBLIC_URL: PUBLIC_URL, APP_ENV_OUTREACH_CONFIRM_DAYS: "3",
    APP_ENV_JWKS_URL: stack.env.JWKS_URL ?? `file://${stack.dir}/jwks.json`,
  }, { workers: 4 });
  base = own.env.BASE_URL;
});
after(async () => {
  await close();
  await own?.remove();
});

const address = () => `${unique("confirm")}@example.com`;
const accepted = (answer) => assert.deepEqual([answer.status, answer.text], [200, '{"count":1,"data":{"status":"accepted"}}']);
const subscribe = async (email, more, to = base) => {
  accepted(await post("/subscribers/subscribe", JSON.stringify({ email, ...more }), { base: to }));
  return subscriberRow(email);
};
const set = (email, columns) => query(`UPDATE outreach."Subscriber" SET ${columns} WHERE lower(email) = lower($1)`, [email]);
const linkOf = async ({ id }) => (await links(id, { base })).body.data[0];
const pathFor = async (row) => pathOf((await linkOf(row)).confirmUrl);
const look = (path) => call("GET", path, { base, headers: { Accept: "text/html" } });
const press = (path, headers = {}) => call("POST", path, { base, headers });
const browser = { Accept: "text/html,*/*", "Content-Type": "application/x-www-form-urlencoded" };
const consents = (email) => query('SELECT * FROM outreach."Consent" WHERE lower(email) = lower($1) ORDER BY id', [email]);

test("a_new_address_is_pending_until_the_button_behind_its_link_is_pressed", async () => {
  const email = address();
  const pending = await subscribe(email, { consentVersion: "v1", source: "footer" });
  assert.deepEqual([pending.status, pending.subscribed_at, pending.confirmed_at], ["103_PENDING", null, null]);
  const path = await pathFor(pending);
  for (let i = 0; i < 2; i++) {
    const page = await look(path);
    assert.equal(page.status, 200);
    assert.equal(page.headers.get("content-type"), "text/html; charset=utf-8");
    assert.equal(page.headers.get("cache-control"), "no-store");
    assert.match(page.headers.get("content-security-policy"), /default-src 'none'.*form-action 'self'.*frame-ancestors 'none'/);
    assert.match(page.text, /<form method="post"><button>Confirm<\/button><\/form>/);
    assert.ok(!page.text.includes(email) && !page.text.includes(pending.unsubscribe_token));
  }
  assert.deepEqual(await subscriberRow(email), pending, "looking changes nothing, however often a mail scanner does it");
  assert.deepEqual((await press(path)).body, { count: 1, data: { status: "confirmed" } });
  const row = await subscriberRow(email);
  assert.deepEqual([row.status, row.consent_version, row.version], ["201_ACTIVATED", "v1", pending.version + 1]);
  assert.deepEqual(row.consented_at, pending.consented_at, "consent is what was given at the form");
  assert.ok(row.confirmed_at && row.subscribed_at);
});

test("a_browser_is_told_of_the_mail_whether_or_not_the_address_is_known", async () => {
  const email = address();
  const send = () => post("/subscribers/subscribe", String(new URLSearchParams({ email })), { base, type: browser["Content-Type"], headers: { Accept: browser.Accept } });
  const first = await send();
  assert.match(first.text, /it will, once it is confirmed: look for a mail from us/);
  await set(email, "status = '201_ACTIVATED'");
  assert.equal((await send()).text, first.text);
});

test("a_link_without_an_end_is_void_and_costs_no_worker", async () => {
  const email = address();
  const path = await pathFor(await subscribe(email));
  await set(email, "confirm_expires_at = NULL");
  const workers = own.workers().sort();
  assert.doesNotMatch((await look(path)).text, /<button>/);
  assert.equal((await press(path)).status, 404);
  assert.deepEqual(own.workers().sort(), workers);
  assert.equal((await subscriberRow(email)).status, "103_PENDING");
});

test("a_used_link_says_so_and_changes_nothing", async () => {
  const email = address();
  const path = await pathFor(await subscribe(email));
  assert.match((await press(path, browser)).text, /Your subscription is confirmed/);
  const before = await subscriberRow(email);
  for (const answer of [await look(path), await press(path, browser)]) {
    assert.equal(answer.status, 200);
    assert.match(answer.text, /Your subscription is confirmed/);
    assert.doesNotMatch(answer.text, /<button>/);
  }
  assert.deepEqual((await press(path)).body.data, { status: "confirmed" });
  assert.deepEqual(await subscriberRow(email), before);
  assert.equal((await consents(email)).length, 2);
});

test("twenty_presses_at_once_confirm_once", async () => {
  const email = address();
  const pending = await subscribe(email);
  const path = await pathFor(pending);
  for (const answer of await Promise.all(Array.from({ length: 20 }, () => press(path)))) assert.deepEqual(answer.body?.data, { status: "confirmed" }, answer.text);
  assert.equal((await subscriberRow(email)).version, pending.version + 1);
  assert.deepEqual((await consents(email)).map(({ action }) => action), ["100_GIVEN", "200_CONFIRMED"]);
});

// What makes the link of a pending subscription void, and one that never was one.
const VOID = {
  "it expired": ({ email }) => set(email, "confirm_expires_at = now() - interval '1 second'"),
  "they unsubscribed": async ({ row }) => accepted(await press(pathOf((await linkOf(row)).unsubscribeUrl))),
  "staff blocked it": ({ email }) => set(email, "status = '403_BLOCKED'"),
  "staff archived it": ({ email }) => set(email, "status = '405_ARCHIVED'"),
  "staff deleted it": ({ email }) => set(email, "deleted_at = now()"),
  "it was erased": ({ email }) => staff("DELETE", `/privacy/subjects/${email}`, { base }),
  "another has taken its place": async ({ row, email }) => {
    accepted(await press(pathOf((await linkOf(row)).unsubscribeUrl)));
    await subscribe(email);
  },
  "of another subscription": async () => `/subscribers/confirm/${signed(own.secret, "confirm link", "1")}`,
  "signed as one that unsubscribes": ({ row }) => `/subscribers/confirm/${signed(own.secret, "unsubscribe link", row.unsubscribe_token)}`,
  "signed with another secret": ({ row }) => `/subscribers/confirm/${signed("x".repeat(32), "confirm link", row.unsubscribe_token)}`,
  "bent in its last bit": ({ path }) => path.slice(0, -1) + (path.endsWith("A") ? "Q" : "A"),
};
const plain = ({ status, text, headers }) => ({ status, text, names: [...headers.keys()].filter((name) => name !== "date") });
let page, problem;
for (const [why, spoil] of Object.entries(VOID)) {
  test(`a_void_link_confirms_nothing_and_does_not_say_why: ${why}`, async () => {
    const email = address();
    const row = await subscribe(email);
    const path = await pathFor(row);
    const other = await spoil({ email, row, path });
    const used = typeof other === "string" ? other : path;
    const before = await query('SELECT * FROM outreach."Subscriber" WHERE id = $1', [row.id]);
    const answers = [await look(used), await press(used, browser)];
    for (const answer of answers) {
      assert.match(answer.text, /This link is no longer valid/);
      assert.doesNotMatch(answer.text, /<button>/);
      page ??= plain(answer);
      assert.deepEqual({ ...plain(answer), names: undefined }, { ...page, names: undefined });
    }
    const refused = assertProblem(await press(used), 404, "This link is no longer valid");
    problem ??= { ...refused.details, url: undefined, path: undefined };
    assert.deepEqual({ ...refused.details, url: undefined, path: undefined }, problem);
    assert.deepEqual(await query('SELECT * FROM outreach."Subscriber" WHERE id = $1', [row.id]), before);
    assert.ok((await consents(email)).every(({ action }) => action === "100_GIVEN"));
  });
}

test("a_malformed_token_is_told_so", async () => {
  for (const token of ["abc", "0", "1", "1.", ".x", "1..2", `1.${"A".repeat(13)}`, `1.${"A".repeat(15)}`, `1.${"A".repeat(13)}+`, `01.${"A".repeat(14)}`, `9223372036854775808.${"A".repeat(14)}`])
    for (const verb of ["GET", "POST"]) assertInvalid(await call(verb, `/subscribers/confirm/${encodeURIComponent(token)}`, { base }), [["token", "invalid_format", "Invalid token"]]);
  for (const verb of ["DELETE", "PUT", "PATCH"]) assertProblem(await call(verb, "/subscribers/confirm/1.AAAAAAAAAAAAAA", { base }), 405);
});

// A link that a mail program cut, followed by a person.
test("a_browser_is_shown_a_page_for_a_link_that_is_not_whole", async () => {
  const headers = { Accept: "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8" };
  for (const path of ["confirm", "unsubscribe"])
    for (const verb of ["GET", "POST"]) {
      const cut = await call(verb, `/subscribers/${path}/249557679503089664.AAAAAAAA`, { base, headers });
      assert.deepEqual([cut.status, cut.headers.get("content-type"), cut.headers.get("vary"), cut.headers.get("cache-control")], [422, "text/html; charset=utf-8", "Accept", "no-store"]);
      assert.match(cut.text, /<h1>This link is not whole<\/h1>\n<p>[^<]+<\/p>\n<\/main>/);
      assert.ok(!cut.text.includes("24955"), "nothing of it is shown");
    }
});

test("tokens_are_stored_as_hashes_with_an_expiry", async () => {
  const row = await subscribe(address());
  const token = (await pathFor(row)).split("/").at(-1);
  assert.equal(token, signed(own.secret, "confirm link", row.unsubscribe_token));
  assert.equal(row.confirm_token_hash, createHash("sha256").update(token).digest("hex"));
  const days = (row.confirm_expires_at - row.created_at) / DAY;
  assert.ok(days > 2.99 && days < 3.01, String(days));
});

// docs/subscriptions.md: status before x how it is asked -> status after.
const RULES = [
  // status         single          double         fresh links (of double)
  ["103_PENDING", "201_ACTIVATED", "103_PENDING", false],
  ["201_ACTIVATED", null, null, false],
  ["401_DEACTIVATED", "201_ACTIVATED", "103_PENDING", true],
  ["403_BLOCKED", null, null, false],
  ["405_ARCHIVED", null, null, false],
];
for (const [status, single, double, fresh] of RULES) {
  for (const [mode, after, to] of [["single", single], ["double", double]].map(([mode, after]) => [mode, after, mode === "single" ? undefined : "own"])) {
    test(`subscribing_again: ${status}, ${mode} opt-in -> ${after ?? "unchanged"}`, async () => {
      const email = address();
      await subscribe(email, { consentVersion: "v1" });
      await set(email, `status = '${status}', unsubscribed_at = '2020-01-01', unsubscribe_reason = 'r', subscribed_at = '2019-01-01', consented_at = '2019-01-01', modified_at = '2019-01-01'`);
      const before = await subscriberRow(email);
      const row = await subscribe(email, { consentVersion: "v2", firstName: "Eve" }, to === "own" ? base : stack.env.BASE_URL);
      if (after === null) return assert.deepEqual(row, before);
      assert.deepEqual([row.status, row.consent_version, row.first_name, row.version], [after, "v2", null, before.version + 1]);
      assert.ok(row.consented_at > before.consented_at && row.modified_at > before.modified_at);
      const ended = [row.unsubscribed_at === null, row.unsubscribe_reason === null, row.subscribed_at > before.subscribed_at];
      assert.deepEqual(ended, Array(3).fill(after === "201_ACTIVATED"), "it has begun anew only once it is active");
      assert.equal(row.unsubscribe_token !== before.unsubscribe_token, status === "401_DEACTIVATED" || fresh);
    });
  }
}

test("a_deleted_row_is_none", async () => {
  const email = address();
  const first = await subscribe(email);
  await set(email, "status = '403_BLOCKED', deleted_at = now()");
  const row = await subscribe(email);
  assert.notEqual(row.id, first.id);
  assert.equal(row.status, "103_PENDING");
});

test("a_link_confirms_no_other_address_than_that_of_its_mail", async () => {
  const [old, typed] = [address(), address()];
  const row = await subscribe(old);
  const path = await pathFor(row);
  const change = (email) => staff("PATCH", `/subscribers/${row.id}`, { base, body: { email } });
  assert.equal((await change(old.toUpperCase())).status, 200);
  assert.match((await look(path)).text, /<button>Confirm/, "it is the same address");
  assert.equal((await change(typed)).status, 200);
  assert.match((await look(path)).text, /This link is no longer valid/);
  assertProblem(await press(path), 404);
  assert.equal((await subscriberRow(typed)).status, "103_PENDING");
  assert.deepEqual((await consents(typed)).map(({ action }) => action), []);
  assert.equal((await linkOf(row)).status, 409, "who has the new one asks again");
  const again = await pathFor(await subscribe(typed));
  assert.notEqual(again, path);
  assert.equal((await press(again)).status, 200);
});

test("subscribing_again_keeps_a_link_that_counts_and_replaces_one_that_does_not", async () => {
  const email = address();
  const first = await subscribe(email);
  const path = await pathFor(first);
  await set(email, "confirm_expires_at = now() + interval '1 minute'");
  const again = await subscribe(email);
  assert.equal(await pathFor(again), path, "nobody can void somebody else's link");
  assert.ok(again.confirm_expires_at >= first.confirm_expires_at, "and it counts longer");
  await set(email, "confirm_expires_at = now() - interval '1 second'");
  assert.deepEqual(await links(first.id, { base }).then(({ body }) => [body.data[0].status, body.data[0].confirmUrl]), [409, undefined]);
  const fresh = await pathFor(await subscribe(email));
  assert.notEqual(fresh, path);
  assertProblem(await press(path), 404);
  assert.equal((await press(fresh)).status, 200);
});

test("every_consent_is_kept_whatever_came_later", async () => {
  const email = address();
  const row = await subscribe(email, { consentVersion: "v1", source: "footer" });
  assert.equal((await press(await pathFor(row))).status, 200);
  accepted(await press(pathOf((await linkOf(row)).unsubscribeUrl)));
  await subscribe(email.toUpperCase(), { consentVersion: "v2" });
  await set(email, "status = '403_BLOCKED'");
  await subscribe(email, { consentVersion: "v3" });
  const kept = await consents(email);
  assert.deepEqual(kept.map((one) => [one.action, one.status, one.consent_version, one.source, one.email]), [
    ["100_GIVEN", "103_PENDING", "v1", "footer", email], ["200_CONFIRMED", "201_ACTIVATED", "v1", "footer", email],
    ["100_GIVEN", "103_PENDING", "v2", null, email.toUpperCase()], ["100_GIVEN", "403_BLOCKED", "v3", null, email],
  ]);
  for (const one of kept) {
    assert.equal(one.subscriber_id, row.id);
    assert.match(one.ip_hash, /^[0-9a-f]{64}$/);
    assert.ok(Math.abs(Date.now() - one.created_at) < 60_000);
  }
  const shown = await rowsOf("/consents", { where: { subscriberId: row.id }, order: ["id"] });
  assert.deepEqual(shown.map(({ action, consentVersion }) => [action, consentVersion]), kept.map((one) => [one.action, one.consent_version]));
  assert.ok(shown.every((one) => !("ipHash" in one)));

  const subject = `/privacy/subjects/${encodeURIComponent(email)}`;
  assert.equal((await staff("GET", subject)).body.data.consents.length, 4);
  assert.deepEqual((await staff("DELETE", subject)).body.data, { inquiries: 0, subscribers: 1, consents: 4 });
  const left = await query('SELECT * FROM outreach."Consent" WHERE subscriber_id = $1', [row.id]);
  assert.equal(left.length, 4, "rows and numbers stay");
  for (const one of left) {
    assert.equal(one.ip_hash, null);
    assert.match(one.email, /^erased-\d+@erased\.invalid$/);
  }
});

const run = promisify(execFile);
const check = (settings) =>
  run(`${own.programs}/bana-outreach`, ["check"], { env: { APP_ENV_DATABASE_URL: "postgresql://x", ...settings } }).then(
    ({ stdout }) => ({ code: 0, text: stdout }), ({ code, stderr }) => ({ code, text: stderr }));
const whole = { APP_ENV_OUTREACH_DOUBLE_OPT_IN: "on", APP_ENV_OUTREACH_SECRET: "s".repeat(32), APP_ENV_OUTREACH_PUBLIC_URL: PUBLIC_URL };
test("double_opt_in_does_not_start_without_what_it_needs", async () => {
  assert.deepEqual(await check(whole), { code: 0, text: "settings are fine\n" });
  assert.equal((await check({})).code, 0);
  const wrong = [
    [{ APP_ENV_OUTREACH_SECRET: "" }, /^APP_ENV_OUTREACH_DOUBLE_OPT_IN: .*APP_ENV_OUTREACH_SECRET \(32 bytes or more\)$/m], [{ APP_ENV_OUTREACH_SECRET: "s".repeat(31) }, /APP_ENV_OUTREACH_SECRET/],
    [{ APP_ENV_OUTREACH_PUBLIC_URL: "" }, /^APP_ENV_OUTREACH_DOUBLE_OPT_IN: .*APP_ENV_OUTREACH_PUBLIC_URL$/m], [{ APP_ENV_OUTREACH_CONFIRM_DAYS: "0" }, /APP_ENV_OUTREACH_CONFIRM_DAYS/],
    ...["www.example.com", "ftp://example.com", "https://", "https:///x/y", "https://a.example/", "https://a.example/?x", "https://a.example/#x", "https://a.example/a b", "https://a.example/>x", "https://a.example/\r\nBcc:x"].map((url) => [
      { APP_ENV_OUTREACH_PUBLIC_URL: url }, /^APP_ENV_OUTREACH_PUBLIC_URL: /m,
    ]),
  ];
  for (const [settings, text] of wrong) {
    const refused = await check({ ...whole, ...settings });
    assert.equal(refused.code, 2, JSON.stringify(settings));
    assert.match(refused.text, text);
    assert.ok(!refused.text.includes("sss"), "no secret is told");
  }
});
