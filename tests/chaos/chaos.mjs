// The table of faults: each under load, and the verdict. Rows are in kills.mjs and hard.mjs.
import { close } from "../http/lib/db.mjs";
import { Load } from "../http/lib/load.mjs";
import { stack } from "../http/lib/stack.mjs";
import { until } from "../http/lib/wait.mjs";
import { HARD } from "./hard.mjs";
import { KILLS } from "./kills.mjs";

const BACK_MS = 5000;
const [short, only] = [process.argv.includes("--short"), process.argv[process.argv.indexOf("--only") + 1]];
const rows = [...KILLS, ...(short ? [] : HARD)].filter(({ name }) => !process.argv.includes("--only") || name.includes(only));

const COLUMNS = ["fault", "back by", "201", "503", "other", "gap ms", "back ms", "lost", "repeated", "verdict"];
const line = (cells) => console.log(`| ${cells.join(" | ")} |`);

// What an answer may be while a part is away: 503 that says when to come back, or 502 of a worker that died over it; only
// who was connected to an nginx that died has none.
const fair = (row) => ({ status, retryAfter }) => status === 201 || ([502, 503].includes(status) && /^[1-9]\d?$/.test(retryAfter)) || (status === 0 && row.cuts);

// Acknowledgements go on, and the stack is whole and ready.
const isBack = async (of, load, since) => {
  const whole = of.isWhole() && (await fetch(`${of.origin}/readyz`).catch(() => undefined))?.status === 200;
  return whole && load.accepted.some(({ begun }) => begun > since);
};

async function suffer(row) {
  const of = row.of ? await row.of() : stack;
  const load = new Load({ clients: 8, pause: 40, of, keepAlive: false });
  const notes = [];
  let backMs = Infinity;
  try {
    await load.more(50);
    await row.disturb(of, load, (text) => notes.push(text));
    const since = performance.now(); // from here on nothing holds it back
    await until("it is back", () => isBack(of, load, since), 20_000).catch((error) => notes.push(error.message));
    backMs = performance.now() - since;
    await load.more(50).catch((error) => notes.push(error.message));
  } catch (error) {
    notes.push(error.message);
  } finally {
    await load.stop();
    await row.tidy?.(of);
    if (!stack.isWhole()) await stack.repair();
  }
  const { lost, repeated } = await load.losses(row.ask?.(of));
  const unfair = load.answers.filter((answer) => !fair(row)(answer));
  if (unfair.length > 0) notes.push(`${unfair.length} answers like ${unfair[0].status} ${unfair[0].error ?? ""}`);
  if (lost > 0 || repeated > 0) notes.push("ACKNOWLEDGED WORK IS GONE");
  if (backMs > BACK_MS) notes.push("too late");
  const statuses = load.statuses();
  const { 201: accepted = 0, 503: unavailable = 0 } = statuses;
  line([row.name, row.by, accepted, unavailable, load.answers.length - accepted - unavailable, Math.round(load.gap), Math.round(backMs), lost, repeated, notes.join("; ") || "good"]);
  return notes.length === 0;
}

line(COLUMNS);
line(COLUMNS.map(() => "---"));
let good = rows.length > 0;
for (const row of rows) good = (await suffer(row)) && good;
for (const { end } of HARD) await end?.();
await close();
process.exitCode = good ? 0 : 1;
