// The OpenAPI document: sound, complete, and good enough to make client types from.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { call } from "./lib/api.mjs";
import { document, operations } from "./lib/openapi.mjs";
import { stack } from "./lib/stack.mjs";
import { within } from "./lib/wait.mjs";

const run = promisify(execFile);
const tests = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const bin = (name) => join(tests, "node_modules/.bin", name);
const folder = await mkdtemp(join(tmpdir(), "bana-openapi-"));
after(() => rm(folder, { recursive: true, force: true }));
const file = join(folder, "openapi.json");
await writeFile(file, JSON.stringify(document));

test("redocly_finds_nothing_but_the_one_overlap_of_the_contract", async () => {
  // Exits with 0 for warnings. Offline: no telemetry, no look for a newer version.
  const env = { ...process.env, REDOCLY_TELEMETRY: "off", REDOCLY_SUPPRESS_UPDATE_NOTICE: "true", CI: "true" };
  const { stdout } = await run(bin("redocly"), ["lint", "--format=json", file], { env, cwd: folder, timeout: within(60_000), maxBuffer: 1 << 24 });
  const { problems, totals } = JSON.parse(stdout);
  assert.equal(totals.errors, 0);
  // POST .../unsubscribe/{token} and POST .../{id}/restore are both in the contract; "restore" is no token, and
  // "unsubscribe" no id, so nothing real is ambiguous. (Of .../confirm/{token} it tells nothing more.)
  const told = problems.map(({ ruleId, message }) => `${ruleId}: ${message}`);
  assert.deepEqual(told, ["no-ambiguous-paths: Paths should resolve unambiguously. Found two ambiguous paths: `/subscribers/unsubscribe/{token}` and `/subscribers/{id}/restore`."]);
});

test("every_operation_says_who_may_call_it_and_what_it_answers", () => {
  assert.ok(operations.length > 35);
  const ids = operations.map(({ operation }) => operation.operationId);
  assert.equal(new Set(ids).size, ids.length, "operation ids are unique");
  for (const { verb, path, operation } of operations) {
    const what = `${verb} ${path}`;
    const open = operation.security?.length === 0;
    assert.equal(open, !("401" in operation.responses) || path === "/ws", what);
    assert.equal("403" in operation.responses, "x-permission" in operation || path === "/ws", what);
    assert.ok(operation.summary && operation.tags.length === 1, what);
    assert.ok(Object.keys(operation.responses).some((status) => status.startsWith("2")), what);
    assert.equal("requestBody" in operation, "415" in operation.responses, what);
    for (const name of path.match(/\{\w+\}/g) ?? []) assert.ok(operation.parameters.some((one) => one.in === "path" && `{${one.name}}` === name), `${what} ${name}`);
  }
});

test("every_field_has_its_limits_its_meaning_and_an_example", () => {
  for (const name of ["Inquiry", "Subscriber", "AuditLogPart"]) {
    for (const [field, schema] of Object.entries(document.components.schemas[name].properties)) {
      const what = `${name}.${field}`;
      assert.ok(schema.description, what);
      if (what !== "AuditLogPart.subject") assert.equal(schema.examples.length, 1, what);
      if ([schema.type].flat().includes("string")) assert.ok("maxLength" in schema || "enum" in schema || "pattern" in schema || "format" in schema, what);
      for (const value of schema.enum ?? []) if (value !== null) assert.ok(schema.description.includes(`\`${value}\`: `), `${what} says what ${value} means`);
    }
  }
});

test("hidden_fields_are_nowhere_in_it", () => {
  const text = JSON.stringify({ ...document, paths: Object.fromEntries(Object.entries(document.paths).filter(([path]) => !path.startsWith("/privacy"))) });
  for (const name of ["unsubscribeToken", "confirmTokenHash", "ipHash", "userAgent", "contentHash", "confirmExpiresAt", "deletedAt", "version\":{"]) assert.ok(!text.includes(`"${name}`), name);
});

test("the_document_is_served_as_json_to_anybody", async () => {
  const answer = await call("GET", "/doc/openapi.json");
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get("content-type"), "application/json");
  assert.deepEqual(answer.body.servers, [{ url: new URL(stack.env.BASE_URL).pathname }]);
});

// The command of docs/interfaces.md.
test("client_types_are_one_command_away_and_compile", async () => {
  await run(bin("openapi-typescript"), [file, "-o", join(folder, "outreach.d.ts")], { timeout: within(60_000) });
  await writeFile(join(folder, "client.ts"), await readFile(join(tests, "http/types/client.ts")));
  await run(bin("tsc"), ["--noEmit", "--strict", "--target", "es2022", "--module", "esnext", "--moduleResolution", "bundler", "--lib", "es2022,dom", join(folder, "client.ts")], {
    timeout: within(60_000),
  }).catch((error) => assert.fail(error.stdout));
});
