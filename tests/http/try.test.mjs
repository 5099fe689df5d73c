// The example forms in a real browser, under the policy they are served with: what a visitor sees, and what is stored.
import assert from "node:assert/strict";
import { mkdirSync, statSync } from "node:fs";
import { after, test } from "node:test";

import axe from "axe-core";

import { assertProblem, call, unique } from "./lib/api.mjs";
import { assertAtHome, visit } from "./lib/browser.mjs";
import { close, inquiriesOf, subscriberRow } from "./lib/db.mjs";
import { stack } from "./lib/stack.mjs";

after(close);

const PAGES = ["/try", "/try/plain"];
const ASSETS = ["form.css", "form.js", "plain.js", "widget.js", "altcha.js", "altcha.css", "sha.js"].map((name) => `/try/assets/${name}`);
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; worker-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
const images = process.env.BANA_IMAGES ?? `${stack.dir}/log`; // docs/images, to renew those of the documents
mkdirSync(images, { recursive: true });

const inquiry = (page) => page.getByRole("region", { name: "Send an inquiry" });
const newsletter = (page) => page.getByRole("region", { name: "Newsletter" });
const address = () => `${unique("a").slice(0, 9)}@example.com`;

async function fill(page, email, more = {}) {
  const form = inquiry(page);
  for (const [label, text] of Object.entries({ "First name": "Ada", "E-mail": email, Message: "We would like ten more seats.", ...more })) await form.getByLabel(label).fill(text);
}
const press = (page) => inquiry(page).getByRole("button", { name: "Send inquiry" }).click();
const thanks = (page) => page.getByRole("heading", { name: "Thank you, we have your inquiry" });

// What went to the service, as { key, body, status, replayed } once it is answered.
function watch(page) {
  const sent = [];
  page.on("response", async (answer) => {
    const request = answer.request();
    if (request.method() !== "POST") return;
    sent.push({ key: request.headers()["idempotency-key"], body: request.postDataJSON(), status: answer.status(), replayed: answer.headers()["idempotent-replayed"] });
  });
  return sent;
}

async function picture(page, name) {
  const path = `${images}/try-${name}.png`;
  await page.screenshot({ path, fullPage: true, animations: "disabled" });
  assert.ok(statSync(path).size < 200_000, `${path}: ${statSync(path).size} bytes`);
}

const nothingWrong = (seen) => {
  assert.deepEqual(seen.complaints, []);
  assertAtHome(seen);
};

for (const colorScheme of ["light", "dark"]) {
  test(`a_visitor_sends_an_inquiry_and_is_shown_the_receipt: ${colorScheme}`, async (t) => {
    const { page, seen } = await visit(t, "/try", { colorScheme, reducedMotion: "reduce", viewport: { width: 1100, height: 900 } });
    const sent = watch(page);
    const email = address();
    await fill(page, email, { "Last name": "Lovelace", Subject: "Ten more seats" });
    await inquiry(page).getByLabel("What is it about?").selectOption("200_SALES");
    await page.locator("form[action='inquiries/submit'] .altcha[data-state=verified]").waitFor(); // solved while the visitor writes
    await picture(page, colorScheme);
    await press(page);
    await thanks(page).waitFor();
    await picture(page, `receipt-${colorScheme}`);
    assert.equal(await thanks(page).evaluate((node) => node === document.activeElement), true, "screen readers are led to it");
    const rows = await inquiriesOf(email);
    assert.equal(rows.length, 1);
    assert.deepEqual([rows[0].type, rows[0].last_name, rows[0].subject, rows[0].locale], ["200_SALES", "Lovelace", "Ten more seats", "en-US"]);
    assert.equal(rows[0].page_url, `${stack.env.BASE_URL}/try`);
    assert.equal(await page.locator("[data-of=id]").textContent(), rows[0].id);
    assert.equal(await page.locator("[data-of=createdAt]").getAttribute("datetime"), rows[0].created_at.toISOString());
    const [{ body, key, status }] = sent;
    assert.equal(status, 201);
    assert.match(key, /^"[0-9a-f-]{36}"$/);
    assert.match(body.formStamp, /^\d+\.[\w-]{14}$/);
    assert.ok(!("website" in body));
    const proof = JSON.parse(Buffer.from(body.altcha, "base64").toString());
    assert.equal(proof.algorithm, "SHA-256");
    assert.match(proof.salt, /^[0-9a-f]{24}\?expires=\d+&$/);
    assert.ok(seen.addresses.filter((one) => one.endsWith("/challenge")).length >= 1);
    nothingWrong(seen);
  });
}

// By the tree that screen readers read.
test("what_is_not_right_is_told_in_a_summary_and_at_its_field", async (t) => {
  const { page, seen } = await visit(t, "/try", { reducedMotion: "reduce", viewport: { width: 1100, height: 900 } });
  const form = inquiry(page);
  await fill(page, "ada@example", { "First name": "" });
  await press(page);
  const summary = form.getByRole("alert");
  await summary.waitFor();
  assert.equal(await summary.evaluate((node) => node === document.activeElement), true, "the summary has the focus");
  assert.equal(await summary.getByRole("heading").textContent(), "2 things are not right yet");
  const links = summary.getByRole("link");
  const reasons = [["First name", "Please fill this in."], ["E-mail", "This is not a complete address, like ada@example.com."]];
  assert.deepEqual(await links.allTextContents(), reasons.map((one) => one.join(": ")));
  for (const [label, text] of reasons) {
    const field = form.getByLabel(label);
    assert.equal(await field.getAttribute("aria-invalid"), "true", label);
    const [note] = (await field.getAttribute("aria-describedby")).split(" ");
    assert.equal(await page.locator(`#${note}`).textContent(), text);
  }
  assert.equal(await form.getByLabel("E-mail").getAttribute("aria-describedby"), "inquiry-email-error inquiry-email-hint");
  assert.equal(await form.locator("[aria-invalid]").count(), 2);
  await page.locator("form[action='inquiries/submit'] .altcha[data-state=verified]").waitFor();
  await picture(page, "errors");
  await links.nth(1).click();
  assert.equal(await page.evaluate(() => document.activeElement.id), "inquiry-email");
  // put right, nothing of it is left
  const email = address();
  await fill(page, email);
  await press(page);
  await thanks(page).waitFor();
  assert.equal(await page.locator("[aria-invalid], .error, .summary").count(), 0);
  assert.equal(await page.locator("#inquiry-email").getAttribute("aria-describedby"), "inquiry-email-hint");
  assert.equal((await inquiriesOf(email)).length, 1);
  assert.deepEqual(seen.complaints.filter((text) => !/422/.test(text)), []);
});

test("an_answer_that_was_lost_is_asked_for_again_and_there_is_one_row", async (t) => {
  const { page } = await visit(t, "/try");
  const sent = watch(page);
  const email = address();
  let lost = 0;
  await page.route("**/inquiries/submit", async (route) => {
    if (lost > 0) return route.continue();
    lost++;
    assert.equal((await route.fetch()).status(), 201); // stored, and nobody heard of it
    return route.abort("connectionreset");
  });
  await fill(page, email);
  await press(page);
  await thanks(page).waitFor();
  assert.equal(lost, 1);
  const rows = await inquiriesOf(email);
  assert.equal(rows.length, 1);
  assert.equal(await page.locator("[data-of=id]").textContent(), rows[0].id);
  assert.deepEqual(sent.map(({ status, replayed }) => [status, replayed]), [[201, "true"]]);
});

// The same key until the outcome is known, also when the visitor is who tries again; another for other content.
test("while_the_outcome_is_unknown_the_key_stays_and_with_it_one_row", async (t) => {
  const { page } = await visit(t, "/try");
  const email = address();
  const keys = [];
  const bodies = [];
  let away = true;
  await page.route("**/inquiries/submit", async (route) => {
    keys.push(route.request().headers()["idempotency-key"]);
    bodies.push(route.request().postData());
    if (!away) return route.continue();
    if (keys.length === 1) await route.fetch(); // the first one did arrive
    return route.abort("connectionreset");
  });
  await fill(page, email);
  await press(page);
  await inquiry(page).getByRole("alert").getByText("We could not reach the service").waitFor();
  assert.equal(keys.length, 4);
  away = false;
  await press(page);
  await thanks(page).waitFor();
  assert.equal(new Set(keys).size, 1, keys.join());
  assert.equal(new Set(bodies).size, 1, "byte for byte");
  assert.equal((await inquiriesOf(email)).length, 1);
  await page.getByRole("button", { name: "Write another" }).click();
  await fill(page, email, { Message: "And five more." });
  await press(page);
  await thanks(page).waitFor();
  assert.equal(new Set(keys).size, 2);
  assert.equal((await inquiriesOf(email)).length, 2);
});

test("it_works_without_the_widget_the_challenge_and_the_stamp", async (t) => {
  const { page } = await visit(t, "/doc/observe");
  const sent = watch(page);
  for (const what of ["**/challenge", "**/form-stamp", "**/try/assets/altcha.js*"]) await page.route(what, (route) => route.abort());
  await page.goto(`${stack.env.BASE_URL}/try`);
  const email = address();
  await fill(page, email);
  await press(page);
  await thanks(page).waitFor();
  assert.deepEqual(Object.keys(sent[0].body).filter((name) => /stamp|altcha/i.test(name)), []);
  assert.equal((await inquiriesOf(email)).length, 1);
});

// As on plain HTTP of another host than localhost.
test("a_page_without_randomUUID_sends_without_a_key_and_there_is_one_row", async (t) => {
  const { page, seen } = await visit(t, "/doc/observe");
  await page.addInitScript(() => delete Crypto.prototype.randomUUID);
  await page.goto(`${stack.env.BASE_URL}/try`);
  const sent = watch(page);
  const email = address();
  let lost = 0;
  await page.route("**/inquiries/submit", async (route) => {
    if (lost++ > 0) return route.continue();
    assert.equal((await route.fetch()).status(), 201); // stored, and nobody heard of it
    return route.abort("connectionreset");
  });
  await fill(page, email);
  await press(page);
  await thanks(page).waitFor();
  assert.deepEqual(sent.map(({ key, status }) => [key, status]), [[undefined, 201]]);
  assert.equal((await inquiriesOf(email)).length, 1);
  assert.deepEqual(seen.complaints.filter((text) => !/CONNECTION_RESET/.test(text)), []);
});

test("what_goes_wrong_in_the_page_is_told_and_can_be_tried_again", async (t) => {
  const { page } = await visit(t, "/try");
  await page.evaluate(() => {
    crypto.randomUUID = () => {
      delete crypto.randomUUID; // the next time it is the prototype's
      throw new Error("not today");
    };
  });
  const email = address();
  await fill(page, email);
  await press(page);
  const summary = inquiry(page).getByRole("alert");
  await summary.getByText("Something went wrong on this page").waitFor();
  assert.equal(await summary.evaluate((node) => node === document.activeElement), true);
  assert.equal((await inquiriesOf(email)).length, 0);
  await press(page);
  await thanks(page).waitFor();
  assert.equal((await inquiriesOf(email)).length, 1);
});

test("a_visitor_subscribes_once_they_have_agreed", async (t) => {
  const { page, seen } = await visit(t, "/try");
  const sent = watch(page);
  const email = address();
  const form = newsletter(page);
  const press = () => form.getByRole("button", { name: "Subscribe" }).click();
  await form.getByLabel("Events").check();
  await press();
  assert.deepEqual(await form.getByRole("alert").getByRole("link").allTextContents(), ["E-mail: Please fill this in.", "Please agree, or we may not write to you."]);
  assert.equal(sent.length, 0);
  await form.getByLabel("E-mail").fill(email);
  await form.getByLabel(/Send me the newsletter/).check();
  await form.getByLabel("Product").check();
  await press();
  await newsletter(page).getByRole("heading", { name: "Thank you" }).waitFor();
  assert.ok(sent[0].body.altcha, "its widget is not seen, and works");
  const row = await subscriberRow(email);
  assert.deepEqual([row.topics.sort(), row.source, row.consent_version], [["events", "product"], "try", "2026-01"]);
  nothingWrong(seen);
});

test("people_neither_see_nor_reach_the_honeypot", async (t) => {
  const { page } = await visit(t, "/try");
  const trap = page.locator("#inquiry-website");
  const box = await trap.boundingBox();
  assert.ok(box.x + box.width < 0, "out of sight, though it is there");
  assert.equal(await page.getByRole("textbox", { name: "Leave this empty" }).count(), 0, "not in the tree that screen readers read");
  await inquiry(page).getByLabel("First name").focus();
  const reached = [];
  for (let i = 0; i < 25; i++) {
    reached.push(await page.evaluate(() => document.activeElement.name));
    await page.keyboard.press("Tab");
  }
  assert.ok(reached.includes("message") && !reached.includes("website"), reached.join());
});

test("narrow_pages_need_no_scrolling_to_the_side", async (t) => {
  for (const colorScheme of ["light", "dark"]) {
    const { page } = await visit(t, "/try", { colorScheme, reducedMotion: "reduce", viewport: { width: 360, height: 740 } });
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 360);
    if (colorScheme === "light") await picture(page, "narrow");
  }
});

test("a_plain_form_is_posted_without_any_script_and_a_page_says_thanks", async (t) => {
  for (const [path, javaScriptEnabled] of [["/try", false], ["/try/plain", false], ["/try/plain", true]]) {
    const { page, seen } = await visit(t, path, { javaScriptEnabled });
    const email = address();
    if (javaScriptEnabled) await page.waitForFunction(() => document.querySelector("input[name=formStamp]").value !== "");
    await fill(page, email);
    const [answer] = await Promise.all([page.waitForResponse("**/inquiries/submit"), press(page)]);
    assert.equal(answer.status(), 201);
    await thanks(page).waitFor();
    const sent = new URLSearchParams(answer.request().postData());
    assert.equal(/^\d+\.[\w-]{14}$/.test(sent.get("formStamp")), javaScriptEnabled);
    assert.equal((await inquiriesOf(email)).length, 1);
    assert.deepEqual(seen.complaints, []);
  }
  const { page, seen } = await visit(t, "/try", { javaScriptEnabled: false });
  await newsletter(page).getByLabel("E-mail").fill(address());
  await newsletter(page).getByLabel(/Send me the newsletter/).check();
  await newsletter(page).getByRole("button", { name: "Subscribe" }).click();
  await page.getByRole("heading", { name: "Thank you", exact: true }).waitFor();
  assert.deepEqual(seen.complaints, []);
});

test("what_is_not_right_with_a_plain_form_is_listed_and_the_way_back_keeps_what_was_written", async (t) => {
  const { page, seen } = await visit(t, "/try/plain", { javaScriptEnabled: false, viewport: { width: 360, height: 740 } });
  await fill(page, "ada@example"); // good enough for the browser
  await press(page);
  await page.getByRole("heading", { name: "Something is not right yet" }).waitFor();
  assert.deepEqual(await page.getByRole("listitem").allTextContents(), ["email: Invalid email address"]);
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 360);
  await page.goBack();
  assert.equal(await inquiry(page).getByLabel("Message").inputValue(), "We would like ten more seats.");
  const email = address();
  await inquiry(page).getByLabel("E-mail").fill(email);
  await press(page);
  await thanks(page).waitFor();
  assert.equal((await inquiriesOf(email)).length, 1);
  assert.deepEqual(seen.complaints.filter((text) => !/422/.test(text)), []);
});

// Rules of WCAG 2.2 that a program can judge: names, roles, contrast, targets ...
for (const colorScheme of ["light", "dark"]) {
  test(`axe_finds_nothing_to_complain_of_on_the_pages_that_answer_a_plain_form: ${colorScheme}`, async (t) => {
    const { page } = await visit(t, "/try/plain", { colorScheme });
    for (const [email, heading] of [["ada@example", "Something is not right yet"], [address(), "Thank you, we have your inquiry"]]) {
      await fill(page, email);
      await press(page);
      await page.getByRole("heading", { name: heading }).waitFor();
      await page.evaluate(axe.source);
      const { violations } = await page.evaluate(() => globalThis.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"] }));
      assert.deepEqual(violations.map(({ id, nodes }) => `${heading}: ${id}: ${nodes.map(({ html }) => html).join(" | ")}`), []);
      await page.goBack();
    }
  });
}

test("the_pages_are_served_under_a_policy_without_anything_inline", async () => {
  for (const path of [...PAGES, ...ASSETS]) {
    const { status, headers, text } = await call("GET", path);
    assert.equal(status, 200, path);
    assert.equal(headers.get("content-security-policy"), POLICY);
    assert.equal(headers.get("x-content-type-options"), "nosniff");
    assert.equal(headers.get("cache-control"), "no-cache");
    if (!PAGES.includes(path)) continue;
    assert.doesNotMatch(text, /<style|<script>|style=|\son[a-z]+=/);
    for (const [, file] of text.matchAll(/ (?:src|href)="([^"]+\?v=[^"]*)"/g)) {
      const asset = await fetch(new URL(file, stack.env.BASE_URL + path));
      assert.match(new URL(asset.url).search, /^\?v=[0-9a-f]{12}$/);
      assert.deepEqual([asset.status, asset.headers.get("cache-control")], [200, "public, max-age=31536000, immutable"], file);
    }
  }
});

test("the_files_are_only_read_and_nothing_else_of_the_folder_is_served", async () => {
  for (const path of [...PAGES, ...ASSETS]) {
    const answer = await call("POST", path);
    assertProblem(answer, 405);
    assert.equal(answer.headers.get("allow"), "GET, HEAD");
  }
  for (const path of ["/try/index.html", "/try/plain.html", "/try/assets/", "/try/assets/altcha.js.gz", "/try/assets/..%2findex.html"]) assertProblem(await call("GET", path), 404);
});
