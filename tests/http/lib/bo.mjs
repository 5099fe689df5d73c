// The back office: tokens of each role, calls with a filter, and rows of a test's own.
import assert from "node:assert/strict";

import { assertProblem, call, unique } from "./api.mjs";
import { query } from "./db.mjs";
import { claims, now, token } from "./token.mjs";

export const tokenOf = (role, more) => token({ payload: claims({ userId: `u-${role.toLowerCase()}`, roles: [role], exp: now() + 3600, ...more }) });
export const [OWNER, EMPLOYEE, CASHIER] = ["OWNER", "EMPLOYEE", "CASHIER"].map((role) => tokenOf(role));

const encode = (value) => encodeURIComponent(typeof value === "string" ? value : JSON.stringify(value));

// A path with `filter` or `where`, objects or the very text, and other members as they are.
export function withQuery(path, { filter, where, ...more } = {}) {
  const members = Object.entries(more).map(([name, value]) => `${name}=${value}`);
  if (filter !== undefined) members.push(`filter=${encode(filter)}`);
  if (where !== undefined) members.push(`where=${encode(where)}`);
  return members.length === 0 ? path : `${path}?${members.join("&")}`;
}

// A call of staff; `body` is an object, or the very text.
export function staff(method, path, { body, headers, token: by = OWNER, ...more } = {}) {
  const text = body === undefined || typeof body === "string" ? body : JSON.stringify(body);
  return call(method, path, { token: by, body: text, headers: { ...(text !== undefined && { "Content-Type": "application/json" }), ...headers }, ...more });
}

export const find = (path, filter, options) => staff("GET", withQuery(path, { filter }), options);

// The rows that a filter gives.
export async function rowsOf(path, filter, options) {
  const answer = await find(path, filter, options);
  assert.equal(answer.status, 200, `${JSON.stringify(filter)}: ${answer.text}`);
  return answer.body.data;
}

// A refusal with exactly these causes, [path, code, message], in this order.
export function assertRefused(answer, status, message, causes, what) {
  const body = assertProblem(answer, status, message);
  const told = (body.details.cause ?? []).map((cause) => [cause.path, cause.code, cause.message]);
  assert.deepEqual(told, causes, what);
  return body;
}

// Ids as a node that no pool here is: each is greater than the one before.
const first = BigInt(1000 + Math.floor(Math.random() * 24)) * 4096n + BigInt(Math.floor(Math.random() * 2048));
let last = 0n;
export function nextId() {
  const id = BigInt(Date.now() - 1735689600000) * 4194304n + first;
  last = id > last ? id : last + 1n;
  return String(last);
}

// Rows straight into a table, with the columns of the first; ids where none are given.
async function insert(table, rows) {
  const whole = rows.map((row) => ({ id: nextId(), ...row }));
  const columns = Object.keys(whole[0]).map((name) => `"${name}"`).join(", ");
  await query(`INSERT INTO ${table} (${columns}) SELECT ${columns} FROM json_populate_recordset(NULL::${table}, $1)`, [JSON.stringify(whole)]);
  return whole;
}

export const insertInquiries = (rows) =>
  insert('outreach."Inquiry"', rows.map((row, i) => ({ created_at: new Date().toISOString(), type: "100_GENERAL", status: "100_NEW", first_name: "Ada", email: `${unique(`i${i}`)}@example.com`, message: "Hello", ...row })));

export const insertSubscribers = (rows) =>
  insert(
    'outreach."Subscriber"',
    rows.map((row, i) => ({ created_at: new Date().toISOString(), status: "201_ACTIVATED", topics: [], email: `${unique(`s${i}`)}@example.com`, unsubscribe_token: nextId(), ...row })),
  );

// A new row through the service, as it is answered: { id, ... } and its version.
export async function create(path, body, options) {
  const answer = await staff("POST", path, { body, ...options });
  assert.equal(answer.status, 201, answer.text);
  return answer.body.data;
}

export const createInquiry = (more) => create("/inquiries", { firstName: "Ada", email: `${unique("ada")}@example.com`, message: "Hello", ...more });
export const createSubscriber = (more) => create("/subscribers", { email: `${unique("sub")}@example.com`, ...more });

export const inquiryOf = async (id) => (await query('SELECT * FROM outreach."Inquiry" WHERE id = $1', [id]))[0];
export const subscriberOf = async (id) => (await query('SELECT * FROM outreach."Subscriber" WHERE id = $1', [id]))[0];

// Every cell of a row, and of what was logged about it, as one text.
export const wholeText = async (table, id) => (await query(`SELECT t::text AS text FROM ${table} AS t WHERE id = $1`, [id]))[0].text;
export const auditsOf = (id) => query('SELECT * FROM outreach."AuditLog" WHERE entity_id = $1 ORDER BY id', [id]);
