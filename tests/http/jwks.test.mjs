// The identity service away, slow, wrong or rotating its keys: a stack of our own whose issuer we are.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, test } from "node:test";

import { assertAccepted, assertProblem, call, inquiry, submit } from "./lib/api.mjs";
import { stack } from "./lib/stack.mjs";
import { claims, freshKey, jwk, token } from "./lib/token.mjs";
import { until, within } from "./lib/wait.mjs";

const REFETCH_MS = 300;
const KEY = freshKey();
const NEXT = freshKey();
const of = (key, kid) => token({ key, header: { alg: "ES256", kid, typ: "JWT" }, payload: claims() });
const set = (...keys) => JSON.stringify({ keys });

const issuer = { answer: undefined, fetches: 0, sockets: new Set() };
let own, base, id;

const say = (status, body, type = "application/json") => (_, response) => response.writeHead(status, { "Content-Type": type }).end(body);
const hang = () => {};
const slam = (request) => request.socket.destroy();
const trickle = (_, response) => {
  response.writeHead(200, { "Content-Length": "1000" });
  response.write("{");
};

const read = (bearer) => call("GET", `/inquiries/${id}`, { base, token: bearer });
const statusOf = async (bearer) => (await read(bearer)).status;
const publicWorks = async () => assertAccepted(await submit(inquiry(), { base }));
const timed = async (ask, limitMs) => {
  const begun = performance.now();
  const answer = await ask();
  assert.ok(performance.now() - begun <= within(limitMs), `took ${performance.now() - begun} ms`);
  return answer;
};
// The next unknown kid may ask the issuer.
const gapOver = async () => {
  const from = performance.now();
  await until("the gap between fetches is over", () => performance.now() - from > REFETCH_MS + 50);
};

before(async () => {
  issuer.server = createServer((request, response) => {
    issuer.fetches++;
    issuer.answer(request, response);
  });
  issuer.server.on("connection", (socket) => {
    issuer.sockets.add(socket);
    socket.on("close", () => issuer.sockets.delete(socket));
  });
  await new Promise((listening) => issuer.server.listen(0, "127.0.0.1", listening));
  issuer.answer = slam;
  own = await stack.beside("jwks", {
    APP_ENV_JWKS_URL: `http://127.0.0.1:${issuer.server.address().port}/certs`,
    APP_ENV_JWKS_REFETCH_MS: String(REFETCH_MS),
    APP_ENV_JWKS_TIMEOUT_MS: "500",
    APP_ENV_NODE_ID: "11",
  });
  base = own.env.BASE_URL;
  id = assertAccepted(await submit(inquiry(), { base })).id;
});
after(async () => {
  for (const socket of issuer.sockets) socket.destroy();
  issuer.server.close();
  await own?.remove();
});

test("an_issuer_that_hangs_holds_one_worker_and_not_the_pool", async () => {
  issuer.answer = hang;
  await gapOver();
  const bearers = Array.from({ length: 12 }, (_, i) => () => read(of(KEY, `k${i}`)));
  const submits = Array.from({ length: 4 }, () => () => submit(inquiry(), { base }));
  const answers = await timed(() => Promise.all([...bearers, ...submits].map((ask) => ask())), 1000);
  for (const answer of answers.slice(0, 12)) assertProblem(answer, 503);
  for (const answer of answers.slice(12)) assertAccepted(answer);
});

test("with_the_issuer_away_from_the_start_nothing_opens_and_it_heals", async () => {
  for (const answer of [slam, say(500, "x"), say(404, set(jwk(KEY, "k1"))), say(200, '{"keys":[]}'), hang]) {
    issuer.answer = answer;
    await gapOver();
    await publicWorks();
    for (const bearer of [of(KEY, "k1"), of(NEXT, "k1"), of(KEY, "k2")]) assert.ok([401, 503].includes(await timed(() => statusOf(bearer), 4000)));
    assertProblem(await read("a.b.c"), 401);
  }
  issuer.answer = say(200, set(jwk(KEY, "k1")));
  await until("a token is accepted", async () => (await statusOf(of(KEY, "k1"))) === 200);
  assertProblem(await read(of(NEXT, "k1")), 401);
});

async function storm(tokens) {
  const [before, begun] = [issuer.fetches, performance.now()];
  for (let i = 0; i < tokens; i += 20) {
    const statuses = await Promise.all(Array.from({ length: 20 }, (_, k) => statusOf(of(NEXT, `unknown-${i + k}`))));
    assert.deepEqual(new Set(statuses), new Set([401]));
  }
  const allowed = Math.ceil((performance.now() - begun) / REFETCH_MS) + 1;
  assert.ok(issuer.fetches - before <= allowed, `${issuer.fetches - before} fetches, ${allowed} allowed`);
}

test("600_tokens_of_unknown_kids_are_few_fetches", async () => {
  await until("all workers have the keys", async () => (await Promise.all(Array.from({ length: 12 }, () => statusOf(of(KEY, "k1"))))).every((s) => s === 200));
  await storm(600);
  issuer.answer = say(500, "oops");
  await gapOver();
  await storm(200);
});

test("bad_tokens_of_a_known_kid_are_no_fetch", async () => {
  await gapOver();
  const before = issuer.fetches;
  for (let i = 0; i < 50; i++) assert.equal(await statusOf(of(NEXT, "k1")), 401);
  for (const bad of ["a.b.c", "x", `${of(KEY, "k1")}x`]) assert.equal(await statusOf(bad), 401);
  assert.equal(issuer.fetches, before);
});

const ILL = {
  "hangs": hang,
  "hangs up": slam,
  "trickles": trickle,
  "answers 500": say(500, "oops"),
  "answers 401": say(401, "{}"),
  "redirects": (_, response) => response.writeHead(302, { Location: "http://127.0.0.1:1/" }).end(),
  "answers garbage": say(200, "\x00\xff{{{"),
  "answers nothing": say(200, ""),
  "answers HTML": say(200, "<html>", "text/html"),
  "answers a list": say(200, "[]"),
  "answers no keys": say(200, '{"keys":[]}'),
  "answers keys of other kinds": say(200, set({ kty: "RSA", n: "AQAB", e: "AQAB", kid: "k1" }, { kty: "oct", k: "AA", kid: "k1" }, null, 7)),
  "answers a point off the curve": say(200, set({ ...jwk(KEY, "k1"), y: jwk(NEXT, "x").y })),
  "answers 10 MiB": say(200, set(jwk(KEY, "k1")).padEnd(10 << 20, " ")),
  "answers deep nesting": say(200, "[".repeat(100_000)),
};
for (const [name, answer] of Object.entries(ILL)) {
  test(`known_tokens_stay_good_when_the_issuer_${name.replaceAll(" ", "_")}`, async () => {
    issuer.answer = say(200, set(jwk(KEY, "k1")));
    const known = of(KEY, "k1");
    assert.equal(await statusOf(known), 200);
    issuer.answer = answer;
    await gapOver();
    const before = issuer.fetches;
    // An unknown kid makes one worker ask; meanwhile the others serve what they know.
    const asked = timed(() => statusOf(of(NEXT, "nobody")), 6000);
    for (let i = 0; i < 10; i++) assert.equal(await statusOf(known), 200);
    assert.equal(await asked, 401);
    assert.ok(issuer.fetches > before, "the issuer was asked");
    assert.equal(await statusOf(of(KEY, "k1")), 200, "a token not seen before, of a key we have");
    await publicWorks();
  });
}

test("a_rotated_key_is_taken_and_a_withdrawn_one_dropped", async () => {
  const [old, next] = [of(KEY, "k1"), of(NEXT, "k2")];
  issuer.answer = say(200, set(jwk(KEY, "k1"), jwk(NEXT, "k2")));
  await until("the new key is taken", async () => (await statusOf(next)) === 200);
  for (let i = 0; i < 8; i++) assert.equal(await statusOf(old), 200, "both are good");
  issuer.answer = say(200, set(jwk(NEXT, "k2")));
  await until("the old key is dropped", async () => {
    await statusOf(of(KEY, "nobody")); // makes a worker ask
    return (await statusOf(old)) === 401;
  });
  for (let i = 0; i < 16; i++) {
    assert.equal(await statusOf(old), 401, "in no worker, though it was cached");
    assert.equal(await statusOf(next), 200);
  }
});

test("another_key_under_a_known_kid_is_not_taken_before_the_set_is_old", async () => {
  issuer.answer = say(200, set(jwk(KEY, "k2")));
  await gapOver();
  assert.equal(await statusOf(of(KEY, "k2")), 401);
  assert.equal(await statusOf(of(NEXT, "k2")), 200);
});
