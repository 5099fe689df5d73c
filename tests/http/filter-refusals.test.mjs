// Filters, conditions and cursors that are not good: the status, the words, and the path of every fault.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { assertProblem, tooBig, tooSmall, unique, unknownKey, wrongType } from "./lib/api.mjs";
import { assertRefused, find, insertInquiries, staff, withQuery } from "./lib/bo.mjs";
import { close } from "./lib/db.mjs";

after(close);

const M = unique("refused");
before(() => insertInquiries(Array.from({ length: 3 }, () => ({ business_name: M }))));

const INVALID = "ValidationError";
const noColumn = (key, of = "toWhere", table = "Inquiry") => `[FilterBuilder][${of}] Table: ${table} | Column NOT FOUND | key: '${key}'`;
const noOperator = (name) => `[FilterBuilder][toWhere] Invalid query operator: '${name}'`;
const noDirection = (word) => `[FilterBuilder][toOrderBy] Table: Inquiry | Invalid direction: '${word}' | Expected: 'ASC' or 'DESC'`;
const noRelation = (name) => `[FilterBuilder][toInclude] Relation NOT FOUND | relation: '${name}'`;
const unknown = (path, message) => [path, "unrecognized_keys", message];
const type = (path, expected, received) => wrongType(path, expected, received).slice(0, 3);
const badId = (path) => [path, "invalid_format", "Invalid id"];
const badDate = (path) => [path, "invalid_format", "Invalid date: expected ISO 8601, or milliseconds since 1970"];
const noOrder = (i) => [`filter.order.${i}`, "invalid_value", "Lists and objects have no order"];
const doesNot = (path, operator, field) => [path, "invalid_value", `Invalid operator: ${operator} does not apply to ${field}`];
const pair = (path) => [path, "invalid_type", "Invalid input: expected array of 2 items"];

// Each filter and the causes of its refusal.
async function refused(path, cases, status, message) {
  for (const [filter, ...causes] of cases) {
    const words = message ?? causes[0][2];
    assertRefused(await find(path, filter), status, words, causes, JSON.stringify(filter));
  }
}

test("text_that_is_no_json_is_400", async () => {
  const raw = ["{", "}", "{'limit':1}", "{\"limit\":01}", "{\"limit\":1,}", "[1", "nul", "{\"a\":\"\u0001\"}", "{} {}", "\ufeff{}", "\"\\ud800\"", "filter"];
  const escapes = ["%", "%7", "%7B%zz", "%ff", "%C3%28", "%ED%A0%80"];
  for (const text of [...raw.map(encodeURIComponent), ...escapes])
    for (const [call, name] of [["/inquiries", "filter"], ["/inquiries/find-one", "filter"], ["/inquiries/count", "where"], ["/subscribers", "filter"], ["/inquiries/export.csv", "filter"]]) {
      const body = assertProblem(await staff("GET", `${call}?${name}=${text}`), 400, `Malformed query parameter: ${name}`);
      assert.deepEqual(body.details.cause.map((cause) => [cause.path, cause.code]), [[name, "invalid_format"]], text);
    }
  for (const verb of ["PATCH", "DELETE"]) assertProblem(await staff(verb, "/inquiries?where=%7B", { body: verb === "PATCH" ? {} : undefined }), 400, "Malformed query parameter: where");
});

test("json_that_is_not_for_us_is_422", async () => {
  for (const text of ['{"limit":1,"limit":2}', '{"where":{"firstName":"a\\u0000"}}', '{"where":{"spamScore":99999999999999999999}}', '{"where":{"metadata.n":1e999}}', `${'{"where":'.repeat(40)}1${"}".repeat(40)}`]) {
    const body = assertProblem(await find("/inquiries", text), 422);
    assert.equal(body.details.cause[0].path, "filter", text.slice(0, 40));
  }
  await refused("/inquiries", [["[]", type("filter", "object", "array")], ['"x"', type("filter", "object", "string")], ["1", type("filter", "object", "number")], ["null", type("filter", "object", "null")], ["true", type("filter", "object", "boolean")]], 422, INVALID);
});

test("unknown_columns_are_400_in_ignis_words", async () => {
  const names = ["nope", "first_name", "FirstName", "firstname", "", "id ", "firstName.x", "metadata.", "metadata.a.", "metadata..a", "metadata[0]", "metadata.a[", "metadata.a[x]", "metadata.a[0]b", "metadata.a[-1]", "metadata.a[0].", "metadata.a b", "metadata.a'b", "metadata.é", "metadata.-a", "metadata.a.b.c.d.e.f.g.h.i", "__proto__", "constructor", "naïve"];
  for (const name of names) {
    const where = `{"where":{${JSON.stringify(name)}:1}}`;
    await refused("/inquiries", [[where, unknown(`filter.where.${name}`, noColumn(name))]], 400);
  }
  for (const name of ["nope", "first_name", "metadata.a'b", "phone", "message"]) for (const order of [name, `${name} DESC`]) await refused("/inquiries", [[{ order: ["id", order] }, unknown("filter.order.1", noColumn(name, "toOrderBy"))]], 400);
  await refused("/inquiries", [[{ fields: ["id", "nope"] }, unknown("filter.fields.1", noColumn("nope", "toColumns"))], [{ fields: { nope: true } }, unknown("filter.fields.nope", noColumn("nope", "toColumns"))]], 400);
  const answer = await staff("GET", withQuery("/subscribers/count", { where: { message: "x" } }));
  assertRefused(answer, 400, noColumn("message", "toWhere", "Subscriber"), [unknown("where.message", noColumn("message", "toWhere", "Subscriber"))]);
});

test("hidden_columns_are_unknown_in_where_and_order", async () => {
  const hidden = { "/inquiries": ["deletedAt", "ipHash", "userAgent", "contentHash", "version", "deleted_at", "phone", "message", "pageUrl", "referrer"], "/subscribers": ["deletedAt", "unsubscribeToken", "confirmTokenHash", "confirmExpiresAt", "ipHash", "version"] };
  for (const [path, names] of Object.entries(hidden))
    for (const name of names) {
      const table = path === "/inquiries" ? "Inquiry" : "Subscriber";
      await refused(path, [[{ where: { [name]: null } }, unknown(`filter.where.${name}`, noColumn(name, "toWhere", table))], [{ where: { or: [{ [name]: { isn: null } }] } }, unknown(`filter.where.or.0.${name}`, noColumn(name, "toWhere", table))]], 400);
      for (const order of [[name], [`${name} DESC`]]) assertProblem(await find(path, { order }), 400);
    }
});

test("unknown_operators_directions_and_relations_are_400_in_ignis_words", async () => {
  for (const name of ["not", "exists", "notExists", "regexp", "iregexp", "startsWith", "isNull", "notIn", "EQ", "$eq", "", "eq ", "__proto__"])
    await refused("/inquiries", [[`{"where":{"firstName":{${JSON.stringify(name)}:"x"}}}`, unknown(`filter.where.firstName.${name}`, noOperator(name))]], 400);
  for (const word of ["UP", "DESC NULLS LAST", "ASC;", "DESC,id", "1"]) await refused("/inquiries", [[{ order: ["id", `id ${word}`] }, unknown("filter.order.1", noDirection(word))]], 400);
  await refused("/inquiries", [[{ include: [{ relation: "nope" }] }, unknown("filter.include.0", noRelation("nope"))]], 400);
  assert.equal((await find("/inquiries", { include: [], limit: 0 })).status, 200);
});

test("operators_that_a_column_has_not_are_422", async () => {
  const cases = [["spamScore", "like", "1%"], ["createdAt", "ilike", "2%"], ["id", "like", "1%"], ["firstName", "contains", ["a"]], ["createdAt", "overlaps", ["2001-01-01"]], ["metadata.a", "containedBy", ["a"]], ["spamReasons", "gt", ["a"]], ["spamReasons", "in", ["a"]], ["spamReasons", "like", "a"], ["spamReasons", "between", [["a"], ["b"]]]];
  const whole = (path) => [path, "invalid_value", "An object is compared by its members (metadata.name), or with null"];
  for (const value of ["x", 1, ["x"], []]) await refused("/inquiries", [[{ where: { metadata: value } }, whole("filter.where.metadata")], [{ where: { metadata: { eq: value } } }, whole("filter.where.metadata.eq")]], 422, INVALID);
  for (const [field, operator, value] of cases) await refused("/inquiries", [[{ where: { [field]: { [operator]: value } } }, doesNot(`filter.where.${field}.${operator}`, operator, field.split(".")[0])]], 422, INVALID);
});

test("values_of_a_wrong_type_are_422_with_their_path", async () => {
  const at = (rest) => `filter.where.${rest}`;
  await refused(
    "/inquiries",
    [
      [{ where: [] }, type("filter.where", "object", "array")], [{ where: "x" }, type("filter.where", "object", "string")], [{ where: null }, type("filter.where", "object", "null")],
      [{ where: { firstName: 1 } }, type(at("firstName"), "string", "number")], [{ where: { firstName: true } }, type(at("firstName"), "string", "boolean")], [{ where: { email: { eq: 1.5 } } }, type(at("email.eq"), "string", "number")],
      [{ where: { type: { in: ["100_GENERAL", 1, null, {}] } } }, type(at("type.in.1"), "string", "number"), type(at("type.in.2"), "string", "null"), type(at("type.in.3"), "string", "object")],
      [{ where: { firstName: ["A", 2] } }, type(at("firstName.1"), "string", "number")], [{ where: { firstName: { like: 1 } } }, type(at("firstName.like"), "string", "number")], [{ where: { firstName: { ilike: null } } }, type(at("firstName.ilike"), "string", "null")],
      [{ where: { spamScore: "1" } }, type(at("spamScore"), "number", "string")], [{ where: { spamScore: 1.5 } }, type(at("spamScore"), "int", "number")], [{ where: { spamScore: { gt: null } } }, type(at("spamScore.gt"), "number", "null")],
      [{ where: { id: 1.5 } }, type(at("id"), "string", "number")], [{ where: { id: true } }, type(at("id"), "string", "boolean")], [{ where: { createdAt: false } }, type(at("createdAt"), "string", "boolean")], [{ where: { createdAt: 1.5 } }, type(at("createdAt"), "string", "number")],
      [{ where: { firstName: { eq: ["A"] } } }, type(at("firstName.eq"), "string", "array")], [{ where: { firstName: { eq: { a: 1 } } } }, type(at("firstName.eq"), "string", "object")], [{ where: { "metadata.a": { eq: [1] } } }, type(at("metadata.a.eq"), "string", "array")],
      [{ where: { spamReasons: { contains: ["a", 1] } } }, type(at("spamReasons.contains.1"), "string", "number")], [{ where: { spamScore: { between: [1] } } }, pair(at("spamScore.between"))], [{ where: { spamScore: { between: [1, 2, 3] } } }, pair(at("spamScore.between"))],
      [{ where: { spamScore: { between: 1 } } }, pair(at("spamScore.between"))], [{ where: { spamScore: { notBetween: [null, "x"] } } }, type(at("spamScore.notBetween.0"), "number", "null"), type(at("spamScore.notBetween.1"), "number", "string")],
      [{ where: { firstName: {} } }, [at("firstName"), "too_small", "Too small: expected object to have >=1 operators"]], [{ where: { firstName: { like: "a\\" } } }, [at("firstName.like"), "invalid_format", "Invalid pattern: it ends in a lone \\"]],
      [{ where: { "metadata.a": { in: [1, "x"] } } }, [at("metadata.a.in"), "invalid_type", "Invalid input: expected items of one type"]],
    ],
    422,
    INVALID,
  );
});

test("groups_are_lists_of_conditions", async () => {
  const empty = (path) => [path, "too_small", "Too small: expected object to have >=1 conditions"];
  const size = (path, code) => [path, code, "Expected 1 to 100 where objects"];
  const cases = [
    [{ where: { or: [] } }, size("filter.where.or", "too_small")], [{ where: { and: [] } }, size("filter.where.and", "too_small")], [{ where: { and: [{}] } }, empty("filter.where.and.0")], [{ where: { or: {} } }, empty("filter.where.or")],
    [{ where: { or: [1, { firstName: "A" }, null] } }, type("filter.where.or.0", "object", "number"), type("filter.where.or.2", "object", "null")], [{ where: { or: "x" } }, type("filter.where.or", "object", "string")],
    [{ where: { or: Array(101).fill({ firstName: "A" }) } }, size("filter.where.or", "too_big")],
  ];
  await refused("/inquiries", cases, 422, INVALID);
});

const nest = (levels) => Array.from({ length: levels }).reduce((where) => ({ or: [where] }), { businessName: M });
const conditions = (count) => ({ and: Array.from({ length: count }, () => ({ firstName: "A" })) });
test("a_filter_is_of_bounded_depth_and_size", async () => {
  assert.equal((await find("/inquiries", { where: nest(8) })).body.count, 3);
  await refused("/inquiries", [[{ where: nest(9) }, [`filter.where${".or.0".repeat(9)}`, "too_big", "Too big: expected <=8 levels of and, or"]]], 422, INVALID);
  assert.equal((await find("/inquiries", { where: conditions(100) })).status, 200);
  const many = { where: { and: [conditions(50), conditions(51)] } };
  await refused("/inquiries", [[many, ["filter.where.and.1.and.50.firstName", "too_big", "Too big: expected at most 100 conditions"]]], 422, INVALID);
  assert.equal((await find("/inquiries", { where: { spamScore: Array(1000).fill(1) } })).status, 200);
  await refused("/inquiries", [[{ where: { spamScore: Array(1001).fill(1) } }, tooBig("filter.where.spamScore", "array", 1000, "items")]], 422, INVALID);
  assert.equal((await find("/inquiries", { where: { firstName: "😀".repeat(1000) } })).status, 200);
  await refused("/inquiries", [[{ where: { firstName: "é".repeat(1001) } }, tooBig("filter.where.firstName", "string", 1000, "characters")], [{ where: { firstName: { in: ["a", "x".repeat(1001)] } } }, tooBig("filter.where.firstName.in.1", "string", 1000, "characters")]], 422, INVALID);
  assert.equal((await find("/inquiries", { order: Array(8).fill("type"), limit: 0 })).status, 200);
  await refused("/inquiries", [[{ order: Array(9).fill("type") }, tooBig("filter.order", "array", 8, "items")]], 422, INVALID);
  assertProblem(await find("/inquiries", { where: { firstName: "x".repeat(20_000) } }), 414);
});

test("limit_skip_and_offset_are_whole_numbers_within_bounds", async () => {
  const big = (name, max) => [`filter.${name}`, "too_big", `Too big: expected number to be <=${max}`];
  const cases = (name, max) => [
    [{ [name]: max + 1 }, big(name, max)], [`{"${name}":9007199254740993}`, big(name, max)], [{ [name]: -1 }, [`filter.${name}`, "too_small", "Too small: expected number to be >=0"]], [{ [name]: 2.5 }, type(`filter.${name}`, "int", "number")],
    [{ [name]: "x" }, type(`filter.${name}`, "number", "string")], [{ [name]: "1" }, type(`filter.${name}`, "number", "string")], [{ [name]: null }, type(`filter.${name}`, "number", "null")], [{ [name]: true }, type(`filter.${name}`, "number", "boolean")], [{ [name]: [1] }, type(`filter.${name}`, "number", "array")],
  ];
  await refused("/inquiries", cases("limit", 1000), 422, INVALID);
  for (const name of ["skip", "offset"]) await refused("/inquiries", cases(name, 1e9), 422, INVALID);
  assert.equal((await find("/inquiries", { limit: 1000, skip: 1e9 })).status, 200);
});

test("members_of_a_wrong_kind_or_name_are_422", async () => {
  await refused(
    "/inquiries",
    [
      [{ order: 1 }, type("filter.order", "array", "number")], [{ order: { id: "ASC" } }, type("filter.order", "array", "object")], [{ order: ["id", 1, null] }, type("filter.order.1", "string", "number"), type("filter.order.2", "string", "null")],
      [{ order: ["spamReasons"] }, noOrder(0)], [{ order: ["id", "metadata DESC"] }, noOrder(1)], [{ fields: "id" }, type("filter.fields", "array", "string")], [{ fields: ["id", 1] }, type("filter.fields.1", "string", "number")], [{ fields: { id: 1 } }, type("filter.fields.id", "boolean", "number")],
      [{ include: {} }, type("filter.include", "array", "object")], [{ Limit: 1 }, unknownKey("Limit").with(0, "filter.Limit")], [{ sort: [] }, unknownKey("sort").with(0, "filter.sort")],
    ],
    422,
    INVALID,
  );
});

test("ids_and_dates_that_are_none_are_422", async () => {
  for (const id of ["", "abc", "-1", "01", "1.0", " 1", "1e3", "9223372036854775808", "0x1", "٣"]) await refused("/inquiries", [[{ where: { id } }, badId("filter.where.id")]], 422, INVALID);
  await refused("/inquiries", [[{ where: { id: ["1", "x", -5] } }, badId("filter.where.id.1"), badId("filter.where.id.2")]], 422, INVALID);
  const dates = ["", "x", "2001", "2001-02", "2001-02-30", "2001-13-01", "2001-00-10", "0000-01-01", "2001-2-3", "2001-02-03T", "2001-02-03T25:00Z", "2001-02-03T10:60Z", "2001-02-03T10:00:61Z", "2001-02-03T10:00+25:00", "2001-02-03T10:00 Z", "2001-02-03Z", "infinity", "now", "10000-01-01", "981173106789", "2001-02-03T10:00:00Zjunk", "Feb 3 2001", "2001-02-03T10:00:00.Z"];
  for (const date of dates) await refused("/inquiries", [[{ where: { createdAt: { gt: date } } }, badDate("filter.where.createdAt.gt")]], 422, INVALID);
  await refused("/inquiries", [[{ where: { handledAt: ["2001-02-03", "x"] } }, badDate("filter.where.handledAt.1")], [{ where: { createdAt: 253402300800000 } }, badDate("filter.where.createdAt")], [{ where: { createdAt: -1e15 } }, badDate("filter.where.createdAt")]], 422, INVALID);
});

test("every_fault_of_a_filter_is_told_at_once", async () => {
  const filter = { where: { firstName: 1, or: [{ createdAt: "x" }, { id: "y" }] }, order: [3], limit: 1001, skip: -1, fields: 7, extra: 1 };
  const faults = [
    type("filter.where.firstName", "string", "number"), badDate("filter.where.or.0.createdAt"), badId("filter.where.or.1.id"), type("filter.order.0", "string", "number"), type("filter.fields", "array", "number"),
    ["filter.limit", "too_big", "Too big: expected number to be <=1000"], ["filter.skip", "too_small", "Too small: expected number to be >=0"], unknownKey("extra").with(0, "filter.extra"),
  ];
  await refused("/inquiries", [[filter, ...faults]], 422, INVALID);
  const names = { where: { nope: 1, firstName: { like: 1, wrong: 2 } }, order: ["id UP"], limit: -1 };
  await refused("/inquiries", [[names, unknown("filter.where.nope", noColumn("nope")), type("filter.where.firstName.like", "string", "number"), unknown("filter.where.firstName.wrong", noOperator("wrong")), unknown("filter.order.0", noDirection("UP")), ["filter.limit", "too_small", "Too small: expected number to be >=0"]]], 400);
});

test("cursors_that_are_not_ours_are_422", async () => {
  const filter = { where: { businessName: M }, order: ["type"], limit: 1 };
  const cursor = /cursor=([\w-]+)>/.exec((await find("/inquiries", filter)).headers.get("link"))[1];
  const odd = [["cursor", "invalid_format", "Invalid cursor: take it from the Link header"]];
  const other = [["cursor", "invalid_format", "Invalid cursor: it belongs to another order"]];
  const ask = (text, more = {}, path = "/inquiries") => staff("GET", withQuery(path, { cursor: text, filter: { ...filter, ...more } }));
  assert.equal((await ask(cursor)).status, 200);
  const list = JSON.parse(Buffer.from(cursor, "base64url"));
  const forge = (value) => Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");
  const forged = ["", "x", "%00", cursor.slice(0, -2), cursor.slice(2), `${cursor}!`, "e30", forge([]), forge({}), forge("[1"), forge([list[0]]), forge([list[0], list[1]]), forge([list[0], -1, list[2], list[3]]), forge([list[0], 1.5, list[2], list[3]]), forge([...list, "1"]), forge(list.slice(0, 3))];
  const values = [forge([...list.slice(0, 3), "x"]), forge([...list.slice(0, 3), 1]), forge([...list.slice(0, 3), null]), forge([...list.slice(0, 3), "9223372036854775808"]), forge([list[0], list[1], null, list[3]]), forge([list[0], list[1], ["a"], list[3]]), forge([list[0], list[1], "a\u0000b", list[3]])];
  for (const text of [...forged, ...values, "A".repeat(9000)]) assertRefused(await ask(text), 422, INVALID, odd, `${Buffer.from(text, "base64url")}`);
  for (const order of [["type DESC"], ["status"], ["type", "status"], undefined]) assertRefused(await ask(cursor, { order }), 422, INVALID, other, JSON.stringify(order));
  const answer = await staff("GET", withQuery("/subscribers", { cursor, filter: { order: ["status"] } }));
  assertRefused(answer, 422, INVALID, other, "of another entity");
  const instants = forge(["Inquiry createdAt A id A", 0, "2001-02-30 00:00:00+00", "1"]);
  assertRefused(await ask(instants, { order: ["createdAt"] }), 422, INVALID, odd, "a day that is none");
});

test("a_condition_that_must_narrow_may_not_be_empty", async () => {
  for (const where of [undefined, "", {}, "%20"]) {
    const path = where === "%20" ? "/inquiries?where=%7B%20%7D" : withQuery("/inquiries", { where });
    for (const verb of ["PATCH", "DELETE"]) assertProblem(await staff(verb, path, { body: verb === "PATCH" ? { subject: "all" } : undefined }), 400);
  }
  assertRefused(await staff("DELETE", withQuery("/inquiries", { where: { or: [{}] } })), 422, INVALID, [tooSmall("where.or.0", "object", 1, "conditions")].map((row) => row.slice(0, 3)));
});
