// A real browser on pages of the stack; what it could complain of, and where it went, is collected.
import assert from "node:assert/strict";
import { after, before } from "node:test";

import { chromium } from "playwright-core";

import { stack } from "./stack.mjs";
import { within } from "./wait.mjs";

let browser;
before(async () => {
  const quiet = ["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
  browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox", ...quiet] });
});
after(() => browser?.close());

export async function visit(t, path, options) {
  const page = await browser.newPage({ viewport: { width: 1440, height: 1000 }, ...options });
  t.after(() => page.close());
  page.setDefaultTimeout(within(15_000));
  const seen = { complaints: [], addresses: [] };
  const complain = (what) => seen.complaints.push(what);
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && complain(message.text()));
  page.on("pageerror", (error) => complain(error.message));
  page.on("request", (request) => seen.addresses.push(request.url()));
  page.on("websocket", (socket) => seen.addresses.push(socket.url()));
  page.on("requestfailed", (request) => complain(`${request.url()}: ${request.failure().errorText}`));
  page.on("response", (answer) => answer.status() >= 400 && complain(`${answer.url()}: ${answer.status()}`));
  await page.addInitScript(() => {
    addEventListener("securitypolicyviolation", (event) => console.error(`${event.effectiveDirective} forbids ${event.blockedURI}`));
  });
  await page.goto(stack.env.BASE_URL + path);
  return { page, seen };
}

// Every address was of this host.
export function assertAtHome({ addresses }) {
  assert.ok(addresses.length >= 3, addresses.join());
  assert.deepEqual(addresses.filter((address) => new URL(address).host !== new URL(stack.origin).host), []);
}

export const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'unsafe-inline'; img-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
