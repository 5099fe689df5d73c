// Who may not listen, and is told why, before any socket is opened.
import assert from "node:assert/strict";
import { test } from "node:test";

import { assertAccepted, assertProblem, call, inquiry, submit } from "../http/lib/api.mjs";
import { exchange, requestText } from "../http/lib/raw.mjs";
import { bearer, INQUIRIES, KINDS, webSocket } from "../http/lib/rooms.mjs";
import { stack } from "../http/lib/stack.mjs";
import { claims, freshKey, now, token } from "../http/lib/token.mjs";

const { BO_TOKEN, WS_ORIGIN } = stack.env;
const ID = assertAccepted(await submit(inquiry())).id;
const UUID = "0b9af1a4-6a4e-4f3c-8a60-1f6a3f0e9c11";
const withRoles = (roles) => bearer(token({ payload: claims({ roles }) }));

const ADMITTED = {
  "a header": {},
  "access_token": { headers: {}, query: { access_token: BO_TOKEN } },
  "a cashier": { headers: withRoles(["CASHIER"]) },
  "a listed origin": { headers: { ...bearer(), Origin: WS_ORIGIN } },
  "the other listed origin": { headers: { ...bearer(), Origin: WS_ORIGIN.replace("127.0.0.1", "localhost") } },
  "a clientId": { query: { clientId: UUID } },
  "the room of an inquiry": { rooms: [`${INQUIRIES}/${ID}`] },
  "several rooms": { rooms: [INQUIRIES, `${INQUIRIES}/${ID}`] },
  "an escaped slash": { rooms: "outreach%2Finquiries" },
  "an escaped letter": { rooms: "%6futreach/inquirie%73" },
  "escaped commas": { rooms: `${INQUIRIES}%2C${INQUIRIES}/${ID}` },
  "unknown members of the query": { query: { x: "1" } },
};
const REFUSED = {
  // who
  "no token": [401, { headers: {} }],
  "an empty access_token": [401, { headers: {}, query: { access_token: "" } }],
  "a bad access_token": [401, { headers: {}, query: { access_token: "a.b.c" } }],
  "a bad header and a good access_token": [401, { headers: { Authorization: "Bearer x" }, query: { access_token: BO_TOKEN } }],
  "the token in a cookie": [401, { headers: { Cookie: `access_token=${BO_TOKEN}; token=${BO_TOKEN}` } }],
  "the token as a subprotocol": [401, { headers: { "Sec-WebSocket-Protocol": BO_TOKEN } }],
  "an expired token": [401, { headers: bearer(token({ payload: claims({ exp: now() - 1 }) })) }],
  "a token of another key": [401, { headers: bearer(token({ key: freshKey() })) }],
  "no role": [403, { headers: withRoles([]) }],
  "an unknown role": [403, { headers: withRoles(["VISITOR"]) }],
  "no role, of one inquiry": [403, { headers: withRoles([]), rooms: [`${INQUIRIES}/${ID}`] }],
  // from where
  "another origin": [403, { headers: { ...bearer(), Origin: "https://evil.example" } }],
  "an origin that begins alike": [403, { headers: { ...bearer(), Origin: `${WS_ORIGIN}.evil.example` } }],
  "another port": [403, { headers: { ...bearer(), Origin: "http://127.0.0.1:1" } }],
  "another scheme": [403, { headers: { ...bearer(), Origin: WS_ORIGIN.replace("http", "https") } }],
  "the origin null": [403, { headers: { ...bearer(), Origin: "null" } }],
  "the whole list as origin": [403, { headers: { ...bearer(), Origin: `${WS_ORIGIN},${WS_ORIGIN.replace("127.0.0.1", "localhost")}` } }],
  "another origin and no token": [403, { headers: { Origin: "https://evil.example" } }],
  // what
  "no rooms": [400, { rooms: "" }],
  "an unknown room": [404, { rooms: ["outreach/nothing"] }],
  "the room of no inquiry": [404, { rooms: [`${INQUIRIES}/1`] }],
  "the room of an odd id": [404, { rooms: [`${INQUIRIES}/abc`] }],
  "one unknown among good ones": [404, { rooms: [INQUIRIES, `${INQUIRIES}/${ID}`, "outreach/nothing"] }],
  "51 rooms": [422, { rooms: Array(51).fill(INQUIRIES) }],
  "a list of 5000 characters": [422, { rooms: Array(40).fill(`${INQUIRIES}/${"1".repeat(110)}`) }],
  "a clientId that is no UUID": [400, { query: { clientId: "me" } }],
  "an empty clientId": [400, { query: { clientId: "" } }],
  "a clientId with a comma": [400, { query: { clientId: `${UUID},broadcast` } }],
  "a clientId with braces": [400, { query: { clientId: `%7B${UUID}%7D` } }],
  "a clientId with a line feed": [400, { query: { clientId: `${UUID}%0a` } }],
};
// Names that an attacker would try. One bad name refuses them all.
const NAMES = {
  400: [
    "/outreach/inquiries", "outreach/inquiries/", "outreach//inquiries", ".", "..", "../outreach/inquiries", "outreach/../outreach/inquiries", "outreach/./inquiries",
    "outreach/inquiries/..", "outreach%2F..%2Finquiries", "outreach/inquiries%00", "%00", "outreach/inquiries%0a", "outreach/inquiries%0d%0aX-A:1", "outreach%20inquiries",
    "outreach/inquiries%20", "outreach%252Finquiries", "outreach%5Cinquiries", "*", "outreach/*", "outreach/inquiries/%7Bid%7D", "outreach/inquiries%3Fx", "outreach/inquiries%23x",
    "%ff", "%C0%AF", "%ED%A0%80", "outreach/inquiri%C3%A9s", "%F0%9F%98%80", "%", "%zz", "outreach/inquiries%2", "a+b", "'", "%22", "%3Cscript%3E", ",", ",outreach/inquiries",
    "outreach/inquiries,,outreach/inquiries", "outreach/inquiries,%2C", "x".repeat(300), `outreach/${"x".repeat(300)}`,
  ],
  404: [
    "Outreach/Inquiries", "outreach", "inquiries", "outreach/inquiriesx", "outreach/inquiries:1", "outreach/inquiries/1/2", "broadcast", `client/${UUID}`, "client/x", "user/1",
    "signal/notification/1", "helpdesk/tickets", "ws:room:outreach", "ws:broadcast", "ws-default", "_rooms/broadcast", "pub/broadcast", "outreach/inquiries/0", "outreach/inquiries/-1",
    "outreach/inquiries/01", "outreach/inquiries/99999999999999999999", "...x", "outreach/subscribers",
  ],
};

for (const [name, { rooms = [INQUIRIES], ...options }] of Object.entries(ADMITTED)) {
  test(`a_listener_is_admitted: ${name}`, async () => {
    for (const kind of Object.values(KINDS)) {
      const ear = await kind(rooms, options);
      assert.ok(ear.close, `${ear.status} ${ear.text}`);
      ear.close();
    }
  });
}

for (const [name, [status, { rooms = [INQUIRIES], ...options }]] of Object.entries(REFUSED)) {
  test(`a_listener_is_refused_with_${status}: ${name}`, async () => {
    for (const kind of Object.values(KINDS)) assertProblem(await kind(rooms, options), status);
  });
}

for (const [status, names] of Object.entries(NAMES)) {
  test(`room_names_that_are_${status === "400" ? "malformed" : "not_ours"}_are_refused_with_${status}`, async (t) => {
    for (const name of names) {
      await t.test(name.slice(0, 60), async () => {
        assertProblem(await webSocket(name), Number(status));
        assertProblem(await webSocket(`${INQUIRIES},${name}`), Number(status));
      });
    }
  });
}

test("no_rooms_member_is_400", async () => {
  for (const query of ["", "?", "?room=outreach/inquiries", "?Rooms=outreach/inquiries"])
    assertProblem(await call("GET", `/ws${query}`, { token: BO_TOKEN, headers: { Accept: "text/event-stream" } }), 400);
});

test("only_get_opens_a_socket", async () => {
  for (const verb of ["POST", "PUT", "PATCH", "DELETE"]) {
    const answer = await call(verb, `/ws?rooms=${INQUIRIES}`, { token: BO_TOKEN, headers: { Accept: "text/event-stream" } });
    assertProblem(answer, 405);
  }
  assert.equal((await call("HEAD", `/ws?rooms=${INQUIRIES}`, { token: BO_TOKEN })).status, 405);
  assert.equal((await call("OPTIONS", `/ws?rooms=${INQUIRIES}`)).status, 204);
});

// Handshakes that are none; each is answered, and with a problem.
const { pathname } = new URL(stack.env.WS_URL);
const KEY = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";
const UPGRADE = ["Upgrade: websocket", "Connection: Upgrade"];
const HANDSHAKES = [
  ["none", [400], []],
  ["another protocol", [400], ["Upgrade: h2c", "Connection: Upgrade"]],
  ["no key", [426], [...UPGRADE, "Sec-WebSocket-Version: 13"]],
  ["a short key", [426], [...UPGRADE, "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: abc"]],
  ["no version", [426], [...UPGRADE, KEY]],
  ["version 8", [426], [...UPGRADE, KEY, "Sec-WebSocket-Version: 8"]],
  ["a good one", [101], [...UPGRADE, KEY, "Sec-WebSocket-Version: 13"]],
];
for (const [name, statuses, headers] of HANDSHAKES) {
  test(`a_handshake_is_checked: ${name}`, async () => {
    const line = `GET ${pathname}?rooms=${INQUIRIES} HTTP/1.1`;
    const [answer] = await exchange(requestText(line, ["Host: a.example", `Authorization: Bearer ${BO_TOKEN}`, ...headers]));
    assert.ok(statuses.includes(answer.status), answer.statusLine);
    if (answer.status >= 400) assert.equal(JSON.parse(answer.body).status, answer.status);
  });
}
