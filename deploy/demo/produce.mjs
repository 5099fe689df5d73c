// Send one event to Signal's topic: node produce.mjs [KEY VALUE]; without them, a payment that user 1 is told of.
// KAFKA_BROKERS comes from the environment: `. DIR/env` first.
import kafkajs from "kafkajs";

const payment = {
  eventType: "PAYMENT_SUCCESS",
  recipientScope: "users",
  recipientIds: ["1"],
  actorId: "2",
  actor: { id: "2", name: "Grace", type: "User" },
  organizerId: "7",
  data: { payment: { id: "1001", subject: "Invoice 2026-17" } },
  occurredAt: new Date().toISOString(),
};
const [key = "7", value = JSON.stringify(payment)] = process.argv.slice(2);

const { Kafka, Partitioners, logLevel } = kafkajs;
const kafka = new Kafka({
  clientId: "bana-demo",
  brokers: process.env.KAFKA_BROKERS.split(","),
  logLevel: logLevel.ERROR,
  retry: { retries: 3 },
});
const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner }); // as Java's: by the key
await producer.connect();
const [{ partition, baseOffset }] = await producer.send({ topic: "signal.activity-notification", messages: [{ key, value }] });
console.log(`partition ${partition} offset ${baseOffset}`);
await producer.disconnect();
