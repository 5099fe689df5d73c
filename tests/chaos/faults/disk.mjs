// The disk is full: of PostgreSQL (data and WAL), and of logs and the pool's state.
import { at } from "../../http/lib/db.mjs";
import { freePort, Stack, stack } from "../../http/lib/stack.mjs";
import { gone, until } from "../../http/lib/wait.mjs";
import { Disk, mayMount } from "../lib/disk.mjs";

// A whole stack, or one beside ours, on a disk of its own.
const onDisk = (name, megabytes, start) => async () => {
  const disk = new Disk(`${stack.dir}.${name}`, megabytes);
  const here = new Stack(disk.dir);
  const remove = async () => {
    disk.free();
    await here.quickstart("stop");
    disk.remove();
  };
  try {
    await start(here, name);
  } catch (error) {
    await remove();
    throw error;
  }
  here.disk = disk;
  return { stack: here, stored: here.env.DATABASE_ADMIN_URL && at(here.env.DATABASE_ADMIN_URL), remove };
};
const whole = async (here) => here.quickstart("start", "--no-demo", "--workers", "4", "--port", String(await freePort()));
const beside = (_, name) => stack.beside(name, { APP_ENV_NODE_ID: "82" });

const full = { there: mayMount, allowed: [201, 503] };

export default [
  {
    ...full,
    name: "disk full: PostgreSQL's data",
    on: onDisk("data", 160, whole),
    restartedBy: "-",
    async begin(here, load) {
      here.disk.fill();
      await load.more(200, "refused", 60_000);
    },
    end: (here) => here.disk.free(),
  },
  {
    ...full,
    name: "disk full: PostgreSQL's WAL",
    on: onDisk("wal", 160, whole),
    restartedBy: "deploy/quickstart",
    part: "postgres",
    async begin(here, load) {
      here.disk.fill();
      const switchWal = "SELECT pg_switch_wal()";
      await until("postgres gives up", () => at(here.env.DATABASE_ADMIN_URL)(switchWal).then(() => gone(here.pid("postgres")), () => true), 60_000);
      await load.more(200, "refused", 60_000);
    },
    async end(here) {
      here.disk.free();
      await here.repair();
    },
  },
  {
    ...full,
    name: "disk full: logs, state; a worker killed",
    on: onDisk("logs", 32, beside),
    restartedBy: "multiwatch",
    allowed: [201, 502],
    most: 1,
    async begin(here, load) {
      here.disk.fill();
      await load.more(100);
      const [victim] = here.workers();
      process.kill(victim, "SIGKILL");
      await until("another worker", () => here.workers().length === 4 && gone(victim), 5000);
      await load.more(200);
    },
    end: (here) => here.disk.free(),
  },
];
