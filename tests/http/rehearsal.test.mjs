// An attack, rehearsed: thousands of submits of known kinds, mixed, from many addresses at once. No good one is lost,
// and of the bad ones hardly any gets through.
import assert from "node:assert/strict";
import { randomInt } from "node:crypto";
import { Agent } from "node:http";
import { after, before, test } from "node:test";

import { unique } from "./lib/api.mjs";
import { close, query } from "./lib/db.mjs";
import { address, person, proofOf, stampOf } from "./lib/gate.mjs";
import { askOnce } from "./lib/load.mjs";
import { stack } from "./lib/stack.mjs";
import { slow } from "./lib/wait.mjs";

const TOTAL = slow ? 2000 : 10_000;
const CLIENTS = 32;

let gated;
before(async () => {
  gated = await stack.beside("rehearsal", { APP_ENV_NODE_ID: "83", TRUSTED_PROXIES: "127.0.0.1", APP_ENV_OUTREACH_SECRET: stack.secret, APP_ENV_OUTREACH_GATE_TRUSTED_NETWORKS: "" });
});
after(async () => {
  await gated.remove();
  await close();
});

const AGENTS = ["Mozilla/5.0 (X11; Linux x86_64) Firefox/145.0", "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X)", "curl/8.5.0"];
const any = (list) => list[randomInt(list.length)];
const json = (body, more = {}) => ({ from: address(), agent: any(AGENTS), body: JSON.stringify(body), ...more });
const text = () => `${any(["Hello,", "Good morning,", "Guten Tag,", "Xin chào,"])} ${any(["we would like", "please send us", "can we have"])} ${randomInt(2, 90)} seats for ${unique("shop")}.`;
const form = (body) => ({ ...json({}), type: "application/x-www-form-urlencoded", body: String(new URLSearchParams(Object.entries(body).filter(([, value]) => value !== undefined))) });
const urls = (n) => Array.from({ length: n }, () => `https://${unique("buy")}.example/offer`).join(" ");

// What good ones look like: with all that a form of ours sends, or from a site that does not know of stamps, or without
// JavaScript, or with a link, or slow, or a first name that is none.
const good = [
  () => json(person({ message: text() })),
  () => json(person({ message: text(), altcha: proofOf({ number: randomInt(50) }) })),
  () => json(person({ message: text(), formStamp: undefined })),
  () => json(person({ message: `${text()} See ${urls(2)}`, formStamp: undefined })),
  () => json(person({ message: text(), formStamp: stampOf(30 * 3600_000) })),
  () => json(person({ message: text() }), { agent: undefined }),
  () => json(person({ message: `${text()} ${urls(4)}`, altcha: proofOf() })),
  () => json(person({ message: text(), subject: "Angebot für <b>drei</b> Läden", businessName: "booking.com B.V." })),
  () => form(person({ message: text(), formStamp: undefined })),
];

// Programs: they fill in every field, are too quick, send links, markup, forged stamps and used proofs.
const used = proofOf({ number: 3 });
const bots = [
  () => json(person({ message: text(), website: urls(1) })),
  () => json(person({ message: text(), website: "x", altcha: proofOf() })),
  () => json(person({ message: text(), formStamp: stampOf(randomInt(1500)) })),
  () => json(person({ message: `${text()} ${urls(8)}`, formStamp: undefined })),
  () => json(person({ message: `<a href="${urls(1)}">${unique()}</a>`, formStamp: undefined })),
  () => json(person({ message: text(), formStamp: `${Date.now() - 60_000}.AAAAAAAAAAAAAA` })),
  () => json(person({ message: text(), altcha: used })),
  () => json(person({ message: text(), altcha: proofOf({ number: 1 }).replace(/^.{20}/, "A".repeat(20)) })),
  () => json(person({ message: text(), firstName: urls(1), formStamp: undefined })),
  () => form(person({ message: text(), website: "http://a.example" })),
];

// The same again: an impatient finger, a reload. Its twin is a good one.
const pressed = (twin) => ({ ...twin(), twice: true });

// One address, one mailbox, or one text, over and over.
const [flooder, mailbox, advert] = [address(), unique("flood"), `Your shop could be first in every search engine: ${unique()}`];
const floods = [
  () => json(person({ message: text() }), { from: flooder }),
  () => json(person({ message: text(), email: `${mailbox}+${randomInt(1e9)}@example.com` })),
  () => json(person({ message: advert })),
];
// What a bucket lets through before it is empty; and what flows back while this runs is added below.
const BURSTS = [10, 5, 5];

const malformed = [
  () => json(person({ email: "nobody" })),
  () => json(person({ message: "" })),
  () => json(person({ message: text(), surprise: true })),
  () => ({ ...json({}), body: "{" }),
  () => json(person({ message: text() }), { type: "text/plain" }),
  () => json(person({ metadata: { a: { b: { c: { d: { e: 1 } } } } } })),
];

// [kind, of a hundred, how one is made]
const mix = [
  ["good", 40, (i) => good[i % good.length]()],
  ["bot", 33, (i) => bots[i % bots.length]()],
  ["twice", 5, (i) => pressed(good[i % good.length])],
  ["flood", 15, (i) => floods[i % floods.length]()],
  ["malformed", 7, (i) => malformed[i % malformed.length]()],
];

const shuffled = (list) => {
  for (let i = list.length - 1; i > 0; i--) {
    const j = randomInt(i + 1);
    [list[i], list[j]] = [list[j], list[i]];
  }
  return list;
};

async function attack(submits) {
  const agent = new Agent({ keepAlive: true, maxSockets: CLIENTS });
  const url = `${gated.env.BASE_URL}/inquiries/submit`;
  const send = async ({ from, agent: name, type = "application/json", body }) => {
    const headers = { "Content-Type": type, "X-Forwarded-For": from, ...(name && { "User-Agent": name }) };
    const { status, text: answer } = await askOnce(agent, url, { method: "POST", headers, body });
    return { status, id: status === 201 ? JSON.parse(answer).data.id : undefined };
  };
  let next = 0;
  const client = async () => {
    while (next < submits.length) {
      const one = submits[next++];
      Object.assign(one, one.make(one.place)); // now: a stamp has its time
      one.answers = one.twice ? await Promise.all([send(one), send(one)]) : [await send(one)];
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
  agent.destroy();
}

test("no_good_one_is_lost_and_hardly_a_bad_one_gets_through", async (t) => {
  const submits = shuffled(mix.flatMap(([kind, part, make]) => Array.from({ length: Math.round((TOTAL * part) / 100) / (kind === "twice" ? 2 : 1) }, (_, i) => ({ kind, place: i, make }))));
  const [{ count: earlier }] = await query('SELECT count(*) FROM outreach."Inquiry"');
  const begun = performance.now();
  await attack(submits);
  const seconds = (performance.now() - begun) / 1000;

  const rows = new Map((await query('SELECT id, status, quarantined_at, spam_reasons FROM outreach."Inquiry" WHERE id = ANY($1::bigint[])', [submits.flatMap(({ answers }) => answers.map(({ id }) => id)).filter(Boolean)])).map((row) => [row.id, row]));
  const of = (kind) => submits.filter((one) => one.kind === kind);
  const passed = (one) => one.answers.every(({ id }) => rows.get(id)?.status === "100_NEW");
  const explain = (list) => JSON.stringify(list.slice(0, 3).map((one) => [one.body, one.answers, rows.get(one.answers[0].id)]));

  // Good ones: every one is stored and new, whatever happened around it.
  for (const kind of ["good", "twice"]) {
    const lost = of(kind).filter((one) => !passed(one));
    assert.equal(lost.length, 0, explain(lost));
  }
  for (const { answers, body } of of("twice")) assert.equal(new Set(answers.map(({ id }) => id)).size, 1, body);

  // Bad ones: kept aside or refused, but for the first that bring a used proof.
  const bad = of("bot"), through = bad.filter(passed);
  assert.ok(through.length <= bad.length / 100, `${through.length} of ${bad.length}: ${explain(through)}`);
  assert.ok(bad.every(({ answers: [{ status }] }) => status === 201), "nothing is dropped: whoever looks finds it");

  // Floods: what the buckets hold gets through, and what has flown back.
  for (const [i, burst] of BURSTS.entries()) {
    const some = of("flood").filter(({ place }) => place % floods.length === i), count = some.filter(passed).length;
    assert.ok(count <= burst + 1 + seconds / 60, `${count} of ${some.length}`);
  }

  for (const one of of("malformed")) assert.ok([400, 415, 422].includes(one.answers[0].status), explain([one]));

  // And the table has exactly what was acknowledged.
  const [{ count: later }] = await query('SELECT count(*) FROM outreach."Inquiry"');
  const stored = submits.filter(({ kind }) => kind !== "malformed").length;
  assert.equal(Number(later) - Number(earlier), stored);
  assert.equal(rows.size, stored);
  t.diagnostic(`${submits.length} in ${seconds.toFixed(1)} s; of ${bad.length} bots ${through.length} got through`);
});
