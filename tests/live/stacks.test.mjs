// Two whole stacks, nginx and pool, on one Redis and one PostgreSQL: one product.
import assert from "node:assert/strict";
import { Agent } from "node:http";
import { after, before, test } from "node:test";

import { assertAccepted, call, inquiry, submit, unique } from "../http/lib/api.mjs";
import { close, query } from "../http/lib/db.mjs";
import { submitOnce } from "../http/lib/load.mjs";
import { bearer, frameOf, INQUIRIES, withEars } from "../http/lib/rooms.mjs";
import { stack } from "../http/lib/stack.mjs";
import { claims, now, token } from "../http/lib/token.mjs";
import { gone, slow, until } from "../http/lib/wait.mjs";

// More of them by hand: BANA_SUBMITS=1000000 node tests/live/stacks.test.mjs
const SUBMITS = Number(process.env.BANA_SUBMITS ?? (slow ? 2000 : 8000));

let other;
before(async () => {
  other = await stack.beside("pair", { APP_ENV_NODE_ID: "78", ROOMS_NAMESPACE: "bana", APP_ENV_JWKS_URL: stack.env.JWKS_URL, BO_TOKEN: stack.env.BO_TOKEN });
});
after(async () => {
  await other.remove();
  await close();
});

test("a_submit_through_one_is_seen_once_on_sockets_of_both", () =>
  withEars(async (open) => {
    const ears = [await open([INQUIRIES]), await open([INQUIRIES], { of: other })];
    for (const { env } of [stack, other, stack, other]) {
      const sent = inquiry();
      const { id, createdAt } = assertAccepted(await submit(sent, { base: env.BASE_URL }));
      for (const ear of ears) await until("the frame", () => ear.frames.includes(frameOf(id, sent, createdAt)));
    }
    for (const ear of ears) assert.equal((await ear.flush(INQUIRIES)).length, 4);
  }));

test("a_user_s_sockets_are_ended_on_every_nginx_and_nobody_else_s", () =>
  withEars(async (open) => {
    const [bad, good] = [unique("bad"), unique("good")];
    const as = (userId, of) => ({ of, headers: bearer(token({ payload: claims({ userId }) })) });
    const his = [await open([INQUIRIES], as(bad, stack)), await open([INQUIRIES], as(bad, other)), await open([INQUIRIES], as(bad, other))];
    const ours = [await open([INQUIRIES], as(good, stack)), await open([INQUIRIES], as(good, other))];
    const answer = await call("DELETE", `/ws/users/${bad}`, { token: stack.env.BO_TOKEN });
    assert.equal(answer.status, 200, answer.text);
    assert.deepEqual(answer.body.data, { userId: bad });
    for (const ear of his) assert.equal((await until("it is ended", () => ear.closed, 2000)).code, 1001);
    for (const ear of ours) {
      await ear.flush(INQUIRIES);
      assert.equal(ear.closed, undefined);
    }
    const again = await open([INQUIRIES], as(bad, other)); // the token is still good
    await again.flush(INQUIRIES);
  }));

test("sockets_of_an_expired_token_are_ended_and_no_other", () =>
  withEars(async (open) => {
    const slot = 10; // seconds, of include/bana/live.h
    const exp = Math.ceil((now() + 3) / slot) * slot - 1; // the last second of a slot
    const until_ = (at) => ({ headers: bearer(token({ payload: claims({ exp: at }) })) });
    const soon = [await open([INQUIRIES], until_(exp)), await open([INQUIRIES], { ...until_(exp), of: other })];
    const later = [await open([INQUIRIES], until_(exp + 600)), await open([INQUIRIES], { ...until_(exp + 600), of: other })];
    for (const ear of soon) {
      assert.equal((await until("it is ended", () => ear.closed, 20_000)).code, 1001);
      assert.ok(Date.now() / 1000 >= exp, "not before the token expires");
      assert.ok(Date.now() / 1000 <= exp + 4, "and soon after its slot");
    }
    for (const ear of later) {
      await ear.flush(INQUIRIES);
      assert.equal(ear.closed, undefined);
    }
  }));

test("one_bridge_leads_both", async () => {
  const leads = async (of) => {
    const log = of.log("bridge.log").match(/msg="bridge (leads|stands by|started|stopped)".*id=\S+/g) ?? [];
    const last = new Map(log.map((line) => [/id=(\S+)/.exec(line)[1], line]));
    return [...last].filter(([id, line]) => line.includes("bridge leads") && !gone(Number(id.split(":").at(-2)))).length;
  };
  await until("exactly one leads", async () => (await leads(stack)) + (await leads(other)) === 1);
});

test(`ids_of_both_never_collide_and_every_submit_is_stored: ${SUBMITS}`, async () => {
  const agent = new Agent({ keepAlive: true, maxSockets: 32 });
  const urls = [stack, other].map(({ env }) => `${env.BASE_URL}/inquiries/submit`);
  const [{ count: before_ }] = await query('SELECT count(*) FROM outreach."Inquiry"');
  let left = SUBMITS;
  const ids = new Set();
  const nodes = { 10: 0, 78: 0 };
  const client = async (_, i) => {
    while (left-- > 0) {
      const { status, id, error } = await submitOnce(agent, urls[i % 2]);
      assert.equal(status, 201, String(error));
      assert.ok(!ids.has(id), `${id} was given twice`);
      ids.add(id);
      nodes[(BigInt(id) >> 12n) & 1023n]++;
    }
  };
  await Promise.all(Array.from({ length: 32 }, client)).finally(() => agent.destroy());
  assert.equal(ids.size, SUBMITS);
  const [{ count }] = await query('SELECT count(*) FROM outreach."Inquiry"');
  assert.equal(Number(count) - Number(before_), SUBMITS);
  assert.ok(nodes[10] > SUBMITS / 4 && nodes[78] > SUBMITS / 4, JSON.stringify(nodes));
});
