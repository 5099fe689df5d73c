// Making and changing rows: what may be set, versions, moves of status, deletion, many rows at once.
import assert from "node:assert/strict";
import { after, test } from "node:test";

import pg from "pg";

import { assertInvalid, assertProblem, unique, unknownKey, wrongType } from "./lib/api.mjs";
import { EMPLOYEE, assertRefused, create, createInquiry, createSubscriber, inquiryOf, staff, subscriberOf, withQuery } from "./lib/bo.mjs";
import { close } from "./lib/db.mjs";
import { stack } from "./lib/stack.mjs";

after(close);

const BASE_PATH = new URL(stack.env.BASE_URL).pathname;
const patch = (id, body, headers, path = "/inquiries") => staff("PATCH", `${path}/${id}`, { body, headers });
const ok = (answer) => {
  assert.equal(answer.status, 200, answer.text);
  return answer.body.data;
};

test("what_staff_makes_is_theirs_and_at_its_location", async () => {
  const sent = { firstName: "Ada", email: `${unique("Mixed")}@Example.com`, message: "M", type: "200_SALES", lastName: "L", businessName: "B", subject: "S", phone: "+49 30", metadata: { a: 1 }, assigneeId: "7" };
  const answer = await staff("POST", "/inquiries", { body: sent, token: EMPLOYEE });
  assert.equal(answer.status, 201, answer.text);
  const { data } = answer.body;
  assert.equal(answer.headers.get("location"), `${BASE_PATH}/inquiries/${data.id}`);
  assert.deepEqual([answer.headers.get("etag"), answer.headers.get("x-response-format"), answer.body.count], ['"v1"', "object", 1]);
  assert.deepEqual(Object.fromEntries(Object.keys(sent).map((name) => [name, data[name]])), sent);
  assert.deepEqual([data.status, data.createdBy, data.modifiedBy, data.handledAt, data.completedAt], ["100_NEW", "u-employee", null, null, null]);
  const read = await staff("GET", answer.headers.get("location"), { base: stack.origin });
  assert.deepEqual(read.body.data, data);
  assert.equal(read.headers.get("etag"), '"v1"');
});

test("a_subscriber_gets_a_token_that_is_never_shown", async () => {
  const email = `${unique("Sub")}@Example.com`;
  const answer = await staff("POST", "/subscribers", { body: { email, topics: ["a", "b"] } });
  const row = await subscriberOf(answer.body.data.id);
  assert.match(row.unsubscribe_token, /^[1-9][0-9]{16,18}$/);
  assert.notEqual(row.unsubscribe_token, row.id);
  const seen = [answer, await staff("GET", `/subscribers/${row.id}`), await patch(row.id, { firstName: "x" }, {}, "/subscribers"), await staff("GET", withQuery("/subscribers", { filter: { where: { email } } })), await staff("DELETE", `/subscribers/${row.id}`), await staff("POST", `/subscribers/${row.id}/restore`)];
  for (const { text, status } of seen) {
    assert.ok(status < 300, text);
    assert.ok(!text.includes(row.unsubscribe_token) && !/token|hash|deletedAt/i.test(text), text);
  }
  assert.equal(answer.body.data.createdBy, "u-owner");
  assert.ok(answer.body.data.subscribedAt, "who is made active has joined");
});

const CLOSED = ["id", "createdAt", "modifiedAt", "createdBy", "modifiedBy", "locale", "pageUrl", "referrer", "spamScore", "spamReasons", "handledAt", "completedAt", "deletedAt", "ipHash", "userAgent", "contentHash", "version", "first_name", "x"];
test("only_listed_fields_are_taken_and_every_fault_is_told", async () => {
  const { id } = await createInquiry();
  const bad = Object.fromEntries(CLOSED.map((name) => [name, null]));
  assertInvalid(await staff("POST", "/inquiries", { body: { firstName: "A", email: "a@b.co", message: "x", ...bad } }), CLOSED.map(unknownKey));
  assertInvalid(await patch(id, bad), CLOSED.map(unknownKey));
  assertInvalid(await staff("POST", "/inquiries", { body: {} }), ["firstName", "email", "message"].map((name) => wrongType(name, "string", "undefined")));
  const nulls = ["firstName", "email", "message", "type", "status"];
  assertInvalid(await patch(id, Object.fromEntries(nulls.map((name) => [name, null]))), nulls.map((name) => wrongType(name, "string", "null")));
  const other = await createSubscriber();
  const hidden = ["unsubscribeToken", "confirmTokenHash", "confirmedAt", "subscribedAt", "unsubscribedAt", "unsubscribeReason", "consentedAt", "deletedAt", "message"];
  assertInvalid(await patch(other.id, Object.fromEntries(hidden.map((name) => [name, null])), {}, "/subscribers"), hidden.map(unknownKey));
  assertInvalid(await patch(other.id, { topics: null, status: null }, {}, "/subscribers"), [wrongType("topics", "array", "null"), wrongType("status", "string", "null")]);
  for (const [body, received] of [["[]", "array"], ["null", "null"]]) assertInvalid(await patch(id, body), [wrongType("root", "object", received)]);
  assertProblem(await patch(id, "{"), 400, "Malformed Body Payload");
  assertProblem(await staff("PATCH", `/inquiries/${id}`, { body: "{}", headers: { "Content-Type": "text/plain" } }), 415);
  assertProblem(await staff("POST", "/inquiries", { body: "firstName=A", headers: { "Content-Type": "application/x-www-form-urlencoded" } }), 415);
  assert.equal((await inquiryOf(id)).version, 1, "nothing happened");
});

test("a_patch_changes_what_it_names_and_nothing_else", async () => {
  const before = await createInquiry({ lastName: "L", subject: "S", phone: "1", metadata: { a: 1 } });
  const answer = await patch(before.id, { subject: "  T ", lastName: null, metadata: { b: [1] } });
  const row = ok(answer);
  const changed = { subject: "T", lastName: null, metadata: { b: [1] }, modifiedBy: "u-owner", modifiedAt: row.modifiedAt };
  assert.deepEqual(row, { ...before, ...changed });
  assert.ok(row.modifiedAt >= before.modifiedAt);
  assert.equal(answer.headers.get("etag"), '"v2"');
  const read = await staff("GET", `/inquiries/${before.id}`);
  assert.deepEqual([read.body.data, read.headers.get("etag")], [row, '"v2"']);
});

test("a_patch_that_changes_nothing_keeps_the_version", async () => {
  const before = await createInquiry({ subject: "S", metadata: { b: 1, a: 2 } });
  for (const body of [{}, undefined, { subject: "S" }, { subject: " S " }, { status: "100_NEW", type: "100_GENERAL" }, { lastName: null }, { metadata: { b: 1, a: 2 } }]) {
    const answer = await patch(before.id, body);
    assert.deepEqual([ok(answer), answer.headers.get("etag")], [before, '"v1"'], JSON.stringify(body));
  }
});

test("text_is_stored_byte_for_byte", async () => {
  const texts = ["e\u0301é", "a\u200b\u00a0b", "tab\tand\r\nlines\n\nmore", "😀👩‍👩‍👧", "\u202eright", "\\n \\u0041 $1 %s ''", "<b>&amp;", "\u0001\u007f\u0080", "ﬁ\ufffd\ufeffx", '"{},NULL'];
  const { id } = await createInquiry();
  for (const text of texts) {
    assert.equal(ok(await patch(id, { message: text, metadata: { [text]: text } })).message, text);
    const row = await inquiryOf(id);
    assert.deepEqual([row.message, row.metadata], [text, { [text]: text }]);
  }
});

test("if_match_lets_through_only_who_saw_the_row", async () => {
  const { id } = await createInquiry();
  ok(await patch(id, { subject: "1" }));
  const stale = ['"v1"', '"v3"', '"2"', 'W/"v2"', '"v1", "v3"', '""', '"V2"', 'W/"v1","v4"'];
  for (const match of stale) for (const verb of ["PATCH", "DELETE"]) assertProblem(await staff(verb, `/inquiries/${id}`, { body: verb === "PATCH" ? { subject: "x" } : undefined, headers: { "If-Match": match } }), 412);
  assertProblem(await patch(id, {}, { "If-Match": '"v1"' }), 412);
  for (const match of ["v2", '"v2', "2", '"v2" "v1"', "'v2'", '"v2",x', 'w/"v2"']) assertRefused(await patch(id, { subject: "x" }, { "If-Match": match }), 400, "Malformed header: If-Match", [["If-Match", "invalid_format", 'Invalid entity tag: expected "v<version>" with its quotes']], match);
  assert.deepEqual([(await inquiryOf(id)).version, (await inquiryOf(id)).subject], [2, "1"]);
  for (const [i, match] of [(v) => `"v${v}"`, () => "*", (v) => `"v1", "v${v}"`, (v) => `W/"v1","v${v}","x"`].entries()) assert.equal((await patch(id, { subject: `m${i}` }, { "If-Match": match(2 + i) })).headers.get("etag"), `"v${3 + i}"`);
  assertProblem(await patch("1", {}, { "If-Match": "*" }), 404);
  ok(await staff("DELETE", `/inquiries/${id}`, { headers: { "If-Match": '"v6"' } }));
});

test("16_clients_that_change_one_row_at_once_lose_nothing", async () => {
  const { id } = await createInquiry({ subject: "" });
  let stale = 0;
  const client = async (number) => {
    for (let tries = 0; tries < 200; tries++) {
      const read = await staff("GET", `/inquiries/${id}`);
      const answer = await patch(id, { subject: `${read.body.data.subject} ${number}` }, { "If-Match": read.headers.get("etag") });
      if (answer.status === 200) return;
      assertProblem(answer, 412);
      stale++;
    }
    assert.fail("no luck in 200 tries");
  };
  await Promise.all(Array.from({ length: 16 }, (_, i) => client(i)));
  const row = await inquiryOf(id);
  assert.deepEqual(row.subject.trim().split(" ").map(Number).sort((a, b) => a - b), Array.from({ length: 16 }, (_, i) => i));
  assert.equal(row.version, 17);
  assert.ok(stale > 0, "they did meet");
});

test("a_row_that_somebody_holds_is_503_for_a_change_and_there_for_reading", async () => {
  const { id } = await createInquiry();
  const client = new pg.Client({ connectionString: stack.env.DATABASE_URL });
  await client.connect();
  try {
    await client.query("BEGIN");
    await client.query('SELECT 1 FROM outreach."Inquiry" WHERE id = $1 FOR UPDATE', [id]);
    const [answer, read] = await Promise.all([patch(id, { subject: "x" }), staff("GET", `/inquiries/${id}`)]);
    assertProblem(answer, 503);
    assert.equal(read.status, 200);
  } finally {
    await client.end();
  }
  assert.equal(ok(await patch(id, { subject: "x" })).subject, "x");
});

const S = { NEW: "100_NEW", IN_REVIEW: "104_IN_REVIEW", PROCESSING: "203_PROCESSING", COMPLETED: "303_COMPLETED", ARCHIVED: "405_ARCHIVED", CANCELLED: "505_CANCELLED" };
const MOVES = { NEW: ["IN_REVIEW", "PROCESSING", "COMPLETED", "ARCHIVED", "CANCELLED"], IN_REVIEW: ["PROCESSING", "COMPLETED", "ARCHIVED", "CANCELLED", "NEW"], PROCESSING: ["IN_REVIEW", "COMPLETED", "ARCHIVED", "CANCELLED"], COMPLETED: ["PROCESSING", "ARCHIVED"], ARCHIVED: ["PROCESSING", "NEW"], CANCELLED: ["ARCHIVED", "NEW"] };
test("status_moves_as_the_table_says", async () => {
  for (const [from, targets] of Object.entries(MOVES)) {
    for (const to of Object.keys(S)) {
      const { id } = await createInquiry({ status: S[from] });
      const answer = await patch(id, { status: S[to], subject: "moved" });
      if (to === from || targets.includes(to)) {
        assert.deepEqual([ok(answer).status, answer.body.data.subject], [S[to], "moved"], `${from} ${to}`);
        continue;
      }
      const body = assertProblem(answer, 409, `Status cannot go from ${S[from]} to ${S[to]}`);
      assert.deepEqual(body.allowed.sort(), targets.map((name) => S[name]).sort());
      assert.deepEqual([(await inquiryOf(id)).status, (await inquiryOf(id)).subject], [S[from], null], "nothing of a refused patch is kept");
    }
  }
  const { id } = await createSubscriber();
  const every = ["103_PENDING", "201_ACTIVATED", "401_DEACTIVATED", "403_BLOCKED", "405_ARCHIVED"];
  for (const from of every) for (const to of every) for (const status of [from, to]) assert.equal(ok(await patch(id, { status }, {}, "/subscribers")).status, status);
});

test("moves_leave_their_times_and_reasons", async () => {
  const { id } = await createInquiry();
  const move = async (status, more) => ok(await patch(id, { status, ...more }));
  const first = await move(S.IN_REVIEW);
  assert.ok(first.handledAt && first.handledAt === first.modifiedAt && first.completedAt === null);
  const done = await move(S.COMPLETED);
  assert.deepEqual([done.handledAt, done.completedAt], [first.handledAt, done.modifiedAt], "first handled once");
  const again = await move(S.PROCESSING);
  assert.deepEqual([again.handledAt, again.completedAt], [first.handledAt, null], "what is taken up again is not complete");
  const off = await move(S.CANCELLED, { cancelReason: "100_SPAM" });
  assert.equal(off.cancelReason, "100_SPAM");
  assert.equal(ok(await patch(id, { cancelReason: "300_TEST" })).cancelReason, "300_TEST");
  assert.equal((await move(S.NEW)).cancelReason, null, "a reason only with 505_CANCELLED");
  const only = [["cancelReason", "custom", "Only with status 505_CANCELLED"]];
  assertInvalid(await patch(id, { cancelReason: "100_SPAM" }), only);
  assertInvalid(await patch(id, { status: S.ARCHIVED, cancelReason: "100_SPAM" }), only);
  assertInvalid(await staff("POST", "/inquiries", { body: { firstName: "A", email: "a@b.co", message: "x", cancelReason: "100_SPAM" } }), only);
  assert.equal((await createInquiry({ status: S.CANCELLED, cancelReason: "200_DUPLICATE" })).cancelReason, "200_DUPLICATE");
  assertProblem(await patch(id, { cancelReason: "SPAM" }), 422);
});

test("a_subscription_keeps_when_it_began_and_ended", async () => {
  const made = await createSubscriber({ status: "103_PENDING" });
  assert.deepEqual([made.subscribedAt, made.unsubscribedAt], [null, null]);
  const to = async (status) => {
    const row = ok(await patch(made.id, { status }, {}, "/subscribers"));
    return [row.subscribedAt, row.unsubscribedAt].map((time) => (time === null ? null : time === row.modifiedAt ? "now" : "before"));
  };
  const { unsubscribe_token: before } = await subscriberOf(made.id);
  const steps = [["201_ACTIVATED", ["now", null]], ["401_DEACTIVATED", ["before", "now"]], ["403_BLOCKED", ["before", "before"]], ["405_ARCHIVED", ["before", "before"]], ["201_ACTIVATED", ["now", null]], ["403_BLOCKED", ["before", "now"]]];
  for (const [status, times] of steps) assert.deepEqual(await to(status), times, status);
  assert.equal((await subscriberOf(made.id)).unsubscribe_token, before, "links that were sent still end it");
});

test("what_is_deleted_is_gone_until_it_is_restored", async () => {
  const before = await createInquiry({ subject: "S" });
  const path = `/inquiries/${before.id}`;
  const answer = await staff("DELETE", path);
  const gone = ok(answer);
  assert.deepEqual([gone.id, gone.subject, gone.modifiedBy, answer.headers.get("etag")], [before.id, "S", "u-owner", '"v2"']);
  assert.ok((await inquiryOf(before.id)).deleted_at);
  for (const [verb, body] of [["GET"], ["PATCH", {}], ["DELETE"], ["PATCH", { subject: "x" }]]) assertProblem(await staff(verb, path, { body }), 404, "Inquiry not found");
  const back = await staff("POST", `${path}/restore`);
  assert.deepEqual(ok(back), { ...before, modifiedAt: back.body.data.modifiedAt, modifiedBy: "u-owner" });
  assert.equal(back.headers.get("etag"), '"v3"');
  assert.equal((await staff("POST", `${path}/restore`)).headers.get("etag"), '"v3"', "what is there is not changed");
  for (const id of ["1", "x", "9223372036854775808"]) for (const [verb, rest, body] of [["PATCH", "", {}], ["DELETE", ""], ["POST", "/restore"]]) assertProblem(await staff(verb, `/inquiries/${id}${rest}`, { body }), 404);
});

test("one_address_is_one_subscriber_whoever_made_it", async () => {
  const email = `${unique("once")}@example.com`;
  const { id } = await createSubscriber({ email });
  const twice = async () => staff("POST", "/subscribers", { body: { email: email.toUpperCase() } });
  assertProblem(await twice(), 409);
  const other = await createSubscriber();
  assertProblem(await patch(other.id, { email: email.toUpperCase() }, {}, "/subscribers"), 409);
  assert.equal((await subscriberOf(other.id)).version, 1);
  ok(await staff("DELETE", `/subscribers/${id}`));
  const taker = await create("/subscribers", { email: email.toUpperCase() });
  const refused = assertProblem(await staff("POST", `/subscribers/${id}/restore`), 409);
  assert.ok(!/UQ_|lower\(|Key|"Subscriber"/.test(JSON.stringify(refused)), "no name of the database");
  assert.ok((await subscriberOf(id)).deleted_at, "still deleted");
  ok(await staff("DELETE", `/subscribers/${taker.id}`));
  ok(await staff("POST", `/subscribers/${id}/restore`));
  const answers = await Promise.all(Array.from({ length: 8 }, () => staff("POST", "/subscribers", { body: { email: `x${email}` } })));
  assert.deepEqual(answers.map(({ status }) => status).sort(), [201, ...Array(7).fill(409)]);
});
