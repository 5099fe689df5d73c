// How fast events become rows: bana-signal consume, a consumer of kafkajs and pg that does the same with the same
// guarantees, and pgbench doing nothing but the INSERTs of such a batch.  Each reads the same events, 3 recipients
// each, from a broker of its own; the rate is that of the rows' own times.  One after the other, in turns.
//
//   tests/stack with release build/bench-consume node tests/bench/consume.mjs [EVENTS] [TURNS]
//
// PUSH=false: without frames, as the others; else ours also posts three frames an event to nchan and to Redis.
import { execFile, spawn } from "node:child_process";
import { createHash, randomUUID } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

import { Kafka, logLevel, Partitioners } from "kafkajs";
import pg from "pg";

import { stack } from "../http/lib/stack.mjs";
import { until } from "../http/lib/wait.mjs";

const run = promisify(execFile);
const TOPIC = "signal.activity-notification";
const EVENTS = Number(process.argv[2] ?? 20_000), TURNS = Number(process.argv[3] ?? 3);
const db = new pg.Pool({ connectionString: stack.env.SIGNAL_DATABASE_OWNER_URL, max: 2 });
const dir = mkdtempSync(join(tmpdir(), "bana-consume-"));

async function withBroker(use) {
  const file = join(dir, randomUUID());
  const broker = spawn(join(stack.programs, "bana-demo-broker"), [file, `${TOPIC}:1`], { stdio: "ignore" });
  try {
    await until("the broker", () => readFileSync(file, "utf8"));
    return await use(readFileSync(file, "utf8").trim());
  } finally {
    broker.kill("SIGTERM");
  }
}

async function produce(brokers, tag) {
  const kafka = new Kafka({ brokers: [brokers], logLevel: logLevel.NOTHING });
  const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner });
  await producer.connect();
  for (let from = 0; from < EVENTS; from += 1000)
    await producer.send({
      topic: TOPIC,
      messages: Array.from({ length: Math.min(1000, EVENTS - from) }, (_, i) => ({
        key: "7",
        value: JSON.stringify({
          eventType: "PAYMENT_SUCCESS", recipientScope: "users", actorId: "2", actor: { id: "2", name: "Grace", type: "User" }, organizerId: "7",
          recipientIds: [0, 1, 2].map((r) => `${tag}-${(from + i + r * 331) % 1000}`), data: { payment: { id: String(from + i), subject: `Invoice ${from + i}` } }, occurredAt: new Date().toISOString(),
        }),
      })),
    });
  await producer.disconnect();
}

const count = async (tag) => Number((await db.query('SELECT count(*) AS n FROM signal."ActivityNotification" WHERE recipient_id LIKE $1', [`${tag}-%`])).rows[0].n);

// Events a second by the rows' own times, without the first batch.
async function rate(tag, cpu) {
  await until("all rows", async () => (await count(tag)) === EVENTS * 3, 600_000);
  const { rows } = await db.query('SELECT extract(epoch FROM max(created_at) - min(created_at)) AS s FROM signal."ActivityNotification" WHERE recipient_id LIKE $1', [`${tag}-%`]);
  return { perSecond: EVENTS / Number(rows[0].s), cpu };
}

async function ours(tag) {
  return withBroker(async (brokers) => {
    const settings = Object.fromEntries(Object.entries(stack.signalSettings()).filter(([name]) => name !== "APP_ENV_SETTINGS_FILE"));
    const env = { ...process.env, ...settings, APP_ENV_KAFKA_BROKERS: brokers, APP_ENV_KAFKA_PROPERTIES: "session.timeout.ms=3000;heartbeat.interval.ms=300", APP_ENV_STATE_DIR: dir, APP_ENV_LOG_LEVEL: "info", APP_ENV_WEBSOCKET_NCHAN: process.env.PUSH ?? "true", APP_ENV_WEBSOCKET_BUS: process.env.PUSH ?? "true" };
    const start = () => spawn(join(stack.programs, "bana-signal"), ["consume"], { env, stdio: ["ignore", "pipe", "inherit"] });
    const ended = (one) => new Promise((done) => one.on("exit", done));
    let consumer = start();
    let told = "";
    consumer.stdout.on("data", (text) => (told += text));
    await until("its partition is pinned", () => told.includes("partitions assigned"));
    const gone = ended(consumer);
    consumer.kill("SIGTERM");
    await gone;
    await produce(brokers, tag);
    consumer = start();
    consumer.stdout.resume();
    try {
      return await rate(tag);
    } finally {
      const over = ended(consumer);
      consumer.kill("SIGTERM");
      await over;
    }
  });
}

// Key, rows, sequence and counter in one transaction for each `batch` messages; offsets after it.
const PEER_SQL = `WITH fresh AS (INSERT INTO signal."ConsumedEvent" (key) VALUES ($1) ON CONFLICT DO NOTHING RETURNING key),
  person AS (SELECT DISTINCT unnest($2::text[]) AS id FROM fresh),
  state AS (INSERT INTO signal."RecipientState" AS s (recipient_id, last_seq, unread_count) SELECT id, 1, 1 FROM person ORDER BY id
    ON CONFLICT (recipient_id) DO UPDATE SET last_seq = s.last_seq + 1, unread_count = s.unread_count + 1 RETURNING recipient_id, last_seq)
  INSERT INTO signal."ActivityNotification" (id, type, organizer_id, recipient_id, actor_id, actor, content, action_url, data, occurred_at, seq, expires_at, dedup_key)
  SELECT $3::bigint + row_number() OVER (), $4, $5, recipient_id, $6, $7, $8, $9, $10, $11, last_seq, now() + interval '90 days', $1 FROM state`;

const peer = (batch) => (tag) =>
  withBroker(async (brokers) => {
    await produce(brokers, tag);
    const kafka = new Kafka({ brokers: [brokers], logLevel: logLevel.NOTHING });
    const consumer = kafka.consumer({ groupId: "peer" });
    const client = new pg.Client({ connectionString: stack.env.SIGNAL_DATABASE_OWNER_URL });
    await client.connect();
    await consumer.connect();
    await consumer.subscribe({ topic: TOPIC, fromBeginning: true });
    const take = (message) => {
      const e = JSON.parse(message.value);
      const key = createHash("sha256").update(TOPIC).update(message.key).update(message.value).digest("hex");
      const id = BigInt(Date.now()) * 1_000_000n * 4n + BigInt(message.offset) * 8n;
      return client.query({ name: "take", text: PEER_SQL, values: [key, e.recipientIds, String(id), e.eventType, e.organizerId, e.actorId, JSON.stringify(e.actor), `Payment received: ${e.data.payment.subject}`, `/payments/${e.data.payment.id}`, JSON.stringify(e.data), e.occurredAt] });
    };
    if (batch === 1)
      await consumer.run({
        autoCommit: false,
        eachMessage: async ({ topic, partition, message }) => {
          await take(message);
          await consumer.commitOffsets([{ topic, partition, offset: String(BigInt(message.offset) + 1n) }]);
        },
      });
    else
      await consumer.run({
        autoCommit: false,
        eachBatch: async ({ batch: { topic, partition, messages } }) => {
          for (let from = 0; from < messages.length; from += batch) {
            const some = messages.slice(from, from + batch);
            await client.query("BEGIN");
            for (const message of some) await take(message);
            await client.query("COMMIT");
            await consumer.commitOffsets([{ topic, partition, offset: String(BigInt(some.at(-1).offset) + 1n) }]);
          }
        },
      });
    try {
      return await rate(tag);
    } finally {
      await consumer.disconnect();
      await client.end();
    }
  });

// The INSERTs of a batch of 100 events alone, by one client.
async function limit(tag) {
  const script = join(dir, "limit.sql");
  writeFileSync(script, `\\set n random(1, 1000000000)
BEGIN;
INSERT INTO signal."ConsumedEvent" (key) SELECT md5(:n || '-' || i || random()) || md5(i::text) FROM generate_series(1, 100) AS i;
WITH entry AS (SELECT i, '${tag}-' || (i * 331 + :n) % 1000 AS recipient FROM generate_series(1, 300) AS i),
state AS (INSERT INTO signal."RecipientState" AS s (recipient_id, last_seq, unread_count) SELECT recipient, count(*), count(*) FROM entry GROUP BY recipient ORDER BY recipient
 ON CONFLICT (recipient_id) DO UPDATE SET last_seq = s.last_seq + EXCLUDED.last_seq, unread_count = s.unread_count + EXCLUDED.unread_count RETURNING recipient_id, last_seq)
INSERT INTO signal."ActivityNotification" (id, type, organizer_id, recipient_id, actor_id, actor, content, action_url, data, occurred_at, seq, expires_at, dedup_key)
SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint * 1000 + e.i, 'PAYMENT_SUCCESS', '7', e.recipient, '2', '{"id":"2","name":"Grace","type":"User"}', 'Payment received: Invoice 1', '/payments/1', '{"payment":{"id":"1","subject":"Invoice 1"}}', now(),
 t.last_seq - count(*) OVER (PARTITION BY e.recipient) + row_number() OVER (PARTITION BY e.recipient ORDER BY e.i), now() + interval '90 days', md5(:n || '/' || e.i) || md5(random()::text)
FROM entry e JOIN state t ON t.recipient_id = e.recipient;
COMMIT;
`);
  const { stdout } = await run("sh", ["-c", `"$(ls -d /usr/lib/postgresql/*/bin | tail -n 1)/pgbench" -n -M prepared -f "$0" -c 1 -t ${Math.ceil(EVENTS / 100)} "$1"`, script, stack.env.SIGNAL_DATABASE_OWNER_URL]);
  return { perSecond: Number(/tps = ([0-9.]+)/.exec(stdout)[1]) * 100 };
}

const contenders = { "pgbench, the INSERTs alone": limit, "bana-signal consume": ours, "kafkajs + pg, message by message": peer(1), "kafkajs + pg, 100 in a transaction": peer(100) };
const all = Object.fromEntries(Object.keys(contenders).map((name) => [name, []]));
try {
  for (let turn = 0; turn < TURNS; turn++)
    for (const [name, go] of Object.entries(contenders)) {
      const { perSecond } = await go(`b${randomUUID().slice(0, 8)}`);
      all[name].push(perSecond);
      console.log(`${turn + 1}  ${name.padEnd(36)} ${perSecond.toFixed(0).padStart(7)} events/s`);
      await db.query('TRUNCATE signal."ActivityNotification", signal."RecipientState", signal."ConsumedEvent"');
      await db.query("CHECKPOINT").catch(() => {});
    }
  const median = (list) => list.sort((a, b) => a - b)[list.length >> 1];
  const own = median(all["bana-signal consume"]);
  for (const [name, list] of Object.entries(all)) console.log(`median  ${name.padEnd(36)} ${median(list).toFixed(0).padStart(7)} events/s   ours is ${(own / median(list)).toFixed(2)} of it`);
} finally {
  await db.end();
  rmSync(dir, { recursive: true, force: true });
}
