// The quarantine of the back office: what the gate set aside is seen with its reasons, taken back, or erased.
import assert from "node:assert/strict";
import { after, test } from "node:test";

import { assertAccepted, inquiry, submit, unique } from "./lib/api.mjs";
import { drawer, idsShown, isLive, listed, office, rowOf } from "./lib/backoffice.mjs";
import { CASHIER, EMPLOYEE, inquiryOf, insertInquiries, staff } from "./lib/bo.mjs";
import { assertAtHome } from "./lib/browser.mjs";
import { close, query } from "./lib/db.mjs";
import { stack } from "./lib/stack.mjs";
import { until } from "./lib/wait.mjs";

after(close);

// Submitted, then set aside as the gate does it.
async function quarantined(reasons = ["honeypot", "links"], more = {}) {
  const { id } = assertAccepted(await submit(inquiry({ firstName: unique("Bot"), ...more })));
  await query(`UPDATE outreach."Inquiry" SET status = '505_CANCELLED', cancel_reason = '100_SPAM', quarantined_at = now(), spam_score = 95, spam_reasons = $2 WHERE id = $1`, [id, reasons]);
  return id;
}
const statusOf = async (id) => {
  const { status, cancel_reason, quarantined_at, deleted_at } = await inquiryOf(id);
  return { status, cancel_reason, isQuarantined: quarantined_at !== null, isDeleted: deleted_at !== null };
};
const RESTORED = { status: "100_NEW", cancel_reason: null, isQuarantined: false, isDeleted: false };
const name = async (id) => (await inquiryOf(id)).first_name;
const gone = (page, id) => until("the row is gone", async () => (await rowOf(page, id).count()) === 0);
const confirm = (page) => page.getByRole("dialog").getByRole("button", { name: "Erase", exact: true }).click();
function assertClean(seen) {
  assert.deepEqual(seen.complaints, []);
  assertAtHome(seen);
}

test("what_is_quarantined_is_listed_with_its_reasons_and_not_in_the_inbox", async (t) => {
  const id = await quarantined(["honeypot", "too_fast", "something_new"]);
  const cancelled = assertAccepted(await submit(inquiry()));
  await query(`UPDATE outreach."Inquiry" SET status = '505_CANCELLED', cancel_reason = '100_SPAM' WHERE id = $1`, [cancelled.id]);
  const { page, seen } = await office(t, { view: "quarantine" });
  await rowOf(page, id).waitFor();
  assert.deepEqual(await rowOf(page, id).locator(".chip").allTextContents(), ["Filled in a field that people do not see", "Sent faster than people type", "something_new"]);
  assert.equal(await rowOf(page, id).locator(".score").textContent(), "95");
  assert.equal(await rowOf(page, cancelled.id).count(), 0, "what staff called spam is no business of the quarantine");
  await listed(page, () => page.getByRole("link", { name: "Inbox" }).click());
  const ids = await idsShown(page);
  assert.ok(ids.includes(cancelled.id) && !ids.includes(id));
  assertClean(seen);
});

test("what_is_restored_is_new_again_and_in_the_inbox", async (t) => {
  const id = await quarantined();
  const { page, seen } = await office(t, { view: "quarantine" });
  await page.getByRole("button", { name: `Restore ${await name(id)}` }).click();
  await gone(page, id);
  assert.deepEqual(await statusOf(id), RESTORED);
  await listed(page, () => page.getByRole("link", { name: "Inbox" }).click());
  assert.equal(await rowOf(page, id).locator(".pill").textContent(), "New");
  assertClean(seen);
});

test("what_is_erased_is_gone_but_only_when_that_was_confirmed", async (t) => {
  const id = await quarantined();
  const { page, seen } = await office(t, { view: "quarantine" });
  const erase = page.getByRole("button", { name: `Erase ${await name(id)}` });
  await erase.click();
  await page.getByRole("button", { name: "Keep" }).click();
  assert.equal((await statusOf(id)).isDeleted, false);
  await erase.click();
  await page.keyboard.press("Escape");
  assert.equal((await statusOf(id)).isDeleted, false);
  await erase.click();
  await confirm(page);
  await gone(page, id);
  assert.equal((await statusOf(id)).isDeleted, true);
  assertClean(seen);
});

test("many_are_restored_or_erased_at_once", async (t) => {
  const ids = [];
  for (let i = 0; i < 5; i++) ids.push(await quarantined());
  const [one, two, three, four, kept] = ids;
  const { page, seen } = await office(t, { view: "quarantine" });
  const choose = (id) => rowOf(page, id).getByRole("checkbox").check();
  await choose(one);
  await choose(two);
  await page.getByText("2 inquiries chosen").waitFor();
  await page.getByRole("toolbar").getByRole("button", { name: "Restore" }).click();
  await gone(page, one);
  await gone(page, two);
  assert.deepEqual([await statusOf(one), await statusOf(two)], [RESTORED, RESTORED]);
  assert.equal(await page.getByRole("toolbar").count(), 0);
  await choose(three);
  await choose(four);
  await page.getByRole("toolbar").getByRole("button", { name: "Erase" }).click();
  await confirm(page);
  await gone(page, three);
  await gone(page, four);
  assert.deepEqual([(await statusOf(three)).isDeleted, (await statusOf(four)).isDeleted, (await statusOf(kept)).isDeleted], [true, true, false]);
  assert.equal(await rowOf(page, kept).count(), 1);
  assertClean(seen);
});

test("of_many_those_that_cannot_be_restored_are_told", async (t) => {
  const [good, bad] = [await quarantined(), await quarantined()];
  const { page, seen } = await office(t, { view: "quarantine" });
  for (const id of [good, bad]) await rowOf(page, id).getByRole("checkbox").check();
  await query(`UPDATE outreach."Inquiry" SET deleted_at = now() WHERE id = $1`, [bad]);
  await page.getByRole("toolbar").getByRole("button", { name: "Restore" }).click();
  await page.getByRole("alert").getByText("1 inquiry is not in quarantine any more").waitFor();
  await gone(page, bad);
  await gone(page, good);
  assert.deepEqual(await statusOf(good), RESTORED);
  assertClean(seen);
});

// Taken out by a good one like it: nobody has to have heard of that.
const takenOut = (id) => query(`UPDATE outreach."Inquiry" SET status = '104_IN_REVIEW', cancel_reason = NULL, quarantined_at = NULL, version = version + 1 WHERE id = $1`, [id]);

for (const act of ["Erase", "Restore"])
  test(`what_left_the_quarantine_meanwhile_is_left_alone: ${act}`, async (t) => {
    const [one, two, three] = [await quarantined(), await quarantined(), await quarantined()];
    const { page, seen } = await office(t, { view: "quarantine" });
    await rowOf(page, three).waitFor();
    for (const id of [one, two]) await takenOut(id);
    await page.getByRole("button", { name: `${act} ${await name(one)}` }).click();
    if (act === "Erase") await confirm(page);
    await page.getByRole("alert").getByText("1 inquiry is not in quarantine any more").waitFor();
    await gone(page, one);
    for (const id of [two, three]) await rowOf(page, id).getByRole("checkbox").check();
    await page.getByRole("toolbar").getByRole("button", { name: act }).click();
    if (act === "Erase") await confirm(page);
    for (const id of [two, three]) await gone(page, id);
    await page.getByRole("alert").getByText("1 inquiry is not in quarantine any more").waitFor();
    const left = { ...RESTORED, status: "104_IN_REVIEW" };
    assert.deepEqual([await statusOf(one), await statusOf(two)], [left, left]);
    const { status, isDeleted } = await statusOf(three);
    assert.deepEqual([status, isDeleted], act === "Erase" ? ["505_CANCELLED", true] : ["100_NEW", false]);
    assertClean(seen);
  });

test("what_is_taken_out_of_quarantine_leaves_its_list_at_once", async (t) => {
  const [one, two] = [await quarantined(), await quarantined()];
  const { page, seen } = await office(t, { view: "quarantine" });
  await isLive(page);
  await rowOf(page, one).getByRole("checkbox").check();
  assert.equal((await staff("PATCH", `/inquiries/${one}`, { body: { status: "100_NEW" } })).status, 200);
  await gone(page, one);
  assert.deepEqual([await rowOf(page, two).count(), await page.getByRole("toolbar").count()], [1, 0]);
  assertClean(seen);
});

test("the_drawer_restores_and_erases_by_keyboard", async (t) => {
  const [one, two] = [await quarantined(), await quarantined()];
  const { page, seen } = await office(t, { view: "quarantine" });
  for (const [id, act] of [[one, "Restore"], [two, "Erase"]]) {
    await rowOf(page, id).getByRole("link").focus();
    await page.keyboard.press("x");
    assert.ok(await rowOf(page, id).getByRole("checkbox").isChecked());
    await page.keyboard.press("Enter");
    await drawer(page).getByText("In quarantine").waitFor();
    await drawer(page).getByRole("button", { name: act, exact: true }).press("Enter");
    if (act === "Erase") await page.locator("dialog").getByRole("button", { name: "Erase" }).press("Enter");
    else await drawer(page).locator('.pill[data-status="100_NEW"]').waitFor();
    await page.keyboard.press("Escape");
    await gone(page, id);
  }
  assert.deepEqual(await statusOf(one), RESTORED);
  assert.equal((await statusOf(two)).isDeleted, true);
  assertClean(seen);
});

test("a_role_is_offered_what_it_may_do", async (t) => {
  const id = await quarantined();
  const { page: employee } = await office(t, { view: "quarantine", token: EMPLOYEE });
  await rowOf(employee, id).waitFor();
  assert.deepEqual([await rowOf(employee, id).getByRole("button").count(), await employee.getByRole("checkbox").count()], [1, 0], "restore, one by one");
  await employee.getByRole("button", { name: `Restore ${await name(id)}` }).click();
  await gone(employee, id);
  const other = await quarantined();
  const { page: cashier } = await office(t, { view: "quarantine", token: CASHIER });
  await rowOf(cashier, other).waitFor();
  assert.deepEqual([await rowOf(cashier, other).getByRole("button").count(), await cashier.getByRole("checkbox").count()], [0, 0]);
});

test("what_is_quarantined_is_no_toast_also_when_rest_tells_what_was_missed", async (t) => {
  const { page } = await office(t);
  await isLive(page);
  let good, bad;
  try {
    await stack.end("rooms", "SIGQUIT");
    await page.locator('.live[data-state="waiting"]').waitFor();
    [{ id: bad }] = await insertInquiries([{ status: "505_CANCELLED", cancel_reason: "100_SPAM", quarantined_at: new Date().toISOString() }]);
    ({ id: good } = assertAccepted(await submit(inquiry())));
  } finally {
    await stack.repair();
  }
  await page.locator(`.toast[data-id="${good}"]`).waitFor();
  assert.equal(await page.locator(`.toast[data-id="${bad}"]`).count(), 0);
  await isLive(page);
  await page.waitForResponse((answer) => answer.url().includes("createdAt") && answer.request().headers().prefer === "count=none"); // it looks once more
  assert.deepEqual([await page.locator(`.toast[data-id="${bad}"]`).count(), await rowOf(page, bad).count()], [0, 0]);
});

test("what_is_quarantined_after_it_came_leaves_the_inbox_when_it_is_asked_again", async (t) => {
  const { page } = await office(t);
  await isLive(page);
  const { id } = assertAccepted(await submit(inquiry()));
  await rowOf(page, id).waitFor();
  await query(`UPDATE outreach."Inquiry" SET status = '505_CANCELLED', cancel_reason = '100_SPAM', quarantined_at = now() WHERE id = $1`, [id]);
  await listed(page, () => page.getByRole("button", { name: "Refresh" }).click());
  assert.equal(await rowOf(page, id).count(), 0);
});
