// Persons: what is stored about one is handed out and erased as a whole, and shown in part to whoever needs no more.
import assert from "node:assert/strict";
import { after, test } from "node:test";

import { assertInvalid, assertProblem, inquiry, post, submit, unique } from "./lib/api.mjs";
import { CASHIER, EMPLOYEE, assertRefused, auditsOf, createInquiry, createSubscriber, find, inquiryOf, insertInquiries, insertSubscribers, rowsOf, staff, subscriberOf, tokenOf, wholeText, withQuery } from "./lib/bo.mjs";
import { close, query } from "./lib/db.mjs";

after(close);

const subject = (verb, email, options) => staff(verb, `/privacy/subjects/${encodeURIComponent(email)}`, options);
const wrongAddress = [["email", "invalid_format", "Invalid email address"]];

// A person with a secret word in every text that is about them, known in several rows.
async function person() {
  const secret = unique("zz").toLowerCase();
  const email = `${secret}@example.com`;
  const texts = { first_name: secret, last_name: `L${secret}`, phone: `P${secret}`.slice(0, 32), business_name: `B${secret}`, subject: `S${secret}`, message: `M${secret}`, page_url: `https://x/${secret}`, referrer: `https://y/${secret}`, metadata: { [secret]: secret }, ip_hash: `I${secret}`, user_agent: `U${secret}`, content_hash: `C${secret}` };
  const rest = { type: "200_SALES", status: "505_CANCELLED", cancel_reason: "100_SPAM", locale: "vi-VN", spam_score: 5, assignee_id: "7", created_at: "1998-01-01T00:00:00Z", handled_at: "1998-01-02T00:00:00Z" };
  const inquiries = await insertInquiries([{ ...texts, ...rest, email, deleted_at: null }, { ...texts, ...rest, email: email.toUpperCase(), deleted_at: null }, { ...texts, ...rest, email, deleted_at: "1998-02-01T00:00:00Z" }]);
  const about = { first_name: secret, unsubscribe_reason: `R${secret}`, ip_hash: `I${secret}`, topics: ["news"], source: "footer", status: "201_ACTIVATED" };
  const subscribers = await insertSubscribers([{ ...about, email: email.toUpperCase(), deleted_at: null }, { ...about, email, deleted_at: "1998-02-01T00:00:00Z" }]);
  return { secret, email, inquiries: inquiries.map(({ id }) => id), subscribers: subscribers.map(({ id }) => id) };
}
const stranger = async () => (await createInquiry()).id;

test("a_person_gets_everything_that_is_stored_about_them", async () => {
  const { secret, email, inquiries, subscribers } = await person();
  await stranger();
  for (const asked of [email, email.toUpperCase(), `  ${email} `]) {
    const answer = await subject("GET", asked);
    assert.equal(answer.status, 200, answer.text);
    const { data } = answer.body;
    assert.deepEqual(Object.keys(data), ["email", "inquiries", "subscribers", "consents"]);
    assert.equal(data.email, asked.trim());
    assert.deepEqual([data.inquiries.map(({ id }) => id), data.subscribers.map(({ id }) => id)], [inquiries, subscribers], "deleted rows, too");
    const [row] = data.inquiries;
    assert.deepEqual([row.message, row.phone, row.metadata, row.createdAt], [`M${secret}`, `P${secret}`.slice(0, 32), { [secret]: secret }, "1998-01-01T00:00:00.000Z"]);
    const [other] = data.subscribers;
    assert.deepEqual([other.email, other.topics, other.unsubscribeReason], [email.toUpperCase(), ["news"], `R${secret}`]);
    assert.ok(!("unsubscribeToken" in other) && !("confirmTokenHash" in other));
  }
  const all = (await subject("GET", email)).body.data;
  for (const name of ["ipHash", "userAgent"]) assert.ok(name in all.inquiries[0], `${name} is about them`);
});

test("addresses_come_percent_encoded", async () => {
  const names = [`a+b'${unique("x")}`, `100%${unique("y")}`, `a/b?c=#${unique("z")}`, `jürgen${unique("w")}`];
  for (const name of names) {
    const email = `${name}@bücher.example`;
    const { id } = (await submit(inquiry({ email }))).body.data;
    assert.deepEqual((await subject("GET", email)).body.data.inquiries.map((row) => row.id), [id], email);
    assert.deepEqual((await subject("DELETE", email)).body.data, { inquiries: 1, subscribers: 0, consents: 0 });
    assertProblem(await subject("GET", email), 404);
  }
  const plain = `p+${unique("q")}@example.com`;
  await submit(inquiry({ email: plain }));
  assert.equal((await staff("GET", `/privacy/subjects/${plain}`)).status, 200, "a plus is a plus");
  const umlaut = unique("u");
  await submit(inquiry({ email: `jürgen.${umlaut}@example.com` }));
  assert.equal((await subject("GET", `JÜRGEN.${umlaut.toUpperCase()}@EXAMPLE.COM`)).status, 200, "every letter has its case");
  for (const odd of ["x", "a@b", "a b@c.de", "@", "a@b.c%", "a@*.com"]) for (const verb of ["GET", "DELETE"]) assertInvalid(await subject(verb, odd), wrongAddress);
  for (const path of ["%ff@example.com", "a%00@example.com", "a%@example.com"]) assertProblem(await staff("DELETE", `/privacy/subjects/${path}`), 400);
  for (const nobody of [`${unique("nobody")}@example.com`, "*@example.com", "%@example.com", "_%@example.com"]) for (const verb of ["GET", "DELETE"]) assertProblem(await subject(verb, nobody), 404, "Nothing is stored about this address");
  for (const verb of ["GET", "DELETE"]) assertProblem(await staff(verb, "/privacy/subjects"), 404);
});

test("after_an_erasure_nothing_of_the_person_is_left_anywhere", async () => {
  const { secret, email, inquiries, subscribers } = await person();
  const other = await stranger();
  const untouched = await wholeText('outreach."Inquiry"', other);
  await staff("PATCH", `/inquiries/${inquiries[0]}`, { body: { message: `N${secret}`, phone: "1" } });
  const name = unique("erase");
  const answer = await subject("DELETE", email, { headers: { "X-Request-Id": name }, token: tokenOf("OWNER", { userId: "eraser" }) });
  assert.deepEqual([answer.status, answer.body], [200, { count: 1, data: { inquiries: 3, subscribers: 2, consents: 0 } }]);
  const traces = async (table, ids) => (await query(`SELECT t::text AS text FROM ${table} AS t WHERE id = ANY($1) OR lower(t::text) LIKE '%' || $2 || '%'`, [ids, secret])).map(({ text }) => text);
  const rows = [...(await traces('outreach."Inquiry"', inquiries)), ...(await traces('outreach."Subscriber"', subscribers)), ...(await traces('outreach."AuditLog"', []))];
  assert.equal(rows.length, 5);
  for (const text of rows) assert.ok(!text.toLowerCase().includes(secret), text);
  assert.equal(await wholeText('outreach."Inquiry"', other), untouched);

  const mails = new Set();
  for (const id of inquiries) {
    const row = await inquiryOf(id);
    assert.deepEqual([row.type, row.cancel_reason, row.status, row.spam_score, row.assignee_id, row.modified_by], ["200_SALES", "100_SPAM", "505_CANCELLED", 5, "7", "eraser"]);
    assert.deepEqual([row.created_at.toISOString(), row.handled_at.toISOString()], ["1998-01-01T00:00:00.000Z", "1998-01-02T00:00:00.000Z"]);
    for (const column of ["last_name", "phone", "business_name", "subject", "page_url", "referrer", "metadata", "ip_hash", "user_agent", "content_hash"]) assert.equal(row[column], null, column);
    assert.match(row.email, /@[a-z.]*invalid$/);
    mails.add(row.email);
    assert.equal((await auditsOf(id)).at(-1).action, "erase");
  }
  assert.equal(mails.size, 3);
  assert.ok((await inquiryOf(inquiries[2])).deleted_at, "what was deleted stays so");
  const log = await rowsOf("/audit-logs", { where: { requestId: name }, order: ["id"], limit: 20 });
  assert.deepEqual(log.map(({ entityId, action, actorId }) => [entityId, action, actorId]), [...inquiries, ...subscribers].map((id) => [id, "erase", "eraser"]));
  assert.equal(new Set(log.map((row) => row.subject)).size, 1, "one pseudonym");
  assert.ok(log[0].subject.length >= 16);

  for (const verb of ["GET", "DELETE"]) assertProblem(await subject(verb, email), 404);
  assert.equal((await rowsOf("/audit-logs", { where: { subject: log[0].subject } })).length, 5, "nothing was logged for nothing");
});

test("numbers_do_not_change_with_an_erasure", async () => {
  const { email } = await person();
  const numbers = async () => {
    const inquiries = (await staff("GET", "/inquiries/statistics?from=1997-12-31&to=1998-03-01")).body.data;
    const [{ n }] = await query('SELECT count(*)::int AS n FROM outreach."Subscriber" WHERE deleted_at IS NULL');
    return [inquiries, n, (await staff("GET", "/inquiries/count")).body, (await staff("GET", "/subscribers/count")).body];
  };
  const before = await numbers();
  assert.ok(before[0].total >= 2);
  assert.equal((await subject("DELETE", email)).status, 200);
  assert.deepEqual(await numbers(), before);
});

test("who_was_erased_gets_no_mail_and_may_subscribe_anew", async () => {
  const email = `${unique("Anew")}@Example.com`;
  const first = await createSubscriber({ email, topics: ["a"] });
  assert.equal((await subject("DELETE", email.toLowerCase())).status, 200);
  const old = await subscriberOf(first.id);
  assert.notEqual(old.status, "201_ACTIVATED");
  assert.ok(!["201_ACTIVATED", "103_PENDING"].includes(old.status));
  assert.deepEqual((await post("/subscribers/subscribe", JSON.stringify({ email }))).body, { count: 1, data: { status: "accepted" } });
  const rows = await query('SELECT id, status FROM outreach."Subscriber" WHERE lower(email) = lower($1)', [email]);
  assert.equal(rows.length, 1);
  assert.notEqual(rows[0].id, first.id);
  assert.equal(rows[0].status, "201_ACTIVATED");
  assert.equal((await subject("DELETE", email)).body.data.subscribers, 1, "and be erased anew");
});

test("persons_are_the_owners_business", async () => {
  const { email } = await createInquiry();
  for (const token of [EMPLOYEE, CASHIER]) for (const verb of ["GET", "DELETE"]) assertProblem(await subject(verb, email, { token }), 403);
  for (const verb of ["POST", "PATCH", "PUT"]) assertProblem(await subject(verb, email), 405);
  assert.equal((await subject("GET", email)).body.data.inquiries.length, 1);
});

const PARTS = [
  ["ada@example.com", "a***@***.com", "+49 30 1234567", "***67"], ["é@sub.example.co.uk", "é***@***.uk", "12345", "***"], ["x.y+z@bücher.example", "x***@***.example", null, null],
];
test("cashiers_see_addresses_and_numbers_in_part", async () => {
  const name = unique("masked");
  await insertInquiries(PARTS.map(([email, , phone], i) => ({ business_name: name, first_name: `${i}`, email, phone })));
  const filter = { where: { businessName: name }, order: ["firstName"] };
  const seen = async (token) => (await rowsOf("/inquiries", filter, { token })).map(({ email, phone }) => [email, phone]);
  assert.deepEqual(await seen(CASHIER), PARTS.map(([, email, , phone]) => [email, phone]));
  assert.deepEqual(await seen(EMPLOYEE), PARTS.map(([email, , phone]) => [email, phone]));
  const one = (await staff("GET", withQuery("/inquiries/find-one", { filter }), { token: CASHIER })).body.data;
  assert.deepEqual([one.email, one.phone], [PARTS[0][1], PARTS[0][3]]);
  const text = (await find("/inquiries", filter, { token: CASHIER })).text;
  assert.ok(!PARTS.some(([email, , phone]) => text.includes(email) || (phone && text.includes(phone))));
});

test("what_is_shown_in_part_is_found_whole_or_not_at_all", async () => {
  const { id, email } = await createInquiry();
  const ask = (filter) => find("/inquiries", filter, { token: CASHIER });
  for (const where of [{ email }, { email: email.toUpperCase() }, { email: { eq: email } }, { email: { is: email } }, { email: { in: [email, "x@y.zz"] } }, { email: { inq: [email] } }, { email: [email] }]) {
    const answer = await ask({ where });
    assert.deepEqual([answer.status, answer.body.data?.map((row) => row.id)], [200, [id]], JSON.stringify(where));
  }
  assert.deepEqual((await staff("GET", withQuery("/inquiries/count", { where: { email } }), { token: CASHIER })).body, { count: 1 });
  const words = "A field is shown to you in part";
  const part = "Shown to you in part: only eq and in are for you";
  for (const [operator, value] of [["like", "a%"], ["ilike", "a%"], ["nlike", "a%"], ["nilike", "a%"], ["gt", "a"], ["gte", "a"], ["lt", "a"], ["lte", "a"], ["between", ["a", "b"]], ["notBetween", ["a", "b"]], ["ne", "a"], ["neq", "a"], ["isn", "a"], ["nin", ["a"]]])
    for (const [where, path] of [[{ email: { [operator]: value } }, "filter.where.email"], [{ or: [{ id: "1" }, { email: { [operator]: value } }] }, "filter.where.or.1.email"]])
      assertRefused(await ask({ where }), 403, words, [[`${path}.${operator}`, "custom", part]], operator);
  for (const order of [["email"], ["id", "email DESC"]]) assertRefused(await ask({ order }), 403, words, [[`filter.order.${order.length - 1}`, "custom", "Shown to you in part: not to be sorted by"]]);
  assertProblem(await staff("GET", withQuery("/inquiries/count", { where: { email: { like: "a%" } } }), { token: CASHIER }), 403);
  assertProblem(await staff("GET", withQuery("/inquiries/find-one", { filter: { order: ["email"] } }), { token: CASHIER }), 403);
  assert.equal((await find("/inquiries", { where: { email: { like: "a%" } }, order: ["email"], limit: 1 }, { token: EMPLOYEE })).status, 200);
});

// A cursor holds the values of the order: it may not become a window to what is masked.
test("a_cursor_shows_cashiers_nothing_that_is_masked", async () => {
  const name = unique("window");
  await insertInquiries(Array.from({ length: 3 }, (_, i) => ({ business_name: name, email: `${name}.${i}@example.com` })));
  const link = (await find("/inquiries", { where: { businessName: name }, limit: 1 }, { token: CASHIER })).headers.get("link");
  assert.ok(!Buffer.from(/cursor=([\w-]+)/.exec(link)[1], "base64url").toString().includes("@"));
  const theirs = (await find("/inquiries", { where: { businessName: name }, limit: 1, order: ["email"] }, { token: EMPLOYEE })).headers.get("link");
  const cursor = /cursor=([\w-]+)/.exec(theirs)[1];
  assertProblem(await staff("GET", withQuery("/inquiries", { cursor, filter: { where: { businessName: name }, limit: 1, order: ["email"] } }), { token: CASHIER }), 403);
});
