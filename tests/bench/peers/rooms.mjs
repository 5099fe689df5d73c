// Rooms by ws + ioredis: one process, which checks a handshake as src/live/admit.c does and sends to the sockets of a room
// what comes on its Redis channel (bench:ROOM, for on ws:room: the product listens as well).  PORT, BASE_PATH, JWKS, REDIS_URL, DATABASE_URL.
import http from "node:http";
import { Redis } from "ioredis";
import { createLocalJWKSet, jwtVerify } from "jose";
import pg from "pg";
import { Sender, WebSocketServer } from "ws";

const path = `${process.env.BASE_PATH}/ws`;
const rooms_max = 50, tokens_kept = 4096, expiry_slot_s = 10;

// ---- Tokens: as many are kept as our 16 workers keep; the oldest goes
const keys = createLocalJWKSet(JSON.parse(process.env.JWKS));
const known = new Map();
async function actor_of(authorization) {
  if (!authorization?.startsWith("Bearer ")) return null;
  const token = authorization.slice(7);
  let actor = known.get(token);
  if (actor === undefined) {
    try {
      const { payload } = await jwtVerify(token, keys, { algorithms: ["ES256"], requiredClaims: ["exp", "userId"] });
      actor = { user: String(payload.userId), expires: payload.exp, roles: (payload.roles ?? []).map(role_of) };
    } catch {
      return null;
    }
    if (known.size >= tokens_kept) known.delete(known.keys().next().value);
    known.set(token, actor);
  }
  return actor.expires * 1000 > Date.now() ? actor : null;
}
const role_of = (role) => (typeof role === "string" ? role : role.identifier).replace(/^\d{3}_/, "").toUpperCase();
const observers = new Set(["OWNER", "EMPLOYEE", "CASHIER"]);

// ---- Which rooms
const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 8, idleTimeoutMillis: 0 });
const exists = async (id) => {
  const text = 'SELECT 1 FROM outreach."Inquiry" WHERE "id" = $1 AND deleted_at IS NULL';
  return (await pool.query({ name: "exists", text, values: [id] })).rowCount === 1;
};
const name_valid = (name) => name.length <= 200 && /^[A-Za-z0-9._:-]+(\/[A-Za-z0-9._:-]+)*$/.test(name);
const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

async function room_status(name, actor) {
  if (!name_valid(name)) return 400;
  const [, id] = /^outreach\/inquiries(?:\/([^/]+))?$/.exec(name) ?? [null, null];
  if (id === null) return 404;
  if (!actor.roles.some((role) => observers.has(role))) return 403;
  return id === undefined ? 200 : /^[0-9]{1,18}$/.test(id) && (await exists(id)) ? 200 : 404;
}

// The rooms of a handshake, or the status with which it is refused.
async function admit(request) {
  const at = request.url.indexOf("?");
  if (request.url.slice(0, at) !== path) return 404;
  if (request.headers.origin !== undefined) return 403;
  const actor = await actor_of(request.headers.authorization);
  if (actor === null) return 401;
  const query = new URLSearchParams(request.url.slice(at));
  const client = query.get("clientId") ?? crypto.randomUUID();
  if (!uuid.test(client)) return 400;
  const asked = new Set((query.get("rooms") ?? "").split(","));
  if (asked.size > rooms_max) return 422;
  for (const name of asked) {
    const status = await room_status(name, actor);
    if (status !== 200) return status;
  }
  return ["broadcast", `client/${client.toLowerCase()}`, `user/${actor.user}`,
    `expires/${Math.floor(actor.expires / expiry_slot_s) * expiry_slot_s}`, ...asked];
}

// ---- Sockets
const sockets_of = new Map();
function enter(socket, rooms) {
  for (const name of rooms) {
    const all = sockets_of.get(name);
    if (all === undefined) sockets_of.set(name, new Set([socket]));
    else all.add(socket);
  }
  everybody.add(socket);
}
function leave(socket, rooms) {
  for (const name of rooms) {
    const all = sockets_of.get(name);
    all.delete(socket);
    if (all.size === 0) sockets_of.delete(name);
  }
  everybody.delete(socket);
}
const everybody = new Set();
const frame = (payload, opcode) => Buffer.concat(Sender.frame(payload, { fin: true, rsv1: false, opcode, mask: false, readOnly: true }));

// One frame, made once, and written as it is.
const ping = frame(Buffer.alloc(0), 9);
setInterval(() => { for (const socket of everybody) socket.write(ping); }, 20000).unref();

const server = http.createServer((request, response) => response.writeHead(request.url === "/readyz" ? 200 : 404).end());
const ws = new WebSocketServer({ noServer: true, perMessageDeflate: false, clientTracking: false, maxPayload: 1024 });
server.on("upgrade", async (request, socket, head) => {
  socket.on("error", () => socket.destroy());
  const rooms = await admit(request);
  if (!Array.isArray(rooms)) return socket.end(`HTTP/1.1 ${rooms} ${http.STATUS_CODES[rooms]}\r\nConnection: close\r\n\r\n`);
  ws.handleUpgrade(request, socket, head, (client) => {
    enter(socket, rooms);
    client.on("error", () => {});
    client.on("message", () => client.close(1008));
    client.on("close", () => leave(socket, rooms));
  });
});

// ---- Redis
const redis = new Redis(process.env.REDIS_URL);
redis.on("pmessageBuffer", (pattern, channel, message) => {
  const all = sockets_of.get(channel.toString("latin1", 6));      // after bench:
  if (all === undefined) return;
  const made = frame(message, 1);
  for (const socket of all) socket.write(made);
});
await redis.psubscribe("bench:*");
server.listen({ host: "127.0.0.1", port: Number(process.env.PORT), backlog: 4096 });
