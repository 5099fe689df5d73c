// The back office, alike in both peers, as a careful author would write it: who may, the filter, the SQL, the rows.
// A database is { rows(name, text, values), connection() }; rows are arrays, a connection has rows and release.
import { createLocalJWKSet, jwtVerify } from "jose";
import { base, limits, types } from "./inquiry.mjs";

// ---- What is refused: the frameworks make an answer of it
export class Refused extends Error {
  constructor(status, message, more = {}) {
    super(message);
    this.status = status;
    this.more = more;
  }
}
export const problem = (error, path) => ({
  type: `urn:bana:problem:${error.status}`, title: error.message, status: error.status, detail: error.message, instance: path,
  message: error.message, statusCode: error.status, ...error.more,
});

// ---- Who may: ES256 by jose, every request anew, as ignis does it; then a table of roles in place of ignis' enforcer
const keys = createLocalJWKSet(JSON.parse(process.env.JWKS));
const options = { algorithms: ["ES256"], clockTolerance: 5, requiredClaims: ["exp"] };
const roles = {
  "Inquiry.find": ["OWNER", "EMPLOYEE", "CASHIER"],
  "Inquiry.findById": ["OWNER", "EMPLOYEE", "CASHIER"],
  "Inquiry.updateById": ["OWNER", "EMPLOYEE"],
  "Inquiry.export": ["OWNER"],
};
const role_of = (role) => (typeof role === "string" ? role : role.identifier).replace(/^\d{3}_/, "").toUpperCase();

export async function admit(header, permission) {
  const token = header?.startsWith("Bearer ") ? header.slice(7) : "";
  const refused = () => new Refused(401, "Authentication failed. Tried strategies: jwt");
  if (token === "") throw refused();
  const { payload } = await jwtVerify(token, keys, options).catch(() => { throw refused(); });
  if (payload.userId === undefined) throw refused();
  const may = roles[permission];
  if (!(payload.roles ?? []).some((role) => may.includes(role_of(role)))) {
    throw new Refused(403, `Authorization denied | resource: ${permission}`);
  }
  return { user_id: String(payload.userId), type: payload.principalType ?? "User" };
}

// ---- The entity: name, column, kind; in the order in which a row is shown
const statuses = ["100_NEW", "104_IN_REVIEW", "203_PROCESSING", "303_COMPLETED", "405_ARCHIVED", "505_CANCELLED"];
const reasons = ["100_SPAM", "200_DUPLICATE", "300_TEST", "400_WITHDRAWN", "900_OTHER"];
export const fields = [
  ["id", "id", "id"], ["createdAt", "created_at", "instant"], ["modifiedAt", "modified_at", "instant"],
  ["createdBy", "created_by", "text"], ["modifiedBy", "modified_by", "text"], ["type", "type", "text"],
  ["status", "status", "text"], ["firstName", "first_name", "text"], ["lastName", "last_name", "text"],
  ["email", "email", "email"], ["phone", "phone", "text"], ["businessName", "business_name", "text"],
  ["subject", "subject", "text"], ["message", "message", "text"], ["locale", "locale", "text"],
  ["pageUrl", "page_url", "text"], ["referrer", "referrer", "text"], ["metadata", "metadata", "json"],
  ["cancelReason", "cancel_reason", "text"], ["spamScore", "spam_score", "number"], ["spamReasons", "spam_reasons", "list"],
  ["quarantinedAt", "quarantined_at", "instant"],
  ["assigneeId", "assignee_id", "text"], ["handledAt", "handled_at", "instant"], ["completedAt", "completed_at", "instant"],
].map(([name, column, kind]) => ({ name, column, kind, sql: kind === "list" ? `to_json("${column}")` : `"${column}"` }));
const by_name = new Map(fields.map((f) => [f.name, f]));
const unfiltered = new Set(["phone", "message", "pageUrl", "referrer"]);
const required = new Set(["id", "createdAt", "modifiedAt", "type", "status", "firstName", "email", "message"]);
const personal = new Set(["firstName", "lastName", "email", "phone", "businessName", "subject", "message", "metadata"]);
const columns = fields.map((f) => f.sql).join(", ");

const shown = (field, value) => (field.kind === "instant" && value !== null ? value.toISOString() : value);
function object_of(view, row) {
  const object = {};
  for (let i = 0; i < view.length; i++) object[view[i].name] = shown(view[i], row[i]);
  return object;
}

// ---- The filter
const malformed = (message) => new Refused(400, message);
const invalid = (path, message) => new Refused(422, "ValidationError", { details: { cause: [{ path, message }] } });
const casts = { id: "bigint", instant: "timestamptz", number: "bigint", text: "text", email: "text" };
const operators = { eq: "=", ne: "<>", gt: ">", gte: ">=", lt: "<", lte: "<=" };

function operand(name, path) {
  const field = by_name.get(name);
  if (field === undefined || unfiltered.has(name) || casts[field.kind] === undefined) {
    throw malformed(`[FilterBuilder] Table: Inquiry | Column NOT FOUND | key: '${name}' | ${path}`);
  }
  return { field, sql: field.kind === "email" ? 'lower("email")' : `"${field.column}"` };
}

function value_of(field, value, path) {
  if (field.kind === "instant") {
    const at = typeof value === "string" || typeof value === "number" ? new Date(value) : new Date(NaN);
    if (Number.isNaN(at.getTime())) throw invalid(path, "Invalid date");
    return at.toISOString();
  }
  if (field.kind === "number") {
    if (!Number.isInteger(value)) throw invalid(path, "Invalid input: expected int");
    return value;
  }
  if (typeof value !== "string" || value.length > 1000) throw invalid(path, "Invalid input: expected string");
  if (field.kind === "id" && !/^[1-9]\d{0,18}$/.test(value)) throw invalid(path, "Invalid id");
  return value;
}

function where_sql(where, values) {
  if (typeof where !== "object" || where === null || Array.isArray(where)) throw invalid("filter.where", "Invalid input: expected object");
  let sql = "deleted_at IS NULL";
  for (const [name, wish] of Object.entries(where)) {
    const path = `filter.where.${name}`;
    const { field, sql: of } = operand(name, path);
    const wishes = typeof wish === "object" && wish !== null ? Object.entries(wish) : [["eq", wish]];
    for (const [word, value] of wishes) {
      const operator = operators[word];
      if (operator === undefined) throw malformed(`[FilterBuilder][toWhere] Invalid query operator: '${word}'`);
      if (value === null && (word === "eq" || word === "ne")) {
        sql += ` AND ${of} IS ${word === "eq" ? "" : "NOT "}NULL`;
        continue;
      }
      const ref = `$${values.push(value_of(field, value, `${path}.${word}`))}::${casts[field.kind]}`;
      sql += ` AND ${of} ${operator} ${field.kind === "email" ? `lower(${ref})` : ref}`;
    }
  }
  return sql;
}

function order_of(order) {
  const list = typeof order === "string" ? [order] : order;
  if (!Array.isArray(list) || list.length > 8) throw invalid("filter.order", "Expected at most 8 items");
  const by = list.map((item, i) => {
    const [, name, direction = "ASC"] = /^(\S+)(?: +(asc|desc))?$/i.exec(typeof item === "string" ? item.trim() : "") ?? [];
    if (name === undefined) throw malformed("[FilterBuilder][toOrderBy] Invalid direction");
    return { ...operand(name, `filter.order.${i}`), descending: direction.toUpperCase() === "DESC" };
  });
  if (!by.some(({ field }) => field.name === "id")) {
    by.push({ field: by_name.get("id"), sql: '"id"', descending: by.at(-1)?.descending ?? false });
  }
  return by;
}

function number_of(value, path, max) {
  if (!Number.isInteger(value) || value < 0 || value > max) throw invalid(path, `Expected an integer from 0 to ${max}`);
  return value;
}

const members = new Set(["where", "order", "fields", "limit", "skip", "offset"]);
function read_filter(text, { limit, limit_max }) {
  let filter;
  try {
    filter = JSON.parse(text || "{}");
  } catch {
    throw malformed("Malformed query parameter: filter");
  }
  if (typeof filter !== "object" || filter === null || Array.isArray(filter)) throw invalid("filter", "Invalid input: expected object");
  for (const name of Object.keys(filter)) if (!members.has(name)) throw invalid(`filter.${name}`, "Unrecognized key");
  const wanted = filter.fields === undefined ? null : new Set(filter.fields);
  if (wanted !== null) for (const name of wanted) if (!by_name.has(name)) throw malformed(`[FilterBuilder][toColumns] Column NOT FOUND | key: '${name}'`);
  const values = [];
  return {
    values,
    where: where_sql(filter.where ?? {}, values),
    order: order_of(filter.order ?? []),
    view: wanted === null ? fields : fields.filter((f) => wanted.has(f.name)),
    limit: filter.limit === undefined ? limit : number_of(filter.limit, "filter.limit", limit_max),
    skip: number_of(filter.skip ?? filter.offset ?? 0, "filter.skip", 1000000000),
  };
}

// Texts are few: one prepared statement each.
const names = new Map();
function name_of(text) {
  let name = names.get(text);
  if (name === undefined) names.set(text, (name = `s${names.size}`));
  return name;
}
const select = (query, more) =>
  `SELECT ${[...query.view.map((f) => f.sql), ...more].join(", ")} FROM outreach."Inquiry" WHERE ${query.where}` +
  ` ORDER BY ${query.order.map((o) => o.sql + (o.descending ? " DESC" : "")).join(", ")}` +
  ` LIMIT $${query.values.length + 1}::bigint OFFSET $${query.values.length + 2}::bigint`;

// ---- The envelope
const bare = (wish) => wish !== undefined && (wish === "" || wish === "false" || wish === "0");
const reply = (headers, wish, data, count, format) => ({
  headers: { "cache-control": "no-store", "x-response-count": String(count), "x-response-format": format, ...headers },
  body: bare(wish) ? data : { count, data },
});

// ---- Calls.  `q` is { target, query, filter, header(name) }: the path, the query string undecoded, one parameter of it.
function cursor_of(query, row, before) {
  const places = query.order.map((o) => {
    const at = query.view.indexOf(o.field);
    return at >= 0 && o.field.kind !== "email" ? at : query.view.length + query.extra.indexOf(o);
  });
  const order = query.order.map((o) => ` ${o.field.name} ${o.descending ? "D" : "A"}`).join("");
  const values = places.map((at) => (row[at] instanceof Date ? row[at].toISOString() : row[at]));
  return Buffer.from(JSON.stringify([`Inquiry${order}`, before, ...values])).toString("base64url");
}
const link = (q, cursor) =>
  `<${q.target}?${q.query.split("&").filter((p) => p !== "" && !p.startsWith("cursor=")).map((p) => `${p}&`).join("")}cursor=${cursor}>; rel="next"`;

export async function find(db, q) {
  const query = read_filter(q.filter, { limit: 10, limit_max: 1000 });
  const prefer = q.header("prefer");
  const counted = prefer === undefined || !prefer.includes("count=none");
  query.extra = query.order.filter((o) => !query.view.includes(o.field) || o.field.kind === "email");
  const text = select(query, query.extra.map((o) => o.sql));
  const total_text = `SELECT count(*) FROM outreach."Inquiry" WHERE ${query.where}`;
  const [found, total] = await Promise.all([
    db.rows(name_of(text), text, [...query.values, query.limit + 1, query.skip]),
    counted ? db.rows(name_of(total_text), total_text, query.values) : null,
  ]);
  const count = Math.min(found.length, query.limit);
  const data = new Array(count);
  for (let i = 0; i < count; i++) data[i] = object_of(query.view, found[i]);
  const headers = { "content-range": `records ${count > 0 ? `${query.skip}-${query.skip + count - 1}` : "*"}/${counted ? total[0][0] : "*"}` };
  if (prefer !== undefined) headers["preference-applied"] = counted ? "count=exact" : "count=none";
  if (found.length > count && count > 0) headers.link = link(q, cursor_of(query, found[count - 1], query.skip + count));
  return reply(headers, q.header("x-request-count"), data, count, "array");
}

const id_of = (text) => {
  if (!/^[1-9]\d{0,18}$/.test(text)) throw new Refused(404, "Inquiry not found");
  return text;
};
const one = (q, row) => reply({ etag: `"v${row[fields.length]}"` }, q.header("x-request-count"), object_of(fields, row), 1, "object");
const read_text = `SELECT ${columns}, "version" FROM outreach."Inquiry" WHERE id = $1 AND deleted_at IS NULL`;

export async function find_by_id(db, q, id) {
  const [row] = await db.rows("read", read_text, [id_of(id)]);
  if (row === undefined) throw new Refused(404, "Inquiry not found");
  return one(q, row);
}

const moves = {
  "100_NEW": statuses,
  "104_IN_REVIEW": ["100_NEW", "203_PROCESSING", "303_COMPLETED", "405_ARCHIVED", "505_CANCELLED"],
  "203_PROCESSING": ["104_IN_REVIEW", "303_COMPLETED", "405_ARCHIVED", "505_CANCELLED"],
  "303_COMPLETED": ["203_PROCESSING", "405_ARCHIVED"],
  "405_ARCHIVED": ["100_NEW", "203_PROCESSING"],
  "505_CANCELLED": ["100_NEW", "405_ARCHIVED"],
};
// What a status brings with it, as SQL
function effects(status, set) {
  if (status !== "100_NEW") set.set("handled_at", 'coalesce("handled_at", now())');
  if (status === "303_COMPLETED") set.set("completed_at", "now()");
  if (status === "203_PROCESSING" || status === "100_NEW") set.set("completed_at", "NULL");
  if ((status === "100_NEW" || status === "405_ARCHIVED") && !set.has("cancel_reason")) set.set("cancel_reason", "NULL");
}

export const patch_schema = {
  type: "object", additionalProperties: false,
  properties: {
    type: { type: "string", enum: types }, status: { type: "string", enum: statuses },
    firstName: { type: "string", minLength: 1, maxLength: 100 }, email: { type: "string", format: "email", maxLength: 254 },
    message: { type: "string", minLength: 1, maxLength: 5000 }, cancelReason: { type: ["string", "null"], enum: [...reasons, null] },
    metadata: { type: ["object", "null"] }, assigneeId: { type: ["string", "null"], maxLength: 128 },
    ...Object.fromEntries(["lastName", "phone", "businessName", "subject"].map((n) => [n, { type: ["string", "null"], maxLength: limits[n] }])),
  },
};

// Old and new value of what changed; of personal fields only that they did.
function audit_of(before, after) {
  const changes = {};
  for (let i = 0; i < fields.length; i++) {
    const { name } = fields[i];
    if (name === "modifiedAt" || name === "modifiedBy") continue;
    const old = shown(fields[i], before[i]), now = shown(fields[i], after[i]);
    if (old === now || (typeof old === "object" && JSON.stringify(old) === JSON.stringify(now))) continue;
    const masked = (value) => (value !== null && personal.has(name) ? "***" : value);
    changes[name] = { old: masked(old), new: masked(now) };
  }
  return changes;
}

const lock_text = `SELECT ${columns}, "version" FROM outreach."Inquiry" WHERE id = $1 AND deleted_at IS NULL FOR UPDATE`;
const audit_text = 'INSERT INTO outreach."AuditLog" (id, entity, entity_id, action, actor_id, actor_type, request_id, changes)' +
  " VALUES ($1, 'Inquiry', $2, 'update', $3, $4, $5, $6)";
const status_at = fields.findIndex((f) => f.name === "status");

async function change(db, connection, q, id, body) {
  const [before] = await connection.rows("lock", lock_text, [id]);
  if (before === undefined) throw new Refused(404, "Inquiry not found");
  const match = q.header("if-match");
  if (match !== undefined && match !== "*" && match !== `"v${before[fields.length]}"`) throw new Refused(412, "The row has changed");
  const from = before[status_at], to = body.status ?? from;
  if (from !== to && !moves[from].includes(to)) throw new Refused(409, `Status cannot go from ${from} to ${to}`, { allowed: moves[from] });
  if (body.cancelReason && to !== "505_CANCELLED") throw new Refused(422, "Only with status 505_CANCELLED");
  const set = new Map(), values = [id, q.actor.user_id];
  for (let i = 0; i < fields.length; i++) {
    const { name, column, kind } = fields[i];
    if (body[name] === undefined || body[name] === before[i]) continue;
    set.set(column, `$${values.push(kind === "json" ? db.json(body[name]) : body[name])}`);
  }
  if (set.size === 0) return before;
  if (from !== to) effects(to, set);
  const text = `UPDATE outreach."Inquiry" SET ${[...set].map(([column, sql]) => `"${column}" = ${sql}`).join(", ")},` +
    ` version = version + 1, modified_at = now(), modified_by = $2 WHERE id = $1 RETURNING ${columns}, "version"`;
  const [after] = await connection.rows(name_of(text), text, values);
  await connection.rows("audit", audit_text,
    [q.snowflake(), id, q.actor.user_id, q.actor.type, q.header("x-request-id"), db.json(audit_of(before, after))]);
  return after;
}

export async function update_by_id(db, q, id, body) {
  id_of(id);
  const connection = await db.connection();
  try {
    await connection.rows("begin", "BEGIN", []);
    const row = await change(db, connection, q, id, body);
    await connection.rows("commit", "COMMIT", []);
    return one(q, row);
  } catch (error) {
    await connection.rows("rollback", "ROLLBACK", []);
    throw error;
  } finally {
    connection.release();
  }
}

// ---- CSV: a cursor of PostgreSQL, read as the client takes it
function cell(kind, value) {
  if (value === null) return "";
  const text = kind === "instant" ? value.toISOString() : typeof value === "object" ? JSON.stringify(value) : String(value);
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(text) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
function lines(view, rows) {
  let text = "";
  for (const row of rows) {
    for (let i = 0; i < view.length; i++) text += (i === 0 ? "" : ",") + cell(view[i].kind, row[i]);
    text += "\r\n";
  }
  return text;
}

// Headers, and the body as an asynchronous generator; what fails before the first row fails as an answer.
export async function export_csv(db, q) {
  const query = read_filter(q.filter, { limit: null, limit_max: Number.MAX_SAFE_INTEGER });
  const connection = await db.connection();
  const fetch = () => connection.rows(undefined, "FETCH 1000 FROM bana_export", []);
  let first;
  try {
    await connection.rows("begin", "BEGIN", []);
    await connection.rows(undefined, `DECLARE bana_export NO SCROLL CURSOR FOR ${select(query, [])}`, [...query.values, query.limit, query.skip]);
    first = await fetch();
  } catch (error) {
    await connection.rows("rollback", "ROLLBACK", []);
    connection.release();
    throw error;
  }
  async function* body() {
    try {
      yield `${query.view.map((f) => f.name).join(",")}\r\n${lines(query.view, first)}`;
      for (let rows = first; rows.length === 1000;) {
        rows = await fetch();
        yield lines(query.view, rows);
      }
    } finally {
      await connection.rows("rollback", "ROLLBACK", []);
      connection.release();
    }
  }
  return {
    headers: {
      "cache-control": "no-store", "content-type": "text/csv; charset=utf-8; header=present",
      "content-disposition": `attachment; filename="inquiries-${new Date().toISOString().slice(0, 10)}.csv"`,
    },
    body: body(),
  };
}

// ---- What Fastify's answers are compiled from
const kinds = { number: ["integer", "null"], json: ["object", "null"], list: ["array", "null"] };
const row_schema = {
  type: "object",
  properties: Object.fromEntries(fields.map((f) => [f.name, {
    type: required.has(f.name) ? "string" : kinds[f.kind] ?? ["string", "null"],
    ...(f.kind === "json" ? { additionalProperties: true } : f.kind === "list" ? { items: { type: "string" } } : {}),
  }])),
};
const enveloped = (data) => ({ type: "object", properties: { count: { type: "integer" }, data } });
export const row_answer = enveloped(row_schema);
export const rows_answer = enveloped({ type: "array", items: row_schema });
export const open = process.env.KIND === "open";
export const inquiries = `${base}/inquiries`;
