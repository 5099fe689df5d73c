// Links in mails as docs/interfaces.md says they are made, and what a mailing tool is given.
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";

import { call } from "./api.mjs";
import { OWNER } from "./bo.mjs";

export const hmac = (key, text) => createHmac("sha256", key).update(text).digest();

// 80 bits of HMAC-SHA-256 under a key derived for the purpose.
export const signed = (secret, purpose, snowflake) =>
  `${snowflake}.${hmac(hmac(secret, purpose), snowflake).subarray(0, 10).toString("base64url")}`;

export const PUBLIC_URL = "https://www.example.com/public/outreach";

export const links = (ids, { token = OWNER, base } = {}) => call("GET", `/subscribers/links?ids=${[ids].flat().join(",")}`, { token, base });

// The path below the base path of a link in a mail.
export function pathOf(url) {
  assert.ok(url.startsWith(`${PUBLIC_URL}/`), url);
  return url.slice(PUBLIC_URL.length);
}
