// One fault under a constant load: what was answered, what it took to come back, what was lost.
import { Load } from "../../http/lib/load.mjs";
import { stack } from "../../http/lib/stack.mjs";
import { until } from "../../http/lib/wait.mjs";
import { isBack, startedAt } from "./back.mjs";

const RATE = { clients: 20, pause: 95 }; // 200 submits a second
const BACK_MS = 5000;
const RETRY_AFTER = /^[1-9]\d*$/;

// A fault is a row:
//   name, short (also in the short run), restartedBy (what brings the part back),
//   allowed (statuses; 0: no answer), most (refusals, if few are promised), gap (longest time without an acknowledgement),
//   on (a stack of its own; `stored` asks where its rows are), begin and end (of the fault; both get the stack and the load),
//   there (is what it needs part of the stack?)
//   part (of deploy/quickstart, which `end` starts again)
// `back` is counted from the start of the new process of `part`, else from the moment `end` begins or nothing is left to end.
export async function judge(fault) {
  const { name, restartedBy, part } = fault;
  const troubles = [];
  const row = { name, restartedBy, troubles, statuses: {} };
  let place, load, healing, backAt;
  try {
    place = await fault.on?.();
    const here = place?.stack ?? stack;
    load = new Load({ ...RATE, of: here });
    await load.more(100);
    try {
      await fault.begin(here, load);
    } finally {
      healing = performance.now();
      await fault.end?.(here, load);
    }
    await until("everything is back", () => isBack(here), 20_000);
    backAt = performance.now();
    if (part) healing = startedAt(here.pid(part));
    await load.more(200);
    await load.stop();
    Object.assign(row, { statuses: load.statuses(), gap: load.gap }, await load.losses(place?.stored));
    const lastRefusal = Math.max(0, ...load.refused.map(({ begun, ms }) => begun + ms));
    row.back = Math.max(0, backAt - healing, lastRefusal - healing);
    troubles.push(...faultsOf(row, load, fault));
  } catch (error) {
    troubles.push(`${error.message}${error.cause ? ` (${error.cause.message})` : ""}`);
    if (load) row.statuses = load.statuses();
  } finally {
    await load?.stop();
    await place?.remove().catch((error) => troubles.push(error.message));
    if (!(await isBack(stack).catch(() => false))) await stack.repair().catch((error) => troubles.push(`no repair: ${error.message}`));
  }
  return row;
}

function* faultsOf({ back, gap, submits, lost, repeated }, load, { allowed = [201], most = Infinity, gap: gapMax = Infinity }) {
  if (submits === 0) yield "nothing was acknowledged";
  if (lost > 0) yield `${lost} acknowledged submits are lost`;
  if (repeated > 0) yield `${repeated} ids were given twice`;
  if (back > BACK_MS) yield `back after ${Math.round(back)} ms, at most ${BACK_MS}`;
  if (gap > gapMax) yield `${Math.round(gap)} ms without an acknowledgement, at most ${gapMax}`;
  if (load.refused.length > most) yield `${load.refused.length} refused, at most ${most}`;
  const wrong = load.answers.find(({ status }) => !allowed.includes(status));
  if (wrong) yield `answered ${wrong.status} ${wrong.error ?? ""}, allowed: ${allowed}`;
  const silent = load.refused.find(({ status, retryAfter }) => status >= 502 && !RETRY_AFTER.test(retryAfter ?? ""));
  if (silent) yield `${silent.status} without Retry-After`;
}
