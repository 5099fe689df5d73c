// After all the others: no log holds a secret or what a visitor wrote, also where something went wrong.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, test } from "node:test";

import { assertAccepted, call, inquiry, post, submit, unique } from "./lib/api.mjs";
import { close, subscriberRow } from "./lib/db.mjs";
import { signed } from "./lib/links.mjs";
import { exchange, requestText } from "./lib/raw.mjs";
import { eventStream, INQUIRIES, webSocket } from "./lib/rooms.mjs";
import { stack } from "./lib/stack.mjs";
import { claims, stackKey, token } from "./lib/token.mjs";
import { until } from "./lib/wait.mjs";

after(close);

const { BO_TOKEN, REDIS_URL, SIGNING_KEY, BASE_URL } = stack.env;
const PATH = new URL(BASE_URL).pathname;
const word = (what) => unique(`sec${what}`);
const planted = {}; // what -> text that no log may hold

// What staff says: filters, bodies, cursors, addresses in paths, headers.
async function staff(text) {
  const ask = (method, path, more = {}) => call(method, path, { token: BO_TOKEN, ...more });
  const json = (body) => ({ body: JSON.stringify(body), headers: { "Content-Type": "application/json", "If-Match": `"${text("match")}"` } });
  const filter = (value) => `filter=${encodeURIComponent(JSON.stringify(value))}`;
  const address = (what) => `${text(what)}@example.com`;
  await ask("GET", `/inquiries?${filter({ where: { email: address("found"), subject: { ilike: `%${text("like")}%` } } })}`);
  await ask("GET", `/inquiries?${filter({ where: { [text("column")]: 1, email: { [text("operator")]: 1 } }, order: [text("order")] })}`);
  await ask("GET", `/inquiries?${filter(text("nofilter"))}&cursor=${text("cursor")}`);
  await ask("GET", `/inquiries/export.csv?${filter({ where: { email: address("exported") } })}`);
  const { data } = (await ask("POST", "/inquiries", json(inquiry({ email: address("made"), phone: text("madephone") })))).body;
  await ask("PATCH", `/inquiries/${data.id}`, json({ lastName: text("patched"), status: text("nostatus") }));
  await ask("PATCH", `/inquiries/${data.id}`, { ...json({ lastName: text("renamed"), metadata: { a: text("member") } }), headers: { "Content-Type": "application/json" } });
  await ask("POST", "/inquiries/bulk", json({ ids: [text("bulkid")], patch: { message: text("bulkmessage") } }));
  for (const method of ["GET", "DELETE"]) for (const who of [address("subject"), data.email]) await ask(method, `/privacy/subjects/${encodeURIComponent(who)}`);
  for (const path of ["/audit-logs", `/inquiries/${data.id}/timeline`]) await ask("GET", path);
}

// Say it wherever a client can, in good requests and in bad ones.
async function provoke() {
  const text = (what) => (planted[what] = word(what));
  const person = () => inquiry({ firstName: text("first"), lastName: text("last"), email: `${text("mail")}@example.com`, phone: text("phone"), message: text("message"), subject: text("subject") });
  assertAccepted(await submit(person()));
  await submit(JSON.stringify({ ...person(), [text("key")]: 1, status: text("status") }));
  await submit(`{"message":"${text("broken")}`);
  await submit(Buffer.from(`{"message":"${text("utf8")}\xff"}`, "latin1"));
  await submit(`${text("pad")}${"x".repeat(200_000)}`);
  await submit(text("type"), { type: `text/${text("media")}` });
  await call("POST", `/inquiries/submit?email=${text("query")}`, {});
  await call("GET", `/nope/${text("path")}@example.com?token=${text("token")}`);
  await call("GET", `/${encodeURIComponent(`${text("escaped")}@example.com`)}`);
  await call("GET", `/inquiries/1?access_token=${text("atoken")}`);
  await call("GET", `/inquiries/${text("id")}@x`, { token: BO_TOKEN });
  await call("GET", "/inquiries/1", { token: (planted.jwt = token({ payload: claims({ userId: text("user"), roles: [text("role")] }) })) });
  await call("GET", "/inquiries/1", { headers: { Authorization: `Basic ${text("basic")}`, Cookie: `s=${text("cookie")}`, "User-Agent": text("agent"), Referer: `http://${text("referer")}/` } });
  await call("GET", "/healthz", { headers: { "X-Request-Id": `${text("requestid")} ${"x".repeat(300)}`, "X-Forwarded-For": "203.0.113.77" } });
  for (const kind of [webSocket, eventStream]) {
    for (const access of [BO_TOKEN, (planted.wsjwt = token({ payload: claims({ userId: text("wsuser"), roles: [] }) })), text("ws")])
      (await kind([INQUIRIES], { headers: {}, query: { access_token: access, clientId: text("client") } })).close?.();
    (await kind([INQUIRIES], { headers: {}, query: { access_token: BO_TOKEN } })).close();
    (await kind([text("room")], { headers: {}, query: { access_token: BO_TOKEN, last_event_id: text("event") } })).close?.();
    (await kind([INQUIRIES], { headers: { Origin: `https://${text("origin")}.example` }, query: { access_token: BO_TOKEN } })).close?.();
  }
  await staff(text);
  const email = `${text("sub")}@example.com`;
  await post("/subscribers/subscribe", JSON.stringify({ email, firstName: text("subfirst") }));
  planted.unsubscribe = (await subscriberRow(email)).unsubscribe_token;
  await call("GET", `/subscribers/unsubscribe/${planted.unsubscribe}`);
  await call("GET", `//subscribers/unsubscribe/${planted.unsubscribe}`);
  await call("POST", `/subscribers/unsubscribe/${planted.unsubscribe}.${"A".repeat(14)}`);
  planted.confirm = signed(stack.secret, "confirm link", planted.unsubscribe);
  for (const path of ["/subscribers", "//subscribers"]) for (const verb of ["GET", "POST"]) await call(verb, `${path}/confirm/${planted.confirm}`);
  await post("/subscribers/unsubscribe", JSON.stringify({ token: planted.unsubscribe, reason: text("reason") }));
  const raw = (line, headers = []) => exchange(requestText(line, ["Host: a.example", ...headers]));
  await raw(`GET ${PATH}/ws?access_token=${text("raw")}\0 HTTP/1.1`);
  await raw(`GET ${PATH}/ws?access_token=${text("long")}${"x".repeat(20_000)} HTTP/1.1`);
  await raw(`GET ${PATH}/ws?access_token=${text("huge")} HTTP/1.1`, [`X-A: ${text("header")}${"x".repeat(20_000)}`]);
  await raw(`${text("verb")} ${PATH}/ws?access_token=${text("rawverb")} HTTP/1.1`);
  await raw(`GET http://${text("user")}:${text("password")}@a.example${PATH}/${text("absolute")} HTTP/1.1`);
  await exchange(`GET ${PATH}/ws?access_token=${text("cut")}`, { answers: 0, finish: true });
}

const logs = () => stack.logNames().map((name) => [name, stack.log(name)]);

test("no_log_holds_a_secret_or_personal_data", async () => {
  await provoke();
  const last = word("last-request");
  await call("GET", "/healthz", { headers: { "X-Request-Id": last } });
  await webSocket([INQUIRIES], { headers: { "X-Request-Id": last } });
  for (const name of ["edge.access.log", "rooms.access.log", "outreach.log"]) await until(`${name} is written`, () => stack.log(name).includes(last));

  const settings = readFileSync(`${stack.dir}/settings`, "utf8");
  const secrets = {
    ...planted,
    "the BO token": BO_TOKEN,
    "the BO token's signature": BO_TOKEN.split(".")[2],
    "the signing key": stackKey().export({ format: "jwk" }).d,
    "the signing key's PEM": readFileSync(SIGNING_KEY, "utf8").split("\n")[1],
    "the HMAC secret": stack.secret,
    "the Redis password": new URL(REDIS_URL).password,
    "a client address": "203.0.113.77",
    "any e-mail address": "@example.com",
    "any bearer token": "Bearer ",
    "any access token": "access_token",
  };
  assert.ok(settings.includes(secrets["the HMAC secret"]) && settings.includes(secrets["the Redis password"]), "we look for the right ones");
  assert.ok(Object.keys(secrets).length > 50);
  const found = [];
  for (const [name, log] of logs()) {
    for (const [what, text] of Object.entries(secrets)) {
      const at = log.indexOf(text);
      if (at >= 0) found.push(`${name}: ${what}: ${log.slice(Math.max(0, at - 150), at + 150)}`);
    }
  }
  assert.deepEqual(found, []);
});

test("no_request_of_any_suite_was_an_internal_error", () => {
  const lines = stack.log("outreach.log").split("\n").filter((line) => / (level=error|status=500) ?/.test(line));
  assert.deepEqual(lines, []);
  const access = ["edge.access.log", "rooms.access.log"].flatMap((name) => stack.log(name).split("\n").filter(Boolean).map((line) => JSON.parse(line)));
  assert.deepEqual(access.filter(({ status }) => status === 500), []);
});

test("no_process_died_but_those_that_a_test_killed", () => {
  for (const name of ["edge.error.log", "rooms.error.log"]) {
    const deaths = stack.log(name).split("\n").filter((line) => /exited on signal (?!9)/.test(line));
    assert.deepEqual(deaths, []);
  }
  assert.deepEqual(stack.logNames().filter((name) => /^(a|ub|l)san\./.test(name)), []);
});

test("every_line_of_the_service_log_is_key_value_with_a_request_id", () => {
  const lines = stack.log("outreach.log").split("\n").filter((line) => line.startsWith("ts="));
  assert.ok(lines.length > 50);
  for (const line of lines) assert.match(line, /^ts=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z level=(debug|info|warn|error) service=outreach requestId="?[A-Za-z0-9_=-]+"? msg=/);
});

test("no_secret_is_in_a_command_line", () => {
  const pids = [...["edge", "rooms", "pool", "signal", "consumer", "postgres", "redis"].filter((part) => stack.pid(part) > 0).flatMap((part) => [stack.pid(part), ...stack.children(part)])];
  for (const pid of pids) {
    const line = readFileSync(`/proc/${pid}/cmdline`, "latin1");
    for (const secret of [stack.secret, new URL(REDIS_URL).password]) assert.ok(!line.includes(secret), line);
  }
});
