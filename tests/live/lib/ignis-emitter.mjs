// Runs under Bun: the emitter of ignis, on the Redis of REDIS_URL. Each line of stdin is { scope, target, event, data };
// stdout: ignis's log, {"ready":true}, and for each line, once Redis has it, the line {"emitted":true}.
import { RedisHelper, WebSocketEmitter } from "@venizia/ignis-helpers";

process.on("uncaughtException", (error) => {
  console.error(error); // ignis would go on
  process.exit(1);
});

const { hostname: host, port, password } = new URL(process.env.REDIS_URL);
const emitter = new WebSocketEmitter({ identifier: "ignis-emitter", redisConnection: new RedisHelper({ name: "ignis-emitter", host, port, password }) });

const SCOPES = {
  room: (room, what) => emitter.toRoom({ room, ...what }),
  client: (clientId, what) => emitter.toClient({ clientId, ...what }),
  user: (userId, what) => emitter.toUser({ userId, ...what }),
  broadcast: (_, what) => emitter.broadcast(what),
};

await emitter.configure();
console.log(JSON.stringify({ ready: true }));
for await (const line of console) {
  if (line === "") break; // the end, as Bun tells it
  const { scope, target, ...what } = JSON.parse(line);
  await SCOPES[scope](target, what);
  console.log(JSON.stringify({ emitted: true }));
}
process.exit(); // nobody needs it any more
