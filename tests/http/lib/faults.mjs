// Ways to take a part of the stack away, and to bring it back.
import { stack } from "./stack.mjs";

export const kill = (part) => () => stack.end(part, "SIGKILL");
export const freeze = (part) => async () => stack.signalAll(part, "SIGSTOP");
export const thaw = (part) => async () => stack.signalAll(part, "SIGCONT");
export const repair = () => stack.repair();
