// What the abuse gate costs a submit: two pools on one database, one with it and one without, asked in turn.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { randomInt } from "node:crypto";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";

import { unique } from "./lib/api.mjs";
import { close, query } from "./lib/db.mjs";
import { stampOf } from "./lib/gate.mjs";
import { stack } from "./lib/stack.mjs";

const run = promisify(execFile);
const script = join(import.meta.dirname, "lib/submits.lua");
const SECONDS = 2, ROUNDS = 5, AT_LEAST = 0.85;

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

async function rate(pool) {
  const salt = unique("cost").replace(/\W/g, "");
  const { stdout } = await run("wrk", ["-t", "2", "-c", "16", "-d", String(SECONDS), "-s", script, `${pool.env.BASE_URL}/inquiries/submit`, "--", salt, stampOf(), String(randomInt(11, 100))]);
  const [, requests, seconds, bad] = /figures (\d+) (\S+) (\d+)/.exec(stdout).map(Number);
  assert.equal(bad, 0, stdout);
  return { each: requests / seconds, salt };
}

const median = (list) => list.toSorted((a, b) => a - b)[list.length >> 1];

test("a_submit_with_the_gate_is_not_much_dearer", async (t) => {
  const ratios = [], rates = { on: [], off: [] };
  let salt;
  for (let round = 0; round < ROUNDS; round++) {
    for (const name of round % 2 ? ["on", "off"] : ["off", "on"]) {
      const measured = await rate(pools[name]);
      rates[name].push(Math.round(measured.each));
      if (name === "on") salt = measured.salt;
    }
    ratios.push(rates.on.at(-1) / rates.off.at(-1));
  }
  const [{ judged, passed }] = await query(`SELECT count(spam_score)::int AS judged, count(*) FILTER (WHERE status = '100_NEW')::int AS passed FROM outreach."Inquiry" WHERE email LIKE $1`, [`ada.${salt}%`]);
  assert.ok(judged > 0 && passed === judged, "people's, all of them");
  const line = `${median(ratios).toFixed(2)} of it (submits/s with: ${rates.on}; without: ${rates.off})`;
  t.diagnostic(line);
  assert.ok(median(ratios) >= AT_LEAST, line);
});
