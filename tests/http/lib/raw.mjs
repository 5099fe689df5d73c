// Requests that no HTTP library would send: bytes to the port, whole answers back.
import { connect } from "node:net";

import { stack } from "./stack.mjs";
import { within } from "./wait.mjs";

// Cut the first whole answer off `text` (latin1); undefined while it is not whole.
function answerOf(text) {
  const end = text.indexOf("\r\n\r\n");
  if (end < 0) return undefined;
  const [statusLine, ...lines] = text.slice(0, end).split("\r\n");
  const headers = Object.fromEntries(lines.map((line) => [line.split(":", 1)[0].toLowerCase(), line.replace(/^[^:]*: ?/, "")]));
  const length = Number(headers["content-length"] ?? 0);
  if (text.length < end + 4 + length) return undefined;
  const status = Number(statusLine.split(" ")[1]);
  return { status, statusLine, headers, body: text.slice(end + 4, end + 4 + length), bytes: end + 4 + length };
}

// Send all parts, one write each, then read `answers` answers or until the server hangs up.
export const exchange = (parts, { answers = 1, port = new URL(stack.env.BASE_URL).port, finish = false } = {}) =>
  new Promise((done, failed) => {
    const socket = connect(Number(port), "127.0.0.1");
    const got = [];
    let text = "";
    const end = () => {
      clearTimeout(timer);
      socket.destroy();
      done(got);
    };
    const timer = setTimeout(() => {
      socket.destroy();
      failed(new Error(`no answer to ${JSON.stringify(String(parts).slice(0, 80))}, only ${JSON.stringify(text.slice(0, 80))}`));
    }, within(15_000));
    socket.on("data", (bytes) => {
      text += bytes.toString("latin1");
      for (let answer; (answer = answerOf(text)); ) {
        got.push(answer);
        text = text.slice(answer.bytes);
      }
      if (got.length >= answers) end();
    });
    socket.on("close", end);
    socket.on("error", end);
    for (const part of [parts].flat()) socket.write(typeof part === "string" ? Buffer.from(part, "latin1") : part);
    if (finish) socket.end();
  });

export const requestText = (line, headers = [], body = "") => [line, ...headers, "", body].join("\r\n");
