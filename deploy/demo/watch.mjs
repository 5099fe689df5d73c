// Print every frame of some rooms: node watch.mjs [--count N] [ROOM...]
// WS_URL, WS_ORIGIN and BO_TOKEN come from the environment: `. DIR/env` first.
import WebSocket from "ws";

const args = process.argv.slice(2);
let count = Infinity;
if (args[0] === "--count") count = Number(args.splice(0, 2)[1]);
const rooms = args.length > 0 ? args : ["outreach/inquiries"];

const url = new URL(process.env.WS_URL ?? "ws://127.0.0.1:8080/v1/api/outreach/ws");
url.searchParams.set("rooms", rooms.join(","));

const socket = new WebSocket(url, {
  origin: process.env.WS_ORIGIN,
  headers: { Authorization: `Bearer ${process.env.BO_TOKEN}` },
});

socket.on("open", () => console.log(`open ${rooms.join(" ")}`));
socket.on("message", (frame) => {
  console.log(`frame ${frame}`);
  if (--count === 0) socket.close();
});
socket.on("unexpected-response", async (_, answer) => {
  let body = "";
  for await (const part of answer) body += part;
  console.error(`refused ${answer.statusCode} ${body}`);
  process.exit(1);
});
socket.on("error", (error) => {
  console.error(`error ${error.message}`);
  process.exit(1);
});
socket.on("close", (code) => {
  console.log(`closed ${code}`);
  process.exit(count === 0 ? 0 : 1);
});
