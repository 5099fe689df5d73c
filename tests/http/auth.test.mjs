// Who may read an inquiry: every token but a good one is refused, and the answer never says why.
import assert from "node:assert/strict";
import { createHmac, randomBytes } from "node:crypto";
import { test } from "node:test";

import { assertAccepted, assertProblem, call, inquiry, submit } from "./lib/api.mjs";
import { stack } from "./lib/stack.mjs";
import { base64url, claims, es256, freshKey, now, publicPem, stackKey, stackKid, token } from "./lib/token.mjs";

const key = stackKey();
const kid = stackKid();
const header = (more) => ({ alg: "ES256", kid, typ: "JWT", ...more });
const withHeader = (more) => token({ header: header(more) });
const withClaims = (more) => token({ payload: claims(more) });
const without = (name) => {
  const all = claims();
  delete all[name];
  return token({ payload: all });
};
const hs256 = (secret) => (input) => createHmac("sha256", secret).update(input).digest();
const good = token();
const [head, body, signature] = good.split(".");
const path = `/inquiries/${assertAccepted(await submit(inquiry())).id}`;
const get = (authorization) => call("GET", path, { headers: authorization === undefined ? {} : { Authorization: authorization } });

const GOOD = {
  "one with a role in plain text": good,
  "one of BO_TOKEN": stack.env.BO_TOKEN,
  "no typ": withHeader({ typ: undefined }),
  "typ in lower case": withHeader({ typ: "jwt" }),
  "no kid while there is one key": withHeader({ kid: undefined }),
  "unknown header members": withHeader({ x: 1, cty: "json" }),
  "a numeric userId": withClaims({ userId: 42 }),
  "no iat": without("iat"),
  "iat and nbf within the leeway": withClaims({ iat: now() + 4, nbf: now() + 4 }),
  "exp far away": withClaims({ exp: 4_000_000_000 }),
  "any issuer and audience while none is set": withClaims({ iss: "https://id.example.com", aud: ["x"] }),
  "a role with its priority": withClaims({ roles: ["900_OWNER"] }),
  "a role in lower case": withClaims({ roles: ["cashier"] }),
  "a role of ignis": withClaims({ roles: ["100_employee"] }),
  "a role object": withClaims({ roles: [{ id: "7", identifier: "OWNER", priority: 900 }] }),
  "a role object with its priority": withClaims({ roles: [{ id: "7", identifier: "010_Cashier", priority: 10 }] }),
  "a role of ignis' codec": withClaims({ roles: ["7|900_owner|900"] }),
  "one good role among odd ones": withClaims({ roles: [1, null, {}, [], "", "NOBODY", "OWNER"] }),
};
for (const [name, one] of Object.entries(GOOD)) {
  test(`token_is_accepted: ${name}`, async () => {
    const answer = await get(`Bearer ${one}`);
    assert.equal(answer.status, 200, answer.text);
  });
}

const REFUSED = {
  "none": undefined,
  "an empty header": "",
  "the scheme alone": "Bearer",
  "the scheme and a blank": "Bearer ",
  "scheme in lower case": `bearer ${good}`,
  "scheme in upper case": `BEARER ${good}`,
  "two blanks": `Bearer  ${good}`,
  "a tab": `Bearer\t${good}`,
  "Basic": `Basic ${Buffer.from("a:b").toString("base64")}`,
  "no scheme": good,
  "something behind": `Bearer ${good} x`,
  "two tokens": `Bearer ${good}, Bearer ${good}`,
  "two parts": `Bearer ${head}.${body}`,
  "an empty signature": `Bearer ${head}.${body}.`,
  "four parts": `Bearer ${good}.x`,
  "five parts": `Bearer ${good}.x.y`,
  "dots only": "Bearer ..",
  "words": "Bearer a.b.c",
  "expired": withClaims({ exp: now() - 1 }),
  "expired long ago": withClaims({ exp: 1 }),
  "nbf beyond the leeway": withClaims({ nbf: now() + 30 }),
  "iat beyond the leeway": withClaims({ iat: now() + 30 }),
  "no exp": without("exp"),
  "exp as text": withClaims({ exp: String(now() + 600) }),
  "exp with a fraction": token({ payload: JSON.stringify(claims()).replace(/"exp":\d+/, `"exp":${now() + 600}.5`) }),
  "exp as 1e10": token({ payload: JSON.stringify(claims()).replace(/"exp":\d+/, '"exp":1e10') }),
  "exp null": withClaims({ exp: null }),
  "exp negative": withClaims({ exp: -1 }),
  "exp beyond 64 bits": token({ payload: JSON.stringify(claims()).replace(/"exp":\d+/, '"exp":99999999999999999999') }),
  "exp beyond all microseconds": withClaims({ exp: 9_223_372_036_855 }),
  "nbf as text": withClaims({ nbf: "0" }),
  "no userId": without("userId"),
  "userId empty": withClaims({ userId: "" }),
  "userId null": withClaims({ userId: null }),
  "userId an object": withClaims({ userId: {} }),
  "userId of 10 KiB": withClaims({ userId: "x".repeat(10_000) }),
  "userId of 200 characters": withClaims({ userId: "x".repeat(200) }),
  "sub instead of userId": token({ payload: { sub: "42", roles: ["OWNER"], exp: now() + 600 } }),
  "another key": token({ key: freshKey() }),
  "an unknown kid": withHeader({ kid: "nobody" }),
  "an empty kid": withHeader({ kid: "" }),
  "kid a number": withHeader({ kid: 1 }),
  "kid too long": withHeader({ kid: "k".repeat(129) }),
  "kid with SQL": withHeader({ kid: "' OR 1=1 --" }),
  "kid a path": withHeader({ kid: "../../../../dev/null" }),
  "alg none": token({ header: header({ alg: "none" }), signer: () => "" }),
  "alg none with a signature": token({ header: header({ alg: "none" }) }),
  "alg None": token({ header: header({ alg: "None" }), signer: () => "" }),
  "alg es256": withHeader({ alg: "es256" }),
  "alg ES384": withHeader({ alg: "ES384" }),
  "alg missing": withHeader({ alg: undefined }),
  "alg null": withHeader({ alg: null }),
  "alg a list": withHeader({ alg: ["ES256"] }),
  "HS256 signed with the public PEM": token({ header: header({ alg: "HS256" }), signer: hs256(publicPem(key)) }),
  "HS256 signed with nothing": token({ header: header({ alg: "HS256" }), signer: hs256("") }),
  "ES256 in the header and an HMAC behind": token({ signer: hs256(publicPem(key)) }),
  "crit": withHeader({ crit: ["exp"] }),
  "crit empty": withHeader({ crit: [] }),
  "b64 false": withHeader({ b64: false, crit: ["b64"] }),
  "typ at+jwt": withHeader({ typ: "at+jwt" }),
  "typ a number": withHeader({ typ: 1 }),
  "alg twice": token({ header: `{"alg":"none","kid":"${kid}","alg":"ES256"}` }),
  "a header that is no JSON": token({ header: "ES256" }),
  "a header that is a list": token({ header: "[]" }),
  "its own key in the header": token({ header: header({ jwk: { kty: "EC" }, jku: "http://127.0.0.1/" }), key: freshKey() }),
  "claims that are a list": token({ payload: "[]" }),
  "claims that are text": token({ payload: '"x"' }),
  "claims with a trailing comma": token({ payload: JSON.stringify(claims()).replace(/}$/, ",}") }),
  "claims twice": token({ payload: JSON.stringify(claims()).replace(/}$/, ',"userId":"1"}') }),
  "claims of invalid UTF-8": token({ payload: Buffer.from(JSON.stringify(claims({ n: "\xff" })), "latin1") }),
  "claims behind a byte order mark": token({ payload: `\ufeff${JSON.stringify(claims())}` }),
  "claims changed after signing": `${head}.${base64url(claims({ userId: "1" }))}.${signature}`,
  "a DER signature": token({ signer: (input, k) => es256(input, k, "der") }),
  "a signature of zeros": token({ signer: () => Buffer.alloc(64) }),
  "a signature of 63 bytes": token({ signer: (input, k) => es256(input, k).subarray(0, 63) }),
  "a signature of 65 bytes": token({ signer: (input, k) => Buffer.concat([es256(input, k), Buffer.alloc(1)]) }),
  "r and s exchanged": token({ signer: (input, k) => Buffer.concat([es256(input, k).subarray(32), es256(input, k).subarray(0, 32)]) }),
  "a random signature": token({ signer: () => randomBytes(64) }),
  "a padded signature": `${good}==`,
  "a padded header": `${base64url(header())}=.${body}.${signature}`,
  "standard base64": `${head}.${body}.${signature.replace(/./, "+")}`,
  "an asterisk in the signature": `${head}.${body}.*${signature.slice(1)}`,
  "a line feed escaped": `${good}%0a`,
  "loose last bits": `${head}.${body}.${signature.slice(0, -1)}${String.fromCharCode(signature.charCodeAt(85) + 1)}`,
  "truncated": good.slice(0, -1),
  "truncated to half": good.slice(0, good.length / 2),
  "12 KiB": withClaims({ x: "y".repeat(9_000) }),
};
let bodyOfAll;
for (const [name, one] of Object.entries(REFUSED)) {
  test(`token_is_refused: ${name}`, async () => {
    const isHeader = one === undefined || one === "" || / |^Bearer|\t/.test(one) || name === "no scheme";
    const answer = await get(isHeader ? one : `Bearer ${one}`);
    const { requestId, ...rest } = assertProblem(answer, 401, "Authentication failed. Tried strategies: jwt");
    bodyOfAll ??= rest;
    assert.deepEqual(rest, bodyOfAll, `nothing tells why (${requestId})`);
  });
}

test("a_token_of_32_KiB_is_refused_by_nginx", async () => {
  assertProblem(await get(`Bearer ${"a".repeat(32_000)}`), 431);
});

test("a_token_in_the_query_is_none", async () => {
  assertProblem(await call("GET", `${path}?access_token=${good}`), 401);
});

test("a_good_token_without_a_permitted_role_is_forbidden", async () => {
  const roles = [
    undefined, [], null, "OWNER", {}, ["NOBODY"], ["OWNERS"], ["OWNE"], ["*"], [""], ["900_"], ["90_OWNER"], ["OWNER "], [["OWNER"]], [{ role: "OWNER" }], [{ identifier: "x", name: "OWNER" }],
    ["User_42"], ["x|NOBODY|OWNER"], Array(40).fill("NOBODY"), ["x".repeat(300)],
  ];
  for (const list of roles) {
    const answer = await get(`Bearer ${withClaims({ roles: list })}`);
    assertProblem(answer, 403, "Authorization denied | action: read | resource: Inquiry.findById");
  }
});

test("permission_is_asked_before_existence", async () => {
  for (const id of ["1", "abc"]) {
    assertProblem(await call("GET", `/inquiries/${id}`, { token: withClaims({ roles: [] }) }), 403);
    assertProblem(await call("GET", `/inquiries/${id}`), 401);
  }
});

test("an_accepted_token_expires_while_it_is_cached", async () => {
  const expires = now() + 2;
  const short = withClaims({ exp: expires });
  const statuses = [];
  while (now() < expires + 1) statuses.push((await get(`Bearer ${short}`)).status);
  assert.equal(statuses[0], 200);
  assert.equal(statuses.at(-1), 401);
  assert.deepEqual(statuses, [...statuses].sort(), "never accepted again");
});
