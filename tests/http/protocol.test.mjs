// HTTP around the submit: verbs, media types, sizes, request id, envelope, reading back, CORS, probes.
import assert from "node:assert/strict";
import { after, test } from "node:test";

import { assertAccepted, assertProblem, call, inquiry, post, read, submit, submitForm } from "./lib/api.mjs";
import { close, inquiryRow } from "./lib/db.mjs";
import { stack } from "./lib/stack.mjs";

after(close);
const BASE_PATH = new URL(stack.env.BASE_URL).pathname;

test("an_acknowledged_submit_can_be_read_at_its_location", async () => {
  const sent = inquiry({ type: "300_SUPPORT", subject: "S", metadata: { a: 1 }, pageUrl: "https://www.example.com/x?y=1" });
  const answer = await submit(sent, { headers: { "User-Agent": "test/1.0" } });
  const data = assertAccepted(answer);
  assert.equal(answer.headers.get("location"), `${BASE_PATH}/inquiries/${data.id}`);
  const got = await call("GET", answer.headers.get("location"), { base: stack.origin, token: stack.env.BO_TOKEN });
  assert.equal(got.status, 200, got.text);
  assert.equal(got.body.count, 1);
  const { id, status, createdAt, ...rest } = got.body.data;
  assert.deepEqual([id, status, createdAt], [data.id, "100_NEW", data.createdAt]);
  assert.deepEqual(Object.fromEntries(Object.keys(sent).map((name) => [name, rest[name]])), sent);
  assert.deepEqual([rest.lastName, rest.quarantinedAt, rest.handledAt, rest.createdBy], [null, null, null, null]);
  assert.deepEqual([rest.spamScore, rest.spamReasons], [10, ["stamp_missing"]]);
  for (const hidden of ["deletedAt", "ipHash", "userAgent", "contentHash"]) assert.ok(!(hidden in rest), hidden);
  const row = await inquiryRow(id);
  assert.equal(row.user_agent, "test/1.0");
  assert.match(row.ip_hash, /^[0-9a-f]{64}$/);
  assert.match(row.content_hash, /^[0-9a-f]{64}$/);
});

test("a_missing_or_odd_id_is_not_found", async () => {
  const odd = ["1", "9223372036854775807", "9223372036854775808", "0", "-1", "01", "1e3", "abc", "1.0", "%31a", "NaN", "1%20", "1%2f2", "%E2%82%AC"];
  for (const id of odd) assertProblem(await read(id), 404);
  for (const id of ["%00", "1%00", "%ff", "%ED%A0%80", "1%"]) assertProblem(await read(id), 400);
});

test("the_envelope_follows_x_request_count", async () => {
  const id = assertAccepted(await submit(inquiry())).id;
  for (const [wish, bare] of [["false", true], ["0", true], ["", true], ["true", false], ["1", false], ["FALSE", false], [undefined, false]]) {
    const headers = wish === undefined ? {} : { "x-request-count": wish };
    for (const answer of [await submit(inquiry(), { headers }), await read(id, { headers })]) {
      assert.deepEqual(Object.keys(answer.body).slice(0, 2), bare ? ["id", answer.status === 201 ? "type" : "createdAt"] : ["count", "data"], `wish ${wish}`);
      assert.equal(answer.headers.get("x-response-count"), "1");
      assert.equal(answer.headers.get("x-response-format"), "object");
    }
  }
});

test("a_good_request_id_is_kept_and_a_bad_one_replaced", async () => {
  for (const id of ["a", "A-b_c=9", "x".repeat(255), "00000000-0000-4000-8000-000000000000"]) {
    assert.equal((await submit(inquiry(), { headers: { "X-Request-Id": id } })).headers.get("x-request-id"), id);
    assert.equal(assertProblem(await submit("{", { headers: { "X-Request-Id": id } }), 400).requestId, id);
  }
  const seen = new Set();
  for (const id of [undefined, "", "x".repeat(256), "a b", "a.b", "a/b", "a:b", "a\tb", "é", '"', "a,b", "<b>"]) {
    const headers = id === undefined ? {} : { "X-Request-Id": id };
    const got = assertProblem(await submit("{", { headers }), 400).requestId;
    assert.match(got, /^[A-Za-z0-9_=-]{32,36}$/);
    seen.add(got);
  }
  assert.equal(seen.size, 12, "each one new");
});

const ROUTES = [
  ["/inquiries/submit", "POST, OPTIONS"],
  ["/inquiries", "GET, HEAD, POST, PATCH, DELETE, OPTIONS"],
  ["/inquiries/count", "GET, HEAD, OPTIONS"],
  ["/inquiries/1", "GET, HEAD, PATCH, DELETE, OPTIONS"],
  ["/inquiries/1/restore", "POST, OPTIONS"],
  ["/subscribers/subscribe", "POST, OPTIONS"],
  ["/subscribers/unsubscribe", "POST, OPTIONS"],
  ["/subscribers/unsubscribe/1", "GET, HEAD, POST, OPTIONS"],
  ["/healthz", "GET, HEAD, OPTIONS"],
  ["/readyz", "GET, HEAD, OPTIONS"],
];
for (const [path, allow] of ROUTES) {
  test(`other_verbs_are_405_with_allow: ${path}`, async () => {
    for (const verb of ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "PROPFIND", "X-Y"]) {
      if (allow.split(", ").includes(verb)) continue;
      const answer = await call(verb, path);
      assert.equal(answer.headers.get("allow"), allow, verb);
      if (verb === "HEAD") assert.deepEqual([answer.status, answer.text], [405, ""]);
      else assertProblem(answer, 405);
    }
    const options = await call("OPTIONS", path);
    assert.deepEqual([options.status, options.headers.get("allow"), options.text], [204, allow, ""]);
  });
}

test("unknown_paths_are_404_whatever_the_verb", async () => {
  const paths = [
    "/", "/nope", "/inquiries/", "/inquiries/submit/", "/inquiries//submit", "//inquiries/submit", "/Inquiries/submit", "/inquiries/1/2",
    "/inquiries%2Fsubmit", "/subscribers/unsubscribe/1/2", "/_rooms/broadcast", "/pub/broadcast", "/status",
  ];
  for (const path of paths) for (const verb of ["GET", "POST", "DELETE"]) assertProblem(await call(verb, path), 404);
  for (const path of ["/", "/inquiries/submit", "/v1", "/v1/api", "/v1/api/outreachx/healthz", "/_rooms/broadcast", "/pub/broadcast", "/_problem"])
    for (const verb of ["GET", "POST"]) assertProblem(await call(verb, path, { base: stack.origin }), 404);
});

test("head_is_get_without_a_body", async () => {
  const id = assertAccepted(await submit(inquiry())).id;
  for (const [path, options] of [["/healthz", {}], [`/inquiries/${id}`, { token: stack.env.BO_TOKEN }], ["/subscribers/unsubscribe/1", {}]]) {
    const [get, head] = [await call("GET", path, options), await call("HEAD", path, options)];
    assert.deepEqual([head.status, head.text], [200, ""]);
    for (const name of ["content-type", "content-length"]) assert.equal(head.headers.get(name), get.headers.get(name), `${path} ${name}`);
  }
});

test("media_types_other_than_json_and_forms_are_415", async () => {
  const body = JSON.stringify(inquiry());
  const refused = [
    "text/plain", "text/json", "application/jsonx", "application/json-patch+json", "application/xml", "multipart/form-data; boundary=x", "json", "*/*",
    "application/octet-stream", "application/json; charset=utf-16", "application/json; charset=iso-8859-1", "application/x-www-form-urlencoded; charset=latin1",
  ];
  for (const type of refused) assertProblem(await submit(body, { type }), 415);
  assertProblem(await submit(body, { type: "" }), 415);
  for (const type of ["application/json", "Application/JSON", "application/json; charset=utf-8", 'application/json;charset="UTF-8"', "application/json ; x=y"])
    assertAccepted(await submit(body, { type }));
  for (const type of ["application/x-www-form-urlencoded; charset=UTF-8", "APPLICATION/x-www-form-URLENCODED"])
    assertAccepted(await submitForm(new URLSearchParams(inquiry()), { type }));
  assertProblem(await call("POST", "/inquiries/submit"), 422, "ValidationError");
});

test("a_body_over_128_KiB_is_413", async () => {
  const limit = 131072;
  const sized = (bytes) => JSON.stringify(inquiry()).padEnd(bytes, " ");
  assertAccepted(await submit(sized(limit)));
  assertProblem(await submit(sized(limit + 1)), 413);
  assertProblem(await submit(sized(4 * limit)), 413);
  assertProblem(await post("/nope", sized(limit + 1)), 413);
});

test("answers_carry_security_headers_and_no_version", async () => {
  const answers = [await submit(inquiry()), await submit("{"), await call("GET", "/nope"), await call("GET", "/", { base: stack.origin }), await submit("x".repeat(200_000))];
  for (const { headers } of answers) {
    assert.equal(headers.get("x-content-type-options"), "nosniff");
    assert.equal(headers.get("referrer-policy"), "no-referrer");
    assert.equal(headers.get("content-security-policy"), "default-src 'none'; frame-ancestors 'none'");
    assert.equal(headers.get("server"), "nginx");
    assert.equal(headers.get("x-powered-by"), null);
  }
});

const preflight = (origin) =>
  call("OPTIONS", "/inquiries/submit", { headers: { Origin: origin, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type" } });

test("pages_of_listed_origins_may_call", async () => {
  for (const origin of ["https://www.example.com", "https://bo.example.com"]) {
    const before = await preflight(origin);
    assert.equal(before.status, 204);
    assert.equal(before.headers.get("access-control-allow-origin"), origin);
    assert.equal(before.headers.get("access-control-allow-methods"), "POST, OPTIONS");
    assert.match(before.headers.get("access-control-allow-headers"), /(^|, )Content-Type(,|$)/);
    for (const answer of [await submit(inquiry(), { headers: { Origin: origin } }), await submit("{", { headers: { Origin: origin } })]) {
      assert.equal(answer.headers.get("access-control-allow-origin"), origin);
      assert.match(answer.headers.get("access-control-expose-headers"), /Location.*X-Request-Id/);
      assert.match(answer.headers.get("vary"), /Origin/);
      assert.equal(answer.headers.get("access-control-allow-credentials"), null);
    }
  }
});

test("pages_of_other_origins_are_not_let_in", async () => {
  for (const origin of ["https://example.com", "http://www.example.com", "https://www.example.com.evil.com", "https://www.example.com:444", "null", "*", "https://www.example.com,https://bo.example.com"]) {
    for (const answer of [await preflight(origin), await submit(inquiry(), { headers: { Origin: origin } })]) {
      assert.equal(answer.headers.get("access-control-allow-origin"), null, origin);
      assert.match(answer.headers.get("vary"), /Origin/);
    }
  }
});

test("probes_answer_at_the_root_and_under_the_base_path", async () => {
  for (const base of [stack.origin, stack.env.BASE_URL]) {
    for (const path of ["/healthz", "/readyz"]) {
      const { status, body } = await call("GET", path, { base });
      assert.equal(status, 200);
      assert.equal(body.status, "ok");
      for (const check of Object.values(body.checks)) assert.deepEqual(Object.keys(check), ["status", "required", "reason"]);
    }
  }
});
