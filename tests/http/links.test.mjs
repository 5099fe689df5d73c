// What a mailing tool is given for each subscriber, that it works, and that it is given nowhere else.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { assertInvalid, assertProblem, call, post, unique, wrongType } from "./lib/api.mjs";
import { CASHIER, createSubscriber, EMPLOYEE, staff, tokenOf } from "./lib/bo.mjs";
import { close, query, subscriberRow } from "./lib/db.mjs";
import { links, pathOf, PUBLIC_URL, signed } from "./lib/links.mjs";
import { stack } from "./lib/stack.mjs";
import { until } from "./lib/wait.mjs";

const SERVICE = tokenOf("SERVICE", { userId: "mailer", principalType: "Service" });
let own, base;
before(async () => {
  own = await stack.beside("links", {
    APP_ENV_NODE_ID: "17", APP_ENV_OUTREACH_DOUBLE_OPT_IN: "true", APP_ENV_OUTREACH_PUBLIC_URL: PUBLIC_URL, APP_ENV_JWKS_URL: stack.env.JWKS_URL ?? `file://${stack.dir}/jwks.json`,
  }, { workers: 2 });
  base = own.env.BASE_URL;
});
after(async () => {
  await close();
  await own?.remove();
});

const ask = (ids, token = SERVICE) => links(ids, { token, base });
const subscribe = async (columns = "status = status") => {
  const email = `${unique("links")}@example.com`;
  assert.equal((await post("/subscribers/subscribe", JSON.stringify({ email }), { base })).status, 200);
  await query(`UPDATE outreach."Subscriber" SET ${columns} WHERE email = $1`, [email]);
  return subscriberRow(email);
};
const statusOf = async (email) => (await subscriberRow(email)).status;

test("each_subscriber_has_its_links_and_headers_in_the_order_asked_for", async () => {
  const active = await subscribe("status = '201_ACTIVATED'");
  const pending = await subscribe();
  const answer = await ask([pending.id, active.id, pending.id]);
  assert.equal(answer.status, 200, answer.text);
  const item = ({ id, email, unsubscribe_token: number, status }) => {
    const unsubscribeUrl = `${PUBLIC_URL}/subscribers/unsubscribe/${signed(own.secret, "unsubscribe link", number)}`;
    const confirm = status === "103_PENDING" ? { confirmUrl: `${PUBLIC_URL}/subscribers/confirm/${signed(own.secret, "confirm link", number)}` } : {};
    const headers = { "List-Unsubscribe": `<${unsubscribeUrl}>`, "List-Unsubscribe-Post": "List-Unsubscribe=One-Click" };
    return { id, status: 200, subscription: status, email, unsubscribeUrl, ...confirm, headers };
  };
  assert.deepEqual(answer.body, { count: 3, data: [item(pending), item(active), item(pending)] });
  assert.equal(answer.headers.get("cache-control"), "no-store");
});

test("who_may_get_no_mail_has_no_links_and_the_reason", async () => {
  const rows = [
    ["status = '401_DEACTIVATED'", "Unsubscribed"], ["status = '403_BLOCKED'", "Blocked"], ["status = '405_ARCHIVED'", "Archived"],
    ...["confirm_expires_at = now() - interval '1 second'", "confirm_expires_at = NULL", "confirm_token_hash = NULL", "confirm_token_hash = repeat('0', 64)"].map((columns) => [columns, "Not confirmed, and no confirm link of this secret is open"]),
  ];
  for (const [columns, message] of rows) {
    const { id, status } = await subscribe(columns);
    assert.deepEqual((await ask(id)).body.data, [{ id, status: 409, subscription: status, message }], columns);
  }
  const { id } = await subscribe();
  const { id: made } = await createSubscriber({ status: "103_PENDING" });
  await staff("DELETE", `/subscribers/${id}`);
  const [deleted, missing, ofStaff] = (await ask([id, "1", made])).body.data;
  assert.deepEqual([deleted, missing], [id, "1"].map((one) => ({ id: one, status: 404, message: "Subscriber not found" })));
  assert.equal(ofStaff.status, 409, "whom staff made nobody has asked to confirm");
});

test("the_links_work_as_mail_programs_use_them", async () => {
  const FORM = "application/x-www-form-urlencoded";
  const clicks = {
    form: { headers: { "Content-Type": FORM }, body: "List-Unsubscribe=One-Click" },
    multipart: { headers: { "Content-Type": "multipart/form-data; boundary=----=_Part_1" }, body: '------=_Part_1\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n------=_Part_1--\r\n' },
  };
  for (const [name, click] of Object.entries(clicks)) {
    for (const columns of ["status = '201_ACTIVATED'", "status = status"]) {
      const { id, email } = await subscribe(columns);
      const { headers } = (await ask(id)).body.data[0];
      const [, url] = /^<(https:\/\/[^<>]+)>$/.exec(headers["List-Unsubscribe"]);
      assert.equal(headers["List-Unsubscribe-Post"], "List-Unsubscribe=One-Click");
      const answer = await call("POST", pathOf(url), { base, ...click });
      assert.equal(answer.status, 200, `${name}: no redirect, no question`);
      for (const header of ["location", "set-cookie", "www-authenticate", "refresh"]) assert.equal(answer.headers.get(header), null, header);
      assert.equal(await statusOf(email), "401_DEACTIVATED");
      assert.deepEqual((await ask(id)).body.data[0].message, "Unsubscribed");
    }
  }
});

test("at_most_a_thousand_ids_and_nothing_but_ids", async () => {
  const { id } = await subscribe();
  assert.equal((await ask(Array(800).fill(id))).body.count, 800);
  assert.equal((await ask(Array(1000).fill("1"))).body.count, 1000);
  assertInvalid(await ask(Array(1001).fill("1")), [["ids", "too_big", "Expected 1 to 1000 ids"]]);
  assertInvalid(await ask(`${id},,x,0,-1,01,1.5,9223372036854775808,%201`), [1, 2, 3, 4, 5, 6, 7, 8].map((i) => [`ids.${i}`, "invalid_format", "Invalid id"]));
  assertInvalid(await ask(""), [["ids.0", "invalid_format", "Invalid id"]]);
  assertInvalid(await call("GET", "/subscribers/links", { base, token: SERVICE }), [wrongType("ids", "string", "undefined")]);
  assertProblem(await ask("%zz"), 400);
  assert.equal((await call("GET", `/subscribers/links?ids=${id}%2C${id}`, { base, token: SERVICE })).body.count, 2);
});

test("only_owners_and_services_get_them", async () => {
  const { id } = await subscribe();
  for (const token of [EMPLOYEE, CASHIER, tokenOf("NOBODY")]) assertProblem(await ask(id, token), 403);
  assertProblem(await call("GET", `/subscribers/links?ids=${id}`, { base }), 401);
  for (const token of [tokenOf("OWNER"), SERVICE]) assert.equal((await ask(id, token)).status, 200);
  for (const path of ["/subscribers", "/subscribers/export.csv", `/subscribers/${id}`, "/inquiries", "/consents", "/audit-logs"]) assertProblem(await call("GET", path, { base, token: SERVICE }), 403);
});

test("tokens_are_given_nowhere_else_and_that_they_were_is_logged", async () => {
  const row = await subscribe();
  const [{ unsubscribeUrl, confirmUrl }] = (await call("GET", `/subscribers/links?ids=${row.id}`, { base, token: SERVICE, headers: { "X-Request-Id": "links-of-mailer" } })).body.data;
  await call("GET", pathOf(confirmUrl), { base });
  await call("GET", `/${pathOf(confirmUrl)}`, { base });
  await call("POST", pathOf(confirmUrl), { base });
  await call("POST", pathOf(unsubscribeUrl), { base });
  await staff("PATCH", `/subscribers/${row.id}`, { base, body: { status: "201_ACTIVATED" } });
  const last = unique("last-request");
  await call("GET", "/subscribers/links?ids=1", { base, token: SERVICE, headers: { "X-Request-Id": last } });
  for (const name of ["edge.access.log", "outreach.log"]) await until(`${name} is written`, () => own.log(name).includes(last));
  assert.match(own.log("outreach.log"), /requestId=links-of-mailer msg="links of subscribers given" by=mailer asked=1 given=1/);

  const token = (url) => url.split("/").at(-1);
  const secrets = [token(unsubscribeUrl), token(confirmUrl), token(unsubscribeUrl).split(".")[1], token(confirmUrl).split(".")[1], row.unsubscribe_token, row.confirm_token_hash];
  const where = encodeURIComponent(JSON.stringify({ where: { email: row.email }, limit: 1000 }));
  const places = Object.fromEntries(own.logNames().map((name) => [name, own.log(name)]));
  for (const path of [`/subscribers?filter=${where}`, `/subscribers/export.csv?filter=${where}`, `/subscribers/${row.id}`, `/consents?filter=${where}`, "/audit-logs?filter=%7B%22limit%22%3A1000%2C%22order%22%3A%5B%22id%20DESC%22%5D%7D", `/privacy/subjects/${row.email}`]) {
    places[path] = (await staff("GET", path, { base })).text;
    if (!path.startsWith("/audit")) assert.ok(places[path].includes(row.email), path);
  }
  places["the audit log"] = JSON.stringify(await query('SELECT * FROM outreach."AuditLog" WHERE entity_id = $1', [row.id]));
  assert.ok(places["the audit log"].includes("201_ACTIVATED"));
  places["kept answers"] = JSON.stringify(await query('SELECT * FROM outreach."IdempotencyKey"'));
  for (const [place, text] of Object.entries(places)) for (const secret of secrets) assert.ok(!text.includes(secret), `${place}: ${secret}`);
  const kept = JSON.stringify(await query('SELECT * FROM outreach."Subscriber" WHERE id = $1', [row.id])) + JSON.stringify(await query('SELECT * FROM outreach."Consent" WHERE subscriber_id = $1', [row.id]));
  for (const secret of secrets.slice(0, 4)) assert.ok(!kept.includes(secret), "in the database is a hash");
});

test("without_the_settings_they_need_there_are_none_and_the_answer_says_what_is_missing", async () => {
  const { id } = await subscribe();
  for (const name of ["APP_ENV_OUTREACH_PUBLIC_URL", "APP_ENV_OUTREACH_SECRET"]) {
    await own.reload({ APP_ENV_OUTREACH_PUBLIC_URL: PUBLIC_URL, [name]: "", APP_ENV_OUTREACH_DOUBLE_OPT_IN: "false" });
    assertProblem(await ask(id), 409, `No links without the setting ${name}`);
  }
});
