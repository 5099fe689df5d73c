// Waiting for events, and how patient to be.
import { setTimeout as sleep } from "node:timers/promises";

export { sleep };

// Under sanitizers everything takes longer: BANA_SLOW=1.
export const slow = process.env.BANA_SLOW === "1";

// A time limit in milliseconds.
export const within = (ms) => (slow ? ms * 4 : ms);

// Until `ask` returns something true; its last error, or `what`, is the reason when that is too late.
export async function until(what, ask, ms = 10_000) {
  const deadline = Date.now() + within(ms);
  for (;;) {
    let failure;
    try {
      const answer = await ask();
      if (answer) return answer;
    } catch (error) {
      failure = error;
    }
    if (Date.now() > deadline) throw new Error(`not in ${within(ms)} ms: ${what}`, { cause: failure });
    await sleep(10);
  }
}

export const gone = (pid) => {
  try {
    process.kill(pid, 0);
    return false;
  } catch {
    return true;
  }
};
