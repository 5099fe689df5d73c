// CSV: RFC 4180 to the letter, harmless in a spreadsheet, of any length in little memory, and never cut off unseen.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { request } from "node:http";
import { after, before, test } from "node:test";

import { assertProblem, unique } from "./lib/api.mjs";
import { CASHIER, EMPLOYEE, OWNER, find, insertInquiries, insertSubscribers, nextId, rowsOf, staff, withQuery } from "./lib/bo.mjs";
import { close, owner, query } from "./lib/db.mjs";
import { stack } from "./lib/stack.mjs";
import { slow, until, within } from "./lib/wait.mjs";

const M = unique("csv");
const BIG = unique("big");
const BIG_ROWS = 30_000;
const STALL = { APP_ENV_EXPORT_STALL_MS: "1000", APP_ENV_NODE_ID: "13" };
let own; // a pool of one worker that is soon tired of a client that does not read
before(async () => {
  // 4.8 kB a row: more than nginx's temporary file takes, and sockets besides.
  await query(`INSERT INTO outreach."Inquiry" (id, business_name, first_name, email, message) SELECT $1::bigint + i, $2, 'Ada', 'big@example.com', repeat(md5(i::text), 150) FROM generate_series(1, $3::int) AS i`, [nextId(), BIG, BIG_ROWS]);
  own = await stack.beside("stall", STALL, { workers: 1 });
});
after(async () => {
  await owner('DELETE FROM outreach."Inquiry" WHERE business_name = $1', [BIG]);
  await close();
  await own?.remove();
});

// RFC 4180 section 2, every rule: CRLF after each record, quotes only around a whole field, as many fields everywhere.
function parse(text) {
  const records = [];
  let record = [];
  for (let at = 0; at < text.length; ) {
    let field = "";
    if (text[at] === '"') {
      for (at++; text[at] !== '"' || text[at + 1] === '"'; at++) {
        assert.ok(at < text.length, "the quote is closed");
        if (text[at] === '"') at++;
        field += text[at];
      }
      at++;
    } else {
      const end = at + /^[^,\r\n"]*/.exec(text.slice(at))[0].length;
      field = text.slice(at, end);
      at = end;
    }
    record.push(field);
    if (text[at] === ",") {
      at++;
      if (at < text.length) continue;
    }
    assert.equal(text.slice(at, at + 2), "\r\n", `after field ${record.length} of record ${records.length}`);
    at += 2;
    records.push(record);
    record = [];
  }
  for (const one of records) assert.equal(one.length, records[0].length, "as many fields as names");
  return records;
}

async function csv(filter, { path = "/inquiries", ...options } = {}) {
  const answer = await find(`${path}/export.csv`, filter, options);
  assert.equal(answer.status, 200, answer.text);
  assert.match(answer.headers.get("content-type"), /^text\/csv; ?charset=utf-8/);
  const [names, ...rows] = parse(answer.text);
  return { names, rows, answer };
}
const column = async (name, filter) => (await csv({ fields: [name], ...filter })).rows.map(([cell]) => cell);

const TEXTS = ["plain", "", "a,b", 'say "hi"', '"', '""', ",", "line\nbreak", "cr\rlf\r\nend", " outer ", "é李😀👩‍👩‍👧", "semi;colon", "\\\"", "tab\tinside", "'quoted'", "\u202eright", "x=1", '",\r\n"', "null"];
const FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "\nx", '=HYPERLINK("http://x","y")', "=a,b", "-", "=", "+49 30 1234567"];

test("every_text_comes_through_as_it_is", async () => {
  const name = `${M}-texts`;
  await insertInquiries(TEXTS.map((subject, i) => ({ business_name: name, subject, first_name: `${i}`.padStart(2, "0"), message: subject || "M" })));
  const { names, rows } = await csv({ where: { businessName: name }, order: ["firstName"], fields: ["firstName", "subject", "message"] });
  assert.deepEqual(names, ["firstName", "subject", "message"]);
  assert.deepEqual(rows, TEXTS.map((text, i) => [`${i}`.padStart(2, "0"), text, text || "M"]));
  assert.deepEqual(await column("subject", { where: { businessName: name }, order: ["firstName"] }), TEXTS, "also alone in its line");
});

test("no_cell_is_a_formula", async () => {
  const name = `${M}-formulas`;
  await insertInquiries(FORMULAS.map((text, i) => ({ business_name: name, subject: text, last_name: text, phone: text, message: text, first_name: `${i}`.padStart(2, "0") })));
  const { rows } = await csv({ where: { businessName: name }, order: ["firstName"], fields: ["lastName", "phone", "subject", "message"] });
  assert.deepEqual(rows, FORMULAS.map((text) => Array(4).fill(`'${text}`)));
});

test("every_shown_column_is_there_in_the_shape_of_the_list", async () => {
  const name = `${M}-all`;
  const full = { business_name: name, last_name: "L", subject: "S", phone: "1", message: "M", locale: "en", page_url: "https://x", referrer: "https://y", metadata: { a: "b,c" }, cancel_reason: "100_SPAM", status: "505_CANCELLED", spam_score: 7, spam_reasons: ["a", 'b"'], assignee_id: "5", handled_at: "2001-02-03T04:05:06.789Z", completed_at: "2001-02-03T04:05:06Z", created_by: "1", modified_by: "2", user_agent: "secret-agent", ip_hash: "secret-hash" };
  await insertInquiries([full, { ...Object.fromEntries(Object.keys(full).map((key) => [key, null])), business_name: name, status: "100_NEW", message: "M" }]);
  const { names, rows, answer } = await csv({ where: { businessName: name }, order: ["id"] });
  const [one, two] = await rowsOf("/inquiries", { where: { businessName: name }, order: ["id"] });
  assert.deepEqual(names, Object.keys(one));
  const text = (value) => (value === null ? "" : typeof value === "object" ? value : String(value));
  for (const [row, cells] of [[one, rows[0]], [two, rows[1]]])
    for (const [i, key] of names.entries()) assert.deepEqual(typeof row[key] === "object" && row[key] !== null ? JSON.parse(cells[i]) : cells[i], text(row[key]), key);
  assert.ok(!/secret|deletedAt|hash/i.test(answer.text));
  await insertSubscribers([{ source: name, topics: ["a,b", '"q"'], first_name: "=1" }]);
  const others = await csv({ where: { source: name } }, { path: "/subscribers" });
  const [row] = await rowsOf("/subscribers", { where: { source: name } });
  assert.deepEqual(others.names, Object.keys(row));
  const cells = Object.fromEntries(others.names.map((key, i) => [key, others.rows[0][i]]));
  assert.deepEqual([cells.email, cells.firstName, JSON.parse(cells.topics)], [row.email, "'=1", ["a,b", '"q"']]);
});

test("where_order_limit_skip_and_fields_apply", async () => {
  const name = `${M}-filter`;
  await insertInquiries(Array.from({ length: 1203 }, (_, i) => ({ business_name: name, first_name: `${i}`.padStart(4, "0"), type: i % 2 ? "200_SALES" : "100_GENERAL" })));
  await insertInquiries([{ business_name: name, first_name: "gone", deleted_at: new Date().toISOString() }]);
  const all = Array.from({ length: 1203 }, (_, i) => `${i}`.padStart(4, "0"));
  const where = { businessName: name };
  assert.deepEqual(await column("firstName", { where, order: ["firstName"] }), all, "all of them, without a limit");
  assert.deepEqual(await column("firstName", { where, order: ["firstName DESC"], limit: 1100, skip: 3 }), all.toReversed().slice(3, 1103), "and beyond 1000 with one");
  assert.deepEqual(await column("firstName", { where: { ...where, type: "200_SALES" }, order: ["firstName"] }), all.filter((_, i) => i % 2));
  for (const count of [199, 200, 201, 400, 401]) assert.deepEqual(await column("firstName", { where, order: ["firstName"], limit: count }), all.slice(0, count), `${count} rows`);
  assert.deepEqual(await column("firstName", { where, limit: 0 }), []);
  assert.deepEqual((await csv({ where: { businessName: `${name}-none` }, fields: ["id", "email"] })).names, ["id", "email"], "names also of no rows");
});

test("an_export_is_a_download_of_the_owner", async () => {
  const path = withQuery("/inquiries/export.csv", { filter: { where: { businessName: `${M}-all` } } });
  const [get, head] = [await staff("GET", path), await staff("HEAD", path)];
  assert.deepEqual([head.status, head.text], [200, ""]);
  for (const name of ["content-type", "content-disposition", "cache-control"]) assert.equal(head.headers.get(name), get.headers.get(name), name);
  assert.match(get.headers.get("content-disposition"), /^attachment; filename="inquiries-\d{4}-\d\d-\d\d\.csv"$/);
  for (const token of [EMPLOYEE, CASHIER]) for (const entity of ["inquiries", "subscribers"]) assertProblem(await staff("GET", `/${entity}/export.csv`, { token }), 403);
  for (const [filter, status] of [[{ where: { nope: 1 } }, 400], [{ where: { deletedAt: null } }, 400], [{ limit: -1 }, 422], ["{", 400], [{ limit: 1, order: ["spamReasons"] }, 422]]) assertProblem(await find("/inquiries/export.csv", filter), status);
});

// A download as it comes: resolves with the answer at its first byte.
const download = (env, token) =>
  new Promise((done, failed) => {
    const path = withQuery("/inquiries/export.csv", { filter: { where: { businessName: BIG } } });
    const begun = performance.now();
    const asked = request(env.BASE_URL + path, { headers: { Authorization: `Bearer ${token}` }, agent: false }, (answer) => {
      answer.once("readable", () => done({ answer, asked, ms: performance.now() - begun }));
    });
    asked.on("error", failed);
    asked.end();
  });
const drain = async (answer) => {
  let bytes = 0, lines = 0;
  for await (const part of answer) {
    bytes += part.length;
    for (let at = -1; (at = part.indexOf(10, at + 1)) >= 0; ) lines++;
  }
  return { bytes, lines };
};
const peak = (pid) => Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))[1]) / 1024;

test("a_long_export_begins_at_once_and_needs_no_memory", async () => {
  const [worker] = own.workers();
  await find("/inquiries", { limit: 1 }, { base: own.env.BASE_URL, token: own.env.BO_TOKEN });
  const before = peak(worker);
  const { answer, ms } = await download(own.env, own.env.BO_TOKEN);
  assert.ok(ms < within(500), `first byte after ${ms} ms`);
  const { bytes, lines } = await drain(answer);
  assert.deepEqual([lines, answer.complete], [BIG_ROWS + 1, true]);
  assert.ok(bytes > BIG_ROWS * 4800);
  assert.deepEqual(own.workers(), [worker], "the same worker");
  const grown = peak(worker) - before;
  assert.ok(grown < (slow ? 600 : 16), `the worker grew by ${grown} MiB`);
});

// The connection breaks first; then the line is written.
const logged = (text) => until(`the log has "${text}"`, () => own.log("outreach.log").includes(text));
const served = (env) => until("the only worker serves others", async () => (await staff("GET", "/inquiries/count?where=%7B%22id%22%3A1%7D", { base: env.BASE_URL, token: env.BO_TOKEN })).status === 200, 8000);

test("a_client_that_stops_reading_does_not_hold_the_only_worker_and_sees_that_it_has_not_all", async () => {
  const { answer } = await download(own.env, own.env.BO_TOKEN);
  answer.pause();
  await served(own.env);
  await assert.rejects(drain(answer), (error) => error.code === "ECONNRESET", "no clean end");
  assert.equal(answer.complete, false);
  await logged("the client stopped reading");
});

test("an_export_whose_database_is_lost_is_not_whole_either", async () => {
  const { answer } = await download(own.env, own.env.BO_TOKEN);
  const lost = await query("SELECT pg_terminate_backend(pid) AS ended FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND query LIKE '%bana_export%'");
  assert.deepEqual(lost, [{ ended: true }]);
  await assert.rejects(drain(answer), (error) => error.code === "ECONNRESET", "no clean end");
  await served(own.env);
});

test("a_client_that_goes_away_frees_the_worker_and_its_transaction", async () => {
  const { answer, asked } = await download(own.env, own.env.BO_TOKEN);
  answer.on("error", () => {});
  asked.destroy();
  await served(own.env);
  await until("no cursor is left open", async () => (await owner("SELECT count(*)::int AS n FROM pg_stat_activity WHERE state LIKE 'idle in transaction%' AND query LIKE '%bana_export%'"))[0].n === 0);
  assert.equal((await csv({ where: { businessName: `${M}-all` } }, { base: own.env.BASE_URL, token: own.env.BO_TOKEN })).rows.length, 2, "and it works on");
});

test("an_export_that_takes_too_long_is_broken_off", async () => {
  await stack.beside("stall", { ...STALL, APP_ENV_EXPORT_MS: "100" }, { workers: 1 });
  const { answer } = await download(own.env, own.env.BO_TOKEN);
  await assert.rejects(drain(answer), (error) => error.code === "ECONNRESET", "no clean end");
  await logged("APP_ENV_EXPORT_MS");
  await served(own.env);
});

test("eight_exports_at_once_are_all_whole", async () => {
  const answers = await Promise.all(Array.from({ length: 8 }, () => csv({ where: { businessName: `${M}-filter` }, fields: ["id"] }, { token: OWNER })));
  for (const { rows } of answers) assert.equal(rows.length, 1203);
});
