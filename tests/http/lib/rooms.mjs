// Listeners: WebSocket and Server-Sent Events, and the internal publisher for what only it can prove.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { request } from "node:http";
import { after } from "node:test";

import WebSocket from "ws";

import { stack } from "./stack.mjs";
import { until, within } from "./wait.mjs";

const { WS_URL, BO_TOKEN } = stack.env;

export const INQUIRIES = "outreach/inquiries";
export const SUBMITTED = "observation/outreach/inquiry/submitted";
export const bearer = (token = BO_TOKEN) => ({ Authorization: `Bearer ${token}` });

// `rooms` is a list, or the very text of the query; `query` has further members.
export function roomsUrl(rooms, query = {}, url = WS_URL) {
  const list = typeof rooms === "string" ? rooms : rooms.map(encodeURIComponent).join(",");
  return `${url}?${[`rooms=${list}`, ...Object.entries(query).map(([name, value]) => `${name}=${value}`)].join("&")}`;
}

// The internal publisher, on its unix socket. POST: publish; GET: who listens; DELETE: end them.
export const publisher = (method, room, body = "", of = stack) =>
  new Promise((done, failed) => {
    const [, socketPath, path] = /^http:\/\/unix:(.*):(.*)$/.exec(of.env.NCHAN_PUBLISH_URL);
    const headers = { "Content-Length": Buffer.byteLength(body), Accept: "text/json" };
    const asked = request({ socketPath, path: path + room, method, headers, timeout: within(5000) }, (answer) => {
      let text = "";
      answer.on("data", (part) => (text += part));
      answer.on("end", () => done({ status: answer.statusCode, text }));
    });
    asked.on("error", failed).on("timeout", () => asked.destroy(new Error("the publisher does not answer")));
    asked.end(body);
  });

// What a listener hears. Probes are ours: they tell when a room is served, and are not kept.
const ears = new Set();
after(() => ears.forEach((ear) => ear.close())); // also those that were to be refused

class Ear {
  frames = [];
  early = []; // what came before we were ready: nobody was to hear it
  probes = new Set();
  closed = undefined; // { code, reason } once it is over

  constructor(close, of) {
    this.close = close;
    this.of = of;
    ears.add(this);
  }

  hear(text) {
    const probe = /^\{"event":"probe","data":"(.*)"\}$/.exec(text);
    if (probe) this.probes.add(probe[1]);
    else this.frames.push(text);
  }

  // nchan answers before Redis has the subscription: knock until every room is heard.
  async ready(rooms) {
    for (const room of rooms) {
      await until(`room ${room} is served`, async () => {
        if (this.probes.has(room)) return true;
        await publisher("POST", room, JSON.stringify({ event: "probe", data: room }), this.of);
        return this.probes.has(room);
      });
    }
    for (const room of rooms) await this.flush(room);
    this.early.push(...this.frames.splice(0));
    return this;
  }

  async count(n, ms) {
    await until(`${n} frames`, () => this.frames.length >= n, ms).catch((error) => {
      throw new Error(`${error.message}, only ${this.frames.length}`);
    });
    return this.frames;
  }

  // Whatever was sent before has come once this has: one connection keeps the order of one publisher.
  async flush(room) {
    const mark = `${room}#${randomUUID()}`;
    await publisher("POST", room, JSON.stringify({ event: "probe", data: mark }), this.of);
    await until("the mark", () => this.probes.has(mark));
    return this.frames;
  }
}

// A WebSocket of the stack `of`: an Ear with `socket`, or { status, headers, body } when it is refused.
export const webSocket = (rooms, { of = stack, headers = bearer(of.env.BO_TOKEN), query, url = of.env.WS_URL, ...options } = {}) =>
  new Promise((done, failed) => {
    const socket = new WebSocket(roomsUrl(rooms, query, url), { headers, handshakeTimeout: within(15_000), ...options });
    const ear = Object.assign(new Ear(() => socket.terminate(), of), { socket });
    socket.on("open", () => done(ear));
    socket.on("message", (frame, isBinary) => ear.hear(isBinary ? `binary ${frame}` : frame.toString()));
    socket.on("close", (code, reason) => (ear.closed = { code, reason: reason.toString() }));
    socket.on("unexpected-response", async (_, answer) => {
      let text = "";
      for await (const part of answer) text += part;
      socket.terminate();
      done({ status: answer.statusCode, headers: new Headers(Object.entries(answer.headers).map(([n, v]) => [n, String(v)])), text, body: text ? JSON.parse(text) : undefined });
    });
    socket.on("error", (error) => failed(error));
  });

// Server-Sent Events: an Ear with `headers` and `ids`, or { status, headers, body } when it is refused.
export async function eventStream(rooms, { headers = bearer(), query, url = WS_URL.replace(/^ws/, "http") } = {}) {
  const stop = new AbortController();
  const answer = await fetch(roomsUrl(rooms, query, url), { headers: { Accept: "text/event-stream", ...headers }, signal: stop.signal });
  if (answer.status !== 200) {
    const text = await answer.text();
    return { status: answer.status, headers: answer.headers, text, body: JSON.parse(text) };
  }
  const ear = Object.assign(new Ear(() => stop.abort(), stack), { headers: answer.headers, ids: [] });
  const listen = async () => {
    let text = "";
    const decoder = new TextDecoder();
    for await (const part of answer.body) {
      text += decoder.decode(part, { stream: true });
      for (let end; (end = text.indexOf("\n\n")) >= 0; text = text.slice(end + 2)) {
        const lines = text.slice(0, end).split("\n");
        ear.ids.push(...lines.filter((line) => line.startsWith("id: ")).map((line) => line.slice(4)));
        const data = lines.filter((line) => line.startsWith("data: ")).map((line) => line.slice(6));
        if (data.length > 0) ear.hear(data.join("\n"));
      }
    }
  };
  listen().catch(() => {}).finally(() => (ear.closed = { code: 0, reason: "" }));
  return ear;
}

export const KINDS = { WebSocket: webSocket, SSE: eventStream };

// Open listeners that are heard to listen, use them, close them whatever happens. `knock`: the rooms that must be
// heard, if not all of them. (nchan may lose a frame when several rooms of a socket get some within a second.)
export async function withEars(use) {
  const used = [];
  try {
    return await use(async (rooms, { knock = rooms, ...options } = {}, kind = webSocket) => {
      const ear = await kind(rooms, options);
      assert.ok(ear.close, `refused: ${ear.status} ${ear.text}`);
      used.push(ear);
      return ear.ready(knock);
    });
  } finally {
    for (const ear of used) ear.close();
  }
}

// The data of a frame as the contract has it.
export const frameOf = (id, sent, createdAt) => {
  const { type = "100_GENERAL", firstName, lastName = null, email, businessName = null, subject = null } = sent;
  return JSON.stringify({ event: SUBMITTED, data: { id, type, firstName, lastName, email, businessName, subject, createdAt } });
};
