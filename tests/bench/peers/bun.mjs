// Hono on Bun with zod; PostgreSQL through pg or Bun's own client (SQL_CLIENT=pg, or empty), no log.
import fs from "node:fs";
import { Hono } from "hono";
import { z } from "zod";
import * as desk from "./desk.mjs";
import * as q from "./inquiry.mjs";

async function pg_client() {
  const { with_pg } = await import("./pg.mjs");
  const { pool, db } = with_pg();
  return {
    ...db,
    insert: async (values) => (await pool.query({ name: "submit", text: q.insert, values })).rows[0],
    ready: () => pool.query("SELECT 1"),
  };
}

// Bun prepares every text that comes with values, and keeps it.
async function bun_client() {
  const sql = new Bun.SQL({
    adapter: "postgres", path: `${q.db.host}/.s.PGSQL.${q.db.port}`, username: q.db.user, database: q.db.database,
    max: q.pool_size, idleTimeout: 0, connection: q.session,
  });
  const rows = (of) => (_, text, values) => of.unsafe(text, values).values();
  return {
    writes_json: true,          // JSON is given as an object, it would encode a text once more
    json: (value) => value,
    insert: async (values) => (await sql.unsafe(q.insert, values))[0],
    ready: () => sql`SELECT 1`,
    rows: rows(sql),
    connection: async () => {
      const one = await sql.reserve();
      return { rows: rows(one), release: () => one.release() };
    },
  };
}

const db = await (process.env.SQL_CLIENT === "pg" ? pg_client() : bun_client());

const shape = {
  type: z.enum(q.types).default(q.types[0]),
  metadata: z.record(z.string(), z.unknown()).nullish(),
};
for (const [name, [min, max]] of Object.entries(q.required)) shape[name] = z.string().trim().min(min).max(max);
shape.email = z.string().trim().min(q.required.email[0]).max(q.required.email[1]).pipe(z.email());
for (const [name, max] of Object.entries(q.optional)) shape[name] = z.string().trim().max(max).nullish();
const schema = z.strictObject(shape);

const app = new Hono();

app.post(`${q.base}/inquiries/submit`, async (c) => {
  const parsed = schema.safeParse(await c.req.json());
  if (!parsed.success) return c.json({ message: "Validation failed", cause: parsed.error.issues }, 422);
  const b = parsed.data;
  const metadata = b.metadata == null ? null : JSON.stringify(b.metadata);
  if (metadata !== null && (Buffer.byteLength(metadata) > q.metadata_bytes_max || q.deep(b.metadata))) {
    return c.json({ message: "metadata is too large" }, 422);
  }
  const id = q.snowflake();
  const row = q.values(id, b, db.writes_json ? b.metadata ?? null : metadata, c.req.header("x-forwarded-for"), c.req.header("user-agent"));
  const { created_at } = await db.insert(row);
  const made = created_at.toISOString();
  if (q.announces) setImmediate(q.announce, id, b, made);
  return c.json(q.receipt(id, b, made), 201, q.headers(id));
});

// ---- The back office
const nullable = (text) => text.nullable().optional();
const patch = z.strictObject({
  type: z.enum(q.types).optional(), status: z.enum(desk.patch_schema.properties.status.enum).optional(),
  firstName: z.string().trim().min(1).max(100).optional(), email: z.email().max(254).optional(),
  message: z.string().trim().min(1).max(5000).optional(),
  cancelReason: z.enum(desk.patch_schema.properties.cancelReason.enum.filter(Boolean)).nullable().optional(),
  metadata: z.record(z.string(), z.unknown()).nullable().optional(), assigneeId: nullable(z.string().trim().max(128)),
  ...Object.fromEntries(["lastName", "phone", "businessName", "subject"].map((n) => [n, nullable(z.string().trim().max(q.limits[n]))])),
});

const request_of = (c) => {
  const { url } = c.req;
  const begin = url.indexOf("/", 8), mark = url.indexOf("?", begin);
  return {
    target: url.slice(begin, mark < 0 ? undefined : mark), query: mark < 0 ? "" : url.slice(mark + 1), filter: c.req.query("filter"),
    header: (name) => c.req.header(name), actor: c.get("actor"), snowflake: q.snowflake,
  };
};
const guard = (permission) => async (c, next) => {
  c.set("actor", await desk.admit(c.req.header("authorization"), permission));
  await next();
};
const guarded = (permission) => (desk.open && permission === "Inquiry.findById" ? [] : [guard(permission)]);
const answer = async (c, made) => {
  const { headers, body } = await made;
  return c.json(body, 200, headers);
};
app.onError((error, c) => {
  const refused = error instanceof desk.Refused ? error : new desk.Refused(500, error.message);
  return c.json(desk.problem(refused, c.req.path), refused.status, {
    "content-type": "application/problem+json", "cache-control": "no-store", ...(refused.status === 401 ? { "www-authenticate": "Bearer" } : {}),
  });
});

app.get(desk.inquiries, ...guarded("Inquiry.find"), (c) => answer(c, desk.find(db, request_of(c))));
app.get(`${desk.inquiries}/export.csv`, ...guarded("Inquiry.export"), async (c) => {
  const { headers, body } = await desk.export_csv(db, request_of(c));
  const encoder = new TextEncoder();
  return new Response(new ReadableStream({
    async pull(controller) {
      const { value, done } = await body.next();
      if (done) controller.close();
      else controller.enqueue(encoder.encode(value));
    },
    cancel: () => body.return(),
  }), { headers });
});
app.get(`${desk.inquiries}/:id`, ...guarded("Inquiry.findById"), (c) => answer(c, desk.find_by_id(db, request_of(c), c.req.param("id"))));
app.patch(`${desk.inquiries}/:id`, ...guarded("Inquiry.updateById"), async (c) => {
  const parsed = patch.safeParse(await c.req.json());
  if (!parsed.success) throw new desk.Refused(422, "ValidationError", { details: { cause: parsed.error.issues } });
  return answer(c, desk.update_by_id(db, request_of(c), c.req.param("id"), parsed.data));
});

app.get("/readyz", async (c) => {
  await db.ready();
  return c.json({ status: "ok" });
});

fs.rmSync(q.socket, { force: true });
Bun.serve({ unix: q.socket, fetch: app.fetch, maxRequestBodySize: q.body_bytes_max, idleTimeout: 0 });
fs.chmodSync(q.socket, 0o660);
