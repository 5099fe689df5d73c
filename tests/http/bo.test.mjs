// The back office in a real browser, under the policy it is served with.
import assert from "node:assert/strict";
import { after, test } from "node:test";

import axe from "axe-core";

import { assertAccepted, assertProblem, call, inquiry, submit, unique } from "./lib/api.mjs";
import { drawer, idsShown, isLive, listed, office, PAGE, rowOf, signIn } from "./lib/backoffice.mjs";
import { CASHIER, EMPLOYEE, insertInquiries, inquiryOf, OWNER, staff, tokenOf } from "./lib/bo.mjs";
import { assertAtHome, visit } from "./lib/browser.mjs";
import { close } from "./lib/db.mjs";
import { stack } from "./lib/stack.mjs";
import { claims, now, token } from "./lib/token.mjs";
import { until } from "./lib/wait.mjs";

after(close);

const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";
const toast = (page, id) => page.locator(`.toast[data-id="${id}"]`);
const search = (page, text) => listed(page, () => page.getByLabel("Search", { exact: true }).fill(text));
const open = async (page, id) => {
  await rowOf(page, id).getByRole("link").click();
  await drawer(page).locator(".timeline").waitFor();
};
const pressed = (page, name) => drawer(page).getByRole("button", { name, exact: true });
// What a button does has been answered, and the newest is shown.
async function done(page, act) {
  const answered = page.waitForResponse((answer) => answer.url().includes("/timeline"));
  await act();
  await answered;
}
function assertClean(seen) {
  assert.deepEqual(seen.complaints, []);
  assertAtHome(seen);
}

test("a_submit_is_a_toast_in_an_open_page_and_a_row_of_its_list", async (t) => {
  const { page, seen } = await office(t);
  await isLive(page);
  const sent = inquiry({ type: "200_SALES", lastName: "Lovelace", businessName: "Engines", subject: unique("subject") });
  const { id } = assertAccepted(await submit(sent));
  await toast(page, id).getByText(sent.subject).waitFor();
  assert.match(await toast(page, id).textContent(), /New inquiry · Sales.*Ada Lovelace Engines/);
  await rowOf(page, id).waitFor();
  assert.equal((await idsShown(page))[0], id, "at the top");
  await toast(page, id).getByRole("button").first().click();
  await drawer(page).getByRole("heading", { name: "Ada Lovelace" }).waitFor();
  await drawer(page).getByText(sent.message, { exact: true }).waitFor();
  assert.equal(await toast(page, id).count(), 0);
  await page.keyboard.press("Escape");
  assert.equal(await drawer(page).count(), 0);
  assert.ok(await rowOf(page, id).getByRole("link").evaluate((link) => link === document.activeElement), "the focus goes to its row");
  assertClean(seen);
});

test("toasts_go_by_themselves_but_not_while_somebody_is_at_them", async (t) => {
  const { page } = await office(t);
  await isLive(page);
  await page.clock.install();
  const come = async () => {
    const { id } = assertAccepted(await submit(inquiry()));
    await toast(page, id).waitFor();
    return id;
  };
  const one = await come();
  await toast(page, one).hover();
  const two = await come();
  await page.clock.fastForward(60_000);
  assert.deepEqual([await toast(page, one).count(), await toast(page, two).count()], [1, 1], "also the one that came meanwhile");
  await toast(page, two).getByRole("button", { name: "Dismiss" }).focus();
  await page.mouse.move(0, 0);
  await page.clock.fastForward(60_000);
  assert.equal(await toast(page, one).count(), 1, "the keyboard is at the other");
  await page.keyboard.press("Enter");
  assert.equal(await toast(page, two).count(), 0);
  await page.clock.fastForward(60_000);
  await toast(page, one).waitFor({ state: "detached" });
});

test("a_submit_in_one_tab_is_a_toast_in_the_other", async (t) => {
  const { page } = await office(t);
  await isLive(page);
  const { page: other } = await visit(t, PAGE);
  const id = await other.evaluate(async (body) => (await (await fetch("inquiries/submit", { method: "POST", headers: { "Content-Type": "application/json" }, body })).json()).data.id, JSON.stringify(inquiry()));
  await toast(page, id).waitFor();
});

test("what_came_while_the_rooms_were_away_is_a_toast_and_a_row", async (t) => {
  const { page } = await office(t);
  await isLive(page);
  let id;
  try {
    await stack.end("rooms", "SIGQUIT");
    await page.locator('.live[data-state="waiting"]').waitFor();
    ({ id } = assertAccepted(await submit(inquiry())));
  } finally {
    await stack.repair();
  }
  await toast(page, id).getByText("Came meanwhile").waitFor();
  await rowOf(page, id).waitFor();
  await isLive(page);
});

test("a_new_row_comes_into_the_list_only_where_it_fits_the_filters", async (t) => {
  const { page } = await office(t);
  await isLive(page);
  await listed(page, () => page.getByLabel("Type", { exact: true }).selectOption("300_SUPPORT"));
  const sales = assertAccepted(await submit(inquiry({ type: "200_SALES" })));
  await toast(page, sales.id).waitFor();
  const support = assertAccepted(await submit(inquiry({ type: "300_SUPPORT" })));
  await rowOf(page, support.id).waitFor();
  assert.equal(await rowOf(page, sales.id).count(), 0);
});

// Answers to questions of the page that `is` selects wait for `free`; `reached`: there is one.
async function held(page, is) {
  const hold = {};
  hold.reached = new Promise((done) => (hold.reach = done));
  const freed = new Promise((done) => (hold.free = done));
  await page.route(/\/inquiries\?filter=/, async (route) => {
    if (!is(route.request())) return route.continue();
    const response = await route.fetch();
    hold.reach();
    await freed;
    return route.fulfill({ response });
  });
  return hold;
}
const isOfArrivals = (request) => /"id":\{"in":/.test(decodeURIComponent(request.url()));

test("a_new_row_that_is_asked_for_while_the_filter_changes_stays_out", async (t) => {
  const { page, seen } = await office(t);
  await isLive(page);
  const hold = await held(page, isOfArrivals);
  const sales = assertAccepted(await submit(inquiry({ type: "200_SALES" })));
  await hold.reached;
  await listed(page, () => page.getByLabel("Type", { exact: true }).selectOption("300_SUPPORT"));
  const answered = page.waitForResponse((answer) => isOfArrivals(answer.request()));
  hold.free();
  await answered;
  const support = assertAccepted(await submit(inquiry({ type: "300_SUPPORT" })));
  await rowOf(page, support.id).waitFor();
  assert.equal(await rowOf(page, sales.id).count(), 0);
  assertClean(seen);
});

test("a_new_row_is_not_lost_to_an_answer_from_before_it", async (t) => {
  const { page, seen } = await office(t);
  await isLive(page);
  await page.clock.install();
  const hold = await held(page, (request) => !isOfArrivals(request) && request.headers().prefer === undefined);
  await page.getByRole("button", { name: "Refresh" }).click();
  await hold.reached;
  const { id } = assertAccepted(await submit(inquiry()));
  const asked = [];
  page.on("request", (request) => isOfArrivals(request) && asked.push(request));
  await toast(page, id).waitFor();
  await page.clock.fastForward(1000); // what has arrived is gathered by a timer: it fires
  await page.evaluate(() => fetch(document.URL).then((answer) => answer.text())); // asked behind it, if it asks
  for (const request of asked) await (await request.response()).finished();
  await listed(page, hold.free);
  await rowOf(page, id).waitFor();
  assertClean(seen);
});

test("the_list_is_filtered_by_status_type_words_and_days", async (t) => {
  const mark = unique("mark");
  const at = (day) => `2003-05-${day}T12:00:00Z`;
  const rows = await insertInquiries([
    { business_name: mark, first_name: "Grace", subject: "100% sure_", type: "200_SALES", status: "104_IN_REVIEW", created_at: at("10") },
    { business_name: mark, first_name: "Alan", subject: "1000 surely", type: "200_SALES", status: "100_NEW", created_at: at("11") },
    { business_name: mark, first_name: "Mary", subject: "Hello", type: "300_SUPPORT", status: "100_NEW", created_at: at("12") },
  ]);
  const [grace, alan, mary] = rows.map(({ id }) => id);
  const { page, seen } = await office(t, { timezoneId: "Asia/Ho_Chi_Minh" });
  const shows = async (...ids) => assert.deepEqual(await idsShown(page), ids);
  await search(page, mark);
  await shows(mary, alan, grace);
  await page.locator(".range", { hasText: "1–3 of 3" }).waitFor();
  await search(page, `${mark.toUpperCase()} grace`);
  await shows(grace);
  await search(page, `${mark} 100%`);
  await shows(grace);
  await search(page, `${mark} sure_`);
  await shows(grace);
  await search(page, `${mark} ${rows[2].email}`);
  await shows(mary);
  await search(page, mark);
  await listed(page, () => page.getByRole("button", { name: "New", exact: true }).click());
  await shows(mary, alan);
  await listed(page, () => page.getByLabel("Type", { exact: true }).selectOption("200_SALES"));
  await shows(alan);
  await listed(page, () => page.getByRole("button", { name: "All", exact: true }).click());
  await listed(page, () => page.getByLabel("Received from").fill("2003-05-11"));
  await shows(alan);
  await listed(page, () => page.getByLabel("Received until").fill("2003-05-11"));
  await shows(alan); // that day is within
  await listed(page, () => page.getByLabel("Received until").fill("2003-05-10"));
  await page.getByRole("heading", { name: "Nothing matches" }).waitFor();
  await listed(page, () => page.getByRole("button", { name: "Clear filters" }).click());
  assert.ok((await idsShown(page)).length > 0);
  assert.equal(await page.getByLabel("Received from").inputValue(), "");
  assertClean(seen);
});

test("pages_are_turned_forth_and_back_and_each_row_is_on_one", async (t) => {
  const mark = unique("pages");
  const rows = await insertInquiries(Array.from({ length: 60 }, (_, i) => ({ business_name: mark, created_at: new Date(Date.UTC(2004, 0, 1, 0, i)).toISOString() })));
  const all = rows.map(({ id }) => id).reverse();
  const { page, seen } = await office(t);
  await search(page, mark);
  assert.deepEqual(await idsShown(page), all.slice(0, 25));
  assert.ok(await page.getByRole("button", { name: "Previous page" }).isDisabled());
  for (const [from, range] of [[25, "26–50 of 60"], [50, "51–60 of 60"]]) {
    await listed(page, () => page.getByRole("button", { name: "Next page" }).click());
    assert.deepEqual(await idsShown(page), all.slice(from, from + 25));
    assert.equal(await page.locator(".range").textContent(), range);
  }
  assert.ok(await page.getByRole("button", { name: "Next page" }).isDisabled());
  await listed(page, () => page.getByRole("button", { name: "Previous page" }).click());
  assert.deepEqual(await idsShown(page), all.slice(25, 50));
  await isLive(page);
  assertAccepted(await submit(inquiry({ businessName: mark })));
  await page.getByRole("button", { name: "1 new – show" }).waitFor();
  assert.deepEqual(await idsShown(page), all.slice(25, 50), "the page that is read stays");
  await listed(page, () => page.getByRole("button", { name: "1 new – show" }).click());
  assert.equal((await idsShown(page))[1], all[0]);
  assertClean(seen);
});

test("a_status_moves_as_the_table_says_and_the_timeline_tells_it", async (t) => {
  const { id } = assertAccepted(await submit(inquiry()));
  const { page, seen } = await office(t);
  await open(page, id);
  const offered = () => drawer(page).locator(".moves [data-move]").evaluateAll((list) => list.map((one) => one.dataset.move).sort());
  assert.deepEqual(await offered(), ["104_IN_REVIEW", "203_PROCESSING", "303_COMPLETED", "405_ARCHIVED", "505_CANCELLED"]);
  await done(page, () => pressed(page, "Review").click());
  await drawer(page).locator('.pill[data-status="104_IN_REVIEW"]').waitFor();
  await done(page, () => pressed(page, "Assign to me").click());
  await pressed(page, "Unassign").waitFor();
  await done(page, () => pressed(page, "Complete").click());
  await until("what may follow", async () => (await offered()).join() === "203_PROCESSING,405_ARCHIVED");
  assert.deepEqual((await drawer(page).locator(".timeline p").allTextContents()).map((text) => text.trim()), [
    "You set the status to Completed", "You assigned it to you", "You set the status to In review", "The visitor sent it",
  ]);
  assert.equal(await rowOf(page, id).locator(".pill").textContent(), "Completed", "the row behind follows");
  const row = await inquiryOf(id);
  assert.deepEqual([row.status, row.assignee_id], ["303_COMPLETED", "u-owner"]);
  assertClean(seen);
});

test("what_is_cancelled_has_a_reason", async (t) => {
  const { id } = assertAccepted(await submit(inquiry()));
  const { page } = await office(t);
  await open(page, id);
  await pressed(page, "Cancel …").click();
  await drawer(page).getByLabel("Why is it cancelled?").selectOption("200_DUPLICATE");
  await done(page, () => pressed(page, "Cancel the inquiry").click());
  await drawer(page).locator(".fact", { hasText: "Cancel reason" }).getByText("Duplicate").waitFor();
  const row = await inquiryOf(id);
  assert.deepEqual([row.status, row.cancel_reason], ["505_CANCELLED", "200_DUPLICATE"]);
});

test("a_change_over_a_newer_version_is_told_and_saves_nothing", async (t) => {
  const { id } = assertAccepted(await submit(inquiry()));
  const { page, seen } = await office(t);
  await open(page, id);
  assert.equal((await staff("PATCH", `/inquiries/${id}`, { body: { status: "104_IN_REVIEW" }, token: EMPLOYEE })).status, 200);
  await pressed(page, "Complete").click();
  await drawer(page).getByRole("alert").getByText("Somebody else changed this meanwhile").waitFor();
  assert.equal((await inquiryOf(id)).status, "104_IN_REVIEW");
  await done(page, () => pressed(page, "Show the latest").click());
  await drawer(page).locator('.pill[data-status="104_IN_REVIEW"]').waitFor();
  assert.equal(await drawer(page).getByText("Somebody else changed this meanwhile").count(), 0);
  await done(page, () => pressed(page, "Complete").click());
  assert.equal((await inquiryOf(id)).status, "303_COMPLETED");
  assert.deepEqual(seen.complaints.filter((text) => !/412/.test(text)), []);
});

test("everything_is_done_by_keyboard", async (t) => {
  const mark = unique("keys");
  const rows = await insertInquiries([1, 2, 3].map((i) => ({ subject: mark, first_name: `Row${i}`, created_at: `2005-01-0${i}T00:00:00Z` })));
  const [third, second, first] = rows.map(({ id }) => id);
  const { page, seen } = await visit(t, PAGE, { reducedMotion: "reduce" });
  const press = async (...keys) => { for (const key of keys) await page.keyboard.press(key); };
  const focused = () => page.evaluate(() => document.activeElement.closest("tr")?.dataset.id ?? document.activeElement.textContent);
  await page.locator("#token:focus").waitFor(); // a frame after it is there
  await page.keyboard.insertText(OWNER);
  await press("Enter");
  await page.locator("tbody tr[data-id]").first().waitFor();
  await press("/");
  await listed(page, () => page.keyboard.insertText(mark));
  assert.deepEqual(await idsShown(page), [first, second, third]);
  await press("Escape", "j");
  assert.equal(await focused(), first);
  await press("ArrowDown", "j", "j", "k");
  assert.equal(await focused(), second);
  await press("Enter");
  await drawer(page).locator(".timeline").waitFor();
  for (let i = 0; i < 30; i++) {
    await press(i < 15 ? "Tab" : "Shift+Tab");
    assert.ok(await page.evaluate(() => document.querySelector(".drawer").contains(document.activeElement)), "the focus stays in the drawer");
  }
  await pressed(page, "Review").focus();
  await done(page, () => press("Enter"));
  await drawer(page).locator('.pill[data-status="104_IN_REVIEW"]').waitFor();
  await press("Escape");
  assert.equal(await focused(), second);
  await press("?");
  await page.getByRole("heading", { name: "Keyboard" }).waitFor();
  await press("Escape");
  assert.equal(await focused(), second, "a dialog gives the focus back");
  await press("3");
  await page.getByRole("heading", { name: "Inquiries per day" }).waitFor();
  await press("2");
  await page.getByRole("heading", { name: /^Quarantine/, level: 1 }).waitFor();
  await press("1");
  await page.getByRole("heading", { name: /^Inbox/, level: 1 }).waitFor();
  await page.reload();
  await page.locator("tbody tr[data-id]").first().waitFor();
  await press("Tab");
  assert.equal(await focused(), "Skip to content");
  await press("3");
  await page.getByRole("heading", { name: "Inquiries per day" }).waitFor();
  await page.getByRole("link", { name: "Skip to content" }).focus();
  await press("Enter");
  assert.equal(await page.evaluate(() => document.activeElement.id), "content");
  assert.equal(new URL(page.url()).hash, "#statistics", "the view stays");
  assertClean(seen);
});

test("what_a_visitor_wrote_is_shown_as_text", async (t) => {
  const hostile = (name) => `<img src=x onerror="document.title='${name}'"><script>document.title='${name}'</script>`;
  const [{ id }] = await insertInquiries([{
    first_name: hostile("first"), last_name: hostile("last"), email: "\"<b>x</b>\"@example.com", phone: hostile("p").slice(0, 30), business_name: hostile("business"), subject: hostile("subject"), message: hostile("message"),
    locale: "<b>", page_url: "javascript:document.title='page'", referrer: hostile("referrer"), metadata: { [hostile("name")]: hostile("value") }, assignee_id: hostile("assignee"), spam_score: 1, spam_reasons: [hostile("r").slice(0, 60), "constructor"],
  }]);
  const { page, seen } = await office(t);
  await isLive(page);
  await open(page, id);
  for (const name of ["message", "referrer", "assignee", "subject"]) await drawer(page).getByText(hostile(name), { exact: true }).first().waitFor();
  assert.equal(await drawer(page).getByRole("heading").first().textContent(), `${hostile("first")} ${hostile("last")}`);
  assert.ok((await drawer(page).locator(".chip").allTextContents()).includes("constructor"));
  await page.keyboard.press("Escape");
  const live = assertAccepted(await submit(inquiry({ firstName: hostile("live"), lastName: hostile("live"), businessName: hostile("live"), subject: hostile("live") })));
  await toast(page, live.id).getByText(hostile("live"), { exact: true }).first().waitFor();
  await rowOf(page, live.id).waitFor();
  assert.equal(await page.locator("img, body script, b, a[href^='javascript']").count(), 0);
  assert.equal(await page.title(), "Inbox – BANA back office");
  assertClean(seen);
});

test("a_role_sees_what_it_may_and_nothing_else", async (t) => {
  const { id } = assertAccepted(await submit(inquiry({ email: `${unique("role")}@example.com` })));
  const { page: cashier, seen } = await office(t, { token: CASHIER });
  await cashier.locator(".me", { hasText: "cashier" }).waitFor();
  await open(cashier, id);
  assert.equal(await drawer(cashier).locator(".acts, [data-move], [data-act]").count(), 0);
  await cashier.keyboard.press("Escape");
  assert.match(await rowOf(cashier, id).textContent(), /r\*\*\*@\*\*\*\.com/);
  const row = await inquiryOf(id);
  await search(cashier, row.email);
  assert.deepEqual(await idsShown(cashier), [id], "a whole address may be looked for, a part of one not");
  assert.deepEqual(seen.complaints, []);

  const { page: employee } = await office(t, { token: EMPLOYEE });
  await open(employee, id);
  await pressed(employee, "Review").waitFor();

  const { page: nobody } = await visit(t, PAGE);
  await signIn(nobody, tokenOf("NOBODY"));
  await nobody.getByRole("heading", { name: "Nothing for you here" }).waitFor();
});

test("a_token_that_is_refused_or_ends_leads_to_the_way_in", async (t) => {
  const { page } = await visit(t, PAGE);
  for (const bad of ["nonsense", "a.b.c", token({ payload: claims({ exp: now() - 60 }) })]) {
    await signIn(page, bad);
    const alert = page.getByRole("alert").filter({ hasText: bad === "nonsense" ? "a token has three parts" : "It may have expired" });
    await alert.getByText("This token was not accepted").waitFor();
    assert.equal(/three parts/.test(await alert.textContent()) && /expired/.test(await alert.textContent()), false, "one reason, and the right one");
  }
  await signIn(page, token({ payload: claims({ exp: now() + 600 }) }));
  await page.locator("tbody tr[data-id]").first().waitFor();
  await page.route("**/inquiries?*", (route) => route.fulfill({ status: 401, contentType: "application/problem+json", body: JSON.stringify({ status: 401, message: "Authentication failed" }) }));
  await page.getByRole("button", { name: "Refresh" }).click();
  await page.getByRole("alert").getByText("Your session has ended").waitFor();
  assert.equal(await page.evaluate(() => sessionStorage.length), 0);
});

test("an_answer_to_an_ended_session_does_not_end_the_next", async (t) => {
  const { page } = await office(t);
  let free;
  const freed = new Promise((done) => (free = done));
  const reached = new Promise((done) =>
    page.route(/\/inquiries\/count/, async (route) => {
      done();
      await freed;
      await route.fulfill({ status: 401, json: { message: "Too late" } });
    }, { times: 1 }));
  await page.getByRole("link", { name: "Quarantine" }).click();
  await reached;
  await page.getByRole("button", { name: "Sign out" }).click();
  await signIn(page, OWNER);
  await page.getByRole("link", { name: "Inbox" }).waitFor();
  const answered = page.waitForResponse((answer) => answer.status() === 401);
  free();
  await (await answered).finished();
  await listed(page, () => page.getByRole("button", { name: "Refresh" }).click());
  assert.notEqual(await page.evaluate(() => sessionStorage.getItem("bana-bo-token")), null);
});

test("the_token_is_in_this_tab_only_and_leaves_with_the_session", async (t) => {
  const { page } = await office(t);
  await page.reload();
  await page.locator("tbody tr[data-id]").first().waitFor();
  const kept = await page.evaluate(() => ({ session: Object.values(sessionStorage), others: [document.documentElement.outerHTML, location.href, document.cookie, JSON.stringify({ ...localStorage })].join() }));
  assert.deepEqual(kept.session, [OWNER]);
  assert.ok(!kept.others.includes(OWNER));
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByLabel("Access token").waitFor();
  assert.equal(await page.evaluate(() => sessionStorage.length), 0);
});

test("a_refusal_of_the_service_is_shown_with_its_reasons_and_can_be_tried_again", async (t) => {
  const { page } = await office(t);
  const body = { title: "Service unavailable", status: 503, message: "The database is away", requestId: "abc", details: {} };
  await page.route("**/inquiries?*", (route) => route.fulfill({ status: 503, headers: { "retry-after": "2" }, contentType: "application/problem+json", body: JSON.stringify(body) }));
  await page.getByRole("button", { name: "Refresh" }).click();
  const told = page.locator(".listing").getByRole("alert");
  for (const text of ["The service is busy or away", "The database is away", "Try again in 2 s.", "Request abc"]) await told.getByText(text).waitFor();
  await page.unroute("**/inquiries?*");
  await listed(page, () => told.getByRole("button", { name: "Try again" }).click());
  await page.locator("tbody tr[data-id]").first().waitFor();
});

test("the_numbers_are_charts_and_tables", async (t) => {
  await insertInquiries([{ type: "400_PARTNERSHIP" }]);
  const { page, seen } = await office(t, { view: "statistics", timezoneId: "UTC" });
  const { data } = (await staff("GET", "/inquiries/statistics?timeZone=UTC")).body;
  for (const [title, head] of [["Inquiries per day", "day"], ["By status", "status"], ["By type", "type"]]) {
    const chart = page.locator(`.chart[data-chart="${head}"]`);
    const image = chart.getByRole("img", { name: title });
    assert.ok((await image.locator("desc").first().textContent()).length > 5);
    await chart.getByText("Show as a table").click();
    const rows = await chart.locator("tbody tr").count();
    assert.equal(rows, { day: 30, status: Object.keys(data.byStatus).length, type: Object.keys(data.byType).length }[head]);
  }
  const today = new Date().toISOString().slice(0, 10);
  const [shown] = await page.locator('.chart[data-chart="day"] tbody tr', { hasText: today }).locator("td").allTextContents();
  assert.ok(Number(shown.replace(",", "")) >= 1);
  await page.getByRole("button", { name: "7 days" }).click();
  await until("seven days", async () => (await page.locator('.chart[data-chart="day"] tbody tr').count()) === 7);
  assertClean(seen);
});

for (const colorScheme of ["light", "dark"]) {
  test(`colours_are_the_system_s_and_can_be_chosen: ${colorScheme}`, async (t) => {
    const { page, seen } = await office(t, { colorScheme });
    const dark = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor === "rgb(15, 16, 19)");
    assert.equal(await dark(), colorScheme === "dark");
    await page.locator('[data-act="theme"]').click();
    assert.equal(await dark(), false);
    await page.locator('[data-act="theme"]').click();
    assert.equal(await dark(), true);
    await page.reload();
    await page.locator("tbody tr[data-id]").first().waitFor();
    assert.equal(await dark(), true, "it is remembered");
    assertClean(seen);
  });
}

// Rules of WCAG 2.2 that a program can judge: names, roles, contrast, targets ...
for (const colorScheme of ["light", "dark"]) {
  test(`axe_finds_nothing_to_complain_of: ${colorScheme}`, async (t) => {
    const { id } = assertAccepted(await submit(inquiry({ subject: unique("axe") })));
    await insertInquiries([{ status: "505_CANCELLED", cancel_reason: "100_SPAM", quarantined_at: new Date().toISOString(), spam_score: 9, spam_reasons: ["links"] }]);
    const found = [];
    const judge = async (page, what) => {
      await page.evaluate(axe.source);
      const { violations } = await page.evaluate(() => globalThis.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"] }));
      found.push(...violations.map(({ id: rule, nodes }) => `${what}: ${rule}: ${nodes.map(({ html }) => html.slice(0, 200)).join(" | ")}`));
    };
    const { page: before } = await visit(t, PAGE, { colorScheme });
    await before.getByLabel("Access token").waitFor();
    await judge(before, "the way in");
    const { page } = await office(t, { colorScheme });
    await isLive(page);
    const other = assertAccepted(await submit(inquiry()));
    await toast(page, other.id).waitFor();
    await judge(page, "inbox with a toast");
    await open(page, id);
    await pressed(page, "Cancel …").click();
    await judge(page, "drawer");
    await page.keyboard.press("Escape");
    await listed(page, () => page.getByRole("link", { name: /^Quarantine/ }).click());
    await page.getByRole("checkbox").first().check();
    await judge(page, "quarantine");
    await page.keyboard.press("?");
    await judge(page, "help");
    await page.keyboard.press("Escape");
    await page.getByRole("link", { name: "Statistics" }).click();
    await page.locator(".chart").first().waitFor();
    await judge(page, "statistics");
    assert.deepEqual(found, []);
  });
}

test("nothing_is_wider_than_a_narrow_screen", async (t) => {
  const { id } = assertAccepted(await submit(inquiry({ firstName: "W".repeat(100), subject: "M".repeat(200), message: Array.from({ length: 500 }, (_, i) => `m${i}`).join(" ") })));
  const { page } = await office(t, { viewport: { width: 360, height: 740 } });
  const fits = async (what) => assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth && [...document.querySelectorAll(".drawer-body")].every((one) => one.scrollWidth <= one.clientWidth)), what);
  await fits("inbox");
  await open(page, id);
  await fits("drawer");
  await page.keyboard.press("Escape");
  for (const name of ["Quarantine", "Statistics"]) {
    await page.getByRole("link", { name }).click();
    await page.locator('.listing[aria-busy="false"], .chart').first().waitFor();
    await fits(name);
  }
});

test("the_page_is_served_with_a_strict_policy_and_only_read", async () => {
  const { status, headers, text } = await call("GET", PAGE);
  assert.equal(status, 200, text);
  const assertOnlyRead = (answer) => {
    assertProblem(answer, 405);
    assert.equal(answer.headers.get("allow"), "GET, HEAD");
  };
  assertOnlyRead(await call("POST", PAGE));
  assert.deepEqual(["content-type", "cache-control", "content-security-policy", "x-content-type-options", "referrer-policy"].map((name) => headers.get(name)), ["text/html; charset=utf-8", "no-cache", POLICY, "nosniff", "no-referrer"]);
  assert.doesNotMatch(text, /<style|<script>|style=|\son[a-z]+=|https?:/);
  const assets = [...text.matchAll(/(?:src|href)="(bo\/assets\/[^"]+)"/g)].map(([, path]) => `/${path}`);
  assert.ok(assets.length >= 2);
  for (const path of assets) {
    const answer = await call("HEAD", path);
    assert.deepEqual([answer.status, answer.headers.get("content-type"), answer.headers.get("cache-control")], [200, path.endsWith("css") ? "text/css; charset=utf-8" : "text/javascript; charset=utf-8", "no-cache"], path);
    assertOnlyRead(await call("POST", path));
  }
  for (const path of ["/bo/index.html", "/bo/assets", "/bo/assets/", "/bo/assets/index.html", "/bo/assets/observer.mjs", "/bo/assets/..%2findex.html", "/bo/assets/none.js"]) assertProblem(await call("GET", path), 404);
});
