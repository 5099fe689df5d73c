// ALTCHA's widget without what a strict policy forbids: its styles and its worker are files of this host.
import "./altcha.js?v=VERSION";

const worker = new URL(`sha.js${new URL(import.meta.url).search}`, import.meta.url); // of the same version
globalThis.$altcha.algorithms.set("SHA-256", () => new Worker(worker));
