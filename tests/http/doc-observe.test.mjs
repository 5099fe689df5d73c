// The page of live inquiries in a real browser: the reference client as a browser runs it.
import assert from "node:assert/strict";
import { test } from "node:test";

import { assertAccepted, assertProblem, call, inquiry, submit, unique } from "./lib/api.mjs";
import { assertAtHome, POLICY, visit } from "./lib/browser.mjs";
import { stack } from "./lib/stack.mjs";
import { claims, token } from "./lib/token.mjs";

const { BASE_URL, BO_TOKEN } = stack.env;
const PAGE = "/doc/observe";
const ASSETS = ["/doc/assets/observe.js", "/doc/assets/observer.mjs"];

const toast = (page, text) => page.locator("#inquiries li", { hasText: text });
const inState = (page, state) => page.locator(`#state[data-state="${state}"]`).waitFor();

async function connect(page, by = BO_TOKEN) {
  await page.getByLabel("Access token").fill(by);
  await page.getByRole("button", { name: "Connect", exact: true }).click();
}

async function liveVisit(t, options) {
  const visited = await visit(t, PAGE, options);
  await connect(visited.page);
  await inState(visited.page, "live");
  return visited;
}

for (const colorScheme of ["light", "dark"]) {
  test(`an_inquiry_is_shown_the_moment_it_comes: ${colorScheme}`, async (t) => {
    const { page, seen } = await liveVisit(t, { colorScheme, reducedMotion: "reduce", viewport: { width: 800, height: 600 } });
    const subject = unique("subject");
    const sent = inquiry({ type: "200_SALES", lastName: "Lovelace", businessName: "Engines", subject });
    const { createdAt } = assertAccepted(await submit(sent));
    const one = toast(page, subject);
    await one.waitFor();
    assert.equal(await one.locator(".name").textContent(), "Ada Lovelace (Engines)");
    assert.equal(await one.locator(".type").textContent(), "sales");
    assert.equal(await one.locator("time").getAttribute("datetime"), createdAt);
    assert.equal(await one.locator(".how").textContent(), "");
    assertAccepted(await submit(inquiry({ subject: `${subject} 2` })));
    await toast(page, `${subject} 2`).waitFor();
    assert.equal(await page.locator("#inquiries li").count(), 2, "nothing old, and the newest first");
    assert.equal(await page.locator("#inquiries li").first().locator(".subject").textContent(), `${subject} 2`);
    await page.screenshot({ path: `${stack.dir}/log/observe-${colorScheme}.png` });
    assert.deepEqual(seen.complaints, []);
    assertAtHome(seen);
  });
}

test("what_a_visitor_wrote_is_shown_as_text", async (t) => {
  const { page, seen } = await liveVisit(t);
  const hostile = '<img src=x onerror="document.title=1"><script>document.title=2</script>';
  assertAccepted(await submit(inquiry({ firstName: hostile, lastName: hostile, subject: hostile })));
  await toast(page, hostile).waitFor();
  assert.equal(await page.locator("#inquiries .subject").textContent(), hostile);
  assert.equal(await page.locator("#inquiries .name").textContent(), `${hostile} ${hostile}`);
  assert.equal(await page.locator("#inquiries img, #inquiries script").count(), 0);
  assert.equal(await page.title(), "Live inquiries");
  assert.deepEqual(seen.complaints, []);
});

test("what_came_while_the_rooms_were_away_is_shown", async (t) => {
  const { page, seen } = await liveVisit(t);
  const subject = unique("missed");
  try {
    await stack.end("rooms", "SIGQUIT");
    await inState(page, "waiting");
    assertAccepted(await submit(inquiry({ subject })));
  } finally {
    await stack.repair();
  }
  await inState(page, "live");
  await toast(page, subject).waitFor();
  assert.equal(await toast(page, subject).locator(".how").textContent(), "caught up");
  const next = unique("next");
  assertAccepted(await submit(inquiry({ subject: next })));
  await toast(page, next).waitFor();
  assert.equal(await page.locator("#inquiries li").count(), 2);
  assert.deepEqual(seen.complaints.filter((text) => !/\/ws\?|502|Failed to load/.test(text)), []);
  assertAtHome(seen);
});

test("disconnect_is_one_and_connect_goes_on_where_it_was", async (t) => {
  const { page } = await liveVisit(t);
  const subjects = [1, 2, 3].map((i) => unique(`s${i}`));
  assertAccepted(await submit(inquiry({ subject: subjects[0] })));
  await toast(page, subjects[0]).waitFor();
  await page.getByRole("button", { name: "Disconnect" }).click();
  await inState(page, "stopped");
  assertAccepted(await submit(inquiry({ subject: subjects[1] })));
  await connect(page);
  await toast(page, subjects[1]).waitFor();
  assertAccepted(await submit(inquiry({ subject: subjects[2] })));
  await toast(page, subjects[2]).waitFor();
  assert.deepEqual(await page.locator("#inquiries .subject").allTextContents(), subjects.reverse());
});

test("a_refusal_is_told_and_another_token_can_be_given", async (t) => {
  const { page } = await visit(t, PAGE);
  await connect(page, "a.b.c");
  await page.getByText("Refused: Authentication failed").waitFor();
  await connect(page, token({ payload: claims({ roles: [] }) }));
  await page.getByText(/^Refused: (?!Authentication)/).waitFor();
  await page.getByRole("button", { name: "Disconnect" }).click();
  await connect(page);
  await inState(page, "live");
});

test("the_token_is_kept_nowhere", async (t) => {
  const { page } = await liveVisit(t);
  assert.equal(await page.getByLabel("Access token").getAttribute("type"), "password");
  const kept = await page.evaluate(() => [document.documentElement.outerHTML, location.href, document.cookie, JSON.stringify({ ...localStorage, ...sessionStorage }), document.getElementById("token").value].join());
  assert.ok(!kept.includes(BO_TOKEN));
});

test("the_page_is_served_like_the_reference", async () => {
  const { status, headers, text } = await call("GET", PAGE);
  assert.equal(status, 200, text);
  assert.equal(headers.get("content-type"), "text/html; charset=utf-8");
  assert.equal(headers.get("cache-control"), "no-cache");
  assert.equal(headers.get("content-security-policy"), POLICY);
  const [, source] = /<script type="module" src="([^"]+)"><\/script>/.exec(text);
  assert.match(source, /^assets\/observe\.js\?v=[0-9a-f]{12}$/);
  assert.doesNotMatch(text, /style=|\son[a-z]+=|https?:/);
  for (const path of ASSETS) {
    const answer = await call("HEAD", path);
    assert.deepEqual([answer.status, answer.headers.get("content-type"), answer.headers.get("cache-control")], [200, "text/javascript; charset=utf-8", "no-cache"], path);
  }
  for (const path of [PAGE, ...ASSETS]) {
    const answer = await call("POST", path);
    assertProblem(answer, 405);
    assert.equal(answer.headers.get("allow"), "GET, HEAD");
  }
  for (const path of [`${PAGE}/`, "/doc/observe.html", "/doc/observer.mjs"]) assertProblem(await call("GET", path), 404);
  assert.equal((await fetch(`${BASE_URL}${ASSETS[1]}`)).headers.get("x-content-type-options"), "nosniff");
});
