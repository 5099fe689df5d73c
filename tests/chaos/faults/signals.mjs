// What an operator does, done without mercy.
import { gone, sleep, until } from "../../http/lib/wait.mjs";

const STORM_MS = 3000;

export default [
  {
    name: "SIGTERM storm: every worker, every 100 ms",
    short: true,
    restartedBy: "multiwatch",
    gap: 5000,
    async begin(here) {
      const over = performance.now() + STORM_MS;
      for (; performance.now() < over; await sleep(100)) {
        for (const pid of here.children("pool")) {
          try {
            process.kill(pid, "SIGTERM");
          } catch {
            // it has just ended
          }
        }
      }
    },
  },
  {
    name: "PostgreSQL restarted",
    short: true,
    restartedBy: "deploy/quickstart",
    part: "postgres",
    allowed: [201, 503],
    async begin(here, load) {
      const pid = here.pid("postgres");
      process.kill(pid, "SIGINT");
      await until("postgres is gone", () => gone(pid), 20_000);
      await load.more(40, "answers");
    },
    end: (here) => here.repair(),
  },
];
