// No descriptor left in a process. The limit is lowered from outside, as its user: raising it again needs no privilege then.
import { execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";

const as = process.getuid() === 0 ? ["setpriv", "--reuid", "www-data", "--regid", "www-data", "--clear-groups"] : [];
const prlimit = (pid, soft) => {
  const [command, ...words] = [...as, "prlimit", "--pid", String(pid), `--nofile=${soft}:`];
  execFileSync(command, words);
};
const open = (pid) => Math.max(...readdirSync(`/proc/${pid}/fd`).map(Number)) + 1;

const exhausted = (name, pids, { answers = 300, ...more } = {}) => ({
  name: `no descriptors: ${name}`,
  restartedBy: "-",
  async begin(here, load) {
    this.pids = pids(here);
    for (const pid of this.pids) prlimit(pid, open(pid));
    await load.more(answers, "answers");
  },
  end() {
    for (const pid of this.pids) prlimit(pid, 1024);
  },
  ...more,
});

export default [
  exhausted("a worker", (here) => here.workers().slice(0, 1)),
  exhausted("all workers", (here) => here.workers(), { answers: 20, allowed: [201, 504] }), // nobody accepts: nginx waits 10 s
  exhausted("edge nginx", (here) => here.children("edge"), { allowed: [201, 500, 503, 0] }),
  exhausted("rooms nginx", (here) => here.children("rooms")),
];
