// What a form sends for the abuse gate, made here as the service and ALTCHA's widget make it.
import { createHash, randomBytes, randomInt } from "node:crypto";

import { call, inquiry, submit, unique } from "./api.mjs";
import { hmac, signed } from "./links.mjs";
import { stack } from "./stack.mjs";

// The stamp of a form that was opened so long ago.
export const stampOf = (ageMs = 60_000) => signed(stack.secret, "form stamp", String(Date.now() - ageMs));

const hash = (text) => createHash("sha256").update(text).digest("hex");

// The solution of a challenge, as the widget sends it.
export const payloadOf = ({ algorithm, challenge, salt, signature }, number) => Buffer.from(JSON.stringify({ algorithm, challenge, number, salt, signature })).toString("base64");

// A challenge with its solution; `left` seconds before it expires. Not asked for, so a thousand of them are quick.
export function proofOf({ left = 300, number = 7 } = {}) {
  const salt = `${randomBytes(12).toString("hex")}?expires=${Math.floor(Date.now() / 1000) + left}&`;
  const challenge = hash(salt + number);
  const signature = hmac(hmac(stack.secret, "challenge").toString("hex"), challenge).toString("hex"); // ALTCHA wants a key that is text
  return payloadOf({ algorithm: "SHA-256", challenge, salt, signature }, number);
}

// One that was asked for, solved as the widget does.
export async function solved(base) {
  const one = (await call("GET", "/challenge", { base })).body;
  for (let number = 0; number <= one.maxnumber; number++) {
    if (hash(one.salt + number) === one.challenge) return payloadOf(one, number);
  }
  throw new Error("a challenge without a solution");
}

let last = randomInt(65_536); // those of an earlier run may be counted still
// An address that nobody else has in this run.
export const address = () => `198.18.${(last >> 8) & 255}.${last++ & 255}`;

const AGENT = "Mozilla/5.0 (X11; Linux x86_64) Firefox/145.0";

// What a person sends who was on the page for a minute: nothing is found in it.
export const person = (more = {}) => inquiry({ formStamp: stampOf(), message: `We would like ten more seats, please call ${unique("us")}.`, ...more });

// Submit to a stack that believes X-Forwarded-For.
export const submitFrom = (gated, body, { from = address(), headers, ...more } = {}) =>
  submit(body, { base: gated.env.BASE_URL, headers: { "X-Forwarded-For": from, "User-Agent": AGENT, ...headers }, ...more });
