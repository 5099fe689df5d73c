// The abuse gate: what it finds, what becomes of it, and that nobody outside can tell.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, test } from "node:test";

import pg from "pg";

import { assertAccepted, assertProblem, call, post, submit, submitForm, unique } from "./lib/api.mjs";
import { nextId } from "./lib/bo.mjs";
import { close, inquiriesOf, inquiryRow, query, subscriberRow } from "./lib/db.mjs";
import { address, person, proofOf, solved, stampOf, submitFrom } from "./lib/gate.mjs";
import { signed } from "./lib/links.mjs";
import { bearer, frameOf, INQUIRIES, withEars } from "./lib/rooms.mjs";
import { stack } from "./lib/stack.mjs";
import { until } from "./lib/wait.mjs";

const BO_TOKEN = stack.env.BO_TOKEN;
const OPEN = { TRUSTED_PROXIES: "127.0.0.1", APP_ENV_JWKS_URL: stack.env.JWKS_URL, APP_ENV_OUTREACH_SECRET: stack.secret, APP_ENV_OUTREACH_GATE_TRUSTED_NETWORKS: "192.0.2.0/24, ::1" };

let gated; // a pool that believes X-Forwarded-For, and trusts few
before(async () => {
  gated = await stack.beside("gate", { ...OPEN, APP_ENV_NODE_ID: "81" });
});
after(async () => {
  await gated.remove();
  await close();
});

const base = () => ({ base: gated.env.BASE_URL });
const change = (id, patch, options) => call("PATCH", `/inquiries/${id}`, { token: BO_TOKEN, headers: { "Content-Type": "application/json" }, body: JSON.stringify(patch), ...base(), ...options });

// Submit, see that the visitor is told what everybody is told, and give the row.
async function judged(body, options) {
  const answer = await submitFrom(gated, body, options);
  const receipt = assertAccepted(answer);
  assert.equal(receipt.status, "100_NEW");
  return inquiryRow(receipt.id);
}

function assertPassed(row, reasons = []) {
  assert.deepEqual([row.status, row.cancel_reason, row.quarantined_at], ["100_NEW", null, null], JSON.stringify(row.spam_reasons));
  assert.deepEqual(row.spam_reasons, reasons);
}

function assertQuarantined(row, reasons, what) {
  assert.deepEqual(row.spam_reasons, reasons, what);
  assert.deepEqual([row.status, row.cancel_reason, row.handled_at], ["505_CANCELLED", "100_SPAM", null], what);
  assert.ok(row.spam_score >= 100);
  assert.ok(Math.abs(row.quarantined_at - row.created_at) < 1000);
}

test("in_what_a_person_sends_nothing_is_found", async () => {
  const row = await judged(person());
  assertPassed(row);
  assert.equal(row.spam_score, 0);
});

// [what, of the body, what is found]; with each the line is not reached.
const signs = [
  ["no stamp", () => ({ formStamp: undefined }), ["stamp_missing"]],
  ["an empty stamp", () => ({ formStamp: "" }), ["stamp_missing"]],
  ["an old page", () => ({ formStamp: stampOf(25 * 3600_000) }), ["stamp_old"]],
  ["one link", () => ({ message: "See https://www.example.com/" }), []],
  ["three links", () => ({ message: `See https://a.example http://b.example www.c.example ${unique()}`, altcha: proofOf() }), ["links"]],
  ["a forged stamp", () => ({ formStamp: `${stampOf().slice(0, -1)}~`, altcha: proofOf() }), ["stamp_forged"]],
  ["another's stamp of a later time", () => ({ formStamp: stampOf(-3600_000), altcha: proofOf() }), ["too_fast"]],
  ["a form filled in no time", () => ({ formStamp: stampOf(100), altcha: proofOf() }), ["too_fast"]],
  ["markup", () => ({ message: `<a href='https://a.example'>${unique("cheap")}</a>`, altcha: proofOf() }), ["markup"]],
  ["a link for a name", () => ({ lastName: "https://a.example", altcha: proofOf() }), ["link_in_name"]],
  ["a link for a subject", () => ({ subject: "www.a.example", altcha: proofOf() }), ["link_in_name"]],
  ["the same over and over", () => ({ message: `${unique()} ${"buy now ".repeat(20)}` }), ["repetition"]],
  ["a challenge that is over", () => ({ altcha: proofOf({ left: -5 }) }), ["proof_expired"]],
  ["an empty honeypot", () => ({ website: "" }), []],
];

test("a_sign_alone_is_noted_and_passes", async () => {
  for (const [what, more, reasons] of signs) {
    const row = await judged(person(more()));
    assertPassed(row, reasons);
    assert.ok(row.spam_score < 100, `${what}: ${row.spam_score}`);
  }
});

// [what, of the body, what is found]: over the line.
const spam = [
  ["the honeypot", () => ({ website: "https://a.example", altcha: proofOf({ number: 1 }) }), ["honeypot"]],
  ["the honeypot without a proof", () => ({ website: "x" }), ["honeypot", "proof_missing"]],
  ["six links, and no proof", () => ({ message: `${unique()} http://a.example http://b.example http://c.example http://d.example http://e.example http://f.example` }), ["links", "proof_missing"]],
  ["two signs together, and no proof", () => ({ formStamp: "1.x", subject: "https://a.example" }), ["proof_missing", "stamp_forged", "link_in_name"]],
  ["a proof of another", () => ({ altcha: Buffer.from(JSON.stringify({ algorithm: "SHA-256", challenge: "0".repeat(64), number: 1, salt: "s?expires=9999999999&", signature: "0".repeat(64) })).toString("base64") }), ["proof_bad"]],
  ["no proof at all", () => ({ altcha: "nothing" }), ["proof_bad"]],
  ["suspicious, and no proof", () => ({ formStamp: stampOf(100) }), ["proof_missing", "too_fast"]],
];

test("what_is_over_the_line_is_quarantined_with_its_reasons", async () => {
  for (const [what, more, reasons] of spam) {
    const row = await judged(person(more()));
    assertQuarantined(row, reasons, what);
  }
});

test("a_form_goes_through_the_same_gate", async () => {
  const form = new URLSearchParams(person({ website: "x" }));
  const answer = await submitForm(form, { ...base(), headers: { "X-Forwarded-For": address() } });
  assertQuarantined(await inquiryRow(assertAccepted(answer).id), ["honeypot", "proof_missing"]);
});

test("what_is_only_for_the_gate_is_stored_nowhere", async () => {
  const [trap, altcha] = [unique("trap"), proofOf()];
  const row = await judged(person({ website: trap, altcha }));
  const shown = await call("GET", `/inquiries/${row.id}`, { token: BO_TOKEN });
  for (const text of [JSON.stringify(row), shown.text, gated.logNames().map((name) => gated.log(name)).join()]) assert.ok(!text.includes(trap) && !text.includes(altcha));
});

test("a_proof_is_good_once", async () => {
  const altcha = await solved(gated.env.BASE_URL);
  assertPassed(await judged(person({ altcha })));
  assertQuarantined(await judged(person({ altcha })), ["proof_reused"]);
  const one = proofOf();
  const rows = await Promise.all(Array.from({ length: 8 }, () => judged(person({ altcha: one }))));
  assert.equal(rows.filter(({ status }) => status === "100_NEW").length, 1, "of eight at once");
});

test("a_proof_that_was_refused_with_its_form_is_as_good_as_before", async () => {
  const altcha = proofOf();
  assert.equal((await submitFrom(gated, person({ altcha, email: "nobody" }))).status, 422);
  assertPassed(await judged(person({ altcha })));
});

test("many_from_one_address_are_quarantined", async () => {
  const from = address();
  const rows = [];
  for (let i = 0; i < 12; i++) rows.push(await judged(person(), { from }));
  for (const row of rows.slice(0, 10)) assertPassed(row);
  for (const row of rows.slice(10)) assertQuarantined(row, ["address_rate", "proof_missing"]);
  assertPassed(await judged(person()), []);
});

test("a_subnet_of_ipv6_is_one_address", async () => {
  const net = randomUUID().slice(0, 4);
  const from = (i) => `2001:db8:7:${net}::${(i + 1).toString(16)}`;
  const rows = [];
  for (let i = 0; i < 11; i++) rows.push(await judged(person(), { from: from(i) }));
  assertPassed(rows[9]);
  assertQuarantined(rows[10], ["address_rate", "proof_missing"]);
});

test("addresses_that_are_trusted_are_not_counted", async () => {
  for (let i = 0; i < 15; i++) assertPassed(await judged(person(), { from: "192.0.2.7" }));
});

test("many_for_one_e_mail_address_are_quarantined_whatever_its_tag", async () => {
  const name = unique("many");
  const rows = [];
  for (let i = 0; i < 6; i++) rows.push(await judged(person({ email: i % 2 ? `${name}+${i}@Example.com` : `${name.toUpperCase()}@example.com` })));
  for (const row of rows.slice(0, 5)) assertPassed(row);
  assertQuarantined(rows[5], ["email_rate", "proof_missing"]);
});

test("one_message_from_many_is_found", async () => {
  const message = `Your site could be first in every search engine ${unique()}`;
  const rows = [];
  for (let i = 0; i < 6; i++) rows.push(await judged(person({ message, altcha: proofOf() })));
  for (const row of rows.slice(0, 5)) assertPassed(row);
  assertPassed(rows[5], ["repeated_message"]);
  assertQuarantined(await judged(person({ message })), ["proof_missing", "repeated_message"]);
});

test("a_program_that_says_nothing_of_itself_is_noted", async () => {
  const row = await judged(person(), { headers: { "User-Agent": "" } });
  assertPassed(row, ["no_user_agent"]);
});

test("nothing_outside_tells_a_quarantined_one_from_another", async () => {
  const answers = [];
  for (const more of [{}, { website: "x" }]) answers.push(await submitFrom(gated, person(more)));
  const shape = ({ status, headers, body }) => ({ status, headers: [...headers.keys()], keys: Object.keys(body.data), told: body.data.status, type: body.data.type });
  assert.deepEqual(shape(answers[0]), shape(answers[1]));
});

test("the_gate_can_be_switched_off_while_it_runs", async () => {
  await gated.reload({ ...OPEN, APP_ENV_NODE_ID: "81", APP_ENV_OUTREACH_GATE: "false" });
  const row = await judged(person({ website: "x" }));
  assert.deepEqual([row.status, row.spam_score, row.spam_reasons], ["100_NEW", null, null]);
  await gated.reload({ ...OPEN, APP_ENV_NODE_ID: "81", APP_ENV_OUTREACH_GATE: "true", APP_ENV_OUTREACH_GATE_WEIGHT_HONEYPOT: "7", APP_ENV_OUTREACH_CHALLENGE: "always" });
  assertQuarantined(await judged(person()), ["proof_missing"]);
  assertPassed(await judged(person({ website: "x", altcha: proofOf() })), ["honeypot"]);
  await gated.reload({ ...OPEN, APP_ENV_NODE_ID: "81", APP_ENV_OUTREACH_GATE_WEIGHT_HONEYPOT: "200", APP_ENV_OUTREACH_CHALLENGE: "suspicious" });
  assertQuarantined(await judged(person({ website: "x" })), ["honeypot", "proof_missing"]);
});

// ---- what staff does -------------------------------------------------------------------------------

test("a_quarantined_one_is_announced_when_it_is_restored_and_not_before", () =>
  withEars(async (open) => {
    const ear = await open([INQUIRIES], { of: gated, headers: bearer() });
    const body = person({ website: "x" });
    const row = await judged(body);
    await ear.flush(INQUIRIES);
    assert.deepEqual(ear.frames, []);
    const restored = await change(row.id, { status: "100_NEW" });
    assert.equal(restored.status, 200, restored.text);
    const { status, cancelReason, quarantinedAt, spamReasons, createdAt } = restored.body.data;
    assert.deepEqual([status, cancelReason, quarantinedAt, spamReasons], ["100_NEW", null, null, ["honeypot", "proof_missing"]]);
    assert.deepEqual(await ear.count(1), [frameOf(row.id, body, createdAt)]);
    for (const patch of [{ status: "505_CANCELLED" }, { status: "100_NEW" }]) assert.equal((await change(row.id, patch)).status, 200);
    const next = person();
    const receipt = assertAccepted(await submitFrom(gated, next));
    await ear.count(2);
    assert.deepEqual((await ear.flush(INQUIRIES)).slice(1), [frameOf(receipt.id, next, receipt.createdAt)], "cancelled by staff, it is no news");
  }));

test("taken_up_from_the_archive_it_leaves_the_quarantine_too", () =>
  withEars(async (open) => {
    const ear = await open([INQUIRIES], { of: gated, headers: bearer() });
    const row = await judged(person({ website: "x" }));
    assert.equal((await change(row.id, { status: "405_ARCHIVED" })).body.data.quarantinedAt, row.quarantined_at.toISOString());
    assert.equal((await change(row.id, { status: "203_PROCESSING" })).body.data.quarantinedAt, null);
    await ear.count(1);
    assert.equal(JSON.parse(ear.frames[0]).data.id, row.id);
  }));

test("restored_with_others_in_one_call_each_is_announced", () =>
  withEars(async (open) => {
    const ear = await open([INQUIRIES], { of: gated, headers: bearer() });
    const rows = [await judged(person({ website: "x" })), await judged(person({ website: "y" })), await judged(person())];
    await ear.count(1);
    const ids = rows.map(({ id }) => id);
    const answer = await post("/inquiries/bulk", JSON.stringify({ ids, patch: { status: "100_NEW" } }), { token: BO_TOKEN, ...base() });
    assert.equal(answer.status, 200, answer.text);
    await ear.count(3);
    const heard = (await ear.flush(INQUIRIES)).slice(1).map((frame) => JSON.parse(frame).data.id);
    assert.deepEqual(heard.sort(), ids.slice(0, 2).sort());
  }));

test("the_quarantine_is_a_list_of_its_own", async () => {
  const row = await judged(person({ website: "x" }));
  const filter = encodeURIComponent(JSON.stringify({ where: { quarantinedAt: { neq: null }, id: row.id }, fields: ["id", "spamScore", "spamReasons"] }));
  const list = await call("GET", `/inquiries?filter=${filter}`, { token: BO_TOKEN, ...base() });
  assert.deepEqual(list.body.data, [{ id: row.id, spamScore: row.spam_score, spamReasons: row.spam_reasons }]);
});

// ---- the same again, without a key ------------------------------------------------------------------

test("the_same_person_and_content_is_one_inquiry", async () => {
  const body = person();
  const first = await submitFrom(gated, body);
  const again = await submitFrom(gated, { ...body, type: "100_GENERAL", lastName: "", email: body.email.toUpperCase(), formStamp: stampOf(1000), locale: "de", pageUrl: "https://www.example.com/" });
  assert.deepEqual(again.body, first.body);
  assert.equal(again.headers.get("location"), first.headers.get("location"));
  const other = await submitFrom(gated, { ...body, message: `${body.message} At once!` });
  assert.notEqual(other.body.data.id, first.body.data.id);
  assert.equal((await inquiriesOf(body.email)).length, 2);
  const tagged = await submitFrom(gated, { ...body, email: body.email.replace("@", "+x@") });
  assert.notEqual(tagged.body.data.id, first.body.data.id, "which may be somebody else's");
});

test("of_equal_forms_at_the_same_time_one_is_stored", async () => {
  const body = person();
  const answers = await Promise.all(Array.from({ length: 32 }, (_, i) => (i % 2 ? submitFrom(gated, body) : submit(body))));
  assert.equal(new Set(answers.map((answer) => assertAccepted(answer).id)).size, 1);
  assert.equal((await inquiriesOf(body.email)).length, 1);
});

test("what_is_quarantined_is_stored_once_too", async () => {
  const body = person({ website: "x" });
  const ids = [];
  for (let i = 0; i < 2; i++) ids.push(assertAccepted(await submitFrom(gated, body)).id);
  assert.equal(ids[0], ids[1]);
});

test("a_deleted_one_is_not_in_the_way", async () => {
  const body = person();
  const first = assertAccepted(await submitFrom(gated, body));
  assert.equal((await call("DELETE", `/inquiries/${first.id}`, { token: BO_TOKEN, ...base() })).status, 200);
  const second = assertAccepted(await submitFrom(gated, body));
  assert.notEqual(second.id, first.id);
  assertPassed(await inquiryRow(second.id));
});

test("a_good_one_takes_the_same_one_out_of_quarantine_and_nobody_learns_that_it_was_there", () =>
  withEars(async (open) => {
    const ear = await open([INQUIRIES], { of: gated, headers: bearer() });
    const body = person();
    const kept = await judged({ ...body, website: "x" });
    assertQuarantined(kept, ["honeypot", "proof_missing"]);
    const answers = await Promise.all(Array.from({ length: 16 }, () => submitFrom(gated, body)));
    assert.deepEqual([...new Set(answers.map((answer) => assertAccepted(answer).id))], [kept.id]);
    const row = await inquiryRow(kept.id);
    assertPassed(row);
    assert.deepEqual([row.created_at, row.modified_by], [kept.created_at, null]);
    await ear.count(1);
    assert.equal((await judged({ ...body, website: "x" })).id, kept.id, "and then it is the same again");
    assertPassed(await inquiryRow(kept.id));
    assert.equal((await inquiriesOf(body.email)).length, 1);
    assert.deepEqual(await ear.flush(INQUIRIES), [frameOf(kept.id, body, kept.created_at.toISOString())], "announced once");
    const audit = await query(`SELECT action, actor_id, changes FROM outreach."AuditLog" WHERE entity_id = $1`, [kept.id]);
    assert.deepEqual(audit.map(({ action, actor_id, changes }) => [action, actor_id, changes.status]), [["update", null, { old: "505_CANCELLED", new: "100_NEW" }]]);
  }));

test("a_good_one_takes_the_same_one_out_of_the_archive_too", async () => {
  const body = person();
  const kept = await judged({ ...body, website: "x" });
  assert.equal((await change(kept.id, { status: "405_ARCHIVED" })).status, 200);
  assert.equal((await judged(body)).id, kept.id);
  assertPassed(await inquiryRow(kept.id));
});

for (const [what, leave] of [
  ["deleted", "deleted_at = now()"],
  ["erased", "content_hash = NULL, message = '[erased]'"],
])
  test(`a_good_one_is_stored_when_the_one_in_quarantine_is_${what}_in_that_moment`, async () => {
    const body = person();
    const kept = await judged({ ...body, website: "x" });
    const other = new pg.Client({ connectionString: stack.env.DATABASE_URL });
    await other.connect();
    try {
      await other.query("BEGIN");
      await other.query(`UPDATE outreach."Inquiry" SET ${leave} WHERE id = $1`, [kept.id]);
      const answer = submitFrom(gated, body);
      await until("it waits for that row", async () => (await query("SELECT FROM pg_stat_activity WHERE $1 = ANY (pg_blocking_pids(pid))", [other.processID])).length > 0);
      await other.query("COMMIT");
      const { id } = assertAccepted(await answer);
      assert.notEqual(id, kept.id);
      const row = await inquiryRow(id);
      assertPassed(row);
      assert.equal(row.message, body.message);
      assertQuarantined(await inquiryRow(kept.id), ["honeypot", "proof_missing"]);
    } finally {
      await other.end();
    }
  });

test("of_a_good_one_and_one_in_quarantine_the_good_one_is_the_same_again", async () => {
  const body = person();
  const first = await judged(body);
  const copy = assertAccepted(await submitFrom(gated, { ...body, website: "x" }, { headers: { "Idempotency-Key": randomUUID() } }));
  assert.equal((await judged(body)).id, first.id);
  assertQuarantined(await inquiryRow(copy.id), ["honeypot", "proof_missing"]);
});

test("with_keys_of_their_own_two_equal_inquiries_are_two", async () => {
  const body = person();
  for (let i = 0; i < 2; i++) assertAccepted(await submitFrom(gated, body, { headers: { "Idempotency-Key": randomUUID() } }));
  assert.equal((await inquiriesOf(body.email)).length, 2);
});

// ---- subscriptions and tokens -------------------------------------------------------------------------

test("a_subscription_over_the_line_stays_pending", async () => {
  for (const [more, status] of [[{ formStamp: stampOf() }, "201_ACTIVATED"], [{ website: "x" }, "103_PENDING"]]) {
    const email = `${unique("sub")}@example.com`;
    const answer = await post("/subscribers/subscribe", JSON.stringify({ email, ...more }), { ...base(), headers: { "X-Forwarded-For": address() } });
    assert.deepEqual([answer.status, answer.body.data], [200, { status: "accepted" }]);
    assert.equal((await subscriberRow(email)).status, status);
  }
});

test("a_flood_of_subscriptions_is_noted_as_consent_once_a_day", async () => {
  const [good, flooded] = [`${unique("sub")}@example.com`, `${unique("sub")}@example.com`];
  const subscribe = async (email, more) => assert.equal((await post("/subscribers/subscribe", JSON.stringify({ email, formStamp: stampOf(), ...more }), { ...base(), headers: { "X-Forwarded-For": address() } })).status, 200);
  for (let i = 0; i < 3; i++) {
    await subscribe(good, { consentVersion: `v${i}` });
    await subscribe(flooded, { consentVersion: `v${i}`, website: "x" });
  }
  const noted = async (email) => (await query('SELECT consent_version FROM outreach."Consent" WHERE email = $1 ORDER BY id', [email])).map((row) => row.consent_version);
  assert.deepEqual([await noted(good), await noted(flooded)], [["v0", "v1", "v2"], ["v0"]]);
});

test("whoever_tries_many_tokens_must_wait", async () => {
  const from = { "X-Forwarded-For": address() };
  const attempt = (token, headers) => post("/subscribers/unsubscribe", JSON.stringify({ token }), { ...base(), headers });
  const email = `${unique("guess")}@example.com`;
  await post("/subscribers/subscribe", JSON.stringify({ email }), { ...base(), headers: { "X-Forwarded-For": address() } });
  const { unsubscribe_token: token } = await subscriberRow(email);
  for (let i = 0; i < 12; i++) assert.equal((await attempt(token, from)).status, 200, "a good one costs nothing");
  for (let i = 0; i < 12; i++) assert.equal((await attempt(signed(stack.secret, "unsubscribe link", nextId()), from)).status, 200, "nor one of ours whose row is gone");
  assert.equal((await attempt(token, from)).status, 200);
  let tried = 0;
  const refused = await until("it is refused", async () => {
    const answer = await attempt(String(1000 + tried++), from);
    return answer.status === 429 && answer;
  });
  assertProblem(refused, 429, "Too many wrong tokens");
  assert.ok(tried >= 10 && tried <= 13, `after ${tried}`); // it is counted after the answer
  assert.equal((await attempt(token, from)).status, 429, "good or not");
  assert.equal((await call("POST", `/subscribers/unsubscribe/${token}`, { ...base(), headers: from })).status, 429);
  assert.equal((await attempt(token, { "X-Forwarded-For": address() })).status, 200);
});

// ---- what is counted --------------------------------------------------------------------------------

test("every_decision_is_counted", async () => {
  const names = ['bana_gate_decisions_total{decision="passed"}', 'bana_gate_decisions_total{decision="quarantined"}', 'bana_gate_decisions_total{decision="repeated"}', 'bana_gate_reasons_total{reason="honeypot"}', 'bana_gate_reasons_total{reason="links"}'];
  const values = async () => Promise.all(names.map((name) => gated.metric(name)));
  const earlier = await values();
  const body = person();
  for (const one of [body, body, person({ website: "x" }), person({ message: "http://a.example http://b.example" })]) await submitFrom(gated, one);
  const later = await values();
  assert.deepEqual(later.map((value, i) => value - earlier[i]), [2, 1, 1, 1, 1]);
});

test("wrong_settings_of_the_gate_stop_the_start", async () => {
  await assert.rejects(
    stack.beside("gate-wrong", { ...OPEN, APP_ENV_NODE_ID: "82", APP_ENV_OUTREACH_GATE_TRUSTED_NETWORKS: "10.0.0.1/8" }),
    /APP_ENV_OUTREACH_GATE_TRUSTED_NETWORKS/,
  );
});
