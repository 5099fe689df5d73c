// A POST that is sent again with its Idempotency-Key is done once and answered as before.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, test } from "node:test";

import pg from "pg";

import { assertAccepted, assertProblem, call, inquiry, post, submit, submitForm, unique } from "./lib/api.mjs";
import { createInquiry, EMPLOYEE, staff } from "./lib/bo.mjs";
import { close, inquiriesOf, owner, query, subscriberRow } from "./lib/db.mjs";
import { stack } from "./lib/stack.mjs";
import { until } from "./lib/wait.mjs";

let pair; // a second pool on the same database
before(async () => {
  pair = await stack.beside("twin", { APP_ENV_NODE_ID: "79", APP_ENV_JWKS_URL: stack.env.JWKS_URL, BO_TOKEN: stack.env.BO_TOKEN });
});
after(async () => {
  await pair.remove();
  await close();
});

const keyed = (key) => ({ headers: { "Idempotency-Key": key } });
const replayed = (answer) => answer.headers.get("idempotent-replayed") === "true";
const fresh = (answer) => !answer.headers.has("idempotent-replayed");
const KEY = "Idempotency-Key";

function assertUsed(answer) {
  const body = assertProblem(answer, 422, "ValidationError");
  assert.deepEqual(body.details.cause, [{ path: KEY, code: "custom", message: "The key was used with another request: take a new one for other content" }]);
}

test("the_same_request_again_gets_the_first_answer_again", async () => {
  const [key, body] = [randomUUID(), inquiry()];
  const first = await submit(body, keyed(key));
  assertAccepted(first);
  assert.ok(fresh(first));
  for (const way of [key, `"${key}"`]) {
    const again = await submit(body, keyed(way));
    assert.deepEqual([again.status, again.text, replayed(again)], [201, first.text, true]);
    for (const name of ["location", "content-type", "x-response-count", "x-response-format"])
      assert.equal(again.headers.get(name), first.headers.get(name), name);
    assert.notEqual(again.headers.get("x-request-id"), first.headers.get("x-request-id"), "it is another request");
  }
  assert.equal((await inquiriesOf(body.email)).length, 1);
});

test("other_content_with_a_used_key_is_refused", async () => {
  const [key, body] = [randomUUID(), inquiry()];
  assertAccepted(await submit(body, keyed(key)));
  assertUsed(await submit({ ...body, message: "Other" }, keyed(key)));
  assertUsed(await submit(`${JSON.stringify(body)} `, keyed(key)));
  assert.equal((await inquiriesOf(body.email)).length, 1);
});

test("a_key_belongs_to_its_path", async () => {
  const [key, email] = [randomUUID(), `${unique("path")}@example.com`];
  assertAccepted(await submit(inquiry({ email }), keyed(key)));
  const answer = await post("/subscribers/subscribe", JSON.stringify({ email }), keyed(key));
  assert.deepEqual([answer.status, fresh(answer)], [200, true]);
  assert.equal((await subscriberRow(email)).status, "201_ACTIVATED");
});

test("a_key_belongs_to_its_caller", async () => {
  const [key, body] = [randomUUID(), inquiry()];
  const [own, other] = [await staff("POST", "/inquiries", { body, ...keyed(key) }), await staff("POST", "/inquiries", { body, ...keyed(key), token: EMPLOYEE })];
  assert.deepEqual([own.status, fresh(own), other.status, fresh(other)], [201, true, 201, true]);
  assert.notEqual(own.body.data.id, other.body.data.id);
  const again = await staff("POST", "/inquiries", { body, ...keyed(key), token: EMPLOYEE });
  assert.deepEqual([again.text, replayed(again), again.headers.get("etag")], [other.text, true, '"v1"']);
  const closed = await staff("POST", "/inquiries", { body, ...keyed(key), token: "x.y.z" });
  assertProblem(closed, 401);
});

test("many_rows_are_changed_once", async () => {
  const { id } = await createInquiry();
  const body = { ids: [id, "1"], patch: { status: "104_IN_REVIEW" } };
  const key = randomUUID();
  const first = await staff("POST", "/inquiries/bulk", { body, ...keyed(key) });
  const again = await staff("POST", "/inquiries/bulk", { body, ...keyed(key) });
  assert.deepEqual([first.status, again.text, replayed(again)], [200, first.text, true]);
  assert.deepEqual((await query('SELECT version FROM outreach."Inquiry" WHERE id = $1', [id]))[0], { version: 2 });
});

test("a_form_may_carry_a_key_too", async () => {
  const [key, email] = [randomUUID(), `${unique("form")}@example.com`];
  const form = new URLSearchParams({ firstName: "Ada", email, message: "Hello" });
  const [first, again] = [await submitForm(form, keyed(key)), await submitForm(form, keyed(key))];
  assert.deepEqual([again.text, replayed(again)], [first.text, true]);
});

test("what_failed_may_be_tried_again_with_the_same_key", async () => {
  const [key, body] = [randomUUID(), inquiry()];
  assertProblem(await submit({ ...body, message: "" }, keyed(key)), 422);
  const answer = await submit(body, keyed(key));
  assertAccepted(answer);
  assert.ok(fresh(answer));
});

test("a_malformed_key_is_refused_with_the_reason", async () => {
  for (const key of ["a b", '"', '""', 'a"b', "x".repeat(256), "a\\b", "\u00e9"]) {
    const problem = assertProblem(await submit(inquiry(), keyed(key)), 400, "Invalid Idempotency-Key");
    assert.deepEqual(problem.details.cause.map(({ path, code }) => [path, code]), [[KEY, "invalid_format"]], key);
  }
  assertAccepted(await submit(inquiry(), keyed("x".repeat(255))));
});

test("only_a_post_looks_at_a_key", async () => {
  const { id } = await createInquiry();
  const key = randomUUID();
  for (const status of ["104_IN_REVIEW", "203_PROCESSING"]) {
    const answer = await staff("PATCH", `/inquiries/${id}`, { body: { status }, ...keyed(key) });
    assert.deepEqual([answer.status, answer.body.data.status, fresh(answer)], [200, status, true]);
  }
});

test("of_64_equal_requests_over_two_pools_one_makes_a_row", async () => {
  const [key, body] = [randomUUID(), inquiry()];
  const send = async (i) => {
    for (;;) {
      const answer = await submit(body, { ...keyed(key), base: [stack, pair][i % 2].env.BASE_URL });
      if (answer.status !== 409) return answer;
      assert.equal(answer.headers.get("retry-after"), "1");
      assert.equal(answer.body.message, "A request with this Idempotency-Key is still running");
    }
  };
  const answers = await Promise.all(Array.from({ length: 64 }, (_, i) => send(i)));
  for (const { status, text } of answers) assert.deepEqual([status, text], [201, answers[0].text]);
  assert.equal(answers.filter(fresh).length, 1);
  assert.equal((await inquiriesOf(body.email)).length, 1);
});

// Whoever commits the answer to `body` waits for a lock of ours in the commit itself.
async function holdingCommits(email, work) {
  const lock = new pg.Client({ connectionString: stack.env.DATABASE_OWNER_URL });
  await lock.connect();
  await lock.query(`
    CREATE OR REPLACE FUNCTION outreach.test_wait() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN PERFORM pg_advisory_xact_lock_shared(4711); RETURN NULL; END $$`);
  await lock.query(`
    CREATE CONSTRAINT TRIGGER test_wait AFTER INSERT ON outreach."Inquiry" INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.email = '${email}') EXECUTE FUNCTION outreach.test_wait()`);
  await lock.query("SELECT pg_advisory_lock(4711)");
  const waiting = () => until("somebody commits", async () => {
    const { rows } = await lock.query("SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = 4711 AND NOT granted");
    return rows.length > 0;
  });
  try {
    return await work({ waiting, release: () => lock.query("SELECT pg_advisory_unlock(4711)") });
  } finally {
    await lock.end();
    await owner('DROP TRIGGER test_wait ON outreach."Inquiry"; DROP FUNCTION outreach.test_wait()');
  }
}

test("while_the_first_runs_the_second_is_told_to_wait", async () => {
  const [key, body] = [randomUUID(), inquiry()];
  await holdingCommits(body.email, async ({ waiting, release }) => {
    const first = submit(body, keyed(key));
    await waiting();
    for (const { env } of [stack, pair]) {
      const second = await submit(body, { ...keyed(key), base: env.BASE_URL });
      assert.deepEqual([second.status, second.headers.get("retry-after")], [409, "1"]);
    }
    await release();
    const done = await first;
    const again = await submit(body, keyed(key));
    assert.deepEqual([again.text, replayed(again)], [done.text, true]);
  });
});

test("once_it_is_done_nobody_who_asks_again_is_told_to_wait", async () => {
  const [key, body] = [randomUUID(), inquiry()];
  const first = await submit(body, keyed(key));
  const again = await Promise.all(Array.from({ length: 64 }, (_, i) => submit(body, { ...keyed(key), base: [stack, pair][i % 2].env.BASE_URL })));
  for (const answer of again) assert.deepEqual([answer.status, answer.text, replayed(answer)], [201, first.text, true]);
});

test("an_answer_that_was_lost_with_its_worker_after_the_commit_is_given_again", async () => {
  const [key, body] = [randomUUID(), inquiry()];
  await holdingCommits(body.email, async ({ waiting, release }) => {
    const lost = submit(body, keyed(key)).catch((error) => error);
    await waiting();
    const pids = stack.workers();
    for (const pid of pids) process.kill(pid, "SIGSTOP"); // none of them answers any more
    await release();
    await until("it is committed", async () => (await inquiriesOf(body.email)).length === 1);
    for (const pid of pids) process.kill(pid, "SIGKILL");
    assert.notEqual((await lost).status, 201, "its answer is lost");
  });
  await until("the pool is whole", () => stack.isWhole());
  const again = await submit(body, keyed(key));
  const { id } = assertAccepted(again);
  assert.ok(replayed(again));
  assert.deepEqual((await inquiriesOf(body.email)).map((row) => row.id), [id]);
});

test("a_key_is_forgotten_after_its_time", async () => {
  const [key, body] = [randomUUID(), inquiry()];
  const { id } = assertAccepted(await submit(body, keyed(key)));
  await owner(`UPDATE outreach."IdempotencyKey" SET created_at = now() - interval '25 hours' WHERE strpos(body, '${id}') > 0`);
  await query('UPDATE outreach."Inquiry" SET content_hash = NULL WHERE id = $1', [id]);
  const later = await submit({ ...body, message: "Another day" }, keyed(key));
  assert.notEqual(assertAccepted(later).id, id);
  assert.ok(fresh(later));
});

test("what_is_too_old_is_pruned_by_those_who_come_after", async () => {
  await owner(`INSERT INTO outreach."IdempotencyKey" (id, created_at, fingerprint, status, headers, by_user)
    SELECT 'old-' || n, now() - interval '25 hours', '', 201, '', false FROM generate_series(1, 150) n`);
  const left = async () => Number((await query(`SELECT count(*) FROM outreach."IdempotencyKey" WHERE id LIKE 'old-%'`))[0].count);
  await until("they are gone", async () => {
    await Promise.all(Array.from({ length: 16 }, () => submit(inquiry(), keyed(randomUUID()))));
    return (await left()) === 0;
  }, 20_000);
});

test("an_erased_person_is_in_no_kept_answer", async () => {
  const [key, email] = [randomUUID(), `${unique("erased")}@example.com`];
  const body = inquiry({ email: email.toUpperCase() });
  const made = await staff("POST", "/inquiries", { body, ...keyed(key) });
  assert.equal(made.status, 201, made.text);
  assert.equal((await staff("DELETE", `/privacy/subjects/${email}`)).status, 200);
  const kept = await query('SELECT FROM outreach."IdempotencyKey" WHERE body ILIKE $1', [`%${email}%`]);
  assert.equal(kept.length, 0);
  const again = await staff("POST", "/inquiries", { body, ...keyed(key) });
  assertProblem(again, 409, "The first answer was erased, on demand of the person in it");
  assert.equal((await inquiriesOf(body.email)).length, 0);
});

test("an_erasure_finds_kept_answers_by_the_rows_they_are_about", async () => {
  const [key, other, name] = [randomUUID(), randomUUID(), unique("erased").toLowerCase()];
  const spelled = await staff("POST", "/inquiries", { body: inquiry({ email: `${name}@bücher.example` }), ...keyed(key) });
  const changed = await staff("POST", "/inquiries", { body: inquiry({ email: `before-${name}@example.com` }), ...keyed(other) });
  assert.deepEqual([spelled.status, changed.status], [201, 201]);
  assert.equal((await staff("PATCH", `/inquiries/${changed.body.data.id}`, { body: { email: `${name}@xn--bcher-kva.example` } })).status, 200);
  assert.equal((await staff("DELETE", `/privacy/subjects/${name}@xn--bcher-kva.example`)).status, 200);
  const kept = await query('SELECT FROM outreach."IdempotencyKey" WHERE body LIKE ANY ($1)', [[spelled, changed].map(({ body }) => `%${body.data.id}%`)]);
  assert.equal(kept.length, 0);
});

test("an_erasure_forgets_answers_also_of_whom_no_row_is_left", async () => {
  const [key, email] = [randomUUID(), `${unique("gone")}@example.com`];
  const made = await staff("POST", "/inquiries", { body: inquiry({ email }), ...keyed(key) });
  assert.equal((await staff("PATCH", `/inquiries/${made.body.data.id}`, { body: { email: `${unique("new")}@example.com` } })).status, 200);
  assertProblem(await staff("DELETE", `/privacy/subjects/${email}`), 404);
  assert.equal((await query('SELECT FROM outreach."IdempotencyKey" WHERE body LIKE $1', [`%${email}%`])).length, 0);
});

test("without_the_database_a_keyed_request_is_asked_to_come_again", async () => {
  await stack.signalAll("postgres", "SIGSTOP");
  let answer;
  try {
    answer = await submit(inquiry(), keyed(randomUUID()));
  } finally {
    await stack.signalAll("postgres", "SIGCONT");
  }
  assertProblem(answer, 503);
  await until("it is back", async () => (await call("GET", "/readyz", { base: stack.origin })).status === 200);
});
