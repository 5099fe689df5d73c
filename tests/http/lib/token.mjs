// Tokens as the identity service makes them, and as an attacker would.
import { createPrivateKey, createPublicKey, generateKeyPairSync, sign } from "node:crypto";
import { readFileSync } from "node:fs";

import { stack } from "./stack.mjs";

export const now = () => Math.floor(Date.now() / 1000);

export const base64url = (value) =>
  Buffer.from(Buffer.isBuffer(value) || typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");

export const stackKey = () => createPrivateKey(readFileSync(stack.env.SIGNING_KEY));
export const freshKey = () => generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
export const publicPem = (key) => createPublicKey(key).export({ type: "spki", format: "pem" });
export const jwk = (key, kid) => ({ ...createPublicKey(key).export({ format: "jwk" }), kid, alg: "ES256", use: "sig" });

// The kid under which the stack's own key is published.
export const stackKid = () => JSON.parse(readFileSync(`${stack.dir}/jwks.json`, "utf8")).keys[0].kid;

export const claims = (more = {}) => ({ userId: "42", roles: ["OWNER"], iat: now(), exp: now() + 600, ...more });

export const es256 = (input, key, dsaEncoding = "ieee-p1363") => sign("sha256", Buffer.from(input), { key, dsaEncoding });

// `header` and `payload` may be objects or the very text.
export function token({ header, payload = claims(), key = stackKey(), signer = es256 } = {}) {
  const head = header ?? { alg: "ES256", kid: stackKid(), typ: "JWT" };
  const input = `${base64url(head)}.${base64url(payload)}`;
  return `${input}.${base64url(signer(input, key))}`;
}
