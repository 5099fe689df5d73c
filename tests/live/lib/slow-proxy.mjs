// A TCP proxy on loopback that holds everything back for a while, both ways, in order. In a thread of its own, so that
// what it does takes no time from whoever measures.
import { connect, createServer } from "node:net";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";

export class SlowProxy {
  #delayMs = new Int32Array(new SharedArrayBuffer(4));

  static async start(to) {
    const proxy = new SlowProxy();
    proxy.thread = new Worker(new URL(import.meta.url), { workerData: { to, delayMs: proxy.#delayMs } });
    proxy.port = await new Promise((done, failed) => proxy.thread.once("message", done).once("error", failed));
    return proxy;
  }

  // Of each way.
  set delayMs(ms) {
    this.#delayMs[0] = ms;
  }

  stop() {
    return this.thread.terminate();
  }
}

if (!isMainThread && workerData?.delayMs) {
  const { to, delayMs } = workerData;
  const hold = (from, into) => {
    from.on("data", (bytes) => setTimeout(() => into.writable && into.write(bytes), delayMs[0]));
    from.on("close", () => into.destroy()).on("error", () => into.destroy());
  };
  const server = createServer((client) => {
    const other = connect(to, "127.0.0.1");
    hold(client.setNoDelay(), other.setNoDelay());
    hold(other, client);
  });
  server.listen(0, "127.0.0.1", () => parentPort.postMessage(server.address().port));
}
