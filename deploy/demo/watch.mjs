// Print every frame of some rooms: node watch.mjs [--count N] [ROOM...]
// BASE_URL and BO_TOKEN come from the environment: `. DIR/env` first.
import WebSocket from "ws";

import { observe, SUBMITTED } from "./observer.mjs"; // of conf/nginx/client, put here by deploy/lib/demo.sh

const args = process.argv.slice(2);
let count = Infinity;
if (args[0] === "--count") count = Number(args.splice(0, 2)[1]);
const rooms = args.length > 0 ? args : ["outreach/inquiries"];

function print(frame) {
  console.log(`frame ${frame}`);
  if (--count === 0) observer.stop();
}

const STATES = {
  live: () => console.log(`open ${rooms.join(" ")}`),
  waiting: ({ error, delay }) => console.error(`waiting ${Math.round(delay)} ms: ${error.message}`),
  refused({ error, problem }) {
    console.error(`refused ${error.status} ${JSON.stringify(problem)}`);
    observer.stop();
    process.exitCode = 1;
  },
};

const observer = observe({
  baseUrl: process.env.BASE_URL ?? "http://127.0.0.1:8080/v1/api/outreach",
  token: async () => process.env.BO_TOKEN,
  rooms,
  WebSocket,
  onInquiry: (inquiry) => print(JSON.stringify({ event: SUBMITTED, data: inquiry })), // caught up or live: the same text
  onFrame: print,
  onState: (state, detail) => STATES[state]?.(detail),
});
