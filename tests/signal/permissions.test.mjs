// Every route of Signal x every kind of token against one table. A route that is not in it fails: somebody must decide.
import assert from "node:assert/strict";
import { test } from "node:test";

import { call, tokenOf } from "./lib/signal.mjs";

// Who gets in: O(WNER), S(ERVICE), C(ASHIER, for anybody who is signed in); "*": also without a token.
const EXPECTED = {
  "GET /memberships": "OS", "GET /memberships/count": "OS", "GET /memberships/find-one": "OS", "GET /memberships/{id}": "OS", "POST /memberships": "OS", "PUT /memberships": "OS",
  "PATCH /memberships/{id}": "OS", "PATCH /memberships": "OS", "DELETE /memberships/{id}": "OS", "DELETE /memberships": "OS", "POST /memberships/{id}/restore": "OS",
  "GET /notifications": "OSC", "GET /notifications/count": "OSC", "GET /notifications/unread-count": "OSC", "GET /notifications/{id}": "OSC", "DELETE /notifications/{id}": "OSC",
  "PATCH /notifications/{id}/read": "OSC", "PATCH /notifications/{id}/unread": "OSC", "PATCH /notifications/{id}/seen": "OSC", "PATCH /notifications/{id}/archive": "OSC",
  "POST /notifications/read": "OSC", "POST /notifications/unread": "OSC", "POST /notifications/seen": "OSC", "POST /notifications/archive": "OSC",
  "POST /socket/websocket/clients/broadcast": "OS", "POST /socket/websocket/clients/rooms/{roomName}/send": "OS", "POST /socket/websocket/clients/{clientId}/send": "OS",
  "GET /dead-letters": "OS", "GET /dead-letters/count": "OS", "GET /dead-letters/{id}": "OS", "GET /dead-letters/{id}/payload": "OS",
  "POST /dead-letters/{id}/replay": "OS", "POST /dead-letters/{id}/discard": "OS",
  "GET /audit-logs": "O", "GET /permissions/me": "OSC", "GET /ws": "OSC", "DELETE /ws/users/{userId}": "O",
  "GET /doc/openapi.json": "*", "GET /healthz": "*", "GET /readyz": "*",
};
const TOKENS = { O: () => tokenOf("90", ["OWNER"]), S: () => tokenOf("91", ["SERVICE"]), C: () => tokenOf("92", ["CASHIER"]), "-": () => null };

test("every_route_lets_in_whom_it_should", async () => {
  const { body: document } = await call("GET", "/doc/openapi.json", { token: null });
  const routes = Object.entries(document.paths).flatMap(([path, verbs]) => Object.keys(verbs).filter((verb) => verb !== "parameters").map((verb) => `${verb.toUpperCase()} ${path}`));
  assert.deepEqual(routes.sort(), Object.keys(EXPECTED).sort());
  for (const [route, who] of Object.entries(EXPECTED)) {
    const [method, path] = route.split(" ");
    for (const [letter, token] of Object.entries(TOKENS)) {
      const answer = await call(method, path.replace(/\{\w+\}/g, "1"), { token: token(), ...(/POST|PUT|PATCH/.test(method) && { body: "{" }) });
      const inside = ![401, 403].includes(answer.status);
      const wanted = who === "*" || who.includes(letter);
      assert.equal(inside, wanted, `${route} with ${letter}: ${answer.status} ${answer.text}`);
      if (!wanted) assert.equal(answer.status, letter === "-" ? 401 : 403, route);
    }
  }
});
