// What both peers do alike, as a careful author would: the row, its id, the answer, the announcement.
// The statement itself is the product's own (INSERT_SQL, read from PostgreSQL's log by tests/bench/run).
import crypto from "node:crypto";
import { Redis } from "ioredis";

export const base = process.env.BASE_PATH;
export const socket = process.env.SOCKET;
export const insert = process.env.INSERT_SQL;
export const pool_size = Number(process.env.POOL_SIZE);
export const body_bytes_max = 131072;

// postgresql://USER@/DATABASE?host=FOLDER&port=N, and the session of a worker of the product.
const [, user, database, host, port] =
  process.env.DATABASE_URL.match(/^postgresql:\/\/([^@]+)@\/([^?]+)\?host=([^&]+)&port=(\d+)$/);
export const db = { user, database, host, port: Number(port) };
export const session = { statement_timeout: 4000, lock_timeout: 2000, idle_in_transaction_session_timeout: 10000 };

// ---- Limits, as in src/outreach/inquiry.c
export const types = ["100_GENERAL", "200_SALES", "300_SUPPORT", "400_PARTNERSHIP", "900_OTHER"];
export const required = { firstName: [1, 100], email: [3, 254], message: [1, 5000] };
export const optional = {
  lastName: 100, phone: 32, businessName: 200, subject: 200, locale: 16, pageUrl: 2048, referrer: 2048,
};
export const limits = optional;
export const metadata_bytes_max = 4096;
export const metadata_depth_max = 4;

export const deep = (value, left = metadata_depth_max) =>
  typeof value === "object" && value !== null && (left === 0 || Object.values(value).some((v) => deep(v, left - 1)));

// ---- Ids: 48 bits of milliseconds, 10 of node, 12 of sequence
const epoch_ms = 1735689600000;
const node = BigInt(process.env.NODE_NUMBER) << 12n;
let last_ms = 0;
let sequence = 0;
export function snowflake() {
  const now = Date.now() - epoch_ms;
  if (now > last_ms) {
    last_ms = now;
    sequence = 0;
  } else if (++sequence === 4096) {
    last_ms++;
    sequence = 0;
  }
  return ((BigInt(last_ms) << 22n) | node | BigInt(sequence)).toString();
}

// ---- The row
const columns = ["id", "created_by", "modified_by", "type", "status", "first_name", "last_name", "email", "phone",
  "business_name", "subject", "message", "locale", "page_url", "referrer", "metadata", "cancel_reason", "spam_score",
  "spam_reasons", "quarantined_at", "assignee_id", "handled_at", "completed_at", "deleted_at", "ip_hash", "user_agent", "content_hash",
  "email_normalized"];
const wanted = [...insert.slice(0, insert.indexOf("VALUES")).matchAll(/"([a-z_]+)"/g)].map((m) => m[1]);
if (wanted.join() !== columns.join()) throw new Error(`the product's INSERT has other columns: ${wanted}`);

const secret = crypto.createSecretKey(Buffer.from(process.env.HASH_SECRET));
const address_hash = (address) => crypto.createHmac("sha256", secret).update(address).digest("hex");
const email_key = (b) => b.email.toLowerCase(); // those of the bodies are ASCII
const content_hash = (b) =>
  crypto.hash("sha256", [email_key(b), b.type, b.firstName, b.lastName, b.phone, b.businessName, b.subject, b.message].map((text) => JSON.stringify(text ?? "")).join(""), "hex");

// `b` is the validated body with its texts trimmed, `metadata` its JSON text or null.
export const values = (id, b, metadata, address, agent) => [
  id, null, null, b.type, "100_NEW", b.firstName, b.lastName ?? null, b.email, b.phone ?? null,
  b.businessName ?? null, b.subject ?? null, b.message, b.locale ?? null, b.pageUrl ?? null, b.referrer ?? null,
  metadata, null, null, null, null, null, null, null, null,
  address_hash(address), agent === undefined ? null : agent.slice(0, 256), content_hash(b), email_key(b),
];

export const receipt = (id, b, created_at) => ({
  count: 1, data: { id, type: b.type, status: "100_NEW", createdAt: created_at },
});
export const headers = (id) => ({
  Location: `${base}/inquiries/${id}`, "cache-control": "no-store", "x-response-count": "1", "x-response-format": "object",
});

// ---- After the reply: what the original emitter published, once per room, not awaited
export const announces = process.env.KIND === "announce";
const redis = announces ? new Redis(process.env.REDIS_URL, { enableAutoPipelining: true }) : null;
const say = (error) => console.error(`not announced: ${error.message}`);
export function announce(id, b, created_at) {
  if (redis === null) return;
  const event = "observation/outreach/inquiry/submitted";
  const data = {
    id, type: b.type, firstName: b.firstName, lastName: b.lastName ?? null, email: b.email,
    businessName: b.businessName ?? null, subject: b.subject ?? null, createdAt: created_at,
  };
  for (const target of ["outreach/inquiries", `outreach/inquiries/${id}`]) {
    redis.publish(`ws:room:${target}`, JSON.stringify({ serverId: "emitter", type: "room", target, event, data })).catch(say);
  }
}

// ---- End on SIGTERM, without an exit code that looks like a fault
process.on("SIGTERM", () => process.exit(0));
