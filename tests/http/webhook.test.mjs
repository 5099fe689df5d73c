// What happens to inquiries is told to endpoints, signed (Standard Webhooks), until they take it.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import { after, before, test } from "node:test";

import pg from "pg";

import { assertAccepted, assertInvalid, assertProblem, inquiry, submit, unique, wrongType } from "./lib/api.mjs";
import { rowsOf, staff } from "./lib/bo.mjs";
import { close, inquiriesOf, owner, query } from "./lib/db.mjs";
import { Receiver, verifies, verify } from "./lib/receiver.mjs";
import { freePort, stack } from "./lib/stack.mjs";
import { gone, until } from "./lib/wait.mjs";

const ON = {
  APP_ENV_OUTREACH_WEBHOOKS: "true",
  APP_ENV_OUTREACH_WEBHOOK_HTTP: "true",
  APP_ENV_OUTREACH_WEBHOOK_NETWORKS: "127.0.0.0/8, ::1",
  APP_ENV_OUTREACH_WEBHOOK_SCHEDULE: "1,1",
  APP_ENV_OUTREACH_WEBHOOK_TIMEOUT_MS: "1000",
  APP_ENV_OUTREACH_WEBHOOK_POLL_MS: "20",
};

let there; // a stack with webhooks, on the database of the one that has none
let base;
const receivers = [];
before(async () => {
  const { JWKS_URL, BO_TOKEN } = stack.env;
  there = await stack.beside("webhook", { ...ON, APP_ENV_NODE_ID: "81", APP_ENV_JWKS_URL: JWKS_URL, BO_TOKEN });
  base = there.env.BASE_URL;
});
after(async () => {
  await owner('UPDATE outreach."Webhook" SET enabled = false');
  for (const receiver of receivers) await receiver.close();
  await there.remove();
  await close();
});

const hooked = (method, path, options) => staff(method, path, { base, ...options });

async function receiver() {
  const one = await Receiver.start();
  receivers.push(one);
  return one;
}

async function endpoint(url, more = {}) {
  const answer = await hooked("POST", "/webhooks", { body: { url, ...more } });
  assert.equal(answer.status, 201, answer.text);
  return answer.body.data;
}

// A receiver with an endpoint that leads to it.
async function listener(more) {
  const to = await receiver();
  return { to, ...(await endpoint(to.url, more)) };
}

const send = async (more) => assertAccepted(await submit(inquiry(more), { base })).id;
const deliveriesOf = (webhookId, more) => rowsOf("/webhook-deliveries", { where: { webhookId, ...more }, order: ["id ASC"] }, { base });
const settled = (webhookId, status, count = 1) =>
  until(`${count} are ${status}`, async () => {
    const rows = await deliveriesOf(webhookId, { status });
    return rows.length >= count && rows;
  }, 15_000);
const disable = (id) => hooked("PATCH", `/webhooks/${id}`, { body: { enabled: false } });

test("a_submit_is_told_with_a_signature_that_the_reference_library_takes", async () => {
  const { to, id: webhookId, secret } = await listener();
  const body = inquiry({ lastName: 'O"Brien \\ 漢字', businessName: "{now}", subject: "a\nb" });
  const made = assertAccepted(await submit(body, { base }));
  const [one] = await to.about(made.id);
  verify(secret, one);
  assert.deepEqual([one.method, one.url, one.headers["content-type"]], ["POST", "/hook", "application/json"]);
  assert.match(one.headers["user-agent"], /^BANA-Outreach\/\d/);
  assert.deepEqual(Object.keys(one.body), ["type", "timestamp", "data"]);
  assert.equal(one.body.type, "inquiry.submitted");
  assert.equal(one.body.timestamp, made.createdAt);
  const { firstName, lastName, email, businessName, subject } = body;
  assert.deepEqual(one.body.data, { id: made.id, type: "100_GENERAL", firstName, lastName, email, businessName, subject, createdAt: made.createdAt, status: "100_NEW" });
  assert.deepEqual(Object.keys(one.body.data), ["id", "type", "firstName", "lastName", "email", "businessName", "subject", "createdAt", "status"]);
  const [row] = await settled(webhookId, "200_DELIVERED");
  assert.deepEqual([row.eventId, row.type, row.attempts, row.lastStatusCode, row.lastError, row.nextAttemptAt], [one.id, "inquiry.submitted", 1, 204, null, null]);
  assert.deepEqual((await hooked("GET", `/webhook-deliveries/${row.id}`)).body.data, row);
  assertProblem(await hooked("GET", "/webhook-deliveries/999999999"), 404);
  const forged = { ...one, text: one.text.replace("100_NEW", "100_OLD") };
  assert.ok(!verifies(secret, forged), "another body has another signature");
  assert.ok(!verifies((await endpoint(to.url)).secret, one), "another secret has another signature");
  await owner('UPDATE outreach."Webhook" SET enabled = false');
});

test("moves_deletion_and_restoring_are_told_and_other_changes_are_not", async () => {
  const { to, id: webhookId } = await listener();
  const id = await send();
  for (const [method, path, body] of [
    ["PATCH", `/inquiries/${id}`, { assigneeId: "7" }],
    ["PATCH", `/inquiries/${id}`, { status: "104_IN_REVIEW" }],
    ["PATCH", `/inquiries/${id}`, { status: "104_IN_REVIEW" }],
    ["POST", "/inquiries/bulk", { ids: [id], patch: { status: "203_PROCESSING" } }],
    ["DELETE", `/inquiries/${id}`],
    ["POST", `/inquiries/${id}/restore`],
  ]) {
    const answer = await hooked(method, path, { body });
    assert.equal(answer.status, 200, answer.text);
  }
  await to.about(id, 5);
  await settled(webhookId, "200_DELIVERED", 5);
  const events = to.of(id).sort((a, b) => (BigInt(a.id) < BigInt(b.id) ? -1 : 1));
  assert.deepEqual(events.map(({ body }) => [body.type, body.data.status]), [
    ["inquiry.submitted", "100_NEW"],
    ["inquiry.updated", "104_IN_REVIEW"],
    ["inquiry.updated", "203_PROCESSING"],
    ["inquiry.deleted", "203_PROCESSING"],
    ["inquiry.restored", "203_PROCESSING"],
  ]);
  const [{ created_at: at }] = await query('SELECT created_at FROM outreach."Inquiry" WHERE id = $1', [id]);
  for (const { body } of events) assert.equal(body.data.createdAt, at.toISOString());
  await disable(webhookId);
});

test("an_endpoint_gets_the_events_it_asked_for", async () => {
  const { to, id: webhookId } = await listener({ events: ["inquiry.deleted"] });
  const id = await send();
  await hooked("DELETE", `/inquiries/${id}`);
  await settled(webhookId, "200_DELIVERED");
  assert.deepEqual(to.of(id).map(({ body }) => body.type), ["inquiry.deleted"]);
  await disable(webhookId);
});

test("what_staff_makes_and_changes_many_of_is_told_too", async () => {
  const { to, id: webhookId } = await listener();
  const subject = unique("many");
  const ids = [];
  for (let i = 0; i < 3; i++) ids.push((await hooked("POST", "/inquiries", { body: inquiry({ subject }) })).body.data.id);
  const changed = await hooked("PATCH", `/inquiries?where=${encodeURIComponent(JSON.stringify({ subject }))}`, { body: { status: "405_ARCHIVED" } });
  assert.equal(changed.body.count, 3, changed.text);
  for (const id of ids) {
    const types = (await to.about(id, 2)).map(({ body }) => body.type).sort();
    assert.deepEqual(types, ["inquiry.submitted", "inquiry.updated"]);
  }
  await disable(webhookId);
});

test("nothing_is_written_when_it_is_off_or_nobody_listens", async () => {
  const eventsOf = (id) => query('SELECT FROM outreach."WebhookEvent" WHERE inquiry_id = $1', [id]);
  assert.equal((await eventsOf(await send())).length, 0, "no endpoint is enabled");
  const { id: webhookId } = await listener();
  const off = assertAccepted(await submit(inquiry())).id; // to the stack without
  assert.equal((await eventsOf(off)).length, 0, "it is off");
  const on = await send();
  assert.equal((await eventsOf(on)).length, 1);
  await disable(webhookId);
});

test("the_outbox_is_written_with_the_row_or_not_at_all", async () => {
  const { to, id: webhookId } = await listener();
  const body = inquiry();
  await owner(`
    CREATE FUNCTION outreach.test_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN IF NEW.payload LIKE '%${body.email}%' THEN RAISE EXCEPTION 'no' USING ERRCODE = 'disk_full'; END IF; RETURN NEW; END $$;
    CREATE TRIGGER test_refuse BEFORE INSERT ON outreach."WebhookEvent" FOR EACH ROW EXECUTE FUNCTION outreach.test_refuse()`);
  try {
    const refused = await submit(body, { base });
    assert.ok(refused.status >= 500, refused.text);
    assert.equal((await inquiriesOf(body.email)).length, 0, "no event, no row");
  } finally {
    await owner('DROP TRIGGER test_refuse ON outreach."WebhookEvent"; DROP FUNCTION outreach.test_refuse()');
  }
  await owner(`
    CREATE FUNCTION outreach.test_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = 'disk_full'; END $$;
    CREATE CONSTRAINT TRIGGER test_refuse AFTER INSERT ON outreach."Inquiry" INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.email = '${body.email}') EXECUTE FUNCTION outreach.test_refuse()`);
  try {
    const refused = await submit(body, { base });
    assert.ok(refused.status >= 500, refused.text);
  } finally {
    await owner('DROP TRIGGER test_refuse ON outreach."Inquiry"; DROP FUNCTION outreach.test_refuse()');
  }
  assert.equal((await query('SELECT FROM outreach."WebhookEvent" WHERE payload LIKE $1', [`%${body.email}%`])).length, 0, "no row, no event");
  const id = assertAccepted(await submit(body, { base })).id;
  await to.about(id);
  assert.equal(to.got.filter(({ text }) => text.includes(body.email)).length, 1);
  await disable(webhookId);
});

test("a_quarantined_inquiry_is_told_only_when_it_is_taken_out", async () => {
  const { to, id: webhookId } = await listener();
  const id = await send({ website: "https://a.example" }); // a field that people do not see
  const caught = (await hooked("GET", `/inquiries/${id}`)).body.data;
  assert.deepEqual([caught.status, caught.cancelReason], ["505_CANCELLED", "100_SPAM"]);
  assert.notEqual(caught.quarantinedAt, null);
  for (const [method, path, body] of [
    ["DELETE", `/inquiries/${id}`],
    ["POST", `/inquiries/${id}/restore`],
    ["PATCH", `/inquiries/${id}`, { status: "100_NEW" }],
    ["PATCH", `/inquiries/${id}`, { status: "505_CANCELLED", cancelReason: "100_SPAM" }], // by hand: no quarantine
  ]) {
    const answer = await hooked(method, path, { body });
    assert.equal(answer.status, 200, answer.text);
  }
  await settled(webhookId, "200_DELIVERED", 2);
  assert.equal((await deliveriesOf(webhookId)).length, 2, "of what happened in quarantine nothing was written");
  const events = to.of(id).sort((a, b) => (BigInt(a.id) < BigInt(b.id) ? -1 : 1));
  assert.deepEqual(events.map(({ body }) => [body.type, body.data.status]), [
    ["inquiry.submitted", "100_NEW"],
    ["inquiry.updated", "505_CANCELLED"],
  ]);
  await disable(webhookId);
});

test("what_is_not_taken_is_tried_again_as_the_schedule_says_and_then_given_up", async () => {
  const { to, id: webhookId, secret } = await listener();
  const answers = [500, [302, { Location: `${to.url}/elsewhere` }], 204];
  to.answer = () => answers.shift() ?? 503;
  const id = await send();
  const three = await to.about(id, 3);
  const [row] = await settled(webhookId, "200_DELIVERED");
  assert.deepEqual([row.attempts, row.lastStatusCode, row.lastError], [3, 204, null]);
  assert.deepEqual(three.map((one) => one.url), ["/hook", "/hook", "/hook"], "no redirect is followed");
  assert.equal(new Set(three.map((one) => one.id)).size, 1, "the same webhook-id");
  assert.equal(new Set(three.map((one) => one.text)).size, 1, "the same bytes");
  for (const one of three) verify(secret, one);
  for (let i = 1; i < 3; i++) assert.ok(three[i].at - three[i - 1].at >= 850, `a pause of ${three[i].at - three[i - 1].at} ms`);

  const lost = await send();
  await to.about(lost, 3);
  const [failed] = await settled(webhookId, "505_FAILED");
  assert.deepEqual([failed.attempts, failed.lastStatusCode, failed.lastError, failed.nextAttemptAt, failed.deliveredAt], [3, 503, "answered 503", null, null]);
  const { failingSince, enabled } = (await hooked("GET", `/webhooks/${webhookId}`)).body.data;
  assert.ok(enabled && failingSince !== null);

  to.answer = () => 200;
  const replayed = await hooked("POST", `/webhook-deliveries/${failed.id}/replay`);
  assert.equal(replayed.status, 200, replayed.text);
  await until("it is delivered", async () => (await deliveriesOf(webhookId, { id: failed.id }))[0].status === "200_DELIVERED");
  assert.equal(to.of(lost).length, 4);
  assert.equal(to.of(lost)[3].id, failed.eventId);
  assert.equal((await hooked("GET", `/webhooks/${webhookId}`)).body.data.failingSince, null);
  await hooked("POST", `/webhook-deliveries/${failed.id}/replay`); // what was delivered, too
  await to.about(lost, 5);
  await disable(webhookId);
  assertProblem(await hooked("POST", `/webhook-deliveries/${failed.id}/replay`), 409);
  assertProblem(await hooked("POST", "/webhook-deliveries/999999999/replay"), 404);
});

test("an_endpoint_that_answers_410_is_disabled", async () => {
  const { to, id: webhookId } = await listener();
  to.answer = () => 410;
  const id = await send();
  await to.about(id);
  const [row] = await settled(webhookId, "505_FAILED");
  assert.deepEqual([row.attempts, row.lastStatusCode], [1, 410]);
  const read = await until("it is disabled", async () => {
    const answer = await hooked("GET", `/webhooks/${webhookId}`);
    return !answer.body.data.enabled && answer;
  });
  assert.deepEqual([read.body.data.enabled, read.body.data.disabledReason, read.headers.get("etag")], [false, "the endpoint answered 410 Gone", '"v2"']);
  const audit = await query(`SELECT action, actor_id, changes FROM outreach."AuditLog" WHERE entity_id = $1 AND action = 'update'`, [webhookId]);
  assert.deepEqual(audit.map(({ action, actor_id, changes }) => [action, actor_id, changes.enabled, changes.disabledReason.new]), [["update", null, { old: true, new: false }, "the endpoint answered 410 Gone"]]);
  const later = await send();
  assert.equal((await deliveriesOf(webhookId)).length, 1, "nothing more is kept for it");
  const enabled = await hooked("PATCH", `/webhooks/${webhookId}`, { body: { enabled: true } });
  assert.deepEqual([enabled.body.data.enabled, enabled.body.data.disabledReason, enabled.body.data.failingSince], [true, null, null]);
  to.answer = () => 204;
  const last = await send();
  await to.about(last);
  assert.equal(to.of(later).length, 0);
  await disable(webhookId);
});

test("during_a_rotation_both_secrets_sign_and_after_it_the_new_one_alone", async () => {
  const { to, id: webhookId, secret: old } = await listener();
  const rotated = await hooked("POST", `/webhooks/${webhookId}/rotate`);
  assert.equal(rotated.status, 200, rotated.text);
  const { secret, previousSecretUntil } = rotated.body.data;
  assert.notEqual(secret, old);
  assert.ok(Math.abs(new Date(previousSecretUntil) - Date.now() - 24 * 3600_000) < 60_000);
  assert.equal(previousSecretUntil, (await hooked("GET", `/webhooks/${webhookId}`)).body.data.previousSecretUntil, "with milliseconds, as it is stored");
  const [both] = await to.about(await send());
  assert.equal(both.headers["webhook-signature"].split(" ").length, 2);
  assert.ok(verifies(secret, both) && verifies(old, both));
  await query(`UPDATE outreach."Webhook" SET previous_secret_until = now() WHERE id = $1`, [webhookId]);
  const [one] = await to.about(await send());
  assert.ok(verifies(secret, one) && !verifies(old, one));
  assert.equal(one.headers["webhook-signature"].split(" ").length, 1);
  const stale = await hooked("POST", `/webhooks/${webhookId}/rotate`, { headers: { "If-Match": '"v1"' } });
  assertProblem(stale, 412);
  await disable(webhookId);
});

test("a_secret_is_shown_once_and_never_again", async () => {
  const made = await hooked("POST", "/webhooks", { body: { url: "https://example.com/hook", description: "CRM" } });
  const { id, secret } = made.body.data;
  assert.match(secret, /^whsec_[A-Za-z0-9+/]{43}=$/);
  assert.deepEqual([made.headers.get("etag"), made.headers.get("location")?.endsWith(`/webhooks/${id}`)], ['"v1"', true]);
  const rotated = (await hooked("POST", `/webhooks/${id}/rotate`)).body.data.secret;
  for (const answer of [
    await hooked("GET", "/webhooks"),
    await hooked("GET", `/webhooks/${id}`),
    await hooked("PATCH", `/webhooks/${id}`, { body: { description: "Other" } }),
    await hooked("GET", "/audit-logs"),
    await hooked("DELETE", `/webhooks/${id}`),
  ]) {
    assert.equal(answer.status, 200, answer.text);
    for (const one of [secret, rotated]) assert.ok(!answer.text.includes(one) && !answer.text.includes("whsec_"));
  }
  assertProblem(await hooked("GET", `/webhooks/${id}`), 404);
  for (const name of there.logNames()) assert.ok(!there.log(name).includes("whsec_"), name);
  const changes = (await rowsOf("/audit-logs", { where: { entity: "Webhook", entityId: id }, order: ["id ASC"] }, { base })).map(({ action }) => action);
  assert.deepEqual(changes, ["create", "update", "update", "delete"]);
});

test("an_endpoint_that_cannot_be_is_refused_with_the_reason", async () => {
  const refusals = [
    ["ftp://example.com/", "expected https:// or http://"],
    ["https://user:pw@example.com/", "it holds credentials"],
    ["https://user@127.0.0.1:1/", "it holds credentials"],
    ["https://10.1.2.3/", "its address is not allowed"],
    ["https://169.254.169.254/latest/meta-data", "its address is not allowed"],
    ["https://[fe80::1]/", "its address is not allowed"],
    ["https://[::ffff:10.0.0.1]/", "its address is not allowed"],
    ["https://2130706433/", "its host is none"],
    ["https://0x7f.1/", "its host is none"],
    ["https://127.1/", "its host is none"],
    ["https://example.com:0/", "its port is none"],
    ["https://example.com/#a", "it holds a character that a URL cannot, or a fragment"],
    ["https://exa mple.com/", "it holds a character that a URL cannot, or a fragment"],
    ["https:///path/", "its host is none"],
  ];
  for (const [url, why] of refusals)
    assertInvalid(await hooked("POST", "/webhooks", { body: { url } }), [["url", "invalid_format", `Invalid URL: ${why}`]]);
  const plain = await staff("POST", "/webhooks", { body: { url: "http://example.com/hook" } }); // the stack without the setting
  assertInvalid(plain, [["url", "invalid_format", "Invalid URL: expected https://"]]);
  const event = await hooked("POST", "/webhooks", { body: { url: "https://example.com/hook", events: ["inquiry.deleted", "inquiry.eaten"] } });
  assertInvalid(event, [["events.1", "invalid_value", "Invalid option: no such event"]]);
  for (const [enabled, is] of [["true", "string"], [1, "number"], [null, "null"]])
    assertInvalid(await hooked("POST", "/webhooks", { body: { url: "https://example.com/hook", enabled } }), [wrongType("enabled", "boolean", is)]);
  const { id } = await endpoint("https://example.com/hook", { enabled: false });
  assertInvalid(await hooked("PATCH", `/webhooks/${id}`, { body: { url: "https://10.0.0.1/" } }), [["url", "invalid_format", "Invalid URL: its address is not allowed"]]);
  assert.equal((await hooked("POST", "/webhooks", { body: { url: "https://example.com/hook", secret: "whsec_mine" } })).status, 422, "secrets are ours");
});

test("a_test_event_goes_to_its_endpoint_alone", async () => {
  const [a, b] = [await listener(), await listener()];
  const answer = await hooked("POST", `/webhooks/${a.id}/test`);
  assert.equal(answer.status, 202, answer.text);
  await settled(a.id, "200_DELIVERED");
  assert.deepEqual(a.to.got.map(({ body }) => [body.type, body.data]), [["webhook.test", {}]]);
  verify(a.secret, a.to.got[0]);
  assert.equal(b.to.got.length, 0);
  await disable(a.id);
  await disable(b.id);
  assertProblem(await hooked("POST", `/webhooks/${a.id}/test`), 409, "The endpoint is disabled");
});

test("a_sender_that_is_killed_after_the_post_sends_it_again_with_the_same_id", async () => {
  const { to, id: webhookId, secret } = await listener();
  let killed = false;
  to.answer = async () => {
    if (killed) return 204;
    killed = true;
    there.signalAll("sender", "SIGSTOP"); // neither it nor its mate writes anything down
    for (const pid of there.children("sender")) process.kill(pid, "SIGKILL");
    process.kill(there.pid("sender"), "SIGCONT");
    return 204;
  };
  const id = await send();
  const [first, second] = await to.about(id, 2);
  assert.ok(killed);
  assert.deepEqual([second.id, second.text], [first.id, first.text]);
  verify(secret, second);
  const [row] = await settled(webhookId, "200_DELIVERED");
  assert.equal(row.attempts, 2);
  await until("both senders are back", () => there.children("sender").length === 2 && there.children("sender").every((pid) => !gone(pid)));
  await disable(webhookId);
});

test("a_dead_endpoint_holds_up_no_other", async () => {
  let open = 0;
  let most = 0;
  const silent = createServer((socket) => {
    most = Math.max(most, ++open);
    socket.on("error", () => {}).on("close", () => open--).resume();
  }).listen(0, "127.0.0.1"); // accepts, and says nothing
  await once(silent, "listening");
  const dead = await endpoint(`http://127.0.0.1:${silent.address().port}/`);
  const refusing = await endpoint(`http://127.0.0.1:${await freePort()}/`);
  const { to, id: webhookId } = await listener();
  const ids = await Promise.all(Array.from({ length: 40 }, () => send()));
  const begun = Date.now();
  for (const id of ids) await to.about(id);
  const took = Date.now() - begun;
  assert.ok(took < 5000, `${took} ms for 40 beside a dead endpoint, whose own would take 40 time-outs`);
  assert.ok(most <= 8, `${most} places of two senders for one that is dead`);
  await until("both fail", async () => (await Promise.all([dead, refusing].map(({ id }) => hooked("GET", `/webhooks/${id}`)))).every(({ body }) => body.data.failingSince !== null));
  const reasons = new Set((await deliveriesOf(refusing.id)).map(({ lastError }) => lastError).filter(Boolean));
  assert.deepEqual([...reasons], ["Couldn't connect to server"]);
  for (const one of [dead.id, refusing.id, webhookId]) await hooked("DELETE", `/webhooks/${one}`);
  silent.close();
});

test("two_senders_that_look_at_the_same_moment_share_the_places_of_an_endpoint", async () => {
  const { to, id: webhookId } = await listener();
  let open = 0;
  let most = 0;
  let release;
  const released = new Promise((resolve) => (release = resolve));
  to.answer = async () => {
    most = Math.max(most, ++open);
    await released;
    open--;
    return 204;
  };
  const lock = new pg.Client({ connectionString: stack.env.DATABASE_ADMIN_URL });
  await lock.connect();
  await lock.query("BEGIN");
  await lock.query('LOCK TABLE outreach."WebhookDelivery"');
  await lock.query(`WITH e AS (INSERT INTO outreach."WebhookEvent" (id, type, payload) SELECT $2::bigint + i, 'webhook.test', '{}' FROM generate_series(1, 10) AS i RETURNING id)
    INSERT INTO outreach."WebhookDelivery" (event_id, webhook_id, type) SELECT id, $1, 'webhook.test' FROM e`, [webhookId, Date.now()]);
  await until("both senders wait", async () => {
    const { rows } = await lock.query("SELECT FROM pg_locks WHERE database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND NOT granted");
    return rows.length >= 2;
  });
  await lock.query("COMMIT");
  await until("the places are taken", () => open >= 4);
  const { rows } = await lock.query('SELECT count(*)::int AS leased FROM outreach."WebhookDelivery" WHERE webhook_id = $1 AND leased_until > now()', [webhookId]);
  release();
  await lock.end();
  await settled(webhookId, "200_DELIVERED", 10);
  assert.deepEqual([rows[0].leased, most], [4, 4]);
  await disable(webhookId);
});

test("an_erased_person_is_in_no_event_and_no_delivery", async () => {
  const { to, id: webhookId } = await listener();
  to.answer = () => 503;
  const email = `${unique("erased")}@example.com`;
  const id = await send({ email });
  await to.about(id);
  const erased = await hooked("DELETE", `/privacy/subjects/${email}`);
  assert.equal(erased.status, 200, erased.text);
  const [event] = await query('SELECT payload FROM outreach."WebhookEvent" WHERE inquiry_id = $1', [id]);
  assert.equal(event.payload, null);
  const [row] = await settled(webhookId, "505_FAILED");
  assert.equal(row.lastError, "erased, on demand of the person in it");
  assertProblem(await hooked("POST", `/webhook-deliveries/${row.id}/replay`), 409);
  await disable(webhookId);
});

test("what_waits_and_what_was_tried_is_counted", async () => {
  const before = (await there.metric('bana_webhook_attempts_total{outcome="delivered"}')) ?? 0;
  const events = (await there.metric("bana_webhook_events_total")) ?? 0;
  const { to, id: webhookId } = await listener();
  await to.about(await send());
  await until("it is counted", async () => (await there.metric('bana_webhook_attempts_total{outcome="delivered"}')) >= before + 1);
  assert.equal(await there.metric("bana_webhook_events_total"), events + 1);
  await until("the backlog is told", async () => (await there.metric("bana_webhook_backlog")) >= 0);
  await disable(webhookId);
  await until("no sender runs there", async () => (await stack.metric("bana_webhook_backlog")) === undefined, 40_000); // another suite may have had one
});

test("what_is_old_is_removed", async () => {
  const { to, id: webhookId } = await listener();
  const id = await send();
  await to.about(id);
  await settled(webhookId, "200_DELIVERED");
  await owner(`UPDATE outreach."WebhookEvent" SET created_at = now() - interval '31 days' WHERE inquiry_id = $1`, [id]);
  for (const pid of there.children("sender")) process.kill(pid, "SIGTERM"); // a new one looks at once
  await until("it is gone", async () => (await deliveriesOf(webhookId)).length === 0, 15_000);
  await disable(webhookId);
});

test("while_it_is_off_nothing_is_promised_and_what_is_old_is_removed_all_the_same", async () => {
  const { to, id: webhookId } = await listener();
  const id = await send();
  await to.about(id);
  const [row] = await settled(webhookId, "200_DELIVERED");
  await there.reload({ ...ON, APP_ENV_OUTREACH_WEBHOOKS: "false" }); // ends its senders
  const why = "Webhooks are off: APP_ENV_OUTREACH_WEBHOOKS";
  assertProblem(await hooked("POST", `/webhooks/${webhookId}/test`), 409, why);
  assertProblem(await hooked("POST", `/webhook-deliveries/${row.id}/replay`), 409, why);
  assertProblem(await hooked("POST", "/webhooks/999999999/test"), 404);
  assertProblem(await hooked("POST", "/webhook-deliveries/999999999/replay"), 404);
  assert.deepEqual(await deliveriesOf(webhookId), [row], "neither wrote anything");

  await owner(`UPDATE outreach."WebhookEvent" SET created_at = now() - interval '31 days' WHERE inquiry_id = $1`, [id]);
  const sender = there.run("work");
  try {
    await until("it is gone", async () => (await deliveriesOf(webhookId)).length === 0, 15_000);
  } finally {
    sender.kill("SIGTERM");
    if (sender.exitCode === null) await once(sender, "exit");
  }
  await there.reload(ON);
  await disable(webhookId);
});

test("an_address_that_is_not_allowed_is_not_connected_to_whatever_its_name", async () => {
  const to = await receiver();
  const names = ["127.0.0.1", "localhost", "[::1]"];
  const made = [];
  for (const name of names) made.push(await endpoint(`http://${name}:${to.port}/hook`));
  await there.reload({ ...ON, APP_ENV_OUTREACH_WEBHOOK_NETWORKS: "10.0.0.0/8" });
  const id = await send();
  for (const { id: webhookId, url } of made) {
    const [row] = await settled(webhookId, "505_FAILED");
    assert.deepEqual([row.lastStatusCode, row.lastError, row.attempts], [null, "its address is not allowed", 3], url);
  }
  assert.equal(to.connections, 0);
  assertInvalid(await hooked("POST", "/webhooks", { body: { url: to.url } }), [["url", "invalid_format", "Invalid URL: its address is not allowed"]]);
  await there.reload(ON);
  const later = await send();
  await to.about(later, 2);
  assert.equal(to.of(id).length, 0);
  await owner('UPDATE outreach."Webhook" SET enabled = false');
});
