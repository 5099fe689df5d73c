// REST calls as a client makes them (fetch), and the shape of what comes back.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";

import { assertDocumented } from "./openapi.mjs";
import { stack } from "./stack.mjs";

const { BASE_URL, BO_TOKEN } = stack.env;

// Text that no other test sends.
export const unique = (word = "test") => `${word}-${randomUUID().slice(0, 13)}`;

export const inquiry = (more = {}) => ({ firstName: "Ada", email: `${unique("ada")}@example.com`, message: "Hello", ...more });

// Answer: { status, headers, text, body } with the parsed JSON, if it is JSON.
export async function call(method, path, { headers = {}, body, token, base = BASE_URL } = {}) {
  const answer = await fetch(base + path, {
    method,
    headers: { ...headers, ...(token && { Authorization: `Bearer ${token}` }) },
    body: typeof body === "string" ? Buffer.from(body) : body, // no content type of its own
    redirect: "manual",
  });
  const text = await answer.text();
  const json = /json/.test(answer.headers.get("content-type") ?? "") && text !== "";
  const whole = { status: answer.status, headers: answer.headers, text, body: json ? JSON.parse(text) : undefined };
  if (base.endsWith(new URL(BASE_URL).pathname)) await assertDocumented(base, { method, path, headers }, whole);
  return whole;
}

export const post = (path, body, { headers, type = "application/json", ...more } = {}) =>
  call("POST", path, { headers: { "Content-Type": type, ...headers }, body, ...more });

// The body is an object, or the very text to be sent.
export const submit = (body, options) =>
  post("/inquiries/submit", typeof body === "object" && !Buffer.isBuffer(body) ? JSON.stringify(body) : body, options);

// The form is text, bytes or URLSearchParams.
export const submitForm = (form, options) =>
  submit(Buffer.isBuffer(form) ? form : String(form), { type: "application/x-www-form-urlencoded", ...options });

export const read = (id, options) => call("GET", `/inquiries/${id}`, { token: BO_TOKEN, ...options });

export function assertAccepted(answer) {
  assert.equal(answer.status, 201, answer.text);
  const { count, data } = answer.body;
  assert.equal(count, 1);
  assert.deepEqual(Object.keys(data), ["id", "type", "status", "createdAt"]);
  assert.match(data.id, /^[1-9][0-9]{16,18}$/);
  assert.match(data.createdAt, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  return data;
}

// What a refusal must look like; returns its body.
export function assertProblem(answer, status, message) {
  assert.equal(answer.status, status, answer.text);
  assert.equal(answer.headers.get("content-type"), "application/problem+json");
  const { body, headers } = answer;
  const members = ["type", "title", "status", "detail", "instance", "message", "statusCode", "requestId", "details"];
  assert.deepEqual(Object.keys(body), body.allowed ? [...members, "allowed"] : members);
  assert.match(body.type, /^urn:bana:problem:[a-z-]+$/);
  assert.equal(body.status, status);
  assert.equal(body.statusCode, status);
  assert.equal(body.requestId, headers.get("x-request-id"));
  assert.equal(body.details.path, body.instance);
  assert.ok(body.title && body.detail && body.message && body.details.url);
  assert.equal(headers.get("www-authenticate"), status === 401 ? "Bearer" : null);
  assert.equal(headers.has("allow"), status === 405);
  assert.equal(headers.has("retry-after"), [429, 502, 503, 504].includes(status));
  if (message !== undefined) assert.equal(body.message, message);
  return body;
}

// A 422 with exactly these causes: [path, code, message] or [path, code, message, expected], in any order.
export function assertInvalid(answer, expected) {
  const body = assertProblem(answer, 422, "ValidationError");
  const rows = body.details.cause.map((c) => [c.path, c.code, c.message, ...(c.expected === undefined ? [] : [c.expected])]);
  const order = (list) => list.map((row) => JSON.stringify(row)).sort();
  assert.deepEqual(order(rows), order(expected));
}

export const wrongType = (path, expected, received) => [
  path,
  "invalid_type",
  `Invalid input: expected ${expected}, received ${received}`,
  expected,
];
export const tooSmall = (path, of, min, unit) => [path, "too_small", `Too small: expected ${of} to have >=${min} ${unit}`];
export const tooBig = (path, of, max, unit) => [path, "too_big", `Too big: expected ${of} to have <=${max} ${unit}`];
export const unknownKey = (name) => [name, "unrecognized_keys", `Unrecognized key: "${name}"`];
