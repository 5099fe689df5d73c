// Runs under Bun: the WebSocket server of ignis, on a free port of loopback and the Redis of REDIS_URL. It lets
// everybody in, as the user whom the client names, and into every room. Stdout: ignis's log, and
// {"url":...} once it listens. ignis says nothing to a join: the topic `rooms` asks it where a client is.
import { RedisHelper, WebSocketDefaults, WebSocketServerHelper } from "@venizia/ignis-helpers";

process.on("uncaughtException", (error) => {
  console.error(error); // ignis would go on
  process.exit(1);
});

const { hostname: host, port, password } = new URL(process.env.REDIS_URL);
let ignis;

const server = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  fetch: (request, bun) => (bun.upgrade(request, { data: { clientId: crypto.randomUUID() } }) ? undefined : new Response(null, { status: 426 })),
  websocket: Object.fromEntries(["open", "message", "close", "drain"].map((name) => [name, (...args) => ignis.getBunWebSocketHandler()[name](...args)])),
});

ignis = new WebSocketServerHelper({
  identifier: "ignis-server",
  server,
  redisConnection: new RedisHelper({ name: "ignis-server", host, port, password }),
  authenticateFn: ({ userId }) => ({ userId }),
  validateRoomFn: ({ rooms }) => rooms,
  messageHandler: async ({ clientId, message: { event } }) => {
    await new Promise(setImmediate); // a join before this has been done
    if (event === "rooms") ignis.sendToClient({ clientId, event, data: [...ignis.getClients({ id: clientId }).rooms] });
  },
});
await ignis.configure();

console.log(JSON.stringify({ url: `ws://127.0.0.1:${server.port}${WebSocketDefaults.PATH}` }));
process.stdin.on("end", () => process.exit()).resume(); // nobody needs it any more
