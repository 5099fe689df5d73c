// Changing many rows at once: all that a condition selects or none, and named ones with a result for each.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { assertInvalid, assertProblem, unique, unknownKey, wrongType } from "./lib/api.mjs";
import { assertRefused, createInquiry, createSubscriber, inquiryOf, insertInquiries, insertSubscribers, staff, subscriberOf, withQuery } from "./lib/bo.mjs";
import { close, query } from "./lib/db.mjs";
import { stack } from "./lib/stack.mjs";

let few; // a pool that changes 5 rows in one call at most
before(async () => (few = await stack.beside("few", { APP_ENV_BULK_ROWS_MAX: "5", APP_ENV_NODE_ID: "12" }, { workers: 1 })));
after(() => few?.remove());
after(close);

const many = (verb, where, body, options) => staff(verb, withQuery("/inquiries", { where }), { body, ...options });
const versions = async (name) => (await query('SELECT version, deleted_at IS NOT NULL AS gone, status FROM outreach."Inquiry" WHERE business_name = $1 ORDER BY id', [name])).map((row) => [row.version, row.gone, row.status]);
const fresh = async (count, more) => {
  const name = unique("many");
  return { name, rows: await insertInquiries(Array.from({ length: count }, () => ({ business_name: name, ...more }))) };
};

test("all_rows_of_a_condition_are_changed_and_returned", async () => {
  const { name, rows } = await fresh(4);
  await insertInquiries([{ business_name: name, deleted_at: new Date().toISOString() }]);
  const answer = await many("PATCH", { businessName: name, id: { ne: rows[3].id } }, { status: "104_IN_REVIEW", assigneeId: "9" });
  assert.equal(answer.status, 200, answer.text);
  assert.deepEqual([answer.body.count, answer.headers.get("x-response-count"), answer.headers.get("x-response-format")], [3, "3", "array"]);
  assert.deepEqual(answer.body.data.map(({ id }) => id), rows.slice(0, 3).map(({ id }) => id));
  for (const row of answer.body.data) assert.deepEqual([row.status, row.assigneeId, row.modifiedBy, row.handledAt], ["104_IN_REVIEW", "9", "u-owner", row.modifiedAt]);
  assert.deepEqual(answer.body.data[0], (await staff("GET", `/inquiries/${rows[0].id}`)).body.data);
  assert.deepEqual((await versions(name)).map(([version]) => version), [2, 2, 2, 1, 1]);
  const bare = await many("PATCH", { businessName: name }, { assigneeId: "9" }, { headers: { "x-request-count": "false" } });
  assert.equal(bare.body.length, 4);
  assert.deepEqual((await versions(name)).map(([version]) => version), [2, 2, 2, 2, 1], "what was so already is not changed");
});

test("all_rows_of_a_condition_are_deleted_and_returned", async () => {
  const { name, rows } = await fresh(3);
  const answer = await many("DELETE", { businessName: name });
  assert.deepEqual([answer.status, answer.body.data.map(({ id }) => id)], [200, rows.map(({ id }) => id)]);
  assert.deepEqual(await versions(name), Array(3).fill([2, true, "100_NEW"]));
  const again = await many("DELETE", { businessName: name });
  assert.deepEqual([again.status, again.body], [200, { count: 0, data: [] }]);
});

test("a_condition_that_says_nothing_touches_nothing", async () => {
  const { name } = await fresh(2);
  for (const path of ["/inquiries", "/inquiries?where=", "/inquiries?where=%7B%7D", "/inquiries?filter=%7B%22where%22%3A%7B%22id%22%3A1%7D%7D"])
    for (const [verb, body] of [["PATCH", { subject: "x" }], ["DELETE"]]) assertProblem(await staff(verb, path, { body }), 400, "DENY | Empty where condition");
  for (const where of [{ or: [{}] }, { and: [{ businessName: name }, {}] }, { or: [] }, { firstName: {} }]) for (const [verb, body] of [["PATCH", { subject: "x" }], ["DELETE"]]) assertProblem(await many(verb, where, body), 422);
  for (const where of [{ nope: 1 }, { deletedAt: null }]) assertProblem(await many("DELETE", where), 400);
  assert.deepEqual(await versions(name), Array(2).fill([1, false, "100_NEW"]));
});

test("one_row_that_may_not_move_keeps_all_where_they_are", async () => {
  const { name, rows } = await fresh(3);
  await insertInquiries([{ business_name: name, status: "303_COMPLETED" }]);
  const body = assertProblem(await many("PATCH", { businessName: name }, { status: "505_CANCELLED" }), 409, "Status cannot go from 303_COMPLETED to 505_CANCELLED");
  assert.deepEqual(body.allowed.sort(), ["203_PROCESSING", "405_ARCHIVED"]);
  assert.equal(body.details.cause.length, 1, "and it says which row");
  assertProblem(await many("PATCH", { businessName: name }, { cancelReason: "100_SPAM" }), 422);
  assert.deepEqual(await versions(name), [...Array(3).fill([1, false, "100_NEW"]), [1, false, "303_COMPLETED"]]);
  assertInvalid(await many("PATCH", { id: rows[0].id }, { id: "1", firstName: null }), [unknownKey("id"), wrongType("firstName", "string", "null")]);
});

test("a_version_is_of_one_row_only", async () => {
  const { name, rows } = await fresh(1);
  const headers = { "If-Match": '"v1"' };
  const only = [["If-Match", "custom", "Is for a call about one row only"]];
  for (const [verb, body] of [["PATCH", { subject: "x" }], ["DELETE"]]) assertRefused(await many(verb, { businessName: name }, body, { headers }), 400, "Malformed header: If-Match", only);
  assertRefused(await staff("POST", "/inquiries/bulk", { body: { ids: [rows[0].id], patch: { subject: "x" } }, headers }), 400, "Malformed header: If-Match", only);
  assert.deepEqual(await versions(name), [[1, false, "100_NEW"]]);
});

test("calls_that_change_the_same_rows_at_once_wait_for_one_another", async () => {
  const { name, rows } = await fresh(200);
  const shuffled = () => rows.map(({ id }) => id).sort(() => Math.random() - 0.5);
  const step = (i) => (i % 2 ? staff("POST", "/inquiries/bulk", { body: { ids: shuffled(), patch: { assigneeId: `${i}` } } }) : many("PATCH", { businessName: name }, { assigneeId: `${i}` }));
  const answers = await Promise.all(Array.from({ length: 16 }, (_, i) => step(i)));
  assert.deepEqual(answers.map(({ status }) => status), Array(16).fill(200));
  const left = await query('SELECT DISTINCT assignee_id, version FROM outreach."Inquiry" WHERE business_name = $1', [name]);
  assert.equal(left.length, 1, "the last call has all rows");
  assert.equal(left[0].version, 17);
});

test("two_subscribers_cannot_take_one_address", async () => {
  const source = unique("two");
  const rows = await insertSubscribers([{ source }, { source }]);
  assertProblem(await staff("PATCH", withQuery("/subscribers", { where: { source } }), { body: { email: `${source}@example.com` } }), 409);
  for (const { id, email } of rows) assert.equal((await subscriberOf(id)).email, email);
});

test("a_call_that_selects_more_rows_than_the_limit_touches_none", async () => {
  const { name, rows } = await fresh(6);
  const there = { base: few.env.BASE_URL, token: few.env.BO_TOKEN };
  for (const [verb, body] of [["PATCH", { subject: "x" }], ["DELETE"]])
    assertRefused(await many(verb, { businessName: name }, body, there), 422, "ValidationError", [["where", "too_big", "Too big: it selects more than 5 rows; nothing was changed"]]);
  const ids = rows.map(({ id }) => id);
  assertProblem(await staff("POST", "/inquiries/bulk", { body: { ids, patch: { subject: "x" } }, ...there }), 422);
  assert.deepEqual(await versions(name), Array(6).fill([1, false, "100_NEW"]));
  assert.equal((await many("PATCH", { id: ids.slice(0, 5) }, { subject: "x" }, there)).body.count, 5);
  assert.equal((await staff("POST", "/inquiries/bulk", { body: { ids: ids.slice(1), patch: { subject: "y" } }, ...there })).body.count, 5);
});

test("bulk_tells_for_each_row_what_became_of_it", async () => {
  const [one, done, gone, off] = [await createInquiry(), await createInquiry({ status: "303_COMPLETED" }), await createInquiry(), await createInquiry({ status: "505_CANCELLED", cancelReason: "300_TEST" })];
  await staff("DELETE", `/inquiries/${gone.id}`);
  const bulk = async (ids, patch) => {
    const answer = await staff("POST", "/inquiries/bulk", { body: { ids, patch } });
    assert.equal(answer.status, 200, answer.text);
    assert.deepEqual([answer.body.count, answer.headers.get("x-response-count"), answer.headers.get("x-response-format")], [ids.length, `${ids.length}`, "array"]);
    return answer.body.data;
  };
  const refused = { message: "Status cannot go from 303_COMPLETED to 505_CANCELLED", allowed: ["203_PROCESSING", "405_ARCHIVED"] };
  assert.deepEqual(await bulk([off.id, "1", done.id, one.id, gone.id], { status: "505_CANCELLED", cancelReason: "100_SPAM" }), [
    { id: off.id, status: 200, etag: '"v2"' }, { id: "1", status: 404, message: "Not found" }, { id: done.id, status: 409, ...refused }, { id: one.id, status: 200, etag: '"v2"' }, { id: gone.id, status: 404, message: "Not found" },
  ]);
  assert.deepEqual((await inquiryOf(one.id)).cancel_reason, "100_SPAM");
  assert.deepEqual([(await inquiryOf(done.id)).version, (await inquiryOf(gone.id)).version], [1, 2]);
  assert.deepEqual(await bulk([done.id, one.id, done.id], { cancelReason: "900_OTHER" }), [
    { id: done.id, status: 422, message: "Only with status 505_CANCELLED" }, { id: one.id, status: 200, etag: '"v3"' }, { id: done.id, status: 422, message: "Only with status 505_CANCELLED" },
  ]);
  assert.deepEqual(await bulk([one.id, one.id], { subject: "twice" }), Array(2).fill({ id: one.id, status: 200, etag: '"v4"' }), "one row, one change");
  assert.deepEqual(await bulk([one.id], { subject: "twice" }), [{ id: one.id, status: 200, etag: '"v4"' }], "as wanted already");
  assert.deepEqual(await bulk([one.id], {}), [{ id: one.id, status: 200, etag: '"v4"' }]);
});

test("a_thousand_rows_are_changed_in_the_order_asked_for", async () => {
  const { rows } = await fresh(1000);
  const ids = rows.map(({ id }) => id).sort(() => Math.random() - 0.5);
  const answer = await staff("POST", "/inquiries/bulk", { body: { ids, patch: { assigneeId: "3" } } });
  assert.equal(answer.status, 200, answer.text);
  assert.deepEqual(answer.body.data, ids.map((id) => ({ id, status: 200, etag: '"v2"' })));
});

test("a_bulk_body_is_ids_and_a_patch", async () => {
  const bulk = (body, path = "/inquiries") => staff("POST", `${path}/bulk`, { body });
  const patch = { subject: "x" };
  assertInvalid(await bulk({}), [wrongType("ids", "array", "undefined"), wrongType("patch", "object", "undefined")]);
  assertInvalid(await bulk({ ids: "1", patch: [], more: 1 }), [wrongType("ids", "array", "string"), wrongType("patch", "object", "array"), unknownKey("more")]);
  assertInvalid(await bulk({ ids: ["x", "0", "-1", 1, null, "01", "9223372036854775808", "1"], patch }), [
    ...[0, 1, 2, 5, 6].map((i) => [`ids.${i}`, "invalid_format", "Invalid id"]), wrongType("ids.3", "string", "number"), wrongType("ids.4", "string", "null"),
  ]);
  assertInvalid(await bulk({ ids: ["1"], patch: { firstName: null, status: "x", nope: 1 } }), [
    wrongType("patch.firstName", "string", "null"), ["patch.status", "invalid_value", 'Invalid option: expected one of "100_NEW"|"104_IN_REVIEW"|"203_PROCESSING"|"303_COMPLETED"|"405_ARCHIVED"|"505_CANCELLED"'], ["patch.nope", "unrecognized_keys", 'Unrecognized key: "nope"'],
  ]);
  assertInvalid(await bulk({ ids: [], patch }), [["ids", "too_small", "Expected 1 to 1000 ids"]]);
  assertInvalid(await bulk({ ids: Array(1001).fill("1"), patch }), [["ids", "too_big", "Expected 1 to 1000 ids"]]);
  assertInvalid(await bulk("[]"), [wrongType("root", "object", "array")]);
  const subscribers = [await createSubscriber(), await createSubscriber()];
  assertProblem(await bulk({ ids: subscribers.map(({ id }) => id), patch: { email: `${unique("same")}@example.com` } }, "/subscribers"), 409);
  const moved = await bulk({ ids: [subscribers[1].id, "1"], patch: { status: "403_BLOCKED" } }, "/subscribers");
  assert.deepEqual(moved.body.data.map(({ status }) => status), [200, 404]);
});
