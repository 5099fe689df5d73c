// Workers come and go; the pool serves on.
import assert from "node:assert/strict";
import { after, test } from "node:test";

import { close } from "./lib/db.mjs";
import { underLoad } from "./lib/load.mjs";
import { stack } from "./lib/stack.mjs";
import { gone, until, within } from "./lib/wait.mjs";

after(close);

const WORKERS = stack.size;
const whole = (without) => until("the pool is whole", () => {
  const now = stack.workers();
  return now.length === WORKERS && !now.includes(without);
}, 1000);

test("a_worker_that_is_killed_costs_at_most_its_own_request", async () => {
  const kills = 10;
  const load = await underLoad(async (running) => {
    for (let i = 0; i < kills; i++) {
      const victim = stack.workers()[i % WORKERS];
      process.kill(victim, "SIGKILL");
      await whole(victim);
      await running.more(40);
    }
  });
  assert.ok(load.refused.length <= kills, JSON.stringify(load.statuses()));
  for (const { status, retryAfter } of load.refused) {
    assert.ok(status === 502 || status === 503, `status ${status}`);
    assert.match(retryAfter, /^\d+$/);
  }
  assert.ok(load.gap <= within(2000), `longest gap ${load.gap} ms`);
});

test("all_workers_killed_at_once_are_back_within_a_second", async () => {
  const load = await underLoad(async (running) => {
    const old = stack.workers();
    for (const pid of old) process.kill(pid, "SIGKILL");
    await until("a whole new pool", () => {
      const now = stack.workers();
      return now.length === WORKERS && !now.some((pid) => old.includes(pid));
    }, 1000);
    await running.more(200);
  });
  assert.ok(load.refused.length <= WORKERS, JSON.stringify(load.statuses()));
});

test("a_worker_asked_to_end_fails_no_request", async () => {
  const load = await underLoad(async (running) => {
    for (const [i, pid] of stack.workers().entries()) {
      process.kill(pid, ["SIGTERM", "SIGINT", "SIGQUIT"][i % 3]);
      await until("it has ended", () => gone(pid) || !stack.workers().includes(pid), 5000);
      await whole(pid);
      await running.more(20);
    }
  });
  load.assertNoneRefused();
});

test("a_reload_fails_no_request_and_replaces_every_worker", async () => {
  const before = stack.workers();
  const load = await underLoad(async (running) => {
    await stack.quickstart("reload");
    await running.more(100);
  });
  load.assertNoneRefused();
  const now = stack.workers();
  assert.equal(now.length, WORKERS);
  assert.deepEqual(now.filter((pid) => before.includes(pid)), []);
});

test("a_reload_of_the_edge_fails_no_request", async () => {
  const load = await underLoad(async (running) => {
    const old = stack.children("edge");
    process.kill(stack.pid("edge"), "SIGHUP");
    await until("new nginx workers", () => stack.children("edge").some((pid) => !old.includes(pid)));
    await running.more(200);
  });
  load.assertNoneRefused({ closes: true });
  assert.ok(load.refused.length <= 16, JSON.stringify(load.statuses()));
});

test("a_worker_that_is_stopped_delays_only_its_own_request", async () => {
  const load = await underLoad(async (running) => {
    const [victim] = stack.workers();
    process.kill(victim, "SIGSTOP");
    try {
      await running.more(1000);
    } finally {
      process.kill(victim, "SIGCONT");
    }
    await running.more(100);
  });
  load.assertNoneRefused();
  assert.ok(load.gap <= within(3000), `longest gap ${load.gap} ms`);
});
