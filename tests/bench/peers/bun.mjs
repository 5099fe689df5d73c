// Hono on Bun with zod; PostgreSQL through pg or Bun's own client (SQL_CLIENT=pg, or empty), no log.
import fs from "node:fs";
import { Hono } from "hono";
import { z } from "zod";
import * as q from "./inquiry.mjs";

async function with_pg() {
  const { default: pg } = await import("pg");
  const pool = new pg.Pool({ ...q.db, ...q.session, max: q.pool_size, idleTimeoutMillis: 0 });
  return {
    insert: async (values) => (await pool.query({ name: "submit", text: q.insert, values })).rows[0],
    ready: () => pool.query("SELECT 1"),
  };
}

async function with_bun() {
  const sql = new Bun.SQL({
    adapter: "postgres", path: `${q.db.host}/.s.PGSQL.${q.db.port}`, username: q.db.user, database: q.db.database,
    max: q.pool_size, idleTimeout: 0, connection: q.session,
  });
  return {
    writes_json: true,          // jsonb is given as an object, it would encode a text once more
    insert: async (values) => (await sql.unsafe(q.insert, values))[0],
    ready: () => sql`SELECT 1`,
  };
}

const db = await (process.env.SQL_CLIENT === "pg" ? with_pg() : with_bun());

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
  if (process.env.ANNOUNCE === "1") setImmediate(q.announce, id, b, made);
  return c.json(q.receipt(id, b, made), 201, q.headers(id));
});

app.get("/readyz", async (c) => {
  await db.ready();
  return c.json({ status: "ok" });
});

fs.rmSync(q.socket, { force: true });
Bun.serve({ unix: q.socket, fetch: app.fetch, maxRequestBodySize: q.body_bytes_max, idleTimeout: 0 });
fs.chmodSync(q.socket, 0o660);
