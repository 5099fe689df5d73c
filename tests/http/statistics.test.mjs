// Numbers about rows: against rows whose times are known, in days of any time zone. All in 1999, where nobody else is.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { assertInvalid, assertProblem } from "./lib/api.mjs";
import { CASHIER, EMPLOYEE, createSubscriber, insertInquiries, insertSubscribers, staff, withQuery } from "./lib/bo.mjs";
import { close, owner } from "./lib/db.mjs";

after(close);

const STATUSES = ["100_NEW", "104_IN_REVIEW", "203_PROCESSING", "303_COMPLETED", "405_ARCHIVED", "505_CANCELLED"];
const TYPES = ["100_GENERAL", "200_SALES", "300_SUPPORT", "400_PARTNERSHIP", "900_OTHER"];
const STATES = ["103_PENDING", "201_ACTIVATED", "401_DEACTIVATED", "403_BLOCKED", "405_ARCHIVED"];
const at = (created_at, more) => ({ created_at, business_name: "statistics", ...more });
const INQUIRIES = [
  at("1999-03-01T00:00:00Z", { handled_at: "1999-03-01T00:00:10Z", status: "303_COMPLETED" }),
  at("1999-03-01T16:59:59.999Z", { type: "200_SALES", handled_at: "1999-03-01T17:00:30Z", status: "104_IN_REVIEW" }),
  at("1999-03-01T17:00:00Z", { type: "200_SALES" }),
  at("1999-03-01T23:30:00Z", { status: "505_CANCELLED", cancel_reason: "100_SPAM", handled_at: "1999-03-02T23:30:00Z" }),
  at("1999-03-02T12:00:00Z", { status: "505_CANCELLED", cancel_reason: "200_DUPLICATE", type: "900_OTHER" }),
  at("1999-03-04T23:59:59.999Z", { status: "405_ARCHIVED" }),
  at("1999-03-02T12:00:00Z", { deleted_at: "1999-03-03T00:00:00Z", status: "505_CANCELLED", cancel_reason: "100_SPAM" }),
  // The night on which New York's clocks go forward, and the one on which they go back.
  ...["1999-04-04T04:59:59Z", "1999-04-04T05:00:00Z", "1999-04-04T07:00:00Z", "1999-04-05T03:59:59Z", "1999-04-05T04:00:00Z"].map((time) => at(time)),
  ...["1999-10-31T03:59:59Z", "1999-10-31T04:00:00Z", "1999-10-31T06:30:00Z", "1999-11-01T04:59:59Z", "1999-11-01T05:00:00Z"].map((time) => at(time)),
];
const sub = (status, created_at, subscribed_at, unsubscribed_at, more) => ({ source: "statistics", status, created_at, subscribed_at, unsubscribed_at, ...more });
const SUBSCRIBERS = [
  sub("201_ACTIVATED", "1999-03-01T10:00:00Z", "1999-03-01T10:00:00Z", null), sub("401_DEACTIVATED", "1999-03-01T10:00:00Z", "1999-03-01T10:00:00Z", "1999-03-02T10:00:00Z"), sub("201_ACTIVATED", "1999-02-01T10:00:00Z", "1999-03-03T20:00:00Z", null),
  sub("103_PENDING", "1999-03-02T10:00:00Z", null, null), sub("403_BLOCKED", "1998-01-01T00:00:00Z", "1998-01-01T00:00:00Z", "1999-03-02T23:00:00Z"), sub("201_ACTIVATED", "1999-03-01T10:00:00Z", "1999-03-01T10:00:00Z", null, { deleted_at: "1999-03-05T00:00:00Z" }),
];
const clear = async () => {
  await owner(`DELETE FROM outreach."Inquiry" WHERE created_at < '2000-01-01' AND business_name = 'statistics'`);
  await owner(`DELETE FROM outreach."Subscriber" WHERE created_at < '2000-01-01' AND source = 'statistics'`);
};
before(async () => {
  await clear();
  await insertInquiries(INQUIRIES.map((row) => ({ status: "100_NEW", type: "100_GENERAL", cancel_reason: null, handled_at: null, deleted_at: null, ...row })));
  await insertSubscribers(SUBSCRIBERS.map((row) => ({ deleted_at: null, ...row })));
});
after(clear);

async function numbers(query, { path = "/inquiries", ...options } = {}) {
  const members = Object.fromEntries(Object.entries(query).map(([name, value]) => [name, encodeURIComponent(value)]));
  const answer = await staff("GET", withQuery(`${path}/statistics`, members), options);
  assert.equal(answer.status, 200, answer.text);
  assert.deepEqual([answer.body.count, answer.headers.get("x-response-format")], [1, "object"]);
  return answer.body.data;
}
const some = (names, counts) => ({ ...Object.fromEntries(names.map((name) => [name, 0])), ...counts });
const days = (perDay) => Object.fromEntries(perDay.map(({ date, count }) => [date, count]));

test("inquiries_are_counted_by_status_type_and_day", async () => {
  assert.deepEqual(await numbers({ from: "1999-03-01", to: "1999-03-06" }), {
    timeZone: "UTC",
    total: 6,
    byStatus: some(STATUSES, { "100_NEW": 1, "104_IN_REVIEW": 1, "303_COMPLETED": 1, "405_ARCHIVED": 1, "505_CANCELLED": 2 }),
    byType: some(TYPES, { "100_GENERAL": 3, "200_SALES": 2, "900_OTHER": 1 }),
    perDay: [["1999-03-01", 4], ["1999-03-02", 1], ["1999-03-03", 0], ["1999-03-04", 1], ["1999-03-05", 0]].map(([date, count]) => ({ date, count })),
    medianSecondsToFirstHandling: 30.001,
    spamShare: 0.1667,
  });
});

test("from_is_within_and_to_is_not", async () => {
  const total = async (from, to, timeZone = "UTC") => (await numbers({ from, to, timeZone })).total;
  assert.equal(await total("1999-03-01T17:00:00Z", "1999-03-01T23:30:00Z"), 1);
  assert.equal(await total("1999-03-01T16:59:59.999Z", "1999-03-01T23:30:00.001Z"), 3);
  assert.equal(await total("1999-03-01T23:59:59.999+07:00", "1999-03-02T00:00:00.001+07:00"), 2);
  assert.equal(await total("1999-03-02T00:00", "1999-03-03", "Asia/Ho_Chi_Minh"), 3, "without an offset it is a time of the zone");
  assert.equal(await total("1999-03-02", "1999-03-03"), 1);
  assert.equal(await total("1999-03-04T23:59:59.999Z", "1999-03-05"), 1);
});

test("a_day_is_one_of_the_time_zone", async () => {
  const perDay = async (timeZone, from, to) => days((await numbers({ from, to, timeZone })).perDay);
  assert.deepEqual(await perDay("Asia/Ho_Chi_Minh", "1999-03-01", "1999-03-04"), { "1999-03-01": 2, "1999-03-02": 3, "1999-03-03": 0 }, "half past eleven at night is the next day there");
  assert.deepEqual(await perDay("UTC", "1999-03-01", "1999-03-04"), { "1999-03-01": 4, "1999-03-02": 1, "1999-03-03": 0 });
  assert.deepEqual(await perDay("America/New_York", "1999-02-28", "1999-03-03"), { "1999-02-28": 1, "1999-03-01": 3, "1999-03-02": 1 });
  assert.deepEqual(await perDay("America/New_York", "1999-04-03", "1999-04-06"), { "1999-04-03": 1, "1999-04-04": 3, "1999-04-05": 1 }, "a day of 23 hours");
  assert.deepEqual(await perDay("America/New_York", "1999-10-30", "1999-11-02"), { "1999-10-30": 1, "1999-10-31": 3, "1999-11-01": 1 }, "a day of 25 hours");
  assert.deepEqual(await perDay("Asia/Kathmandu", "1999-03-02", "1999-03-03"), { "1999-03-02": 2 }, "5:45 east");
  const year = await numbers({ from: "1999-01-01", to: "2000-01-01", timeZone: "Europe/Berlin" });
  assert.deepEqual([year.perDay.length, year.total, year.perDay.at(-1).date], [365, 16, "1999-12-31"]);
  assert.equal(year.perDay.reduce((sum, { count }) => sum + count, 0), 16);
});

test("of_no_rows_there_are_no_shares", async () => {
  const none = await numbers({ from: "1999-05-01", to: "1999-05-02", timeZone: "Asia/Ho_Chi_Minh" });
  assert.deepEqual(none, { timeZone: "Asia/Ho_Chi_Minh", total: 0, byStatus: some(STATUSES), byType: some(TYPES), perDay: [{ date: "1999-05-01", count: 0 }], medianSecondsToFirstHandling: null, spamShare: null });
  const unhandled = await numbers({ from: "1999-03-04", to: "1999-03-05" });
  assert.deepEqual([unhandled.medianSecondsToFirstHandling, unhandled.spamShare], [null, 0]);
  const two = await numbers({ from: "1999-03-01", to: "1999-03-01T17:00:00Z" });
  assert.equal(two.medianSecondsToFirstHandling, 20.001, "between the two");
});

test("subscribers_are_counted_by_status_and_who_joined_and_left", async () => {
  const path = { path: "/subscribers" };
  const got = await numbers({ from: "1999-03-01", to: "1999-03-04" }, path);
  assert.deepEqual(got, {
    timeZone: "UTC",
    total: 3,
    byStatus: some(STATES, { "103_PENDING": 1, "201_ACTIVATED": 1, "401_DEACTIVATED": 1 }),
    perDay: [{ date: "1999-03-01", joined: 2, left: 0 }, { date: "1999-03-02", joined: 0, left: 2 }, { date: "1999-03-03", joined: 1, left: 0 }],
  });
  const there = await numbers({ from: "1999-03-01", to: "1999-03-05", timeZone: "Asia/Ho_Chi_Minh" }, path);
  assert.deepEqual(there.perDay.map((day) => [day.date, day.joined, day.left]), [["1999-03-01", 2, 0], ["1999-03-02", 0, 1], ["1999-03-03", 0, 1], ["1999-03-04", 1, 0]]);
});

test("without_a_span_it_is_all_rows_and_the_last_30_days", async () => {
  const now = new Date();
  const before = await numbers({});
  const day = now.toISOString().slice(0, 10);
  const today = before.perDay.at(-1);
  assert.ok(today.date >= day && before.perDay.length >= 30 && before.perDay.length <= 31);
  assert.ok(before.total >= INQUIRIES.length - 1, "also those of 1999");
  assert.equal(Object.values(before.byStatus).reduce((sum, n) => sum + n, 0), before.total);
  assert.equal(Object.values(before.byType).reduce((sum, n) => sum + n, 0), before.total);
  const until = await numbers({ to: "1999-03-02" });
  assert.equal(until.perDay.at(-1).date, "1999-03-01");
  assert.equal(until.perDay.at(-1).count, 4);
  await createSubscriber();
  assert.ok((await numbers({}, { path: "/subscribers" })).perDay.at(-1).joined >= 1);
});

test("every_day_of_the_last_30_is_whole", async () => {
  const { perDay } = await numbers({ to: "1999-03-31T12:00:00Z" });
  assert.deepEqual([perDay[0].date, perDay[0].count], ["1999-03-01", 4], "also the first");
});

test("odd_spans_and_zones_are_refused", async () => {
  const date = (name) => [name, "invalid_format", "Invalid date: expected ISO 8601 like 2026-11-20 or 2026-11-20T15:33:07Z"];
  const cases = [
    ["from=x", date("from")], ["from=1999-02-30", date("from")], ["to=1999", date("to")], ["from=1&to=2", date("from"), date("to")], ["from=%ff", date("from")], ["to=946684800000", date("to")], ["from=now", date("from")],
    ["from=1999-03-02&to=1999-03-01", ["to", "too_small", "Too small: expected a time after from"]], ["from=1999-03-02&to=1999-03-02", ["to", "too_small", "Too small: expected a time after from"]],
    ["from=1999-01-01&to=2002-01-06", ["to", "too_big", "Too big: expected at most 1100 days after from"]], ["from=1999-01-01", ["to", "too_big", "Too big: expected at most 1100 days after from"]],
    ["timeZone=Mars/Base", ["timeZone", "invalid_value", "Unknown time zone: Mars/Base"]],
  ];
  for (const path of ["/inquiries", "/subscribers"]) for (const [query, ...causes] of cases) assertInvalid(await staff("GET", `${path}/statistics?${query}`), causes);
  const zone = ["timeZone", "invalid_format", "Invalid time zone: expected an IANA name like Asia/Ho_Chi_Minh"];
  for (const name of ["%00", "a;b", "%27", "..%2F..%2Fetc%2Fpasswd", "x".repeat(65), "Asia/Ho%20Chi%20Minh", "%2B07:00", "%"]) assertInvalid(await staff("GET", `/inquiries/statistics?timeZone=${name}`), [zone]);
  assert.equal((await staff("GET", "/inquiries/statistics?from=1999-01-01&to=2002-01-05")).status, 200);
});

// PostgreSQL takes these for zones of its own making, whose sign is the other way round: +7 would be west of Greenwich.
test("a_zone_is_one_of_the_iana_list", async () => {
  for (const name of ["%2B7", "-7", "Foo%2B3", "XYZ-12", "posixrules", "Asia", "EST5XYZ"]) assertProblem(await staff("GET", `/inquiries/statistics?from=1999-03-01&to=1999-03-02&timeZone=${name}`), 422);
  for (const name of ["UTC", "Etc/GMT+7", "America/Argentina/Buenos_Aires", "Asia/Saigon"]) assert.equal((await numbers({ from: "1999-03-01", to: "1999-03-02", timeZone: name })).timeZone, name);
});

test("statistics_have_their_readers", async () => {
  const query = { from: "1999-03-01", to: "1999-03-02" };
  for (const token of [EMPLOYEE, CASHIER]) assert.equal((await numbers(query, { token })).total, 4);
  assertProblem(await staff("GET", "/subscribers/statistics", { token: CASHIER }), 403);
  assertProblem(await staff("GET", "/inquiries/statistics", { token: "" }), 401);
  const bare = await staff("GET", withQuery("/inquiries/statistics", query), { headers: { "x-request-count": "0" } });
  assert.equal(bare.body.total, 4);
});
