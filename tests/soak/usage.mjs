// What the processes of a stack hold: memory and descriptors.
import { readFileSync, readdirSync } from "node:fs";

// { name, pid } of every process that is ours or stands in the way of a request. PostgreSQL's backends are its own affair.
export function processesOf(stack) {
  const named = (name, pids) => pids.map((pid, i) => ({ name: pids.length > 1 ? `${name} ${i + 1}` : name, pid }));
  return [
    ...named("worker", stack.workers()),
    ...["status", "bridge"].flatMap((part) => named(part, stack.children(part))),
    ...["edge", "rooms"].flatMap((part) => named(`nginx ${part}`, stack.children(part))),
    ...named("redis", [stack.pid("redis")]),
    ...named("multiwatch", ["pool", "status", "bridge"].map((part) => stack.pid(part))),
  ];
}

const field = (text, name) => Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(text)[1]);

// { rss, pss (KiB), files } of one.
export const usageOf = ({ pid }) => {
  const memory = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
  return { rss: field(memory, "Rss"), pss: field(memory, "Pss"), files: readdirSync(`/proc/${pid}/fd`).length };
};
