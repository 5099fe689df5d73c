// GET /metrics: one truth for the whole pool, in the format that Prometheus' own tool accepts.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { after, test } from "node:test";

import { assertAccepted, assertProblem, call, inquiry, read, submit } from "./lib/api.mjs";
import { close } from "./lib/db.mjs";
import { stack } from "./lib/stack.mjs";
import { until, within } from "./lib/wait.mjs";

after(close);

const requests = (method, route, status) => stack.metric(`bana_http_request_duration_seconds_count{method="${method}",route="${route}",status="${status}"}`);
const submits = (outcome) => stack.metric(`bana_submits_total{route="/inquiries/submit",outcome="${outcome}"}`);

test("promtool_accepts_the_text", async () => {
  const check = spawn("promtool", ["check", "metrics"], { stdio: ["pipe", "ignore", "pipe"] });
  let told = "";
  check.stderr.on("data", (part) => (told += part));
  check.stdin.end(await stack.exposition());
  const [code] = await once(check, "exit");
  assert.equal(told, "");
  assert.equal(code, 0);
});

test("every_kind_of_sample_is_there", async () => {
  const text = await stack.exposition();
  for (const name of ["build_info", "http_request_duration_seconds_bucket", "http_requests_in_flight", "workers", "worker_busy_seconds_total", "db_statements_total", "db_seconds_total", "token_cache_total",
    "jwks_fetches_total", "submits_total", "announcements_total", "ids_issued_total", "check_ok", "rooms_sockets", "rooms_redis_connected_servers", "worker_resident_bytes_max", "breaker_open", "bridge_leads"])
    assert.match(text, new RegExp(`^bana_${name}(\\{.*\\})? [0-9.e+-]+$`, "m"), name);
  assert.ok((await stack.metric("bana_worker_resident_bytes_max")) > 1 << 20);
  assert.equal(await stack.metric('bana_workers{state="idle"}'), stack.size);
  assert.equal(await stack.metric("bana_rooms_up"), 1);
});

test("requests_are_counted_by_route_and_status_over_all_workers", async () => {
  const rows = [
    [() => submit(inquiry()), "POST", "/inquiries/submit", 201], [() => submit("{"), "POST", "/inquiries/submit", 400], [() => submit({}), "POST", "/inquiries/submit", 422],
    [() => call("GET", "/inquiries/1"), "GET", "/inquiries/{id}", 401], [() => read("1"), "GET", "/inquiries/{id}", 404],
    [() => call("GET", "/nowhere"), "-", "-", 404], [() => call("PUT", "/healthz"), "-", "-", 405],
  ];
  const times = 24;
  for (const [ask, ...labels] of rows) {
    const before = (await requests(...labels)) ?? 0;
    await Promise.all(Array.from({ length: times }, ask));
    assert.equal(await requests(...labels), before + times, labels.join(" "));
  }
});

test("a_histogram_adds_up", async () => {
  assertAccepted(await submit(inquiry()));
  const series = 'method="POST",route="/inquiries/submit",status="201"';
  const all = new Map(await stack.metrics());
  const buckets = [...all].filter(([name]) => name.startsWith(`bana_http_request_duration_seconds_bucket{${series}`)).map(([, value]) => value);
  assert.equal(buckets.length, 15);
  buckets.reduce((last, now) => (assert.ok(now >= last), now));
  assert.equal(buckets.at(-1), all.get(`bana_http_request_duration_seconds_count{${series}}`));
  const mean = all.get(`bana_http_request_duration_seconds_sum{${series}}`) / buckets.at(-1);
  assert.ok(mean > 0.0001 && mean < within(1000) / 1000, `${mean} s`);
});

test("submits_ids_and_statements_are_counted", async () => {
  const names = ["bana_ids_issued_total", 'bana_db_statements_total{outcome="ok"}', 'bana_announcements_total{way="bus",outcome="sent"}', "bana_db_seconds_total", "bana_worker_busy_seconds_total"];
  const of = async () => [await submits("accepted"), await submits("refused"), ...(await Promise.all(names.map((name) => stack.metric(name))))];
  const before = await of();
  for (let i = 0; i < 10; i++) assertAccepted(await submit(inquiry()));
  for (let i = 0; i < 5; i++) await submit("{");
  await until("announced", async () => (await of())[4] >= before[4] + 10);
  const now = await of();
  assert.equal(now[0] - before[0], 10);
  assert.equal(now[1] - before[1], 5);
  assert.ok(now[2] - before[2] >= 10);
  assert.ok(now[3] - before[3] >= 10);
  assert.ok(now[5] > before[5] && now[6] > before[6]);
});

test("counts_outlive_the_workers", async () => {
  for (let i = 0; i < 20; i++) assertAccepted(await submit(inquiry()));
  const [before, starts] = [await submits("accepted"), await stack.metric("bana_worker_starts_total")];
  for (const pid of stack.workers()) process.kill(pid, "SIGKILL");
  await until("the pool is whole", async () => (await stack.metric("bana_worker_starts_total")) === starts + stack.size);
  assert.equal(await submits("accepted"), before);
  await until("all are idle", async () => (await stack.metric('bana_workers{state="idle"}')) === stack.size);
});

test("a_refused_and_a_known_token_are_told_apart", async () => {
  const names = ["bana_tokens_refused_total", 'bana_token_cache_total{outcome="hit"}'];
  const of = () => Promise.all(names.map((name) => stack.metric(name)));
  const before = await of();
  for (let i = 0; i < 3; i++) await call("GET", "/inquiries/1", { token: "a.b.c" });
  for (let i = 0; i < 4 * stack.size; i++) await read("1");
  const now = await of();
  assert.equal(now[0] - before[0], 3);
  assert.ok(now[1] - before[1] >= 3 * stack.size);
});

test("it_is_not_public_unless_a_setting_says_so", async () => {
  for (const base of [stack.origin, stack.env.BASE_URL]) assertProblem(await call("GET", "/metrics", { base }), 404);
  const own = await stack.beside("public", { METRICS_PUBLIC: "on", APP_ENV_NODE_ID: "13" }, { workers: 1 });
  try {
    const answer = await call("GET", "/metrics", { base: own.origin });
    assert.equal(answer.status, 200);
    assert.equal(answer.headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    assert.match(answer.text, /^bana_build_info\{service="outreach",version="[0-9.]+"\} 1$/m);
  } finally {
    await own.remove();
  }
});
