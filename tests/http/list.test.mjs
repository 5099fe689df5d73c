// Lists: the filter language on every kind of column, the envelope and the headers.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { assertProblem, unique } from "./lib/api.mjs";
import { CASHIER, find, insertInquiries, insertSubscribers, rowsOf, staff, withQuery } from "./lib/bo.mjs";
import { close, query } from "./lib/db.mjs";

after(close);

const M = unique("list"); // in businessName or source of all rows of this file
const INQUIRIES = [
  { first_name: "A", last_name: null, email: `ada.${M}@example.com`, type: "100_GENERAL", spam_score: 0, spam_reasons: null, created_at: "2001-02-03T04:05:06.789Z", handled_at: null, locale: "en-GB", metadata: { n: 5, s: "abc", b: true, deep: { x: [10, 20] }, "x-1": "dash" } },
  { first_name: "B", last_name: "", email: `BOB.${M}@Example.COM`, type: "200_SALES", spam_score: 10, spam_reasons: ["links"], created_at: "2001-02-03T23:59:59.999Z", handled_at: "2001-02-04T00:00:00Z", locale: "vi-VN", metadata: { n: "5", s: "ABC", b: false } },
  { first_name: "C", last_name: "Curie", email: `cy.${M}@example.com`, type: "300_SUPPORT", spam_score: 90, spam_reasons: ["links", "caps"], created_at: "2001-02-04T00:00:00Z", handled_at: "2001-02-05T00:00:00Z", locale: null, metadata: { n: -150, s: null } },
  { first_name: "D", last_name: "D%_\\d", email: `dee.${M}@example.com`, type: "400_PARTNERSHIP", spam_score: null, spam_reasons: [], created_at: "2001-06-01T12:00:00Z", handled_at: null, locale: "en-US", metadata: {} },
  { first_name: "E", last_name: "Éa😀", email: `eve.${M}@example.com`, type: "900_OTHER", spam_score: 32767, spam_reasons: ["a,b", '"q"\\'], created_at: "2002-01-01T00:00:00Z", handled_at: null, locale: "en-GB", metadata: null },
];
const SUBSCRIBERS = [
  { first_name: "A", topics: [] },
  { first_name: "B", topics: ["news"] },
  { first_name: "C", topics: ["news", "sales"] },
  { first_name: "D", topics: ["NULL", "a,b", '"q"\\', "{}", "é😀"] },
];
let ids;
before(async () => {
  const rows = await insertInquiries(INQUIRIES.map((row) => ({ business_name: M, ...row })));
  ids = Object.fromEntries(rows.map((row) => [row.first_name, row.id]));
  await insertSubscribers(SUBSCRIBERS.map((row) => ({ source: M, ...row })));
});

const WORDS = [
  [{}, "ABCDE"], [{ firstName: "A" }, "A"], [{ firstName: "a" }, ""], [{ firstName: null }, ""],
  [{ lastName: null }, "A"], [{ lastName: "" }, "B"], [{ lastName: { eq: "Curie" } }, "C"], [{ lastName: { is: "Curie" } }, "C"], [{ lastName: { eq: null } }, "A"],
  [{ lastName: { is: null } }, "A"], [{ lastName: { ne: null } }, "BCDE"], [{ lastName: { neq: null } }, "BCDE"], [{ lastName: { isn: null } }, "BCDE"],
  [{ lastName: { ne: "Curie" } }, "BDE"], [{ lastName: { neq: "Curie" } }, "BDE"], [{ lastName: { isn: "Curie" } }, "BDE"],
  [{ lastName: { gt: "" } }, "CDE"], [{ lastName: { lte: "" } }, "B"], [{ firstName: { gte: "B", lt: "D" } }, "BC"],
  [{ lastName: { like: "%urie" } }, "C"], [{ lastName: { like: "curie" } }, ""], [{ lastName: { ilike: "cUrIe" } }, "C"], [{ lastName: { like: "D\\%\\_%" } }, "D"],
  [{ lastName: { like: "Éa_" } }, "E"], [{ lastName: { like: "%\\\\d" } }, "D"], [{ lastName: { nlike: "C%" } }, "BDE"], [{ lastName: { nilike: "c%" } }, "BDE"], [{ lastName: { like: "" } }, "B"],
  [{ firstName: ["A", "B"] }, "AB"], [{ firstName: [] }, ""], [{ firstName: { in: ["A", "B"] } }, "AB"], [{ firstName: { inq: ["C"] } }, "C"], [{ firstName: { in: "A" } }, "A"],
  [{ firstName: { in: [] } }, ""], [{ firstName: { nin: [] } }, "ABCDE"], [{ firstName: { nin: ["A", "B"] } }, "CDE"], [{ firstName: { nin: "A" } }, "BCDE"], [{ lastName: { nin: ["Curie"] } }, "BDE"],
  [{ firstName: { between: ["B", "D"] } }, "BCD"], [{ firstName: { between: ["D", "B"] } }, ""], [{ firstName: { notBetween: ["B", "D"] } }, "AE"],
  [{ lastName: "' OR TRUE --" }, ""], [{ lastName: "$1" }, ""], [{ firstName: { in: ["A','B", "{A,B}", 'A"'] } }, ""],
  [{ locale: ["en-GB", "vi-VN"] }, "ABE"],
];
const EMAILS = [
  [{ email: `ADA.${M.toUpperCase()}@EXAMPLE.COM` }, "A"], [{ email: { eq: `bob.${M}@example.com` } }, "B"], [{ email: { in: [`Bob.${M}@example.com`, `CY.${M}@example.com`] } }, "BC"],
  [{ email: { ne: `BOB.${M}@EXAMPLE.com` } }, "ACDE"], [{ email: { like: `Bob.${M}%` } }, "B"], [{ email: { nlike: "BOB%" } }, "ACDE"], [{ email: { ilike: "B%.COM" } }, "B"],
  [{ email: { gt: "CY.", lt: "DEF" } }, "CD"], [{ email: { between: ["ADA.", "BOC"] } }, "AB"], [{ email: { nin: [`Bob.${M}@example.com`] } }, "ACDE"], [{ email: null }, ""], [{ email: { ne: null } }, "ABCDE"],
];
const NUMBERS = [
  [{ type: "200_SALES" }, "B"], [{ type: { in: ["200_SALES", "900_OTHER"] } }, "BE"], [{ type: { gt: "200_SALES" } }, "CDE"], [{ type: { like: "%S%" } }, "BCD"], [{ type: { ne: "100_GENERAL" } }, "BCDE"],
  [{ type: { between: ["200_SALES", "400_PARTNERSHIP"] } }, "BCD"], [{ status: "100_NEW" }, "ABCDE"],
  [{ spamScore: 0 }, "A"], [{ spamScore: null }, "D"], [{ spamScore: { ne: 0 } }, "BCE"], [{ spamScore: { ne: null } }, "ABCE"], [{ spamScore: { gt: 10 } }, "CE"], [{ spamScore: { gte: 10 } }, "BCE"],
  [{ spamScore: { lt: 10 } }, "A"], [{ spamScore: { lte: 10 } }, "AB"], [{ spamScore: { between: [0, 10] } }, "AB"], [{ spamScore: { notBetween: [0, 10] } }, "CE"], [{ spamScore: [0, 90] }, "AC"],
  [{ spamScore: { in: [0, 90, 40000] } }, "AC"], [{ spamScore: { nin: [0, 90] } }, "BE"], [{ spamScore: { lt: 9007199254740991 } }, "ABCE"], [{ spamScore: { gt: -70000 } }, "ABCE"], [{ spamScore: 65536 }, ""],
];
const INSTANTS = [
  [{ createdAt: "2001-02-03T04:05:06.789Z" }, "A"], [{ createdAt: "2001-02-03T11:05:06.789+07:00" }, "A"], [{ createdAt: "2001-02-02T21:05:06.789-0700" }, "A"], [{ createdAt: "2001-02-03T04:05:06.789" }, "A"],
  [{ createdAt: Date.parse("2001-02-03T04:05:06.789Z") }, "A"], [{ createdAt: { gte: "2001-02-04" } }, "CDE"], [{ createdAt: { lt: "2001-02-04" } }, "AB"], [{ createdAt: { lt: "2001-02-03T04:06Z" } }, "A"],
  [{ createdAt: { between: ["2001-02-03", "2001-02-04"] } }, "ABC"], [{ createdAt: { notBetween: ["2001-02-03", "2001-02-04"] } }, "DE"], [{ createdAt: { gt: 981244799999 } }, "CDE"],
  [{ createdAt: { in: ["2001-02-04T00:00:00Z", 1009843200000] } }, "CE"], [{ createdAt: ["2001-02-04"] }, "C"], [{ createdAt: { nin: ["2001-02-04"] } }, "ABDE"], [{ createdAt: { ne: "2001-02-04" } }, "ABDE"],
  [{ createdAt: { gt: "2000-02-29T23:59:59.999999999+14:00" } }, "ABCDE"], [{ createdAt: { gt: 0, lt: -1 } }, ""], [{ handledAt: null }, "ADE"], [{ handledAt: { isn: null } }, "BC"], [{ handledAt: { lte: "2001-02-04" } }, "B"],
  [{ createdAt: { gt: "0001-01-01", lt: "9999-12-31T23:59:59Z" } }, "ABCDE"],
];
const LISTS = [
  [{ spamReasons: null }, "A"], [{ spamReasons: { ne: null } }, "BCDE"], [{ spamReasons: { contains: ["links"] } }, "BC"], [{ spamReasons: { overlaps: ["caps", "zzz"] } }, "C"],
  [{ spamReasons: { containedBy: ["links", "caps"] } }, "BCD"], [{ spamReasons: { contains: ["a,b", '"q"\\'] } }, "E"],
];
const PATHS = [
  [{ "metadata.n": 5 }, "AB"], [{ "metadata.n": "5" }, "AB"], [{ "metadata.n": { gt: 0 } }, "AB"], [{ "metadata.n": { lt: 0 } }, "C"], [{ "metadata.n": { between: [-200, 4.5] } }, "C"], [{ "metadata.n": [5, -150] }, "ABC"],
  [{ "metadata.n": { ne: 5 } }, "C"], [{ "metadata.s": { gt: 1 } }, ""], [{ "metadata.s": "abc" }, "A"], [{ "metadata.s": { ilike: "AB%" } }, "AB"], [{ "metadata.s": { like: "a%" } }, "A"], [{ "metadata.s": { in: ["abc", "ABC"] } }, "AB"],
  [{ "metadata.b": true }, "A"], [{ "metadata.b": false }, "B"], [{ "metadata.b": { ne: true } }, "B"], [{ "metadata.s": null }, "CDE"], [{ "metadata.s": { ne: null } }, "AB"], [{ "metadata.deep.x.1": 20 }, "A"],
  [{ "metadata.deep.x.1": "20" }, "A"], [{ "metadata.deep.x[0]": 10 }, "A"], [{ "metadata.deep.x[0]": 20 }, ""], [{ "metadata.deep.x.2": null }, "ABCDE"], [{ "metadata.deep": { isn: null } }, "A"], [{ "metadata.x-1": "dash" }, "A"], [{ "metadata.__proto__": null }, "ABCDE"], [{ "metadata.n": { nin: [5] } }, "C"],
  [{ metadata: null }, "E"], [{ metadata: { is: null } }, "E"], [{ metadata: { isn: null } }, "ABCD"], [{ metadata: { ne: null } }, "ABCD"],
];
const GROUPS = [
  [{ or: [{ firstName: "A" }, { firstName: "B" }] }, "AB"], [{ and: [{ spamScore: { gte: 10 } }, { spamScore: { lt: 100 } }] }, "BC"], [{ or: [{ and: [{ firstName: "A" }, { lastName: null }] }, { or: [{ type: "900_OTHER" }, { spamScore: 90 }] }], firstName: { ne: "E" } }, "AC"],
  [{ and: { firstName: "A" } }, "A"], [{ or: { firstName: "A", lastName: "x" } }, ""], [{ spamScore: { gte: 0, lt: 50 } }, "AB"], [{ spamScore: 0, firstName: "B" }, ""], [{ or: [{ spamScore: 0, firstName: "B" }, { firstName: "C" }] }, "C"],
  [{ and: [{ or: [{ firstName: "A" }, { firstName: "B" }] }, { or: [{ lastName: null }, { lastName: "Curie" }] }] }, "A"],
];

for (const [what, cases] of Object.entries({ texts: WORDS, addresses: EMAILS, "choices and numbers": NUMBERS, instants: INSTANTS, lists: LISTS, "paths of metadata": PATHS, groups: GROUPS })) {
  test(`conditions_on_${what.replaceAll(" ", "_")}_select_their_rows`, async () => {
    for (const [where, expected] of cases) {
      const filter = { where: { and: [{ businessName: M }, ...(Object.keys(where).length > 0 ? [where] : [])] }, order: ["firstName"], fields: ["firstName"] };
      const rows = await rowsOf("/inquiries", filter);
      assert.equal(rows.map((row) => row.firstName).join(""), expected, JSON.stringify(where));
      const answer = await staff("GET", withQuery("/inquiries/count", { where: filter.where }));
      assert.equal(answer.text, `{"count":${expected.length}}`, JSON.stringify(where));
    }
  });
}

test("an_id_is_compared_as_text_and_as_a_number", async () => {
  const of = async (where) => (await rowsOf("/inquiries", `{"where":{"businessName":"${M}","id":${where}},"order":["id"]}`)).map((row) => row.firstName).join("");
  for (const [where, expected] of [[`"${ids.B}"`, "B"], [ids.B, "B"], [`["${ids.A}",${ids.E}]`, "AE"], [`{"gt":"${ids.C}"}`, "DE"], [`{"between":[${ids.B},"${ids.D}"]}`, "BCD"], [`{"ne":"${ids.B}"}`, "ACDE"], ['"0"', ""], ["null", ""], ["[]", ""]])
    assert.equal(await of(where), expected, where);
});

test("topics_contain_are_contained_and_overlap", async () => {
  const cases = [
    [{ contains: ["news"] }, "BC"], [{ contains: ["news", "sales"] }, "C"], [{ contains: [] }, "ABCD"], [{ containedBy: ["news"] }, "AB"], [{ containedBy: [] }, "A"], [{ overlaps: ["sales", "a,b"] }, "CD"], [{ overlaps: [] }, ""],
    [{ contains: ["NULL"] }, "D"], [{ contains: ['"q"\\', "{}", "é😀"] }, "D"], [{ eq: [] }, "A"], [{ eq: ["news", "sales"] }, "C"], [{ eq: ["sales", "news"] }, ""], [{ ne: ["news"] }, "ACD"], [{ eq: null }, ""], [{ isn: null }, "ABCD"], [{ contains: ["News"] }, ""],
  ];
  for (const [topics, expected] of cases) {
    const rows = await rowsOf("/subscribers", { where: { source: M, topics }, order: ["firstName"] });
    assert.equal(rows.map((row) => row.firstName).join(""), expected, JSON.stringify(topics));
  }
});

test("deleted_rows_are_in_no_list", async () => {
  await insertInquiries([{ business_name: M, first_name: "X", deleted_at: new Date().toISOString() }]);
  assert.equal((await rowsOf("/inquiries", { where: { businessName: M } })).length, INQUIRIES.length);
  assert.deepEqual((await staff("GET", withQuery("/inquiries/count", { where: { businessName: M } }))).body, { count: INQUIRIES.length });
});

test("fields_pick_what_is_shown_and_never_what_is_hidden", async () => {
  const where = { businessName: M };
  const keys = async (fields) => Object.keys((await rowsOf("/inquiries", { where, fields, limit: 1 }))[0]);
  assert.deepEqual(await keys(["email", "id"]), ["id", "email"], "in the entity's order");
  assert.deepEqual(await keys({ email: true, id: true, type: false }), ["id", "email"]);
  assert.deepEqual(await keys(["id", "id"]), ["id"]);
  assert.deepEqual(await keys(["id", "deletedAt", "ipHash", "userAgent", "contentHash"]), ["id"], "dropped without a word");
  const all = await keys(undefined);
  assert.deepEqual(all.slice(0, 7), ["id", "createdAt", "modifiedAt", "createdBy", "modifiedBy", "type", "status"]);
  assert.deepEqual(all.filter((name) => /deleted|hash|agent|version|token/i.test(name)), []);
  assert.deepEqual(Object.keys((await staff("GET", withQuery(`/inquiries/${ids.A}`, { filter: { fields: ["status"], where: { id: ids.B } } }))).body.data), ["status"]);
  assert.equal((await staff("GET", withQuery(`/inquiries/${ids.A}`, { filter: { where: { id: ids.B } } }))).body.data.id, ids.A, "the id says which row");
  const [subscriber] = await rowsOf("/subscribers", { where: { source: M }, limit: 1 });
  assert.deepEqual(Object.keys(subscriber).filter((name) => /deleted|hash|token$/i.test(name)), []);
});

test("order_takes_several_columns_in_directions_of_any_case", async () => {
  const of = async (order) => (await rowsOf("/inquiries", { where: { businessName: M }, order, fields: ["firstName"] })).map((row) => row.firstName).join("");
  const cases = [
    [["firstName"], "ABCDE"], [["firstName DESC"], "EDCBA"], [["firstName desc"], "EDCBA"], [["firstName Asc"], "ABCDE"], [["type DESC"], "EDCBA"], [["locale", "firstName DESC"], "EADBC"], [["locale DESC", "firstName"], "CBDAE"],
    [["spamScore DESC"], "DECBA"], [["spamScore"], "ABCED"], [["email"], "ABCDE"], [["email DESC"], "EDCBA"], [["metadata.s", "firstName"], null], [["createdAt DESC"], "EDCBA"], [["metadata.deep.x[0] DESC", "firstName"], "BCDEA"], [["metadata.deep.x[0]", "firstName DESC"], "AEDCB"], [["handledAt", "id DESC"], "BCEDA"], [["id"], "ABCDE"],
  ];
  for (const [order, expected] of cases) if (expected) assert.equal(await of(order), expected, JSON.stringify(order));
  assert.equal((await of(["metadata.s", "firstName"])).slice(2), "CDE", "nulls last, whatever the letters' order");
  assert.equal((await of(["metadata.s DESC", "firstName"])).slice(0, 3), "CDE");
});

test("limit_skip_and_offset_cut_the_list", async () => {
  await insertInquiries(Array.from({ length: 12 }, (_, i) => ({ business_name: `${M}12`, first_name: `${i}`.padStart(2, "0") })));
  const of = async (filter) => (await rowsOf("/inquiries", { where: { businessName: `${M}12` }, order: ["firstName"], ...filter })).map((row) => Number(row.firstName));
  assert.deepEqual(await of({}), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9], "10 unless the client says");
  assert.deepEqual(await of({ limit: 2, skip: 3 }), [3, 4]);
  assert.deepEqual(await of({ limit: 2, offset: 3 }), [3, 4]);
  assert.deepEqual(await of({ limit: 2, skip: 1, offset: 5 }), [1, 2], "skip wins over offset");
  assert.deepEqual(await of({ limit: 1000, skip: 10 }), [10, 11]);
  assert.deepEqual(await of({ limit: 0 }), []);
  for (const filter of [undefined, "", {}]) assert.equal((await rowsOf("/inquiries", filter)).length, 10);
  assert.equal((await staff("GET", "/inquiries?filter[limit]=3")).body.count, 10, "the bracket form is ignored");
});

test("find_one_gives_the_first_row_or_404", async () => {
  const one = async (filter) => staff("GET", withQuery("/inquiries/find-one", { filter }));
  const answer = await one({ where: { businessName: M }, order: ["firstName DESC"], fields: ["firstName"] });
  assert.deepEqual(answer.body, { count: 1, data: { firstName: "E" } });
  assert.equal(answer.headers.get("x-response-format"), "object");
  assert.deepEqual((await one({ where: { businessName: M }, order: ["firstName"], skip: 1, fields: ["firstName"] })).body.data, { firstName: "B" });
  assertProblem(await one({ where: { businessName: M, firstName: "Z" } }), 404);
});

test("the_envelope_follows_x_request_count", async () => {
  for (const [wish, bare] of [["false", true], ["0", true], ["", true], ["true", false], ["no", false], [undefined, false]]) {
    const answer = await find("/inquiries", { where: { businessName: M }, limit: 2 }, { headers: wish === undefined ? {} : { "x-request-count": wish } });
    const { body, headers } = answer;
    assert.equal((bare ? body : body.data).length, 2, `wish ${wish}`);
    if (!bare) assert.deepEqual([Object.keys(body), body.count], [["count", "data"], 2]);
    assert.deepEqual([headers.get("x-response-count"), headers.get("x-response-format"), headers.get("content-range")], ["2", "array", "records 0-1/5"]);
  }
});

test("content_range_tells_the_page_and_the_total", async () => {
  const range = async (filter, headers) => {
    const answer = await find("/inquiries", { where: { businessName: M }, ...filter }, { headers });
    return [answer.headers.get("content-range"), answer.headers.get("preference-applied"), answer.headers.get("x-response-count")];
  };
  assert.deepEqual(await range({}), ["records 0-4/5", null, "5"]);
  assert.deepEqual(await range({ limit: 2, skip: 1 }), ["records 1-2/5", null, "2"]);
  assert.deepEqual(await range({ skip: 5 }), ["records */5", null, "0"]);
  assert.deepEqual(await range({ limit: 0 }), ["records */5", null, "0"]);
  assert.deepEqual(await range({ where: { businessName: `${M}none` } }), ["records */0", null, "0"]);
  assert.deepEqual(await range({ limit: 2 }, { Prefer: "count=none" }), ["records 0-1/*", "count=none", "2"]);
  assert.deepEqual(await range({ limit: 2 }, { Prefer: "count=exact" }), ["records 0-1/5", "count=exact", "2"]);
  assert.deepEqual(await range({ limit: 2 }, { Prefer: "respond-async, count=none" }), ["records 0-1/*", "count=none", "2"]);
  for (const Prefer of ["Count=none", 'count="none"', "count = none"]) assert.deepEqual(await range({ limit: 2 }, { Prefer }), ["records 0-1/*", "count=none", "2"], Prefer);
  assert.deepEqual(await range({ limit: 2 }, { Prefer: "return=minimal" }), ["records 0-1/5", null, "2"], "other wishes are ignored");
});

test("head_is_the_list_without_a_body_and_browsers_may_read_its_headers", async () => {
  const options = { headers: { Origin: "https://bo.example.com" } };
  const path = withQuery("/inquiries", { filter: { where: { businessName: M }, limit: 2 } });
  const [get, head] = [await staff("GET", path, options), await staff("HEAD", path, options)];
  assert.deepEqual([head.status, head.text], [200, ""]);
  for (const name of ["content-type", "content-length", "content-range", "link", "x-response-count", "x-response-format"]) assert.equal(head.headers.get(name), get.headers.get(name), name);
  const exposed = get.headers.get("access-control-expose-headers").toLowerCase().split(", ");
  for (const name of ["content-range", "link", "etag", "location", "x-request-id", "x-response-count", "x-response-format", "preference-applied"]) assert.ok(exposed.includes(name), name);
});

test("rows_look_as_ignis_made_them", async () => {
  const [row] = await rowsOf("/inquiries", { where: { businessName: M, firstName: "A" } });
  assert.equal(row.id, ids.A);
  assert.equal(row.createdAt, "2001-02-03T04:05:06.789Z");
  assert.deepEqual([row.handledAt, row.spamScore, row.spamReasons, row.metadata], [null, 0, null, INQUIRIES[0].metadata]);
  const answer = await staff("GET", `/inquiries/${ids.A}`);
  assert.deepEqual(answer.body.data, row, "read by id is the same row");
  assert.equal(answer.headers.get("etag"), '"v1"');
  assert.deepEqual((await query('SELECT count(*)::int AS n FROM outreach."Inquiry" WHERE business_name = $1', [M]))[0].n, 6);
});

test("every_read_of_one_row_sends_its_etag", async () => {
  for (const path of [`/inquiries/${ids.A}`, withQuery("/inquiries/find-one", { filter: { where: { id: ids.A } } })]) assert.equal((await staff("GET", path)).headers.get("etag"), '"v1"', path.slice(0, 20));
});

test("cashiers_list_inquiries_but_no_subscribers", async () => {
  assert.equal((await find("/inquiries", { where: { businessName: M } }, { token: CASHIER })).body.count, 5);
  assertProblem(await find("/subscribers", {}, { token: CASHIER }), 403);
});
