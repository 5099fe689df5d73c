// Each process killed in turn, and asked to end again and again. `by`: who brings it back; where that is systemd in
// production, deploy/quickstart does it here, and the time counts from its end. `cuts`: clients may lose their connection.
import { admin } from "../http/lib/db.mjs";
import { gone, sleep, until } from "../http/lib/wait.mjs";

// One of the processes below a part: the supervisor above starts another.
const child = (part, { pick = (pids) => pids[0], ...more } = {}) => ({
  name: `${part}: one process, kill -9`,
  by: part === "edge" || part === "rooms" ? "nginx" : "multiwatch",
  disturb: async (of) => {
    const pid = pick(of.children(part), of);
    process.kill(pid, "SIGKILL");
    await until("it is gone", () => gone(pid) || !of.children(part).includes(pid));
  },
  ...more,
});

// The whole part, with what it supervises.
const whole = (part, more) => ({
  name: `${part}: all of it, kill -9`,
  by: "quickstart",
  disturb: async (of) => {
    await of.end(part, "SIGKILL");
    await sleep(500); // for that long it is missed
    await of.repair();
  },
  ...more,
});

// The one that leads is the one that says so last in the log.
const leader = (pids, of) => Number([...of.log("bridge.log").matchAll(/bridge leads.* id=[^:]+:(\d+):/g)].at(-1)?.[1] ?? pids[0]);

export const KILLS = [
  child("pool"),
  { name: "pool: every worker at once, kill -9", by: "multiwatch", disturb: async (of) => of.workers().forEach((pid) => process.kill(pid, "SIGKILL")) },
  whole("pool"),
  child("status"),
  child("bridge", { pick: leader, name: "bridge: the one that leads, kill -9" }),
  child("edge", { cuts: true }),
  whole("edge", { cuts: true }),
  child("rooms"),
  whole("rooms"),
  whole("redis"),
  {
    name: "postgres: every backend of ours, terminated",
    by: "workers",
    disturb: async () => admin("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'outreach'"),
  },
  whole("postgres"),
  {
    name: "postgres: restarted",
    by: "quickstart",
    disturb: async (of) => {
      await of.end("postgres", "SIGINT");
      await of.repair();
    },
  },
  {
    name: "workers: SIGTERM storm, 10 rounds to all",
    by: "multiwatch",
    disturb: async (of) => {
      for (let round = 0; round < 10; round++) {
        for (const pid of of.workers()) process.kill(pid, "SIGTERM");
        await sleep(100); // the storm's own pace
      }
    },
  },
];
