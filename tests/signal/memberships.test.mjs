// Who belongs to what.
import assert from "node:assert/strict";
import { test } from "node:test";

import { assertProblem, unique } from "../http/lib/api.mjs";
import { call, person, sql, tokenOf } from "./lib/signal.mjs";

const rowsOf = (org) => sql('SELECT * FROM signal."Membership" WHERE organizer_id = $1 ORDER BY user_id, merchant_id', [org]);

test("a_bulk_upsert_makes_changes_and_leaves_alone", async () => {
  const org = unique("org");
  const [a, b] = [person(), person()].sort();
  const put = async (...body) => (await call("PUT", "/memberships", { body })).body.data;
  assert.deepEqual(await put({ userId: a, organizerId: org, role: "OWNER" }, { userId: a, organizerId: org, merchantId: "m", role: "EMPLOYEE" }, { userId: b, organizerId: org, role: "EMPLOYEE" }), { created: 3, updated: 0 });
  assert.deepEqual(await put({ userId: a, organizerId: org, role: "OWNER" }, { userId: b, organizerId: org, role: "X" }, { userId: b, organizerId: org, role: "OWNER", locale: "de" }), { created: 0, updated: 1 });
  assert.deepEqual((await rowsOf(org)).map((row) => [row.user_id, row.merchant_id, row.role, row.locale, row.version]), [[a, "m", "EMPLOYEE", null, 1], [a, null, "OWNER", null, 1], [b, null, "OWNER", "de", 2]]);
  const audit = await sql('SELECT action, count(*)::int AS n FROM signal."AuditLog" WHERE entity_id = ANY($1) GROUP BY 1', [(await rowsOf(org)).map(({ id }) => id)]);
  assert.deepEqual(audit, [{ action: "upsert", n: 4 }]);
});

test("a_bad_list_changes_nothing_and_names_every_reason", async () => {
  const org = unique("org");
  const answer = await call("PUT", "/memberships", { body: [{ userId: "1", organizerId: org, role: "OWNER" }, { userId: 1, organizerId: org }, { x: 1 }] });
  assertProblem(answer, 422);
  const paths = answer.body.details.cause.map(({ path }) => path);
  for (const path of ["1.userId", "1.role", "2.userId", "2.organizerId", "2.role"]) assert.ok(paths.includes(path), `${path} in ${paths}`);
  assert.deepEqual(await rowsOf(org), []);
  for (const body of [[], {}, "x"]) assert.ok([400, 422].includes((await call("PUT", "/memberships", { body })).status));
});

test("one_by_one_as_every_entity", async () => {
  const org = unique("org");
  const body = { userId: person(), organizerId: org, role: "EMPLOYEE" };
  const made = await call("POST", "/memberships", { body });
  assert.equal(made.status, 201, made.text);
  assertProblem(await call("POST", "/memberships", { body }), 409);
  const path = `/memberships/${made.body.data.id}`;
  assert.equal((await call("PATCH", path, { body: { status: "401_DEACTIVATED" } })).body.data.status, "401_DEACTIVATED");
  assert.equal((await call("DELETE", path)).status, 200);
  assertProblem(await call("GET", path), 404);
  assert.equal((await call("POST", "/memberships", { body })).status, 201);
  assertProblem(await call("POST", `${path}/restore`), 409);
  for (const [method, at] of [["GET", "/memberships"], ["POST", "/memberships"], ["PUT", "/memberships"], ["PATCH", path], ["DELETE", path]]) {
    assertProblem(await call(method, at, { token: tokenOf("5"), ...(method !== "GET" && { body: {} }) }), 403);
    assertProblem(await call(method, at, { token: null, ...(method !== "GET" && { body: {} }) }), 401);
  }
});
