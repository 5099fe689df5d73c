// Events as BANA's services produce them, and what becomes of them.
import assert from "node:assert/strict";
import { after } from "node:test";

import { Kafka, logLevel, Partitioners } from "kafkajs";

import { call as anyCall, unique } from "../../http/lib/api.mjs";
import { at } from "../../http/lib/db.mjs";
import { stack } from "../../http/lib/stack.mjs";
import { claims, token as sign } from "../../http/lib/token.mjs";
import { until } from "../../http/lib/wait.mjs";

export const TOPIC = "signal.activity-notification";
export const CREATED = "observation/signal/notification/created";
export const UPDATED = "observation/signal/notification/updated";

export const tokenOf = (userId, roles = ["CASHIER"]) => sign({ payload: claims({ userId, roles }) });
export const call = (method, path, { body, headers, of = stack, token = of.env.BO_TOKEN, ...more } = {}) =>
  anyCall(method, path, {
    base: of.env.SIGNAL_BASE_URL, token,
    ...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body), headers: { "Content-Type": "application/json", ...headers } }),
    ...more,
  });
export const sql = (text, values, of = stack) => at(of.env.SIGNAL_DATABASE_OWNER_URL)(text, values);

// Ids that no other test has.
export const person = () => unique("u");

export const event = (more = {}) => ({
  eventType: "PAYMENT_SUCCESS", recipientScope: "users", actorId: "2", actor: { id: "2", name: "Grace", type: "User" }, organizerId: unique("org"),
  recipientIds: [person()], data: { payment: { id: "1001", subject: unique("Invoice") } }, occurredAt: new Date().toISOString(), ...more,
});

// A producer of kafkajs; `messages` are events, or whole messages of kafkajs.
const producers = [];
export async function producer(brokers = stack.env.KAFKA_BROKERS) {
  const kafka = new Kafka({ clientId: "tests", brokers: brokers.split(","), logLevel: logLevel.NOTHING, retry: { retries: 3 } });
  const one = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner });
  await one.connect();
  producers.push(one);
  return {
    kafka,
    send: (...messages) =>
      one.send({ topic: TOPIC, messages: messages.map((m) => ("value" in m ? m : { key: m.organizerId, value: JSON.stringify(m) })) }),
  };
}
after(() => Promise.all(producers.map((one) => one.disconnect())));

export const rowsOf = (recipient, of = stack) =>
  sql('SELECT * FROM signal."ActivityNotification" WHERE recipient_id = $1 ORDER BY seq', [recipient], of);

// Wait until the recipient has so many rows.
export const rowsWhen = async (recipient, count, { of = stack, ms = 15_000 } = {}) => {
  let rows = [];
  await until(`${count} rows of ${recipient}, not ${rows.length}`, async () => (rows = await rowsOf(recipient, of)).length >= count, ms);
  assert.equal(rows.length, count);
  return rows;
};

// The counter is what counting says, for every recipient of `like`.
export async function assertCountersExact(like, of = stack) {
  const wrong = await sql(
    `SELECT s.recipient_id, s.unread_count, s.last_seq, count(n.id) AS rows, max(n.seq) AS max, min(n.seq) AS min
     FROM signal."RecipientState" s LEFT JOIN signal."ActivityNotification" n USING (recipient_id) WHERE s.recipient_id LIKE $1
     GROUP BY 1, 2, 3 HAVING s.unread_count <> count(n.id) FILTER (WHERE NOT n.is_read AND n.archived_at IS NULL AND n.deleted_at IS NULL)
     OR s.last_seq <> max(n.seq) OR min(n.seq) <> 1 OR max(n.seq) <> count(n.id)`, [like], of);
  assert.deepEqual(wrong, []);
}

// The consumers have their partitions: what is produced now is taken.
export const consuming = (of = stack) =>
  until("partitions are assigned", async () => {
    const answer = await fetch(`${of.env.SIGNAL_BASE_URL}/readyz`);
    const { checks, details } = await answer.json();
    return (checks ?? details?.checks)?.consumer.status === "ok";
  }, 30_000);
