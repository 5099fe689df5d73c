// Bytes that no client library sends: refused or served, never 5xx, and the next client is served.
import assert from "node:assert/strict";
import { test } from "node:test";

import { assertAccepted, inquiry, submit } from "./lib/api.mjs";
import { exchange, requestText } from "./lib/raw.mjs";
import { stack } from "./lib/stack.mjs";

const PATH = `${new URL(stack.env.BASE_URL).pathname}/inquiries/submit`;
const JSON_TYPE = "Content-Type: application/json";
const HOST = "Host: a.example";
const text = (more) => JSON.stringify(inquiry(more));
const length = (body) => `Content-Length: ${Buffer.byteLength(body)}`;
const good = (more = []) => {
  const body = text();
  return requestText(`POST ${PATH} HTTP/1.1`, [HOST, JSON_TYPE, length(body), ...more], body);
};
const statusOf = async (bytes, options) => (await exchange(bytes, options))[0]?.status;

const workers = stack.workers();

const body = text();
const CASES = [
  // name, bytes, status (undefined: hung up on without an answer)
  ["a plain request", good(), 201],
  ["HTTP/1.0", requestText(`POST ${PATH} HTTP/1.0`, [JSON_TYPE, length(body)], body), 201],
  ["an absolute target", requestText(`POST http://a.example${PATH} HTTP/1.1`, [HOST, JSON_TYPE, length(body), "Connection: close"], body), 201],
  ["no Host", requestText(`POST ${PATH} HTTP/1.1`, [JSON_TYPE, length(body)], body), 400],
  ["two Hosts", requestText(`POST ${PATH} HTTP/1.1`, [HOST, HOST, JSON_TYPE, length(body)], body), 400],
  ["an empty Host", requestText(`POST ${PATH} HTTP/1.1`, ["Host:", JSON_TYPE, length(body)], body), 400],
  ["a Host with quotes", requestText(`POST ${PATH} HTTP/1.1`, ['Host: a"b', JSON_TYPE, "Content-Length: 1"], "{"), 400],
  ["a Host of raw bytes", requestText(`POST ${PATH} HTTP/1.1`, ["Host: \xff\xfe", JSON_TYPE, "Content-Length: 1"], "{"), 400],
  ["chunked", requestText(`POST ${PATH} HTTP/1.1`, [HOST, JSON_TYPE, "Transfer-Encoding: chunked"], `5\r\n${body.slice(0, 5)}\r\n${(body.length - 5).toString(16)};x=y\r\n${body.slice(5)}\r\n0\r\n\r\n`), 201],
  ["chunked, byte by byte", [requestText(`POST ${PATH} HTTP/1.1`, [HOST, JSON_TYPE, "Transfer-Encoding: chunked"]), ...[...body].map((c) => `1\r\n${c}\r\n`), "0\r\n\r\n"], 201],
  ["chunked with a bad size", requestText(`POST ${PATH} HTTP/1.1`, [HOST, JSON_TYPE, "Transfer-Encoding: chunked"], "zz\r\n{}\r\n0\r\n\r\n"), 400],
  ["chunked over the limit", requestText(`POST ${PATH} HTTP/1.1`, [HOST, JSON_TYPE, "Transfer-Encoding: chunked"], `30000\r\n${" ".repeat(0x30000)}\r\n0\r\n\r\n`), 413],
  ["chunked and a length", requestText(`POST ${PATH} HTTP/1.1`, [HOST, JSON_TYPE, length(body), "Transfer-Encoding: chunked"], "0\r\n\r\n"), 400],
  ["an unknown transfer coding", requestText(`POST ${PATH} HTTP/1.1`, [HOST, JSON_TYPE, "Transfer-Encoding: gzip"], body), 501],
  ["no length", requestText(`POST ${PATH} HTTP/1.1`, [HOST, JSON_TYPE]), 422],
  ["a length of 0", requestText(`POST ${PATH} HTTP/1.1`, [HOST, JSON_TYPE, "Content-Length: 0"]), 422],
  ["a negative length", requestText(`POST ${PATH} HTTP/1.1`, [HOST, JSON_TYPE, "Content-Length: -1"], body), 400],
  ["a length of words", requestText(`POST ${PATH} HTTP/1.1`, [HOST, JSON_TYPE, "Content-Length: ten"], body), 400],
  ["two lengths", requestText(`POST ${PATH} HTTP/1.1`, [HOST, JSON_TYPE, length(body), "Content-Length: 1"], body), 400],
  ["a huge length", requestText(`POST ${PATH} HTTP/1.1`, [HOST, JSON_TYPE, "Content-Length: 99999999999"], body), 413],
  ["a length beyond 64 bits", requestText(`POST ${PATH} HTTP/1.1`, [HOST, JSON_TYPE, "Content-Length: 99999999999999999999"], body), 400],
  ["a length that cuts the body", requestText(`POST ${PATH} HTTP/1.1`, [HOST, JSON_TYPE, `Content-Length: ${body.length - 1}`, "Connection: close"], body), 400],
  ["a body that never comes whole", requestText(`POST ${PATH} HTTP/1.1`, [HOST, JSON_TYPE, `Content-Length: ${body.length + 5}`], body), undefined, { finish: true }],
  ["Expect: 100-continue", requestText(`POST ${PATH} HTTP/1.1`, [HOST, JSON_TYPE, length(body), "Expect: 100-continue"], body), 100],
  ["a control character in a header", requestText(`POST ${PATH} HTTP/1.1`, [HOST, JSON_TYPE, length(body), "X-A: a\x01b"], body), 201],
  ["raw bytes in headers", good(["User-Agent: \xff\xfe\x80", "Accept: \xc3\x28", "Origin: \xff", "Accept-Language: \xed\xa0\x80"]), 201],
  ["a NUL in a header", good(["X-A: a\0b"]), 400],
  ["a header without a colon", good(["nonsense"]), 201],
  ["a folded header", good(["X-A: a", " b"]), 400],
  ["a header name of spaces", good(["X A: b"]), 400],
  ["underscores in a header", good(["X_Request_Id: evil", "REMOTE_ADDR: 1.2.3.4"]), 201],
  ["headers that look like parameters", good(["Proxy: http://evil", "Https: on", "Content-Type-Options: x", "Request-Uri: /x", "Script-Name: /x"]), 201],
  ["100 headers", good(Array.from({ length: 100 }, (_, i) => `X-H-${i}: ${"v".repeat(30)}`)), 201],
  ["a header of 20 KiB", good([`X-A: ${"a".repeat(20_000)}`]), 431],
  ["100 KiB of headers", good(Array.from({ length: 100 }, (_, i) => `X-H-${i}: ${"v".repeat(1000)}`)), 431],
  ["a target of 20 KiB", requestText(`GET ${PATH}?${"a".repeat(20_000)} HTTP/1.1`, [HOST]), 414],
  ["a target of 15 KiB", requestText(`GET ${PATH}?${"a".repeat(15_000)} HTTP/1.1`, [HOST]), 405],
  ["a NUL in the target", requestText(`GET ${PATH}/\0 HTTP/1.1`, [HOST]), 400],
  ["raw bytes in the target", requestText(`GET ${PATH}/\xff\xfe HTTP/1.1`, [HOST]), 400],
  ["a bad escape in the target", requestText(`GET ${PATH}/%zz HTTP/1.1`, [HOST]), 400],
  ["an escaped NUL in the target", requestText(`GET ${PATH}/%00 HTTP/1.1`, [HOST]), 400],
  ["dots out of the root", requestText("GET /../../etc/passwd HTTP/1.1", [HOST]), 400],
  ["dots inside", requestText(`POST ${PATH}/../submit HTTP/1.1`, [HOST, JSON_TYPE, length(body)], body), 404],
  ["an asterisk", requestText("OPTIONS * HTTP/1.1", [HOST]), 400],
  ["CONNECT", requestText("CONNECT a.example:443 HTTP/1.1", [HOST]), 400],
  ["TRACE", requestText(`TRACE ${PATH} HTTP/1.1`, [HOST]), 405],
  ["a lower-case verb", requestText(`post ${PATH} HTTP/1.1`, [HOST, length("")]), 400],
  ["HTTP/2.0", requestText(`GET ${PATH} HTTP/2.0`, [HOST]), 505],
  ["HTTP/0.9", "GET /\r\n", undefined],
  ["TLS", Buffer.from("16030100c8010000c40303", "hex"), 400, { finish: true }],
  ["garbage", "\x00\x01\x02\xff\xfe\r\n\r\n", 400],
  ["an empty line first", `\r\n${good()}`, 201],
];

for (const [name, bytes, status, options] of CASES) {
  test(`raw_request: ${name}`, async () => {
    assert.equal(await statusOf(bytes, options), status);
  });
}

test("a_status_line_is_one_of_RFC_9112", async () => {
  const paths = [[good(), /^HTTP\/1\.1 201 /], [requestText("GET /nope HTTP/1.1", [HOST]), /^HTTP\/1\.1 404 /], [requestText(`GET ${PATH} HTTP/1.1`, [HOST]), /^HTTP\/1\.1 405 /]];
  for (const [bytes, pattern] of paths) assert.match((await exchange(bytes))[0].statusLine, pattern);
});

test("pipelined_requests_are_answered_in_order", async () => {
  const ids = Array.from({ length: 10 }, (_, i) => `pipeline-${i}`);
  const answers = await exchange(ids.map((id) => good([`X-Request-Id: ${id}`])).join(""), { answers: 10 });
  assert.deepEqual(answers.map((answer) => answer.status), Array(10).fill(201));
  assert.deepEqual(answers.map((answer) => answer.headers["x-request-id"]), ids);
});

test("a_body_is_never_taken_for_the_next_request", async () => {
  const hidden = requestText("GET /healthz HTTP/1.1", [HOST, "X-Request-Id: smuggled"]);
  const [first, ...more] = await exchange(requestText(`POST ${PATH} HTTP/1.1`, [HOST, JSON_TYPE, length(hidden), "Connection: close"], hidden), { answers: 2 });
  assert.equal(first.status, 400);
  assert.deepEqual(more, []);
});

test("a_client_that_leaves_early_harms_no_one", async () => {
  const bytes = good();
  for (let cut = 0; cut < bytes.length; cut += 23) await exchange(bytes.slice(0, cut), { finish: true });
  await Promise.all(Array.from({ length: 20 }, () => exchange(bytes, { answers: 0, finish: true })));
  assertAccepted(await submit(inquiry()));
});

test("no_worker_died_of_raw_requests", () => {
  assert.deepEqual(stack.workers(), workers);
});
