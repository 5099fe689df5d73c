// Redis and the rooms are a convenience: without them every submit goes on, at full speed.
import assert from "node:assert/strict";
import { after, test } from "node:test";

import { assertAccepted, assertProblem, call, inquiry, submit } from "./lib/api.mjs";
import { close } from "./lib/db.mjs";
import { freeze, kill, repair, thaw } from "./lib/faults.mjs";
import { underLoad } from "./lib/load.mjs";
import { frameOf, INQUIRIES, webSocket, withEars } from "./lib/rooms.mjs";
import { stack } from "./lib/stack.mjs";
import { until, within } from "./lib/wait.mjs";

after(close);

const FAULTS = [
  ["submit_is_kept_when_redis_is_down", kill("redis"), repair],
  ["submit_is_kept_when_redis_hangs", freeze("redis"), thaw("redis")],
  ["submit_is_kept_when_the_rooms_are_down", kill("rooms"), repair],
  ["submit_is_kept_when_the_rooms_hang", freeze("rooms"), thaw("rooms")],
  ["submit_is_kept_when_both_are_down", async () => Promise.all([kill("redis")(), kill("rooms")()]), repair],
];
// What is announced again once the parts are back: submits until one of them is heard, for the first ones may be skipped.
const heardAgain = async () => {
  const isHeard = async (open) => {
    const ear = await open([INQUIRIES]);
    const frames = [];
    return until("a new frame is heard", async () => {
      const sent = inquiry();
      const { id, createdAt } = assertAccepted(await submit(sent));
      frames.push(frameOf(id, sent, createdAt));
      return frames.some((frame) => ear.frames.includes(frame));
    });
  };
  await until("a listener is admitted", () => withEars(isHeard));
};

for (const [name, begin, end] of FAULTS) {
  test(name, async () => {
    const workers = stack.workers();
    const load = await underLoad(async (running) => {
      await begin();
      try {
        await running.more(400, "accepted", 8000);
        assert.equal((await call("GET", "/readyz")).status, 200, "ready to take submits");
      } finally {
        await end();
      }
      await running.more(200);
    });
    load.assertNoneRefused();
    assert.ok(load.gap <= within(1500), `longest gap ${load.gap} ms`);
    assert.deepEqual(stack.workers(), workers, "nobody had to restart");
    await heardAgain();
  });
}

test("no_listener_is_admitted_while_redis_is_away_and_the_reason_is_told", async () => {
  for (const [begin, end] of [[freeze("redis"), thaw("redis")], [kill("redis"), repair]]) {
    await begin();
    try {
      const begun = performance.now();
      assertProblem(await webSocket([INQUIRIES]), 503, "Redis does not answer");
      assert.ok(performance.now() - begun < within(1500));
      assert.equal((await webSocket([INQUIRIES], { headers: {} })).status, 401);
    } finally {
      await end();
    }
    await heardAgain();
  }
});

test("without_the_rooms_a_listener_is_told_to_come_back", async () => {
  await kill("rooms")();
  try {
    assertProblem(await webSocket([INQUIRIES]), 503);
  } finally {
    await repair();
  }
  await heardAgain();
});
