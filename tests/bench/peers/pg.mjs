// pg, for Fastify and for "Hono on Bun + pg": every statement with a name is prepared once a connection.
import pg from "pg";
import * as q from "./inquiry.mjs";

export function with_pg() {
  const pool = new pg.Pool({ ...q.db, ...q.session, max: q.pool_size, idleTimeoutMillis: 0 });
  const rows = (of) => async (name, text, values) => (await of.query({ name, text, values, rowMode: "array" })).rows;
  const db = {
    json: (value) => (value === null ? null : JSON.stringify(value)),
    rows: rows(pool),
    connection: async () => {
      const client = await pool.connect();
      return { rows: rows(client), release: () => client.release() };
    },
  };
  return { pool, db };
}
