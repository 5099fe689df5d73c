// All faults, one after the other, each a row of the table.
import { close } from "../http/lib/db.mjs";
import { stack } from "../http/lib/stack.mjs";
import clock from "./faults/clock.mjs";
import descriptors from "./faults/descriptors.mjs";
import disk from "./faults/disk.mjs";
import failover from "./faults/failover.mjs";
import kills from "./faults/kills.mjs";
import settings from "./faults/settings.mjs";
import signals from "./faults/signals.mjs";
import { judge } from "./lib/judge.mjs";
import { head, line } from "./lib/table.mjs";

const { BANA_SHORT, BANA_ONLY = "" } = process.env;

const chosen = [...kills, ...signals, ...settings, ...descriptors, ...disk, ...clock, ...failover].filter(
  ({ name, short, there = () => true }) => (short || !BANA_SHORT) && name.includes(BANA_ONLY) && there(stack),
);

let bad = chosen.length === 0;
console.log(head());
for (const fault of chosen) {
  const row = await judge(fault);
  console.log(line(row));
  for (const trouble of row.troubles) console.log(`  ! ${trouble}`);
  bad ||= row.troubles.length > 0;
}
await close();
process.exit(bad ? 1 : 0);
