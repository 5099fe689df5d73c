// Every route x every kind of token against one table. A route that is not in it fails: somebody must decide.
import assert from "node:assert/strict";
import { after, test } from "node:test";

import { assertProblem, call } from "./lib/api.mjs";
import { close, owner } from "./lib/db.mjs";
import { operations } from "./lib/openapi.mjs";
import { claims, freshKey, now, stackKid, token } from "./lib/token.mjs";
import { until } from "./lib/wait.mjs";

after(close);

const ROLES = { O: "OWNER", E: "EMPLOYEE", C: "CASHIER" };
// Who gets in: letters of ROLES; "*" anybody, also without a token; "any" whoever is signed in.
const EXPECTED = {
  "POST /inquiries/submit": "*",
  "GET /inquiries": "OEC",
  "GET /inquiries/count": "OEC",
  "GET /inquiries/find-one": "OEC",
  "GET /inquiries/statistics": "OEC",
  "GET /inquiries/export.csv": "O",
  "GET /inquiries/{id}": "OEC",
  "GET /inquiries/{id}/timeline": "OEC",
  "POST /inquiries": "OE",
  "POST /inquiries/bulk": "O",
  "POST /inquiries/{id}/restore": "OE",
  "PATCH /inquiries/{id}": "OE",
  "PATCH /inquiries": "O",
  "DELETE /inquiries/{id}": "O",
  "DELETE /inquiries": "O",
  "GET /challenge": "*",
  "GET /form-stamp": "*",
  "POST /subscribers/subscribe": "*",
  "POST /subscribers/unsubscribe": "*",
  "GET /subscribers/unsubscribe/{token}": "*",
  "POST /subscribers/unsubscribe/{token}": "*",
  "GET /subscribers/confirm/{token}": "*",
  "POST /subscribers/confirm/{token}": "*",
  "GET /subscribers/links": "O",
  "GET /subscribers": "OE",
  "GET /subscribers/count": "OE",
  "GET /subscribers/find-one": "OE",
  "GET /subscribers/statistics": "OE",
  "GET /subscribers/export.csv": "O",
  "GET /subscribers/{id}": "OE",
  "POST /subscribers": "O",
  "POST /subscribers/bulk": "O",
  "POST /subscribers/{id}/restore": "O",
  "PATCH /subscribers/{id}": "OE",
  "PATCH /subscribers": "O",
  "DELETE /subscribers/{id}": "O",
  "DELETE /subscribers": "O",
  "GET /consents": "O",
  "GET /webhooks": "O",
  "GET /webhooks/{id}": "O",
  "POST /webhooks": "O",
  "PATCH /webhooks/{id}": "O",
  "DELETE /webhooks/{id}": "O",
  "POST /webhooks/{id}/rotate": "O",
  "POST /webhooks/{id}/test": "O",
  "GET /webhook-deliveries": "O",
  "GET /webhook-deliveries/{id}": "O",
  "POST /webhook-deliveries/{id}/replay": "O",
  "GET /audit-logs": "O",
  "GET /privacy/subjects/{email}": "O",
  "DELETE /privacy/subjects/{email}": "O",
  "GET /permissions/me": "any",
  "GET /ws": "any",
  "DELETE /ws/users/{userId}": "O",
  "GET /doc/openapi.json": "*",
  "GET /healthz": "*",
  "GET /readyz": "*",
};

const of = (...roles) => token({ payload: claims({ userId: `walk-${roles.join("-")}`, roles }) });
const good = Object.fromEntries(Object.entries(ROLES).map(([letter, role]) => [letter, of(role)]));
const noRole = of();
const bad = {
  "no token": undefined,
  "an expired one": token({ payload: claims({ iat: now() - 700, exp: now() - 100 }) }),
  "one of another key": token({ key: freshKey(), header: { alg: "ES256", kid: stackKid(), typ: "JWT" } }),
};

// The call with a row that there is not, and a body that says nothing: what gets in changes nothing.
const walk = (verb, path, one) => {
  const target = path.replace("{id}", "1").replace("{token}", "1").replace("{email}", "nobody@example.com").replace("{userId}", "nobody");
  const body = ["POST", "PATCH"].includes(verb) ? { body: "{}", headers: { "Content-Type": "application/json" } } : {};
  return call(verb, target, { ...body, token: one });
};

test("the_table_has_every_route_and_no_other", () => {
  assert.deepEqual(Object.keys(EXPECTED).sort(), operations.map(({ verb, path }) => `${verb} ${path}`).sort());
});

for (const [route, who] of Object.entries(EXPECTED)) {
  const [verb, path] = route.split(" ");
  test(`${route}: ${who}`, async () => {
    for (const [name, one] of Object.entries(bad)) {
      const answer = await walk(verb, path, one);
      if (who === "*") assert.ok(![401, 403].includes(answer.status), `${name}: ${answer.status}`);
      else assertProblem(answer, 401, "Authentication failed. Tried strategies: jwt");
    }
    for (const [letter, one] of Object.entries({ ...good, "-": noRole })) {
      const answer = await walk(verb, path, one);
      if (who === "*" || who === "any" || who.includes(letter)) assert.ok(![401, 403].includes(answer.status), `${letter}: ${answer.status} ${answer.text}`);
      else assert.match(assertProblem(answer, 403).message, /^Authorization denied \| action: \w+ \| resource: \w+\.\w+$/);
    }
  });
}

test("permissions_of_me_are_those_of_the_table", async () => {
  for (const [letter, one] of Object.entries(good)) {
    const { data } = (await call("GET", "/permissions/me", { token: one })).body;
    assert.deepEqual(data.roles, [ROLES[letter]]);
    assert.equal(data.userId, `walk-${ROLES[letter]}`);
    const mine = new Set(data.permissions.map(({ permission }) => permission));
    for (const { verb, path, operation } of operations) {
      const permission = operation["x-permission"];
      if (permission) assert.equal(mine.has(permission), EXPECTED[`${verb} ${path}`].includes(letter), `${letter} ${permission}`);
    }
  }
  assert.deepEqual((await call("GET", "/permissions/me", { token: noRole })).body.data.permissions, []);
});

test("a_changed_rule_holds_within_five_seconds_and_a_deny_wins", async () => {
  const user = `deny-${now()}`;
  const one = token({ payload: claims({ userId: user, roles: ["OWNER"] }) });
  const status = async () => (await call("GET", "/inquiries/count", { token: one })).status;
  const always = async (wanted) => (await Promise.all(Array.from({ length: 32 }, status))).every((found) => found === wanted);
  assert.ok(await always(200));
  const rule = ["p", `User_${user}`, "*", "Inquiry.count", "read", "deny"];
  await owner('INSERT INTO outreach."CasbinRule" (ptype, v0, v1, v2, v3, v4) VALUES ($1, $2, $3, $4, $5, $6)', rule);
  try {
    await until("the deny holds in every worker", () => always(403), 5000);
  } finally {
    await owner('DELETE FROM outreach."CasbinRule" WHERE v0 = $1', [`User_${user}`]);
  }
  await until("it is gone in every worker", () => always(200), 5000);
});
