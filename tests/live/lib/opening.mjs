// Rooms that nobody has subscribed yet are opened all the time: what crashes nchan 1.3.6 when its Redis hangs.
import assert from "node:assert/strict";

import { assertAccepted, assertProblem, inquiry, submit } from "../../http/lib/api.mjs";
import { INQUIRIES, webSocket } from "../../http/lib/rooms.mjs";
import { stack } from "../../http/lib/stack.mjs";
import { sleep } from "../../http/lib/wait.mjs";

// Between two of them: the very moment of a subscription is rarely met, and has a test of its own in cluster.test.mjs.
const PAUSE_MS = 40;

// The statuses of all handshakes, while `disturb(answers)` ran.
export async function whileOpeningRooms(disturb, of = stack) {
  const answers = [];
  let running = true;
  const open = async () => {
    const { id } = assertAccepted(await submit(inquiry(), { base: of.env.BASE_URL }));
    const ear = await webSocket([`${INQUIRIES}/${id}`], { of });
    answers.push(ear.status ?? 101);
    if (ear.close) ear.close();
    else if (ear.text) assertProblem(ear, 503);
    else assert.deepEqual([ear.status, ear.headers.get("retry-after")], [503, "1"]); // nchan's own, which has no body
  };
  const opening = (async () => {
    for (; running; await sleep(PAUSE_MS)) await open();
  })();
  opening.catch(() => (running = false));
  try {
    await disturb(answers);
  } finally {
    running = false;
    await opening;
  }
  return answers;
}
