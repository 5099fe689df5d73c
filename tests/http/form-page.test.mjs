// A form that a browser posts by itself, without a script: its answer is a page, and says what the JSON says.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, test } from "node:test";

import pg from "pg";

import { assertAccepted, assertProblem, inquiry, post, submit, unique } from "./lib/api.mjs";
import { close, inquiriesOf, inquiryRow, query, subscriberRow } from "./lib/db.mjs";
import { proofOf } from "./lib/gate.mjs";
import { exchange, requestText } from "./lib/raw.mjs";
import { stack } from "./lib/stack.mjs";

let small; // its workers take short bodies only: those of the others are refused by nginx first
before(async () => {
  small = await stack.beside("form-page", { APP_ENV_NODE_ID: "86", APP_ENV_BODY_BYTES_MAX: "2048", APP_ENV_JWKS_URL: stack.env.JWKS_URL }, { workers: 2 });
});
after(async () => {
  await small?.remove();
  await close();
});

const FORM = "application/x-www-form-urlencoded";
const BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
const SUBMIT = "/inquiries/submit";
const SUBSCRIBE = "/subscribers/subscribe";
const address = () => `${unique("form")}@example.com`;

// The fields are an object, or the very text to be sent.
const send = (path, fields, { accept = BROWSER, type = FORM, headers, ...more } = {}) =>
  post(path, typeof fields === "string" ? fields : String(new URLSearchParams(fields)), { type, headers: { Accept: accept, ...headers }, ...more });

const plain = (html) => html.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&quot;", '"').replaceAll("&#39;", "'").replaceAll("&amp;", "&");

// What a page must be, whatever it says: { heading, reasons: [[field, message]], text without tags }.
function assertPage(answer, status) {
  assert.equal(answer.status, status, answer.text);
  const { headers, text } = answer;
  assert.equal(headers.get("content-type"), "text/html; charset=utf-8");
  assert.equal(headers.get("cache-control"), "no-store");
  assert.match(headers.get("vary"), /^Accept(, Origin)?$/);
  assert.equal(headers.get("content-security-policy"), "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'");
  assert.equal(headers.has("retry-after"), [429, 503].includes(status));
  assert.match(text, /^<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n[^]*<\/html>\n$/);
  const [, title] = /<title>([^<]+)<\/title>/.exec(text);
  const [, main] = /<main>\n([^]*)<\/main>/.exec(text);
  const [, heading] = /^<h1>([^<]+)<\/h1>/.exec(main);
  assert.equal(title, heading);
  const tags = new Set([...main.matchAll(/<[^>]*>?/g)].map(([tag]) => tag));
  assert.deepEqual([...tags].filter((tag) => !/^<\/?(h1|p|ul|li|b|code)>$/.test(tag)), [], "no tag that is not ours");
  const reasons = [...main.matchAll(/<li><b>([^<]*)<\/b>: ([^<]*)<\/li>/g)].map(([, field, message]) => [plain(field), plain(message)]);
  return { heading, reasons, text: plain(main.replace(/<[^>]*>/g, "")) };
}

test("whoever_posts_a_form_without_a_script_is_thanked_by_a_page", async () => {
  const fields = inquiry();
  const answer = await send(SUBMIT, fields);
  assert.equal(assertPage(answer, 201).heading, "Thank you, we have your inquiry");
  const [row, ...more] = await inquiriesOf(fields.email);
  assert.deepEqual(more, []);
  assert.equal(answer.headers.get("location"), `${new URL(stack.env.BASE_URL).pathname}/inquiries/${row.id}`);
  const email = address();
  const { heading, text } = assertPage(await send(SUBSCRIBE, { email }), 200);
  assert.equal(heading, "Thank you");
  assert.match(text, /If this address can receive our newsletter, it will\./);
  assert.equal((await subscriberRow(email)).status, "201_ACTIVATED");
});

// Each with what a browser of that kind sends.
test("the_page_is_for_who_would_rather_have_one", async () => {
  for (const accept of ["text/html", "text/html, */*; q=0.01", "text/html, application/xhtml+xml, */*", "application/xml,application/xhtml+xml,text/html;q=0.9,image/png,*/*;q=0.5"])
    assertPage(await send(SUBMIT, inquiry(), { accept }), 201);
  for (const accept of ["*/*", "application/json", "application/json, text/plain, */*", "application/json, text/html", "text/html;q=0.8, application/json", "text/html;q=0", "image/png"]) {
    assertAccepted(await send(SUBMIT, inquiry(), { accept }));
    assertProblem(await send(SUBMIT, { firstName: "<b>" }, { accept }), 422);
    assert.deepEqual((await send(SUBSCRIBE, { email: address() }, { accept })).body, { count: 1, data: { status: "accepted" } });
  }
});

test("json_is_answered_with_json_whatever_is_accepted", async () => {
  const headers = { Accept: BROWSER };
  const answer = await submit(inquiry(), { headers });
  assertAccepted(answer);
  assert.equal(answer.headers.get("vary"), "Origin");
  assertProblem(await submit({}, { headers }), 422);
  assertProblem(await submit("{", { headers }), 400);
  assertProblem(await submit("x", { headers, type: "text/plain" }), 415);
  assert.equal((await post(SUBSCRIBE, JSON.stringify({ email: address() }), { headers })).body.data.status, "accepted");
});

// To the byte, but for what tells two requests apart.
test("who_asks_for_no_page_is_answered_to_the_byte_as_who_asks_for_nothing", async () => {
  const path = new URL(stack.env.BASE_URL).pathname + SUBMIT;
  const ask = async (accept, fields) => {
    const body = String(new URLSearchParams(fields));
    const [{ statusLine, headers, body: text }] = await exchange(requestText(`POST ${path} HTTP/1.1`, ["Host: a.example", `Content-Type: ${FORM}`, "X-Request-Id: same", `Content-Length: ${body.length}`, ...accept], body));
    assert.ok("date" in headers && (headers.location ?? "/").startsWith("/"));
    return JSON.stringify([statusLine, Object.entries(headers).filter(([name]) => name !== "date"), text]).replace(/\d{17,19}/g, "ID").replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, "AT");
  };
  for (const make of [inquiry, () => ({ firstName: "" })]) {
    const bare = await ask([], make());
    assert.match(bare, /"vary","Origin"/);
    assert.match(bare, /json/);
    for (const accept of ["*/*", "application/json"]) assert.equal(await ask([`Accept: ${accept}`], make()), bare);
    assert.notEqual(await ask([`Accept: ${BROWSER}`], make()), bare);
  }
});

test("every_reason_is_listed_with_its_field", async () => {
  const fields = { firstName: " ", email: "nobody", message: "m".repeat(5001), type: "none", lastName: "n".repeat(101), more: "1", more2: "" };
  const { heading, reasons, text } = assertPage(await send(SUBMIT, fields), 422);
  assert.equal(heading, "Something is not right yet");
  const { details } = assertProblem(await send(SUBMIT, fields, { accept: "*/*" }), 422);
  const known = details.cause.filter(({ code }) => code !== "unrecognized_keys");
  assert.deepEqual(reasons.map(([field]) => field), known.map(({ path }) => path));
  assert.deepEqual(Object.fromEntries(reasons), {
    firstName: "This is missing, or too short.", lastName: "This is too long: at most 100 characters fit.", email: "Invalid email address",
    message: "This is too long: at most 5000 characters fit.", type: "This is none of the choices.",
  });
  assert.deepEqual(assertPage(await send(SUBSCRIBE, { email: "" }), 422).reasons, [["email", "Please fill this in."]]);
  assert.match(text, /There are fields that this form does not have\./);
  assert.match(text, /back button/);
  assert.deepEqual(assertPage(await send(SUBSCRIBE, { email: "nobody" }), 422).reasons, [["email", "Invalid email address"]]);
});

const MARKUP = ["<script>alert(1)</script>", "<img src=x onerror=alert(1)>", `"><svg onload=alert(1)>`, "</b></li></ul></main><h1>", "&lt;b&gt;", "' onclick='x", "<!--", "<b", "ä😀\u2028"];
test("nothing_that_was_sent_is_on_the_page", async () => {
  for (const text of MARKUP) {
    const name = await send(SUBMIT, { ...inquiry(), [text]: text, "call 0800 for more": "x" });
    assert.deepEqual(assertPage(name, 422).reasons, []);
    assert.equal(name.text, (await send(SUBMIT, { ...inquiry(), other: "x" })).text);
    const values = await send(SUBMIT, { firstName: text, lastName: text, email: text, message: text, type: text, locale: text.repeat(9) });
    assertPage(values, 422);
    assert.ok(!values.text.includes("alert(1)"), "no value is shown");
    const good = await send(SUBMIT, { ...inquiry(), firstName: text, message: text });
    assert.equal(good.text, (await send(SUBMIT, inquiry())).text);
    assert.equal((await inquiryRow(good.headers.get("location").split("/").at(-1))).first_name, text.trim());
    const id = assertPage(await send(SUBMIT, "%", { headers: { "X-Request-Id": encodeURIComponent(text) } }), 400);
    assert.doesNotMatch(id.text, /%|alert/, "an id that is none is not taken");
  }
});

test("what_is_refused_before_a_field_is_looked_at_is_a_page_too", async () => {
  const [fields, long] = [inquiry(), { ...inquiry(), message: "m".repeat(3000) }];
  // [what is sent, its options, status, what the page says]
  for (const [body, options, status, words] of [
    ["firstName=%", {}, 400, /Malformed Body Payload/],
    [fields, { type: `${FORM}; charset=iso-8859-1` }, 415, /Send application\/json or application\/x-www-form-urlencoded in UTF-8/],
    [long, { base: small.env.BASE_URL }, 413, /Body is too large/],
  ]) {
    const answer = await send(SUBMIT, body, options);
    const { heading, text } = assertPage(answer, status);
    assert.equal(heading, "This did not work");
    for (const one of [words, /back button/, new RegExp(answer.headers.get("x-request-id"))]) assert.match(text, one);
  }
  const { reasons } = assertPage(await send(SUBMIT, fields, { headers: { "Idempotency-Key": "a b" } }), 400);
  assert.deepEqual(reasons.map(([field]) => field), ["Idempotency-Key"]);
  assert.deepEqual(await inquiriesOf(fields.email), []);
  assertPage(await send(SUBMIT, long), 201);
});

test("when_to_try_again_is_said", async () => {
  const owner = new pg.Client({ connectionString: stack.env.DATABASE_OWNER_URL });
  await owner.connect();
  try {
    await owner.query('BEGIN; LOCK TABLE outreach."Subscriber" IN ACCESS EXCLUSIVE MODE');
    const answer = await send(SUBSCRIBE, { email: address() });
    const { heading, text } = assertPage(answer, 503);
    assert.equal(heading, "This did not work");
    assert.match(text, new RegExp(`The record is locked\n[^]*Please wait ${answer.headers.get("retry-after")} seconds?, then try again\\.`));
  } finally {
    await owner.end();
  }
});

// Status, text, and headers but for those that are of each request.
const told = ({ status, text, headers }) => [status, text, [...headers].filter(([name]) => !["date", "x-request-id", "location"].includes(name))];

test("the_page_does_not_tell_what_was_made_of_an_inquiry", async () => {
  const good = { ...inquiry(), altcha: proofOf() };
  const thanks = await send(SUBMIT, good);
  assertPage(thanks, 201);
  const spam = { ...inquiry(), website: "https://a.example" };
  for (const fields of [spam, { ...inquiry(), altcha: "nothing" }, good, spam]) assert.deepEqual(told(await send(SUBMIT, fields)), told(thanks));
  const rows = [...(await inquiriesOf(good.email)), ...(await inquiriesOf(spam.email))];
  assert.deepEqual(rows.map(({ status }) => status), ["100_NEW", "505_CANCELLED"], "one was set aside, and each was sent twice");
});

test("the_page_does_not_tell_whether_an_address_is_known", async () => {
  const email = address();
  const thanks = await send(SUBSCRIBE, { email });
  assertPage(thanks, 200);
  for (const status of ["201_ACTIVATED", "103_PENDING", "401_DEACTIVATED", "403_BLOCKED", "405_ARCHIVED"]) {
    await query('UPDATE outreach."Subscriber" SET status = $2 WHERE email = $1', [email, status]);
    assert.deepEqual(told(await send(SUBSCRIBE, { email })), told(thanks), status);
  }
  const spam = { email: address(), website: "x" };
  assert.deepEqual(told(await send(SUBSCRIBE, spam)), told(thanks));
  assert.equal((await subscriberRow(spam.email)).status, "103_PENDING");
});

// What is kept for a key is the answer, not the way one client wanted to see it.
test("an_answer_that_is_given_again_is_what_this_client_would_rather_have", async () => {
  const replayed = (answer) => answer.headers.get("idempotent-replayed") === "true";
  for (const order of [[BROWSER, "application/json", BROWSER], ["application/json", BROWSER, "application/json"]]) {
    const [fields, headers] = [inquiry(), { "Idempotency-Key": randomUUID() }];
    const answers = [];
    for (const accept of order) answers.push(await send(SUBMIT, fields, { accept, headers }));
    assert.deepEqual(answers.map(replayed), [false, true, true]);
    const [row, ...more] = await inquiriesOf(fields.email);
    assert.deepEqual(more, []);
    for (const [i, answer] of answers.entries()) {
      assert.ok(answer.headers.get("location").endsWith(`/${row.id}`));
      if (order[i] === BROWSER) assertPage(answer, 201);
      else assert.equal(assertAccepted(answer).id, row.id);
    }
    const { reasons } = assertPage(await send(SUBMIT, { ...fields, message: "Other" }, { headers }), 422);
    assert.deepEqual(reasons.map(([field]) => field), ["Idempotency-Key"]);
  }
});
