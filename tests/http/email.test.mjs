// Addresses: which ones are taken, and that one person is found however the domain is written.
import assert from "node:assert/strict";
import { after, test } from "node:test";

import { assertInvalid, assertProblem, call, inquiry, post, submit, unique, unknownKey } from "./lib/api.mjs";
import { auditsOf, createInquiry, createSubscriber, find, inquiryOf, rowsOf, staff, subscriberOf, withQuery } from "./lib/bo.mjs";
import { close, query } from "./lib/db.mjs";

after(close);

const wrong = [["email", "invalid_format", "Invalid email address"]];
const subscribe = (email) => post("/subscribers/subscribe", JSON.stringify({ email }));
// One address in four spellings; its normalised copy is the second one.
const spellings = (name = unique("idn").toLowerCase()) => [`${name}@bücher.example`, `${name}@xn--bcher-kva.example`, `${name.toUpperCase()}@BÜCHER.Example`, `${name}@XN--BCHER-KVA.EXAMPLE`];
const subscribersOf = (copy) => query('SELECT id, email, status FROM outreach."Subscriber" WHERE email_normalized = $1 ORDER BY id', [copy]);

test("addresses_that_people_have_are_taken_as_they_were_given", async () => {
  for (const email of ["a+tag@Example.com", "first.last@example.co.uk", "o'neil@example.com", "jürgen@example.com", "用户@例子.中国", "A@BÜCHER.example", "a@xn--fsqu00a.xn--fiqs8s"]) {
    const name = `${unique("e")}.${email}`;
    const answer = await submit(inquiry({ email: ` ${name} ` }));
    assert.equal(answer.status, 201, `${email}: ${answer.text}`);
    assert.equal((await inquiryOf(answer.body.data.id)).email, name);
  }
});

test("what_is_no_address_is_refused_by_every_call_that_takes_one", async () => {
  const { id } = await createInquiry();
  for (const email of ["a@b", "a..b@c.de", "\"a b\"@c.de", "a@[192.0.2.1]", "a@192.0.2.1", "a@xn--zz.de", "a@☃.com", "a\u200b@b.de", "a@b\u3002de", `${"a".repeat(65)}@b.de`, `a@${"b".repeat(64)}.de`, `a@${"ü".repeat(60)}.de`]) {
    assertInvalid(await submit(inquiry({ email })), wrong);
    assertInvalid(await subscribe(email), wrong);
    assertInvalid(await staff("PATCH", `/inquiries/${id}`, { body: { email } }), wrong);
    assertInvalid(await staff("GET", `/privacy/subjects/${encodeURIComponent(email)}`), wrong);
  }
});

test("an_international_domain_is_one_subscription_however_it_is_written", async () => {
  const forms = spellings();
  for (const email of forms) assert.equal((await subscribe(email)).status, 200);
  const rows = await subscribersOf(forms[1]);
  assert.deepEqual(rows.map(({ email }) => email), [forms[0]]);
  await query('UPDATE outreach."Subscriber" SET status = \'401_DEACTIVATED\' WHERE id = $1', [rows[0].id]);
  assert.equal((await subscribe(forms[3])).status, 200);
  assert.deepEqual(await subscribersOf(forms[1]), [{ ...rows[0], status: "201_ACTIVATED" }]);
  for (const email of [forms[0], forms[2]]) assertProblem(await staff("POST", "/subscribers", { body: { email } }), 409);
  const other = await createSubscriber();
  assertProblem(await staff("PATCH", `/subscribers/${other.id}`, { body: { email: forms[3] } }), 409);
});

// Two unique indexes know an address, and a moment decides which of them is asked first: hence many rounds.
test("all_spellings_at_once_are_one_row_and_nobody_is_refused", async () => {
  for (let round = 0; round < 50; round++) {
    const [unicode, ascii, ...more] = spellings();
    for (const forms of [[unicode, ascii, ...more], [`p${ascii}`.replace("xn--", ""), `P${ascii}`.replace("xn--", "")]]) {
      const answers = await Promise.all(Array.from({ length: 8 }, (_, i) => subscribe(forms[i % forms.length])));
      for (const answer of answers) assert.equal(answer.status, 200, answer.text);
    }
    assert.equal((await subscribersOf(ascii)).length, 1);
  }
});

// Its lower case is "k" for the database: nobody may take kelvin's place with it.
test("nobody_stands_in_the_way_of_an_address_that_folds_to_it", async () => {
  const name = unique("elvin").toLowerCase();
  assertInvalid(await post("/subscribers/subscribe", JSON.stringify({ email: `\u212A${name}@example.com` })), [["email", "invalid_format", "Invalid email address"]]);
  assert.equal((await subscribe(`k${name}@example.com`)).status, 200);
  const [upper, lower] = await Promise.all([subscribe(`\u00C4${name}@example.com`), subscribe(`\u00E4${name}@example.com`)]);
  assert.deepEqual([upper.status, lower.status], [200, 200]);
});

test("a_tag_and_dots_are_part_of_the_address", async () => {
  const name = unique("tag").toLowerCase();
  const all = [`${name}@example.com`, `${name}+a@example.com`, `${name}+b@example.com`, `${name[0]}.${name.slice(1)}@example.com`];
  for (const email of all) assert.equal((await subscribe(email)).status, 200);
  for (const email of all) assert.equal((await subscribersOf(email)).length, 1, email);
});

test("a_filter_finds_an_address_in_any_spelling", async () => {
  const forms = spellings();
  const businessName = unique("filter");
  const ids = [];
  for (const email of forms) ids.push((await submit(inquiry({ email, businessName, subject: unique() }))).body.data.id);
  const other = (await submit(inquiry({ businessName }))).body.data.id;
  const found = async (email) => (await rowsOf("/inquiries", { where: { businessName, email }, order: ["id"] })).map(({ id }) => id);
  for (const email of forms) {
    for (const asked of [email, { eq: email }, { is: email }, { in: ["x@y.zz", email] }, { inq: [email] }, [email]]) assert.deepEqual(await found(asked), ids, JSON.stringify(asked));
    for (const asked of [{ ne: email }, { neq: email }, { nin: [email] }]) assert.deepEqual(await found(asked), [other], JSON.stringify(asked));
    assert.deepEqual((await staff("GET", withQuery("/inquiries/count", { where: { email } }))).body, { count: 4 });
  }
  assert.deepEqual(await found({ like: "%@bücher.example" }), [ids[0], ids[2]], "a part is compared with the address as it was given");
  assert.deepEqual(await found({ ne: null }), [...ids, other]);
  assert.deepEqual(await found("no address"), []);
});

test("the_copy_follows_every_change_of_the_address", async () => {
  const [unicode, ascii, upper] = spellings();
  const { id } = await createInquiry();
  const copy = async () => (await inquiryOf(id)).email_normalized;
  const change = async (email) => assert.equal((await staff("PATCH", `/inquiries/${id}`, { body: { email } })).status, 200);
  for (const email of [unicode, ascii, upper, unicode]) {
    await change(email);
    assert.deepEqual([(await inquiryOf(id)).email, await copy()], [email, ascii]);
  }
  await change("Plain@Example.com");
  assert.equal(await copy(), "plain@example.com");
  assert.equal((await staff("PATCH", withQuery("/inquiries", { where: { id } }), { body: { email: upper } })).status, 200);
  assert.equal(await copy(), ascii);
  assert.equal((await staff("POST", "/inquiries/bulk", { body: { ids: [id], patch: { email: "B@C.de" } } })).status, 200);
  assert.equal(await copy(), "b@c.de");
  assert.equal((await staff("PATCH", `/inquiries/${id}`, { body: { subject: "x" } })).status, 200);
  assert.equal(await copy(), "b@c.de");
});

test("the_copy_is_nobodys_to_see_or_set", async () => {
  const { id } = await createInquiry();
  const subscriber = await createSubscriber();
  for (const path of [`/inquiries/${id}`, `/subscribers/${subscriber.id}`]) {
    assert.ok(!("emailNormalized" in (await staff("GET", path)).body.data), path);
    assertInvalid(await staff("PATCH", path, { body: { emailNormalized: "a@b.de" } }), [unknownKey("emailNormalized")]);
  }
  assertInvalid(await submit(inquiry({ emailNormalized: "a@b.de" })), [unknownKey("emailNormalized")]);
  assertProblem(await find("/inquiries", { where: { emailNormalized: "a@b.de" } }), 400);
  assertProblem(await find("/inquiries", { order: ["emailNormalized"] }), 400);
  await staff("PATCH", `/inquiries/${id}`, { body: { email: "new@example.com" } });
  assert.deepEqual(Object.keys((await auditsOf(id)).at(-1).changes), ["email"]);
  assert.ok(!(await call("GET", "/doc/openapi.json")).text.includes("emailNormalized"));
});

test("a_person_is_exported_and_erased_in_any_spelling", async () => {
  for (const asked of [0, 1, 2, 3]) {
    const forms = spellings();
    for (const email of forms) assert.equal((await submit(inquiry({ email, subject: unique() }))).status, 201);
    await subscribe(forms[0]);
    const [subscriber] = await subscribersOf(forms[1]);
    const path = `/privacy/subjects/${encodeURIComponent(forms[asked])}`;
    const { data } = (await staff("GET", path)).body;
    assert.deepEqual([data.inquiries.length, data.subscribers.length], [4, 1], forms[asked]);
    assert.deepEqual((await staff("DELETE", path)).body.data, { inquiries: 4, subscribers: 1, consents: 1 });
    const left = await query(`SELECT count(*)::int AS n FROM outreach."Inquiry" WHERE email_normalized = $1 OR lower(email) = $1`, [forms[1]]);
    assert.equal(left[0].n, 0);
    const erased = await subscriberOf(subscriber.id);
    assert.equal(erased.email_normalized, erased.email);
    for (const email of forms) assertProblem(await staff("GET", `/privacy/subjects/${encodeURIComponent(email)}`), 404);
  }
});

// The version before knows nothing of the copy, and serves beside this one while the pool is renewed.
test("rows_that_the_version_before_writes_are_found", async () => {
  const name = unique("old").toLowerCase();
  const [row] = await query(`INSERT INTO outreach."Inquiry" (id, first_name, email, message) VALUES ((random() * 1e15)::bigint, 'A', $1, 'm') RETURNING id`, [`${name.toUpperCase()}@Example.com`]);
  assert.deepEqual((await rowsOf("/inquiries", { where: { email: `${name}@example.com` } })).map(({ id }) => id), [row.id]);
  await query(`UPDATE outreach."Inquiry" SET email = $2 WHERE id = $1`, [row.id, `${name}@bücher.example`]);
  const path = `/privacy/subjects/${encodeURIComponent(`${name}@bücher.example`)}`;
  assert.equal((await staff("GET", path)).body.data.inquiries.length, 1, "as it was written");
  assert.deepEqual((await staff("DELETE", path)).body.data, { inquiries: 1, subscribers: 0, consents: 0 });
});
