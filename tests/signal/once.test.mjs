// Exactly one row per event and recipient, whatever is killed: consumers (SIGKILL) and the database, while every
// event is delivered twice. BANA_EVENTS=10000 BANA_KILLS=20 is the long form.
import assert from "node:assert/strict";
import { before, test } from "node:test";

import { unique } from "../http/lib/api.mjs";
import { stack } from "../http/lib/stack.mjs";
import { until, within } from "../http/lib/wait.mjs";
import { assertCountersExact, consuming, event, producer, sql } from "./lib/signal.mjs";

const EVENTS = Number(process.env.BANA_EVENTS ?? 2000);
const KILLS = Number(process.env.BANA_KILLS ?? 4);
const RECIPIENTS = 50;

before(() => consuming());

const rows = async (tag) => Number((await sql('SELECT count(*) AS n FROM signal."ActivityNotification" WHERE recipient_id LIKE $1', [`${tag}-%`]))[0].n);
const rowsNow = (tag) => rows(tag).catch(() => -1); // while the database is away

async function restartDatabase() {
  await stack.end("postgres", "SIGQUIT"); // at once: as a crash
  await stack.repair();
}

test("rows_are_exact_whoever_is_killed", async () => {
  const out = await producer();
  const tag = unique("once");
  const events = Array.from({ length: EVENTS }, (_, i) => event({ recipientIds: [0, 1, 2].map((r) => `${tag}-${(i + r * 17) % RECIPIENTS}`) }));
  const messages = events.map((e, i) => ({ key: String(i % 11), value: JSON.stringify(e) }));
  const share = EVENTS / KILLS;
  for (let kill = 0; kill < KILLS; kill++) {
    const some = messages.slice(kill * share, (kill + 1) * share);
    const before = await rows(tag);
    await out.send(...some);
    await out.send(...some.slice().reverse()); // every one a second time
    await until("some are taken", async () => (await rowsNow(tag)) > before, within(60_000));
    for (const pid of stack.children("consumer")) process.kill(pid, "SIGKILL");
    if (kill === Math.floor(KILLS / 3) || kill === Math.floor((2 * KILLS) / 3)) await restartDatabase();
  }
  await until("every event is taken", async () => (await rowsNow(tag)) >= EVENTS * 3, within(120_000));
  await consuming();
  assert.equal(await rows(tag), EVENTS * 3);
  const [{ pairs }] = await sql('SELECT count(DISTINCT (dedup_key, recipient_id)) AS pairs FROM signal."ActivityNotification" WHERE recipient_id LIKE $1', [`${tag}-%`]);
  assert.equal(Number(pairs), EVENTS * 3);
  await assertCountersExact(`${tag}-%`);
  console.log(`${EVENTS} events x 3, ${KILLS} times SIGKILL of all consumers, 2 crashes of the database: ${EVENTS * 3} rows`);
});

test("a_consumer_ends_within_a_second_and_loses_nothing", async () => {
  const out = await producer();
  const tag = unique("stop");
  await out.send(...Array.from({ length: 500 }, (_, i) => ({ key: String(i), value: JSON.stringify(event({ recipientIds: [`${tag}-${i % 5}`] })) })));
  const pids = stack.children("consumer");
  const begun = Date.now();
  for (const pid of pids) process.kill(pid, "SIGTERM");
  await until("they are gone", () => pids.every((pid) => !stack.children("consumer").includes(pid)), within(1000));
  assert.ok(Date.now() - begun < within(1000));
  await until("all are taken", async () => (await rows(tag)) === 500, within(60_000));
  await assertCountersExact(`${tag}-%`);
});

test("what_comes_while_no_consumer_runs_is_taken_later_and_a_database_that_is_away_loses_nothing", async () => {
  const out = await producer();
  const tag = unique("away");
  await consuming();
  await stack.end("postgres", "SIGINT");
  try {
    await out.send(...Array.from({ length: 50 }, (_, i) => ({ key: String(i), value: JSON.stringify(event({ recipientIds: [`${tag}-${i % 5}`] })) })));
    await until("it says so", async () => (await fetch(`${stack.env.SIGNAL_BASE_URL}/readyz`)).status === 503);
  } finally {
    await stack.repair();
  }
  await until("all are taken", async () => (await rowsNow(tag)) === 50, within(60_000));
  await assertCountersExact(`${tag}-%`);
});
