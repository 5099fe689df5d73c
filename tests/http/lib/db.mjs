// What is really stored, read with the service's own role.
import pg from "pg";

import { stack } from "./stack.mjs";

let pool;
const connect = () => {
  pool ??= new pg.Pool({ connectionString: stack.env.DATABASE_URL, max: 2 }).on("error", () => {
    // an idle connection died with its server: the pool makes another
  });
  return pool;
};

export const query = async (sql, values) => (await connect().query(sql, values)).rows;

// Once, with a connection of its own.
export const at = (url) => async (sql, values) => {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5000 });
  client.on("error", () => {});
  await client.connect();
  try {
    return (await client.query(sql, values)).rows;
  } finally {
    await client.end();
  }
};

// As those who may do what the service may not: the owner of the schema, and the superuser.
export const owner = (sql, values) => at(stack.env.DATABASE_OWNER_URL)(sql, values);
export const admin = (sql, values) => at(stack.env.DATABASE_ADMIN_URL)(sql, values);

export const inquiryRow = async (id) => (await query('SELECT * FROM outreach."Inquiry" WHERE id = $1', [id]))[0];

export const inquiriesOf = (email) => query('SELECT * FROM outreach."Inquiry" WHERE email = $1', [email]);

export const subscriberRow = async (email) =>
  (await query('SELECT * FROM outreach."Subscriber" WHERE lower(email) = lower($1) AND deleted_at IS NULL', [email]))[0];

// How many of these inquiries exist.
export const countStored = async (ids, ask = query) =>
  Number((await ask('SELECT count(*) FROM outreach."Inquiry" WHERE id = ANY($1::bigint[])', [ids]))[0].count);

export const close = async () => {
  await pool?.end();
  pool = undefined;
};
