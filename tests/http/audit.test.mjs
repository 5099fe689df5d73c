// The audit log: one row for each row that was changed, nothing personal in it, and nobody can rewrite it.
import assert from "node:assert/strict";
import { after, test } from "node:test";

import { assertProblem, inquiry, post, submit, unique } from "./lib/api.mjs";
import { CASHIER, EMPLOYEE, auditsOf, createInquiry, createSubscriber, find, inquiryOf, insertInquiries, rowsOf, staff, subscriberOf, tokenOf, withQuery } from "./lib/bo.mjs";
import { close, owner, query } from "./lib/db.mjs";

after(close);

const timeline = (id, filter, options) => rowsOf(`/inquiries/${id}/timeline`, filter, options);
const logOf = (filter) => rowsOf("/audit-logs", { limit: 1000, order: ["id"], ...filter });
const MEMBERS = ["id", "createdAt", "entity", "entityId", "action", "actorId", "actorType", "requestId", "changes", "subject"];

test("each_change_is_told_with_who_what_when_and_by_which_request", async () => {
  const names = ["made", "moved", "gone", "back"].map(unique);
  const by = tokenOf("OWNER", { userId: "u-77", principalType: "Robot" });
  const sent = { firstName: "Ada", email: `${unique("a")}@example.com`, message: "Secret", type: "200_SALES", assigneeId: "5" };
  const { id } = (await staff("POST", "/inquiries", { body: sent, token: EMPLOYEE, headers: { "X-Request-Id": names[0] } })).body.data;
  const steps = [["PATCH", "", { status: "505_CANCELLED", cancelReason: "100_SPAM", assigneeId: null, phone: "+49 30 1234567" }], ["DELETE", ""], ["POST", "/restore"]];
  for (const [i, [verb, rest, body]] of steps.entries()) await staff(verb, `/inquiries/${id}${rest}`, { body, token: by, headers: { "X-Request-Id": names[i + 1] } });
  const rows = await timeline(id);
  assert.deepEqual(rows.map(({ action, actorId, actorType, requestId }) => [action, actorId, actorType, requestId]), [
    ["create", "u-employee", "User", names[0]], ["update", "u-77", "Robot", names[1]], ["delete", "u-77", "Robot", names[2]], ["restore", "u-77", "Robot", names[3]],
  ]);
  for (const row of rows) {
    assert.deepEqual(Object.keys(row), MEMBERS);
    assert.deepEqual([row.entity, row.entityId, row.subject], ["Inquiry", id, null]);
    assert.match(row.id, /^[1-9][0-9]{16,18}$/);
  }
  const { status, type, assigneeId, firstName, email, message } = rows[0].changes;
  assert.deepEqual([type, assigneeId, status], [{ old: null, new: "200_SALES" }, { old: null, new: "5" }, { old: null, new: "100_NEW" }]);
  for (const personal of [firstName, email, message]) assert.deepEqual(personal, { old: null, new: "***" });
  const handled = (await inquiryOf(id)).handled_at.toISOString();
  assert.deepEqual(rows[1].changes, {
    status: { old: "100_NEW", new: "505_CANCELLED" }, phone: { old: null, new: "***" }, cancelReason: { old: null, new: "100_SPAM" }, assigneeId: { old: "5", new: null }, handledAt: { old: null, new: handled },
  });
  assert.deepEqual(rows[2].changes, { deletedAt: { old: null, new: "***" } });
  assert.deepEqual(rows[3].changes, { deletedAt: { old: "***", new: null } });
  assert.deepEqual(await logOf({ where: { entityId: id } }), rows, "the same rows");
});

test("nothing_personal_and_nothing_hidden_is_in_the_log", async () => {
  const secret = unique("zq");
  const texts = { firstName: secret, lastName: secret, businessName: secret, subject: secret, phone: secret, message: secret, email: `${secret}@example.com`, metadata: { [secret]: secret } };
  const { id } = await createInquiry(texts);
  await staff("PATCH", `/inquiries/${id}`, { body: { ...texts, subject: `${secret}2`, email: `2${secret}@example.com`, metadata: { a: `${secret}3` }, lastName: null } });
  await staff("POST", "/inquiries/bulk", { body: { ids: [id], patch: { message: `${secret}4`, phone: `${secret}5` } } });
  const other = await createSubscriber({ email: `s${secret}@example.com`, firstName: secret });
  await staff("PATCH", `/subscribers/${other.id}`, { body: { email: `t${secret}@example.com`, firstName: `${secret}6`, status: "401_DEACTIVATED" } });
  await staff("DELETE", `/subscribers/${other.id}`);
  const token = (await subscriberOf(other.id)).unsubscribe_token;
  for (const [one, count] of [[id, 3], [other.id, 3]]) {
    const rows = await auditsOf(one);
    assert.equal(rows.length, count);
    for (const row of rows) assert.ok(!JSON.stringify(row).includes(secret) && !JSON.stringify(row).includes(token), JSON.stringify(row));
  }
  assert.deepEqual((await auditsOf(id))[2].changes, { phone: { old: "***", new: "***" }, message: { old: "***", new: "***" } });
});

test("many_rows_changed_at_once_have_one_log_row_each", async () => {
  const name = unique("many");
  const rows = await insertInquiries([{}, {}, { assignee_id: "4" }].map((row) => ({ business_name: name, ...row, assignee_id: row.assignee_id ?? null })));
  const step = (verb, body) => staff(verb, withQuery("/inquiries", { where: { businessName: name } }), { body, headers: { "X-Request-Id": `${name}-${verb}` } });
  await step("PATCH", { assigneeId: "4" });
  await step("DELETE");
  const log = await logOf({ where: { requestId: { like: `${name}%` } } });
  assert.deepEqual(log.map(({ entityId, action }) => [entityId, action]), [...rows.slice(0, 2).map(({ id }) => [id, "update"]), ...rows.map(({ id }) => [id, "delete"])], "but none for the row that was so already");
  assert.deepEqual(log[0].changes, { assigneeId: { old: null, new: "4" } });
  assert.equal(new Set(log.map(({ id }) => id)).size, 5);
  const named = await insertInquiries([{ business_name: name }, { business_name: name, status: "303_COMPLETED" }]);
  await staff("POST", "/inquiries/bulk", { body: { ids: [...named.map(({ id }) => id), "1"], patch: { status: "505_CANCELLED" } }, headers: { "X-Request-Id": `${name}-bulk` } });
  assert.deepEqual((await logOf({ where: { requestId: `${name}-bulk` } })).map(({ entityId }) => entityId), [named[0].id], "only what was changed");
});

test("what_was_refused_or_did_nothing_is_not_in_the_log", async () => {
  const { id } = await createInquiry({ status: "303_COMPLETED", subject: "S" });
  const name = unique("refused");
  const headers = { "X-Request-Id": name };
  const ask = (verb, path, body, more = {}) => staff(verb, path, { body, ...more, headers: { ...headers, ...more.headers } });
  const where = withQuery("/inquiries", { where: { id } });
  const answers = [
    await ask("PATCH", `/inquiries/${id}`, { status: "505_CANCELLED" }), await ask("PATCH", `/inquiries/${id}`, { subject: "x" }, { headers: { "If-Match": '"v9"' } }), await ask("PATCH", `/inquiries/${id}`, { nope: 1 }), await ask("PATCH", `/inquiries/${id}`, { subject: "S" }), await ask("PATCH", `/inquiries/${id}`, {}),
    await ask("PATCH", where, { status: "505_CANCELLED" }), await ask("PATCH", where, { subject: "S" }), await ask("POST", `/inquiries/${id}/restore`), await ask("POST", "/inquiries/bulk", { ids: [id, "1"], patch: { status: "505_CANCELLED" } }), await ask("DELETE", "/inquiries/1"),
    await ask("POST", "/inquiries", { firstName: "x" }), await ask("DELETE", `/inquiries/${id}`, undefined, { token: EMPLOYEE }), await ask("DELETE", "/privacy/subjects/nobody-at-all@example.com"), await ask("GET", `/inquiries/${id}`), await ask("GET", "/inquiries/export.csv?filter=%7B%22limit%22%3A1%7D"),
  ];
  assert.deepEqual(answers.map(({ status }) => status), [409, 412, 422, 200, 200, 409, 200, 200, 200, 404, 422, 403, 404, 200, 200]);
  assert.deepEqual(await logOf({ where: { requestId: name } }), []);
  assert.equal((await auditsOf(id)).length, 1);
  const taken = await createSubscriber();
  assertProblem(await ask("POST", "/subscribers", { email: taken.email }), 409);
  assert.deepEqual(await logOf({ where: { requestId: name } }), [], "the log row went with the change that failed");
});

test("visitors_leave_no_log_rows_of_staff", async () => {
  const sent = await submit(inquiry());
  assert.deepEqual(await timeline(sent.body.data.id), []);
  const email = `${unique("v")}@example.com`;
  await post("/subscribers/subscribe", JSON.stringify({ email }));
  const [row] = await query('SELECT id FROM outreach."Subscriber" WHERE email = $1', [email]);
  assert.deepEqual(await auditsOf(row.id), []);
});

test("the_timeline_is_of_one_row_also_when_it_is_deleted_and_takes_a_filter", async () => {
  const [one, two] = [await createInquiry(), await createInquiry()];
  for (const status of ["104_IN_REVIEW", "203_PROCESSING", "303_COMPLETED"]) await staff("PATCH", `/inquiries/${one.id}`, { body: { status } });
  await staff("DELETE", `/inquiries/${one.id}`);
  const actions = async (filter, options) => (await timeline(one.id, filter, options)).map(({ action }) => action);
  assert.deepEqual(await actions(undefined, { token: CASHIER }), ["create", "update", "update", "update", "delete"]);
  assert.deepEqual(await actions({ order: ["id DESC"], limit: 2 }), ["delete", "update"]);
  assert.deepEqual(await actions({ where: { action: "update" }, skip: 1 }), ["update", "update"]);
  assert.deepEqual(await timeline(one.id, { where: { or: [{ entityId: two.id }, { entity: "Subscriber" }] } }), [], "a filter does not widen it");
  const page = await find(`/inquiries/${one.id}/timeline`, { limit: 2, fields: ["action"] });
  assert.deepEqual([page.headers.get("content-range"), page.headers.get("x-response-format"), Object.keys(page.body.data[0])], ["records 0-1/5", "array", ["action"]]);
  assert.ok(page.headers.get("link"));
  for (const id of ["1", "x"]) assertProblem(await find(`/inquiries/${id}/timeline`), 404);
  assertProblem(await find(`/inquiries/${(await createSubscriber()).id}/timeline`), 404, "Inquiry not found");
});

test("the_whole_log_is_the_owners_and_read_only", async () => {
  for (const token of [EMPLOYEE, CASHIER]) assertProblem(await find("/audit-logs", {}, { token }), 403);
  for (const verb of ["POST", "PATCH", "DELETE"]) assertProblem(await staff(verb, "/audit-logs", { body: verb === "DELETE" ? undefined : {} }), 405);
  const { id } = await createInquiry();
  const mine = await logOf({ where: { entityId: id, entity: "Inquiry", action: "create", actorId: "u-owner", createdAt: { gte: "2020-01-01" } } });
  assert.equal(mine.length, 1);
  assertProblem(await find("/audit-logs", { where: { changes: null } }), 400);
});

test("no_role_of_the_service_can_rewrite_the_log", async () => {
  const { id } = await createInquiry();
  const [before] = await auditsOf(id);
  const statements = [`UPDATE outreach."AuditLog" SET actor_id = 'x' WHERE id = ${before.id}`, `DELETE FROM outreach."AuditLog" WHERE id = ${before.id}`, 'TRUNCATE outreach."AuditLog"', 'DROP TRIGGER append_only ON outreach."AuditLog"'];
  for (const sql of statements) await assert.rejects(query(sql), (error) => error.code === "42501" && !/append-only/.test(error.message), sql);
  for (const sql of statements.slice(0, 3)) await assert.rejects(owner(sql), /the audit log is append-only/, sql);
  await assert.rejects(owner(`MERGE INTO outreach."AuditLog" a USING (SELECT ${before.id}::bigint AS id) AS b ON a.id = b.id WHEN MATCHED THEN UPDATE SET actor_id = 'x'`), /append-only/);
  assert.deepEqual(await auditsOf(id), [before]);
});
