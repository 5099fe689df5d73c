// Is everything back? Processes, readiness, and an inquiry that is heard on a socket.
import { readFileSync } from "node:fs";

import { call, inquiry, submit } from "../../http/lib/api.mjs";
import { INQUIRIES, withEars } from "../../http/lib/rooms.mjs";
import { until } from "../../http/lib/wait.mjs";

const PAIRS = ["bridge", "status"];

const TICKS_A_SECOND = 100;

// On the clock of performance.now().
export function startedAt(pid) {
  const [up] = readFileSync("/proc/uptime", "utf8").split(" ").map(Number);
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8").replace(/^.*\) /, "").split(" ");
  return performance.now() - (up - stat[19] / TICKS_A_SECOND) * 1000;
}

export async function isBack(here) {
  if (!here.isWhole() || PAIRS.some((part) => here.children(part).length !== 2)) return false;
  if (["edge", "rooms"].some((part) => here.children(part).length === 0)) return false;
  if ((await call("GET", "/readyz", { base: here.origin })).status !== 200) return false;
  return isHeard(here);
}

const isHeard = (here) =>
  withEars(async (open) => {
    const ear = await open([INQUIRIES], { of: here });
    const { body } = await submit(inquiry(), { base: here.env.BASE_URL });
    await until("the frame", () => ear.frames.some((frame) => frame.includes(body.data.id)), 1000);
    return true;
  });
