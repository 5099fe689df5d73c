// How long from the producer's send to the frame at the recipient: p50, p99, paced.
//
//   tests/stack with release build/bench-push node tests/bench/push.mjs [EVENTS] [PER_SECOND]
import { bearer, withEars } from "../http/lib/rooms.mjs";
import { stack } from "../http/lib/stack.mjs";
import { sleep } from "../http/lib/wait.mjs";
import { consuming, event, person, producer, tokenOf } from "../signal/lib/signal.mjs";

const EVENTS = Number(process.argv[2] ?? 1000), PER_SECOND = Number(process.argv[3] ?? 50);
await consuming();
const out = await producer();
await withEars(async (open) => {
  const one = person();
  const ear = await open([`signal/notification/${one}`], { url: stack.env.SIGNAL_WS_URL, headers: bearer(tokenOf(one)) });
  const sent = new Map(), took = [];
  ear.socket.on("message", (frame) => {
    const { data } = JSON.parse(frame);
    const at = sent.get(data?.data?.payment?.id);
    if (at !== undefined) took.push(performance.now() - at);
  });
  for (let i = 0; i < EVENTS; i++) {
    sent.set(String(i), performance.now());
    out.send(event({ recipientIds: [one], data: { payment: { id: String(i), subject: "x" } } }));
    await sleep(1000 / PER_SECOND);
  }
  await ear.count(EVENTS);
  took.sort((a, b) => a - b);
  const at = (share) => took[Math.min(took.length - 1, Math.floor(took.length * share))].toFixed(1);
  console.log(`${took.length} frames at ${PER_SECOND}/s: p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, most ${at(1)} ms`);
});
process.exit(0);
