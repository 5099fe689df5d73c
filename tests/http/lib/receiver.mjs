// An endpoint of webhooks: keeps what comes, checks signatures with the reference library, answers as it is told.
import { once } from "node:events";
import { createServer } from "node:http";

import { Webhook } from "standardwebhooks";

import { until } from "./wait.mjs";

export class Receiver {
  got = []; // { id, headers, text, body, at }
  connections = 0;
  answer = () => 204; // status, or [status, headers, body], or a promise of one

  static async start() {
    const receiver = new Receiver();
    receiver.server = createServer(async (request, response) => {
      const pieces = [];
      for await (const piece of request) pieces.push(piece);
      const text = Buffer.concat(pieces).toString();
      const one = { id: request.headers["webhook-id"], headers: request.headers, method: request.method, url: request.url, text, body: JSON.parse(text), at: Date.now() };
      receiver.got.push(one);
      const [status, headers, body] = [await receiver.answer(one)].flat();
      if (!response.destroyed) response.writeHead(status, headers).end(body);
    }).on("connection", () => receiver.connections++);
    receiver.server.listen(0, "127.0.0.1");
    await once(receiver.server, "listening");
    return receiver;
  }

  get port() {
    return this.server.address().port;
  }

  get url() {
    return `http://127.0.0.1:${this.port}/hook`;
  }

  // Those about an inquiry.
  of(inquiryId) {
    return this.got.filter(({ body }) => body.data.id === inquiryId);
  }

  // Wait for as many of them.
  async about(inquiryId, count = 1) {
    await until(`${count} about ${inquiryId}`, () => this.of(inquiryId).length >= count, 15_000);
    return this.of(inquiryId);
  }

  async close() {
    this.server.closeAllConnections();
    await new Promise((done) => this.server.close(done));
  }
}

// Throws when the signature is not of that secret, or too old.
export const verify = (secret, { text, headers }) => new Webhook(secret).verify(text, headers);

export const verifies = (secret, one) => {
  try {
    verify(secret, one);
    return true;
  } catch {
    return false;
  }
};
