// No answer tells whether an address is known: not by its bytes, and not by its time.
import assert from "node:assert/strict";
import { Agent, request } from "node:http";
import { after, test } from "node:test";

import { unique } from "./lib/api.mjs";
import { insertSubscribers } from "./lib/bo.mjs";
import { close, owner } from "./lib/db.mjs";
import { PUBLIC_URL } from "./lib/links.mjs";
import { chanceOfLess, median } from "./lib/rank.mjs";
import { stack } from "./lib/stack.mjs";

const EACH = 320;
const WARM = 40; // of each, first: not counted
const ROUNDS = 3; // the machine is noisy; a delay of ours is in each
const CHANCE = 0.2; // 0.5 +- this; by chance alone less than 0.5 +- 0.1 (four standard deviations)
const MEDIAN = 1.35; // one median to the other, for delays that are small beside the rest
const STATUSES = { active: "201_ACTIVATED", pending: "103_PENDING", deactivated: "401_DEACTIVATED", blocked: "403_BLOCKED", archived: "405_ARCHIVED" };

const agent = new Agent({ keepAlive: true, maxSockets: 1 });
after(async () => {
  agent.destroy();
  await close();
});

const subscribe = (url, email) =>
  new Promise((done, failed) => {
    const body = JSON.stringify({ email, consentVersion: "v1" });
    const begun = performance.now();
    request(url, { method: "POST", agent, headers: { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(body) } }, (answer) => {
      let text = "";
      answer.on("data", (part) => (text += part)).on("error", failed);
      answer.on("end", () => done({ ms: performance.now() - begun, status: answer.statusCode, text, headers: answer.rawHeaders }));
    }).on("error", failed).end(body);
  });

function shuffle(list) {
  for (let i = list.length - 1; i > 0; i--) {
    const k = Math.floor(Math.random() * (i + 1));
    [list[i], list[k]] = [list[k], list[i]];
  }
  return list;
}

// Addresses of every kind, none of them used twice, in random order.
async function addresses(count) {
  const of = (kind) => Array.from({ length: count }, (_, i) => ({ kind, email: `${unique(`t${i}`)}@example.com` }));
  const known = Object.keys(STATUSES).flatMap(of);
  await insertSubscribers(known.map(({ kind, email }) => ({ email, status: STATUSES[kind] })));
  await owner('VACUUM ANALYZE outreach."Subscriber"');
  return shuffle([...known, ...of("new")]);
}

// Names and order of the headers, and values but those that differ with every request.
const bytes = ({ status, text, headers }) => {
  const pairs = headers.flatMap((name, i) => (i % 2 ? [] : [[name, /^(date|x-request-id)$/i.test(name) ? headers[i + 1].length : headers[i + 1]]]));
  return JSON.stringify([status, text, pairs]);
};

async function measure(url) {
  const times = Object.fromEntries(["new", ...Object.keys(STATUSES)].map((kind) => [kind, []]));
  const shapes = new Set();
  for (const { email } of await addresses(WARM)) shapes.add(bytes(await subscribe(url, email)));
  for (const { kind, email } of await addresses(EACH)) {
    const answer = await subscribe(url, email);
    times[kind].push(answer.ms);
    shapes.add(bytes(answer));
  }
  assert.equal(shapes.size, 1, [...shapes].join("\n"));
  return times;
}

// What tells two kinds apart, if anything does.
function differences(times) {
  const kinds = Object.keys(times);
  const pairs = kinds.flatMap((a, i) => kinds.slice(i + 1).map((b) => [a, b]));
  return pairs.flatMap(([a, b]) => {
    const chance = chanceOfLess(times[a], times[b]);
    const [low, high] = [median(times[a]), median(times[b])].sort((x, y) => x - y);
    return Math.abs(chance - 0.5) > CHANCE || high / low > MEDIAN ? [`${a} ${median(times[a]).toFixed(3)} ms, ${b} ${median(times[b]).toFixed(3)} ms, chance ${chance.toFixed(3)}`] : [];
  });
}

// The best of some rounds; [] when one of them told nothing apart.
async function told(url, t) {
  let found;
  for (let round = 0; round < ROUNDS && found?.length !== 0; round++) {
    const times = await measure(url);
    found = differences(times);
    t.diagnostic(Object.entries(times).map(([kind, list]) => `${kind} ${median(list).toFixed(3)} ms`).join(", "));
  }
  return found;
}

test("the_time_of_an_answer_does_not_tell_what_an_address_is_to_us", async (t) => {
  assert.deepEqual(await told(`${stack.env.BASE_URL}/subscribers/subscribe`, t), []);
});

test("nor_does_it_with_double_opt_in", async (t) => {
  const own = await stack.beside("timing", { APP_ENV_NODE_ID: "18", APP_ENV_OUTREACH_DOUBLE_OPT_IN: "true", APP_ENV_OUTREACH_PUBLIC_URL: PUBLIC_URL }, { workers: 4 });
  t.after(() => own.remove());
  assert.deepEqual(await told(`${own.env.BASE_URL}/subscribers/subscribe`, t), []);
});

test("two_milliseconds_in_one_branch_would_be_seen", async (t) => {
  await owner(`CREATE FUNCTION outreach.dawdle() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.002); RETURN NEW; END'`);
  await owner(`CREATE TRIGGER dawdle BEFORE UPDATE ON outreach."Subscriber" FOR EACH ROW WHEN (OLD.status = '403_BLOCKED') EXECUTE FUNCTION outreach.dawdle()`);
  try {
    const found = await told(`${stack.env.BASE_URL}/subscribers/subscribe`, t);
    assert.equal(found.filter((pair) => pair.includes("blocked")).length, 5, found.join("\n"));
  } finally {
    await owner("DROP FUNCTION outreach.dawdle() CASCADE");
  }
});
