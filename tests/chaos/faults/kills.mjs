// kill -9 of each process in turn. Under systemd what has `deploy/quickstart` here has `Restart=always` of its unit.
import { at } from "../../http/lib/db.mjs";
import { gone, until } from "../../http/lib/wait.mjs";

const backends = async (here) =>
  (await at(here.env.DATABASE_ADMIN_URL)("SELECT pid FROM pg_stat_activity WHERE application_name = 'outreach'")).map(({ pid }) => pid);
const leader = (here) => {
  const [, pid] = [...here.log("bridge.log").matchAll(/msg="bridge leads".*id=\S*?:(\d+):\S+/g)].at(-1);
  return [Number(pid)];
};
const whole = (part) => (here) => [here.pid(part), ...here.children(part)];
const only = (part) => (here) => [here.pid(part)];
const below = (part) => (here) => here.children(part);

// `from`: the part that deploy/quickstart starts again; without one, `restartedBy` does. 0: the connection broke, 502: nginx's word for it.
const KILLS = [
  { name: "a worker", pids: (here) => here.workers().slice(0, 1), restartedBy: "multiwatch", allowed: [201, 502], most: 1 },
  { name: "all workers", pids: (here) => here.workers(), restartedBy: "multiwatch", allowed: [201, 502], most: 8 },
  { name: "the pool's multiwatch", pids: only("pool"), part: "pool", allowed: [201, 502, 503] },
  { name: "the pool, all of it", pids: whole("pool"), part: "pool", allowed: [201, 502, 503] },
  { name: "a status process", pids: (here) => below("status")(here).slice(0, 1), restartedBy: "multiwatch" },
  { name: "status, all of it", pids: whole("status"), part: "status" },
  { name: "the bridge that leads", pids: leader, restartedBy: "multiwatch" },
  { name: "the bridge, all of it", pids: whole("bridge"), part: "bridge" },
  { name: "edge nginx: worker", pids: below("edge"), restartedBy: "nginx", allowed: [201, 0], most: 20 },
  { name: "edge nginx: master", pids: only("edge"), part: "edge", allowed: [201, 0] },
  { name: "edge nginx, all of it", pids: whole("edge"), part: "edge", allowed: [201, 0] },
  { name: "rooms nginx: worker", pids: below("rooms"), restartedBy: "nginx" },
  { name: "rooms nginx: master", pids: only("rooms"), part: "rooms" },
  { name: "rooms nginx, all of it", pids: whole("rooms"), part: "rooms" },
  { name: "a backend of PostgreSQL", pids: async (here) => (await backends(here)).slice(0, 1), restartedBy: "postmaster", allowed: [201, 503] },
  { name: "PostgreSQL: postmaster", pids: only("postgres"), part: "postgres", allowed: [201, 503] },
  { name: "PostgreSQL, all of it", pids: whole("postgres"), part: "postgres", allowed: [201, 503] },
  { name: "Redis", pids: only("redis"), part: "redis" },
];

export default KILLS.map(({ name, pids, part, restartedBy = "deploy/quickstart", ...more }) => ({
  name: `kill -9: ${name}`,
  short: !name.endsWith("all of it"),
  restartedBy,
  part,
  gap: part ? undefined : 5000,
  async begin(here, load) {
    const victims = await pids(here);
    if (victims.length === 0) throw new Error("there is nothing to kill");
    for (const pid of victims) process.kill(pid, "SIGKILL");
    await until("they are gone", () => victims.every(gone));
    if (part) await load.more(40, "answers");
  },
  end: part && ((here) => here.repair()),
  ...more,
}));
