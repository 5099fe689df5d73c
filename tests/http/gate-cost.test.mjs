// What the abuse gate costs a submit: two pools on one database, one with it and one without, asked in turn.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { randomInt } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";

import { unique } from "./lib/api.mjs";
import { close, query } from "./lib/db.mjs";
import { proofOf, stampOf } from "./lib/gate.mjs";
import { stack } from "./lib/stack.mjs";

const run = promisify(execFile);
const script = join(import.meta.dirname, "lib/submits.lua");
const SECONDS = "1", ROUNDS = 4, MOST_ROUNDS = 12, PROOFS = 8000;

const pools = {};
before(async () => {
  const settings = { TRUSTED_PROXIES: "127.0.0.1", APP_ENV_OUTREACH_SECRET: stack.secret, APP_ENV_OUTREACH_GATE_TRUSTED_NETWORKS: "" };
  pools.on = await stack.beside("gate-on", { ...settings, APP_ENV_NODE_ID: "84" });
  pools.off = await stack.beside("gate-off", { ...settings, APP_ENV_NODE_ID: "85", APP_ENV_OUTREACH_GATE: "false" });
});
after(async () => {
  for (const pool of Object.values(pools)) await pool.remove();
  await close();
});

const folder = mkdtempSync(join(tmpdir(), "bana-proofs-"));
after(() => rmSync(folder, { recursive: true }));

// Proofs for one round: each is good once.
function proofs(salt) {
  const file = join(folder, salt);
  writeFileSync(file, Array.from({ length: PROOFS }, () => proofOf()).join("\n"));
  return file;
}

async function rate(pool, ...more) {
  const salt = unique("cost").replace(/\W/g, "");
  const { stdout } = await run("wrk", ["-t", "2", "-c", "16", "-d", SECONDS, "-s", script, `${pool.env.BASE_URL}/inquiries/submit`, "--", salt, stampOf(), String(randomInt(11, 100)), ...more.map((make) => make(salt))]);
  const [, requests, seconds, bad] = /figures (\d+) (\S+) (\d+)/.exec(stdout).map(Number);
  assert.equal(bad, 0, stdout);
  return { each: requests / seconds, requests, salt };
}

// The best round of each: what others do on the machine only makes one slower. When it is not enough, look longer.
async function compare(t, what, atLeast, ...more) {
  const rates = { on: [], off: [] };
  const ratio = () => Math.max(...rates.on) / Math.max(...rates.off);
  let last;
  for (let round = 0; round < ROUNDS || (ratio() < atLeast && round < MOST_ROUNDS); round++) {
    for (const name of round % 2 ? ["on", "off"] : ["off", "on"]) {
      const measured = await rate(pools[name], ...more);
      rates[name].push(Math.round(measured.each));
      if (name === "on") last = measured;
    }
  }
  const [{ judged, passed }] = await query(`SELECT count(spam_score)::int AS judged, count(*) FILTER (WHERE status = '100_NEW')::int AS passed FROM outreach."Inquiry" WHERE email LIKE $1`, [`ada.${last.salt}%`]);
  assert.ok(judged >= last.requests && passed === judged, "people's, all of them");
  const line = `${what}: ${ratio().toFixed(2)} of it (submits/s with: ${rates.on}; without: ${rates.off})`;
  t.diagnostic(line);
  assert.ok(ratio() >= atLeast, line);
}

test("a_submit_with_the_gate_is_not_much_dearer", (t) => compare(t, "each from somebody else", 0.85));

// A row more for each, and a round trip to write it: this is what a proof of work costs, not the gate.
test("with_a_proof_of_work_it_costs_a_row_more", (t) => compare(t, "each with a proof of work", 0.6, proofs));
