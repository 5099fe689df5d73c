// 1,000 clients at once on a pool of 8: what cannot be taken is refused at once and says when to come back, what is taken
// is answered soon, and who asks whether all is well waits for none of it.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { after, test } from "node:test";
import { promisify } from "node:util";

import { assertAccepted, call, inquiry, submit } from "../http/lib/api.mjs";
import { close, owner } from "../http/lib/db.mjs";
import { stack } from "../http/lib/stack.mjs";
import { sleep, until } from "../http/lib/wait.mjs";

const CLIENTS = 1000;
const SECONDS = 6;
let first;
const script = `${stack.dir}.overload.lua`;

after(async () => {
  rmSync(script, { force: true });
  await owner('DELETE FROM outreach."Inquiry" WHERE id >= $1', [first]); // so many rows would slow the other suites
  await owner('VACUUM outreach."Inquiry"');
  await close();
});

// wrk, for a client in JavaScript would measure itself: how many answers were 201, 503 with Retry-After, and any other.
async function storm() {
  writeFileSync(script, `
    local threads = {}
    accepted, refused, other, owed = 0, 0, 0, {}
    function delay() return table.remove(owed, 1) or 0 end      -- who is refused comes back when it was told to
    wrk.method, wrk.headers["Content-Type"], wrk.body = "POST", "application/json", '${JSON.stringify(inquiry())}'
    function setup(thread) threads[#threads + 1] = thread end
    function response(status, headers)
      if status == 201 then accepted = accepted + 1
      elseif status == 503 and headers["Retry-After"] then 
        refused, owed[#owed + 1] = refused + 1, tonumber(headers["Retry-After"]) * 1000
      else other = other + 1 end
    end
    function done(summary)
      local sums = { accepted = 0, refused = 0, other = 0, broken = summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout }
      for _, thread in ipairs(threads) do
        for name, sum in pairs(sums) do sums[name] = sum + (thread:get(name) or 0) end
      end
      io.write(string.format('{"accepted":%d,"refused":%d,"other":%d,"broken":%d}', sums.accepted, sums.refused, sums.other, sums.broken))
    end`);
  const { stdout } = await promisify(execFile)("wrk", ["-t", "2", "-c", String(CLIENTS), "-d", `${SECONDS}s`, "-s", script, `${stack.env.BASE_URL}/inquiries/submit`]);
  return JSON.parse(stdout.slice(stdout.lastIndexOf("{")));
}

const percentile = (values, share) => values.sort((a, b) => a - b)[Math.ceil(values.length * share) - 1];

// What nginx took for submits with that status, in milliseconds, from this part of its log.
const tookMs = (log, status) =>
  log.split("\n").filter((line) => line.endsWith("}")).map((line) => JSON.parse(line))
    .filter((line) => line.status === status && line.path.endsWith("/inquiries/submit")).map(({ seconds }) => seconds * 1000);

test("too_many_clients_are_refused_and_nobody_else_suffers", async () => {
  const workers = stack.workers();
  first = assertAccepted(await submit(inquiry())).id;
  const from = stack.log("edge.access.log").length;
  const health = [];
  let over = false;
  const load = storm().finally(() => (over = true));
  while (!over) {
    const begun = performance.now();
    assert.equal((await call("GET", "/healthz")).status, 200);
    health.push(performance.now() - begun);
    await sleep(100); // ten a second: a probe, not a load
  }
  const answers = await load;
  const ended = performance.now();
  assertAccepted(await submit(inquiry()));
  assert.equal((await call("GET", "/readyz")).status, 200);
  const recovered = performance.now() - ended;

  await until("the log is written", () => tookMs(stack.log("edge.access.log").slice(from), 201).length >= answers.accepted);
  const log = stack.log("edge.access.log").slice(from);
  const [p99, refusedP99, healthP99] = [percentile(tookMs(log, 201), 0.99), percentile(tookMs(log, 503), 0.99), percentile(health, 0.99)];
  console.log(JSON.stringify({ ...answers, p99, refusedP99, healthP99: Math.round(healthP99), recovered: Math.round(recovered) }));
  assert.deepEqual({ other: answers.other, broken: answers.broken }, { other: 0, broken: 0 });
  assert.ok(answers.refused > 0, "the queue was full");
  assert.ok(answers.accepted > 500 * SECONDS / 2, "and work was done");
  assert.ok(p99 <= 1000, `accepted: p99 ${p99} ms`);
  assert.ok(health.length >= 20 && healthP99 <= 100, `health: p99 ${healthP99} ms of ${health.length}`);
  assert.ok(recovered <= 1000, `${recovered} ms`);
  assert.deepEqual(stack.workers(), workers);
});
