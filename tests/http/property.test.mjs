// Whatever is asked, the answer is never a 5xx and no worker dies: requests made from the OpenAPI document by
// fast-check, good ones and spoilt ones. BANA_SEED repeats a run; BANA_REQUESTS=200000 is a longer one, by hand.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { Agent, request } from "node:http";
import { after, before, test } from "node:test";

import fc from "fast-check";

import { call, inquiry, post } from "./lib/api.mjs";
import { insertSubscribers, nextId } from "./lib/bo.mjs";
import { close } from "./lib/db.mjs";
import { json, texts } from "./lib/generate.mjs";
import { signed } from "./lib/links.mjs";
import { document, operations } from "./lib/openapi.mjs";
import { stack } from "./lib/stack.mjs";
import { slow, within } from "./lib/wait.mjs";

// Webhooks are told of, and nobody sends them: what is made up here must not be asked.
before(async () => {
  await stack.reload({ APP_ENV_OUTREACH_WEBHOOKS: "true" });
  await stack.end("sender", "SIGTERM");
});
after(async () => {
  await stack.reload({ APP_ENV_OUTREACH_WEBHOOKS: "false" });
  await close();
});

const REQUESTS = Number(process.env.BANA_REQUESTS ?? (slow ? 2_000 : 4_000));
const CLIENTS = 16;
const BATCHES = 20; // of one operation, at most
const seed = Number(process.env.BANA_SEED ?? Date.now() % 2 ** 31);
const { BASE_URL, BO_TOKEN } = stack.env;
const { port, pathname } = new URL(BASE_URL);

const resolve = (one) => (one.$ref ? one.$ref.slice(2).split("/").reduce((node, part) => node[part], document) : one);
const oneOf = (...list) => fc.oneof(...list);
const sometimes = (arbitrary) => fc.option(arbitrary, { nil: undefined, freq: 3 });
const ids = oneOf(fc.constantFrom("1", "0", "007", "-1", "9223372036854775807", "9223372036854775808", "1.5", "x", "%00", "%zz", "%ff", "1%2F2", "1 "), texts);
// Lone surrogates have no UTF-8: a Buffer puts U+FFFD in their place.
const escaped = (text) => encodeURIComponent(Buffer.from(text).toString());
const encode = (text) => fc.constantFrom(escaped(text), escaped(text).slice(0, 30));
const query = (parameter) => (parameter.content ? json(parameter.content["application/json"].schema) : oneOf(texts, fc.constantFrom(parameter.example ?? "x", "WyJ4Il0", "e30", "2026-11-20", "Asia/Ho_Chi_Minh", "Mars/Base", "now")));

// The token of a subscriber who is to confirm.
async function confirmToken() {
  const number = nextId();
  const token = signed(stack.secret, "confirm link", number);
  const confirm_token_hash = createHash("sha256").update(token).digest("hex");
  await insertSubscribers([{ status: "103_PENDING", unsubscribe_token: number, confirm_token_hash, confirm_expires_at: "2100-01-01T00:00:00Z" }]);
  return token;
}

// An endpoint, or a delivery to it.
async function webhookOr(path) {
  const { data } = (await post("/webhooks", JSON.stringify({ url: "https://hooks.example.com/x" }), { token: BO_TOKEN })).body;
  if (path.startsWith("/webhooks")) return data.id;
  await post(`/webhooks/${data.id}/test`, "{}", { token: BO_TOKEN });
  const filter = encodeURIComponent(JSON.stringify({ where: { webhookId: data.id } }));
  return (await call("GET", `/webhook-deliveries?filter=${filter}`, { token: BO_TOKEN })).body.data[0].id;
}

// A new row for a path to name: what fills its {id}, {email} or {token}.
async function rowFor(path) {
  if (path.includes("/confirm/")) return confirmToken();
  if (path.startsWith("/webhook")) return webhookOr(path);
  const to = path.startsWith("/subscribers") ? "/subscribers" : "/inquiries";
  const fields = inquiry();
  const body = to === "/inquiries" ? fields : { email: fields.email };
  const { data } = (await post(to, JSON.stringify(body), { token: BO_TOKEN })).body;
  return path.includes("{email}") ? data.email : data.id;
}

// One request to an operation; `row` is there.
const requestOf = ({ verb, path, operation }, row) => {
  const parameters = operation.parameters.map(resolve);
  const asked = parameters.filter((one) => one.in === "query");
  const headers = parameters.filter((one) => one.in === "header");
  const body = operation.requestBody?.content["application/json"].schema;
  return fc
    .record({
      id: fc.oneof({ weight: 2, arbitrary: fc.constant(row) }, { weight: 3, arbitrary: ids.chain(encode) }),
      query: fc.tuple(...asked.map((one) => sometimes(query(one).chain(encode).map((text) => `${one.name}=${text}`)))),
      headers: fc.tuple(...headers.map((one) => sometimes(oneOf(texts, fc.constantFrom('"v1"', "*", "W/\"v1\"", "count=none", "count=exact", "false", "0", ",", '"v1", "v2"')).map((text) => [one.name, text])))),
      type: fc.oneof({ weight: 9, arbitrary: fc.constant("application/json") }, { weight: 1, arbitrary: fc.constantFrom("text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin1", "") }),
      body: body ? json(body) : fc.constant(undefined),
    })
    .map((made) => {
      const all = made.query.filter(Boolean).join("&");
      const target = pathname + path.replace(/\{\w+\}/g, made.id || "x") + (all ? `?${all}` : "");
      const sent = Object.fromEntries(made.headers.filter((one) => one && !/[^\t\x20-\x7e]/.test(one[1])));
      if (made.body !== undefined) sent["Content-Type"] = made.type;
      return { verb, target: target.slice(0, 8000), headers: { ...sent, Authorization: `Bearer ${BO_TOKEN}` }, body: made.body === undefined ? undefined : Buffer.from(made.body) };
    });
};

const agent = new Agent({ keepAlive: true, maxSockets: CLIENTS });
const send = ({ verb, target, headers, body }) =>
  new Promise((done) => {
    const asked = request({ port, host: "127.0.0.1", path: target, method: verb, headers: body === undefined ? headers : { ...headers, "Content-Length": body.length }, agent, timeout: within(20_000) }, (answer) => {
      answer.resume().on("end", () => done(answer.statusCode)).on("error", (error) => done(String(error)));
    });
    asked.on("timeout", () => asked.destroy(new Error("no answer in time")));
    asked.on("error", (error) => done(String(error)));
    asked.end(body);
  });

// A socket's handshake has its own suites, and the document is large.
const probed = operations.filter(({ path }) => !["/ws", "/doc/openapi.json"].includes(path));

test("no_generated_request_gets_a_5xx_or_costs_a_worker", async (t) => {
  t.diagnostic(`BANA_SEED=${seed}`);
  const before = stack.workers().sort();
  const each = Math.ceil(REQUESTS / probed.length);
  const statuses = {};
  const good = new Set(); // operations that did what was asked
  const wrong = [];
  let sent = 0;
  for (const [index, operation] of probed.entries()) {
    const name = operation.operation.operationId;
    const made = requestOf(operation, await rowFor(operation.path));
    const some = async (batch) => {
      const all = fc.sample(made, { numRuns: each, seed: seed + index + batch * probed.length });
      const client = async () => {
        for (let one; (one = all.pop()); ) {
          const status = await send(one);
          sent++;
          statuses[status] = (statuses[status] ?? 0) + 1;
          if (status < 300) good.add(name);
          if (!(status >= 200 && status < 500)) wrong.push(`${status}: ${one.verb} ${one.target} ${JSON.stringify(one.headers["If-Match"])} ${one.body ?? ""}`);
        }
      };
      await Promise.all(Array.from({ length: CLIENTS }, client));
    };
    await some(0);
    // What seldom succeeds is asked again: that it can is the claim, not how often.
    for (let batch = 1; !good.has(name) && batch < BATCHES; batch++) await some(batch);
  }
  agent.destroy();
  t.diagnostic(`${sent} requests: ${JSON.stringify(statuses)}`);
  assert.deepEqual(wrong.slice(0, 5), [], `BANA_SEED=${seed}`);
  assert.ok(sent >= REQUESTS);
  for (const status of [200, 400, 404, 409, 415, 422]) assert.ok(statuses[status] > 0, `${status} never came: the requests are too tame`);
  const never = probed.map(({ operation }) => operation.operationId).filter((name) => !good.has(name));
  assert.deepEqual(never, [], "every operation succeeded at times");
  assert.deepEqual(stack.workers().sort(), before, "no worker died");
});
