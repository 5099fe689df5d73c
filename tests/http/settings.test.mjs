// What settings change: a stack of our own with other ones.
import assert from "node:assert/strict";
import { createCipheriv, createHmac, randomBytes } from "node:crypto";
import { after, before, test } from "node:test";

import { assertAccepted, assertProblem, call, inquiry, post, submit, unique } from "./lib/api.mjs";
import { close, subscriberRow } from "./lib/db.mjs";
import { bearer, INQUIRIES, webSocket } from "./lib/rooms.mjs";
import { stack } from "./lib/stack.mjs";
import { claims, now, stackKey, token } from "./lib/token.mjs";

const SETTINGS = {
  APP_ENV_NODE_ID: "12",
  APP_ENV_OUTREACH_BARE_TOKENS: "false",
  APP_ENV_JWT_ISSUER: "https://id.example.com",
  APP_ENV_JWT_AUDIENCE: "outreach",
  APP_ENV_CORS_ORIGINS: "*",
  APP_ENV_ERROR_ROOT_KEY: "error",
  APP_ENV_WEBSOCKET_ORIGINS: "https://bo.example.com",
  APP_ENV_WEBSOCKET_ROOMS_MAX: "2",
  APP_ENV_BODY_BYTES_MAX: "2048",
  APP_ENV_JWKS_URL: `file://${stack.dir}/jwks.json`,
};
const SECRET = "an application secret";
let own, base, id;

before(async () => {
  own = await stack.beside("settings", SETTINGS, { workers: 2 });
  base = own.env.BASE_URL;
  id = assertAccepted(await submit(inquiry(), { base })).id;
});
after(async () => {
  await close();
  await own?.remove();
});
const read = (payload) => call("GET", `/inquiries/${id}`, { base, token: token({ payload, key: stackKey() }) });
const ours = { iss: "https://id.example.com", aud: "outreach" };

test("issuer_and_audience_are_checked_when_set", async () => {
  for (const aud of ["outreach", ["outreach"], ["a", "outreach"]]) assert.equal((await read(claims({ ...ours, aud }))).status, 200);
  const wrong = [
    {}, { iss: ours.iss }, { aud: ours.aud }, { ...ours, iss: "https://id.example.com/" }, { ...ours, iss: ["https://id.example.com"] }, { ...ours, aud: "signal" }, { ...ours, aud: [] },
    { ...ours, aud: ["outreac", "outreachx"] }, { ...ours, aud: { outreach: 1 } }, { ...ours, aud: null },
  ];
  for (const more of wrong) assert.equal((await read(claims(more))).status, 401, JSON.stringify(more));
});

test("errors_are_nested_under_the_root_key_but_for_404_and_422", async () => {
  for (const [answer, status] of [[await submit("{", { base }), 400], [await call("GET", `/inquiries/${id}`, { base }), 401], [await call("PUT", "/healthz", { base }), 405]]) {
    assert.deepEqual(Object.keys(answer.body), ["error"]);
    assertProblem({ ...answer, body: answer.body.error }, status);
  }
  assertProblem(await submit("{}", { base }), 422);
  assertProblem(await call("GET", "/nope", { base }), 404);
});

test("a_smaller_body_limit_is_kept_by_the_workers", async () => {
  const body = JSON.stringify(inquiry());
  assertAccepted(await submit(body.padEnd(2048), { base }));
  const answer = await submit(body.padEnd(2049), { base });
  assert.equal(answer.status, 413);
  assert.equal(answer.body.error.type, "urn:bana:problem:too-large");
});

test("any_origin_may_call_when_all_are_allowed", async () => {
  const answer = await submit(inquiry(), { base, headers: { Origin: "https://any.example" } });
  assert.equal(answer.headers.get("access-control-allow-origin"), "*");
  assert.equal(answer.headers.get("access-control-allow-credentials"), null);
});

test("rooms_follow_their_settings", async () => {
  const good = bearer(token({ payload: claims(ours) }));
  const open = (rooms, headers) => webSocket(rooms, { headers, url: own.env.WS_URL });
  const ear = await open([INQUIRIES, `${INQUIRIES}/${id}`], { ...good, Origin: "https://bo.example.com" });
  assert.ok(ear.close, ear.text);
  ear.close();
  assert.equal((await open([INQUIRIES], { ...good, Origin: new URL(base).origin })).status, 403);
  assert.equal((await open([INQUIRIES, INQUIRIES, INQUIRIES], good)).status, 422);
  assert.equal((await open([INQUIRIES], bearer())).status, 401);
});

test("a_bare_unsubscribe_token_does_nothing_when_only_signed_ones_count", async () => {
  const email = `${unique("bare")}@example.com`;
  assert.equal((await post("/subscribers/subscribe", JSON.stringify({ email }), { base })).status, 200);
  const { unsubscribe_token: bare } = await subscriberRow(email);
  const hmac = (key, text) => createHmac("sha256", key).update(text).digest();
  const signed = `${bare}.${hmac(hmac(own.secret, "unsubscribe link"), bare).subarray(0, 10).toString("base64url")}`;
  const unsubscribe = (value) => post("/subscribers/unsubscribe", JSON.stringify({ token: value }), { base });
  for (const [value, status] of [[bare, "201_ACTIVATED"], [signed, "401_DEACTIVATED"]]) {
    const answer = await unsubscribe(value);
    assert.deepEqual([answer.status, answer.text], [200, '{"count":1,"data":{"status":"accepted"}}']);
    assert.equal((await subscriberRow(email)).status, status);
  }
});

// ignis seals the name and the value of every claim that is not registered.
const keyBytes = Buffer.from(SECRET.slice(0, 32).padEnd(32, "0"));
const seal = (text) => {
  const iv = randomBytes(16);
  const cipher = createCipheriv("aes-256-cbc", keyBytes, iv);
  return Buffer.concat([iv, cipher.update(text), cipher.final()]).toString("base64");
};
const sealed = (all) => Object.fromEntries(Object.entries(all).map(([name, value]) => [seal(name), seal(JSON.stringify(value))]));

test("sealed_claims_are_opened_and_plain_ones_refused_when_there_is_a_secret", async () => {
  await stack.beside("settings", { ...SETTINGS, APP_ENV_APPLICATION_SECRET: SECRET }, { workers: 2 });
  const exp = now() + 600;
  assert.equal((await read({ ...sealed({ userId: "7", roles: ["OWNER"] }), ...ours, exp })).status, 200);
  assert.equal((await read({ ...sealed({ userId: "7", roles: ["7|900_owner|900"], principalType: "User" }), ...ours, exp })).status, 200);
  assert.equal((await read({ ...sealed({ userId: "7", roles: [] }), ...ours, exp })).status, 403);
  const refused = [
    claims(ours), { ...sealed({ roles: ["OWNER"] }), ...ours, exp }, { ...sealed({ userId: "7" }), userId: "1", ...ours, exp }, { [seal("userId")]: "x", ...ours, exp },
    { [seal("userId")]: seal("not JSON"), ...ours, exp }, { [seal("userId").slice(0, -4)]: seal('"7"'), ...ours, exp }, { ...sealed({ userId: "7", exp: 1 }), ...ours },
  ];
  for (const payload of refused) assert.equal((await read(payload)).status, 401, JSON.stringify(payload));
});

test("with_limits_on_writes_tries_and_sockets_are_429_with_retry_after", async () => {
  const limits = { RATE_LIMIT: "on", WRITE_RATE: "10r/m", WRITE_BURST: "5", TOKEN_RATE: "1r/m", TOKEN_BURST: "2", HANDSHAKE_RATE: "1r/s", HANDSHAKE_BURST: "100", ADDRESS_SOCKETS: "3" };
  await stack.beside("settings", { ...SETTINGS, ...limits }, { workers: 2 });
  const statuses = async (count, ask) => {
    const answers = [];
    for (let i = 0; i < count; i++) answers.push(await ask());
    for (const answer of answers.filter(({ status }) => status === 429)) assertProblem(answer, 429);
    return answers.map(({ status }) => status);
  };
  assert.deepEqual(await statuses(8, () => submit(inquiry(), { base })), [201, 201, 201, 201, 201, 201, 429, 429]);
  assert.deepEqual(await statuses(5, () => call("GET", "/subscribers/unsubscribe/1", { base })), [200, 200, 200, 429, 429]);
  assert.deepEqual(await statuses(3, () => call("POST", "/subscribers/unsubscribe/1", { base })), [429, 429, 429]);
  for (const verb of ["GET", "POST"]) assertProblem(await call(verb, "/subscribers/confirm/1.AAAAAAAAAAAAAA", { base }), 429);
  assert.deepEqual(await statuses(30, () => call("GET", "/healthz", { base })), Array(30).fill(200));
  const good = bearer(token({ payload: claims(ours) }));
  const ears = [];
  for (let i = 0; i < 3; i++) ears.push(await webSocket([INQUIRIES], { headers: good, url: own.env.WS_URL }));
  assertProblem(await webSocket([INQUIRIES], { headers: good, url: own.env.WS_URL }), 429);
  for (const ear of ears) ear.close();
});
