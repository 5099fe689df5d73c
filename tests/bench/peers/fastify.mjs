// Fastify + pg: JSON schema compiled by ajv, answer compiled by fast-json-stringify, no log.
import fs from "node:fs";
import Fastify from "fastify";
import { Readable } from "node:stream";
import * as desk from "./desk.mjs";
import * as q from "./inquiry.mjs";
import { with_pg } from "./pg.mjs";

const { pool, db } = with_pg();
const app = Fastify({
  logger: false,
  bodyLimit: q.body_bytes_max,
  keepAliveTimeout: 3600000,
  ajv: { customOptions: { removeAdditional: false, coerceTypes: false, allErrors: true, useDefaults: true } },
});

const body = {
  type: "object",
  additionalProperties: false,
  required: Object.keys(q.required),
  properties: { type: { type: "string", enum: q.types, default: q.types[0] }, metadata: { type: ["object", "null"] } },
};
for (const [name, [minLength, maxLength]] of Object.entries(q.required)) {
  body.properties[name] = { type: "string", minLength, maxLength };
}
body.properties.email.format = "email";
for (const [name, maxLength] of Object.entries(q.optional)) {
  body.properties[name] = { type: ["string", "null"], maxLength };
}
const text = { type: "string" };
const answer = {
  type: "object",
  properties: {
    count: { type: "integer" },
    data: { type: "object", properties: { id: text, type: text, status: text, createdAt: text } },
  },
};

const texts = [...Object.keys(q.required), ...Object.keys(q.optional)];
function trimmed(b) {
  for (const name of texts) {
    const value = b[name];
    if (typeof value === "string") b[name] = value.trim();
  }
  return b;
}

app.post(`${q.base}/inquiries/submit`, { schema: { body, response: { 201: answer } } }, async (request, reply) => {
  const b = trimmed(request.body);
  const metadata = b.metadata == null ? null : JSON.stringify(b.metadata);
  if (metadata !== null && (Buffer.byteLength(metadata) > q.metadata_bytes_max || q.deep(b.metadata))) {
    return reply.code(422).send({ message: "metadata is too large" });
  }
  const id = q.snowflake();
  const row = q.values(id, b, metadata, request.headers["x-forwarded-for"], request.headers["user-agent"]);
  const { rows } = await pool.query({ name: "submit", text: q.insert, values: row });
  const created_at = rows[0].created_at.toISOString();
  reply.code(201).headers(q.headers(id)).send(q.receipt(id, b, created_at));
  q.announce(id, b, created_at);
  return reply;
});

// ---- The back office
const request_of = (request) => {
  const [target, query = ""] = request.raw.url.split("?");
  return {
    target, query, filter: request.query.filter, header: (name) => request.headers[name], actor: request.actor, snowflake: q.snowflake,
  };
};
app.decorateRequest("actor", null);
const guard = (permission) => async (request) => {
  request.actor = await desk.admit(request.headers.authorization, permission);
};
const call = (answer, permission, handle, more = {}) => ({
  schema: { response: { 200: answer }, ...more },
  onRequest: permission === null ? [] : guard(permission),
  handler: async (request, reply) => {
    const { headers, body: sent } = await handle(request_of(request), request);
    return reply.headers(headers).send(sent);
  },
});
app.setErrorHandler((error, request, reply) => {
  const refused = error instanceof desk.Refused ? error
    : new desk.Refused(error.validation ? 422 : error.statusCode ?? 500, error.validation ? "ValidationError" : error.message);
  if (refused.status === 401) reply.header("www-authenticate", "Bearer");
  return reply.code(refused.status).type("application/problem+json").header("cache-control", "no-store")
    .send(desk.problem(refused, request.raw.url.split("?")[0]));
});
app.get(desk.inquiries, call(desk.rows_answer, "Inquiry.find", (r) => desk.find(db, r)));
app.get(`${desk.inquiries}/:id`, call(desk.row_answer, desk.open ? null : "Inquiry.findById",
  (r, { params }) => desk.find_by_id(db, r, params.id)));
app.patch(`${desk.inquiries}/:id`, call(desk.row_answer, "Inquiry.updateById",
  (r, { params, body: patch }) => desk.update_by_id(db, r, params.id, patch), { body: desk.patch_schema }));
app.get(`${desk.inquiries}/export.csv`, {
  onRequest: guard("Inquiry.export"),
  handler: async (request, reply) => {
    const { headers, body: parts } = await desk.export_csv(db, request_of(request));
    return reply.headers(headers).send(Readable.from(parts));
  },
});

app.get("/readyz", async () => {
  await pool.query("SELECT 1");
  return { status: "ok" };
});

fs.rmSync(q.socket, { force: true });
await app.listen({ path: q.socket, backlog: 4096 });
fs.chmodSync(q.socket, 0o660);
