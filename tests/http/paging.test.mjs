// Pages: following Link rel="next" gives every row exactly once, in the order the database has, whatever happens meanwhile.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { assertProblem, unique } from "./lib/api.mjs";
import { find, insertInquiries, insertSubscribers, rowsOf, staff, withQuery } from "./lib/bo.mjs";
import { close, owner, query } from "./lib/db.mjs";
import { stack } from "./lib/stack.mjs";

after(close);

const M = unique("pages");
const COUNT = 120;
const pick = (list, i) => list[i % list.length];
// Few values and many ties; nulls, empty text, letters beyond ASCII, numbers as texts, microseconds apart.
const row = (i) => ({
  business_name: M,
  first_name: pick(["Ada", "ada", "Äda", "Zoë", "zoe", "李", "😀"], i),
  last_name: pick([null, "", "a", "B", null, "b", "ß"], i * 3),
  email: `${pick(["Ada", "ada", "BOB", "bob"], i)}.${i}.${M}@Example.com`,
  type: pick(["100_GENERAL", "200_SALES", "900_OTHER"], i),
  status: pick(["100_NEW", "104_IN_REVIEW"], i * 7),
  spam_score: pick([null, 0, 5, -5, 32767, null, 5], i),
  handled_at: pick([null, "2001-02-03T04:05:06.789Z", "2001-02-03T04:05:06.788Z", "0099-01-01T00:00:00Z"], i),
  created_at: pick(["2001-01-01T00:00:00.001Z", "2001-01-01T00:00:00.002Z", "2001-01-01T00:00:00.002Z", "1969-12-31T23:59:59.999Z"], i * 5),
  metadata: pick([null, {}, { a: 1 }, { a: "10" }, { a: { b: "x" } }, { a: null }, { a: "ä" }], i),
});
before(async () => {
  await insertInquiries(Array.from({ length: COUNT }, (_, i) => row(i)).sort(() => Math.random() - 0.5));
  await insertInquiries([{ ...row(1), deleted_at: new Date().toISOString() }]);
});

const nextOf = (answer) => {
  const link = answer.headers.get("link");
  if (link === null) return undefined;
  const [, url] = /^<([^<>"]+)>; rel="next"$/.exec(link) ?? assert.fail(link);
  return url;
};

// The answers from a first one on, following its links as a client does; `between(page)` runs before each next one.
async function follow(first, { between, headers } = {}) {
  assert.equal(first.status, 200, first.text);
  const answers = [first];
  for (let url; (url = nextOf(answers.at(-1))); ) {
    await between?.(answers.length);
    const answer = await staff("GET", url, { base: stack.origin, headers });
    assert.equal(answer.status, 200, answer.text);
    assert.ok(answer.body.count > 0, "a next page has rows");
    answers.push(answer);
    assert.ok(answers.length <= COUNT + 60, "it ends");
  }
  return answers;
}
const idsOf = (answers) => answers.flatMap((answer) => answer.body.data.map(({ id }) => id));
const filterOf = (order, limit) => ({ where: { businessName: M }, order, limit, fields: ["id"] });
const stored = async (by) => (await query(`SELECT id FROM outreach."Inquiry" WHERE business_name = $1 AND deleted_at IS NULL ORDER BY ${by}`, [M])).map(({ id }) => id);

const ORDERS = [
  [undefined, "id"], [["id DESC"], "id DESC"], [["type"], "type, id"], [["type DESC"], "type DESC, id DESC"], [["createdAt"], "created_at, id"], [["createdAt DESC"], "created_at DESC, id DESC"],
  [["firstName"], "first_name, id"], [["firstName DESC"], "first_name DESC, id DESC"], [["lastName"], "last_name, id"], [["lastName DESC"], "last_name DESC, id DESC"], [["email"], "lower(email), id"], [["email DESC"], "lower(email) DESC, id DESC"],
  [["spamScore"], "spam_score, id"], [["spamScore DESC"], "spam_score DESC, id DESC"], [["handledAt"], "handled_at, id"], [["handledAt DESC"], "handled_at DESC, id DESC"],
  [["metadata.a"], "metadata #>> '{a}', id"], [["metadata.a DESC"], "metadata #>> '{a}' DESC, id DESC"], [["metadata.a.b"], "metadata #>> '{a,b}', id"], [["metadata.a.b DESC"], "metadata #>> '{a,b}' DESC, id DESC"],
  [["type", "status"], "type, status, id"], [["type DESC", "status DESC"], "type DESC, status DESC, id DESC"], [["type", "status DESC"], "type, status DESC, id DESC"], [["lastName", "spamScore DESC"], "last_name, spam_score DESC, id DESC"],
  [["spamScore DESC", "lastName"], "spam_score DESC, last_name, id"], [["lastName DESC", "spamScore DESC", "handledAt DESC"], "last_name DESC, spam_score DESC, handled_at DESC, id DESC"], [["lastName", "spamScore", "handledAt"], "last_name, spam_score, handled_at, id"],
  [["type", "id DESC"], "type, id DESC"], [["id", "type"], "id"], [["type", "type DESC", "status"], "type, status, id"], [["createdAt DESC", "metadata.a", "email"], "created_at DESC, metadata #>> '{a}', lower(email), id"],
  [["status", "metadata.a DESC", "lastName", "type DESC"], "status, metadata #>> '{a}' DESC, last_name, type DESC, id DESC"], [["createdBy"], "created_by, id"], [["createdBy DESC", "type"], "created_by DESC, type, id"],
];

for (const limit of [1, 7, 50]) {
  test(`pages_of_${limit}_give_every_row_once_in_the_order_of_the_database`, async () => {
    const check = async ([order, by]) => {
      const answers = await follow(await find("/inquiries", filterOf(order, limit)));
      assert.deepEqual(idsOf(answers), await stored(by), `${JSON.stringify(order)} ${by}`);
      assert.equal(answers.length, Math.ceil(COUNT / limit), JSON.stringify(order));
    };
    await Promise.all(ORDERS.map(check));
  });
}

test("a_page_that_ends_at_the_last_row_has_no_next", async () => {
  for (const [limit, pages] of [[120, 1], [60, 2], [40, 3], [119, 2], [121, 1]]) {
    const answers = await follow(await find("/inquiries", filterOf(["type"], limit)));
    assert.equal(answers.length, pages, `limit ${limit}`);
  }
  assert.equal(nextOf(await find("/inquiries", filterOf(["type"], 0))), undefined);
  assert.equal(nextOf(await find("/inquiries", { ...filterOf(["type"], 10), skip: 110 })), undefined);
  assert.equal(nextOf(await find("/inquiries", { ...filterOf(["type"], 10), skip: 500 })), undefined);
});

test("skip_counts_for_the_first_page_only", async () => {
  const all = await stored("type DESC, id DESC");
  for (const name of ["skip", "offset"]) {
    const answers = await follow(await find("/inquiries", { ...filterOf(["type DESC"], 50), [name]: 13 }));
    assert.deepEqual(idsOf(answers), all.slice(13), name);
    assert.deepEqual(answers.map((answer) => answer.headers.get("content-range")), ["records 13-62/120", "records 63-112/*", "records 113-119/*"]);
  }
});

test("content_range_goes_on_along_the_way_and_counts_when_asked", async () => {
  const first = await find("/inquiries", filterOf(["lastName"], 50));
  const ranges = (answers) => answers.map((answer) => answer.headers.get("content-range"));
  assert.deepEqual(ranges(await follow(first)), ["records 0-49/120", "records 50-99/*", "records 100-119/*"]);
  assert.deepEqual(ranges(await follow(first, { headers: { Prefer: "count=exact" } })), ["records 0-49/120", "records 50-99/120", "records 100-119/120"]);
  assert.deepEqual(ranges(await follow(await find("/inquiries", filterOf(["lastName"], 50), { headers: { Prefer: "count=none" } }))), ["records 0-49/*", "records 50-99/*", "records 100-119/*"]);
});

test("the_link_keeps_the_rest_of_the_request", async () => {
  const path = `${withQuery("/inquiries", { filter: { where: { businessName: M, firstName: { ilike: "%a%" } }, limit: 3 }, other: "1" })}&more=%22%3C%3E`;
  const url = nextOf(await staff("GET", path));
  assert.ok(url.startsWith(`${new URL(stack.env.BASE_URL).pathname}${path}`), url);
  const second = await staff("GET", url, { base: stack.origin });
  assert.equal((nextOf(second).match(/cursor=/g) ?? []).length, 1, "one cursor, the new one");
  const raw = await staff("GET", `/inquiries?filter={"where":{"businessName":"${M}"},"limit":1,"fields":["id"]}`);
  assert.equal((await staff("GET", nextOf(raw), { base: stack.origin })).body.count, 1, "text that was not escaped is in the link");
});

test("a_cursor_goes_on_with_another_limit_and_other_fields", async () => {
  const all = await stored("lower(email), id");
  const cursor = /cursor=([\w-]+)/.exec(nextOf(await find("/inquiries", filterOf(["email"], 30))))[1];
  const answer = await staff("GET", withQuery("/inquiries", { cursor, filter: { ...filterOf(["email"], 100), fields: ["id", "type"] } }));
  assert.deepEqual(answer.body.data.map(({ id }) => id), all.slice(30));
  assert.deepEqual(Object.keys(answer.body.data[0]), ["id", "type"]);
});

// The rows that stay are given exactly once though others come and go on both sides of the cursor.
test("rows_that_come_and_go_between_pages_move_nobody_else", async () => {
  for (const [order, by] of [[["spamScore DESC"], "spam_score DESC, id DESC"], [["lastName", "type DESC"], "last_name, type DESC, id DESC"], [["metadata.a"], "metadata #>> '{a}', id"]]) {
    const name = unique("moving");
    const made = await insertInquiries(Array.from({ length: 60 }, (_, i) => ({ ...row(i), business_name: name })));
    const gone = new Set();
    const between = async (page) => {
      await insertInquiries(Array.from({ length: 4 }, (_, i) => ({ ...row(page + i), business_name: name, first_name: "late" })));
      for (const { id } of [made[page * 5], made[59 - page * 4]]) {
        gone.add(id);
        await query('UPDATE outreach."Inquiry" SET deleted_at = now() WHERE id = $1', [id]);
      }
    };
    const answers = await follow(await find("/inquiries", { where: { businessName: name }, order, limit: 9, fields: ["id"] }), { between });
    const ids = idsOf(answers);
    assert.equal(new Set(ids).size, ids.length, "no row twice");
    const staying = (await query(`SELECT id FROM outreach."Inquiry" WHERE business_name = $1 AND first_name <> 'late' AND deleted_at IS NULL ORDER BY ${by}`, [name])).map(({ id }) => id);
    const known = new Set(staying);
    assert.deepEqual(ids.filter((id) => known.has(id)), staying, "no row lost");
    const places = (await query(`SELECT id FROM outreach."Inquiry" WHERE business_name = $1 ORDER BY ${by}`, [name])).map((one) => one.id);
    assert.deepEqual(ids, places.filter((id) => ids.includes(id)), "in order, with those that came");
    assert.ok(gone.size > 8 && ids.length >= staying.length);
  }
});

test("the_row_that_a_cursor_stands_on_may_go", async () => {
  const name = unique("anchor");
  const made = await insertInquiries(Array.from({ length: 4 }, () => ({ business_name: name })));
  const first = await find("/inquiries", { where: { businessName: name }, order: ["type"], limit: 2, fields: ["id"] });
  await owner('DELETE FROM outreach."Inquiry" WHERE id = $1', [made[1].id]);
  assert.deepEqual(idsOf(await follow(first)), made.map(({ id }) => id));
});

test("a_long_filter_and_long_values_have_a_next_page_too", async () => {
  const name = unique("long");
  await insertInquiries(Array.from({ length: 3 }, (_, i) => ({ business_name: name, metadata: { a: "é".repeat(1900) + i } })));
  for (const more of [{ where: { businessName: name, firstName: ["Ada", ...Array(900).fill("x")] } }, { order: ["metadata.a"] }, { order: ["metadata.a", "metadata.a DESC"] }]) {
    const answers = await follow(await find("/inquiries", { where: { businessName: name }, limit: 1, fields: ["id"], ...more }));
    assert.equal(new Set(idsOf(answers)).size, 3, JSON.stringify(more).slice(0, 60));
  }
});

test("a_filter_that_leaves_no_room_for_a_cursor_is_told_so_at_once", async () => {
  const name = unique("room");
  await insertInquiries(Array.from({ length: 3 }, () => ({ business_name: name })));
  // The path of a request whose first line has so many bytes; 16 KiB is the most.
  const path = (bytes, limit) => {
    const of = (words) => withQuery("/inquiries", { filter: { where: { businessName: name, firstName: ["Ada", ...words] }, limit, fields: ["id"] } });
    const line = (words) => `GET ${new URL(stack.env.BASE_URL + of(words)).pathname}?${of(words).split("?")[1]} HTTP/1.1\r\n`.length;
    const words = Array(Math.floor((bytes - 700) / 410)).fill("x".repeat(401)); // 410 with quotes and comma, escaped
    return of([...words, "x".repeat(bytes - line([...words, ""]))]);
  };
  const statuses = [];
  for (const bytes of [8000, 15_000, 16_200, 16_300, 16_384]) {
    const answer = await staff("GET", path(bytes, 1));
    statuses.push(answer.status);
    if (answer.status === 200) assert.equal(idsOf(await follow(answer)).length, 3, `${bytes} bytes`);
    else assert.deepEqual(assertProblem(answer, 422).details.cause.map((cause) => cause.path), ["filter"]);
    assert.equal((await staff("GET", path(bytes, 3))).body.count, 3, "without a next page there is room");
  }
  assert.deepEqual([statuses[0], statuses.at(-1)], [200, 422]);
});

test("subscribers_and_audit_logs_have_pages_too", async () => {
  await insertSubscribers(Array.from({ length: 25 }, (_, i) => ({ source: M, email: `${pick(["B", "a", "C"], i)}${i}.${M}@example.com`, first_name: pick([null, "x"], i) })));
  const answers = await follow(await find("/subscribers", { where: { source: M }, order: ["firstName DESC", "email"], limit: 4, fields: ["id"] }));
  const expected = await query('SELECT id FROM outreach."Subscriber" WHERE source = $1 ORDER BY first_name DESC, lower(email), id', [M]);
  assert.deepEqual(idsOf(answers), expected.map(({ id }) => id));
  await staff("DELETE", withQuery("/subscribers", { where: { source: M } }), { headers: { "X-Request-Id": M } });
  const logs = await follow(await find("/audit-logs", { where: { requestId: M }, order: ["createdAt DESC"], limit: 10 }));
  assert.deepEqual(logs.map((answer) => answer.body.count), [10, 10, 5]);
  assert.equal(new Set(idsOf(logs)).size, 25);
  assert.deepEqual(await rowsOf("/subscribers", { where: { source: M } }), []);
});
