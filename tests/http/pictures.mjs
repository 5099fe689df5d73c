// The pictures of docs/back-office.md: BANA_STACK=DIR node tests/http/pictures.mjs.  The stack loses the inquiries it has.
// The font is Inter where it is installed (Debian: fonts-inter).
import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { chromium } from "playwright-core";

import { submit } from "./lib/api.mjs";
import { insertInquiries, tokenOf } from "./lib/bo.mjs";
import { close, owner } from "./lib/db.mjs";
import { stack } from "./lib/stack.mjs";

const to = fileURLToPath(new URL("../../docs/images", import.meta.url));
const PEOPLE = [
  ["Amara", "Okafor", "Northwind Clinics", "Seats for a second site"], ["Jonas", "Lindqvist", "Fjord Logistics", "Invoice 2026-1187 was paid twice"], ["Mei", "Tanaka", null, "Where do I change my address?"],
  ["Sofia", "Marchetti", "Studio Marchetti", "Partner programme in Italy"], ["Thomas", "Bauer", "Bauer & Söhne GmbH", "Demo for a team of twelve"], ["Priya", "Raman", "Lotus Textiles", "Export to Excel is missing a column"],
  ["Nguyễn", "Thị Lan", "Sông Xanh Coffee", "Bulk order before Tết"], ["Oliver", "Grant", null, "Cancel my trial, please"], ["Camille", "Dubois", "Atelier Dubois", "A talk at our spring conference"],
  ["Kwame", "Mensah", "Accra Tech Hub", "Training for forty students"], ["Elena", "Petrova", null, "Login loops on Safari"], ["Lucas", "Ferreira", "Ferreira Construções", "Quote for three years"], ["Hannah", "Weiss", "Weiss Optik", "Thank you!"],
];
const TYPES = ["200_SALES", "300_SUPPORT", "300_SUPPORT", "400_PARTNERSHIP", "200_SALES", "300_SUPPORT", "200_SALES", "100_GENERAL", "400_PARTNERSHIP", "200_SALES", "300_SUPPORT", "200_SALES", "900_OTHER"];
const STATUSES = ["100_NEW", "100_NEW", "104_IN_REVIEW", "100_NEW", "203_PROCESSING", "104_IN_REVIEW", "303_COMPLETED", "303_COMPLETED", "203_PROCESSING", "303_COMPLETED", "405_ARCHIVED", "303_COMPLETED", "505_CANCELLED"];
// With what the gate gives (docs/abuse-gate.md): from 100 points on an inquiry is set aside.
const WEIGHTS = { honeypot: 200, too_fast: 60, stamp_missing: 10, disposable: 40, links: 20, link_in_name: 60, markup: 50, repetition: 30, repeated_message: 60, address_rate: 100, no_user_agent: 10, proof_missing: 100 };
const SPAM = [
  ["SEO", "Team", "rank1@mailinator.com", ["honeypot", "proof_missing", "disposable", "links"]], ["xXcryptoXx", "https://coin.example", "win@yopmail.com", ["proof_missing", "link_in_name", "disposable", "stamp_missing"]],
  ["Dr.", "Loan", "dr.loan@offers.example", ["address_rate", "proof_missing", "repeated_message", "repetition"]], ["Maria", "K.", "maria.k@example.net", ["proof_missing", "markup", "links"]], ["bot", null, "a@trashmail.com", ["proof_missing", "disposable", "no_user_agent", "stamp_missing"]],
];
const LETTERS = ["First place on every search page, guaranteed! http://a.example http://b.example", "Double your coins in 24 hours, no risk", "loan loan loan cheap loan best loan loan loan cheap loan best loan loan loan cheap loan best loan now", "<a href=http://c.example>cheap watches</a> [url=http://d.example]here[/url]", "Nice site! We design logos."];
const base = { last_name: null, business_name: null, subject: null, phone: null, assignee_id: null, handled_at: null, cancel_reason: null, spam_score: null, spam_reasons: null, quarantined_at: null, metadata: null, locale: null, page_url: null };
const hoursAgo = (hours) => new Date(Date.now() - hours * 3_600_000).toISOString();
const plain = (text) => text.normalize("NFD").replace(/[^a-z]/gi, "").toLowerCase();

function good(i) {
  const [first, last, business, subject] = PEOPLE[i % 13];
  const hours = 0.2 + i * 2.3 + (i * i) / 20 + (i % 5) * 3;
  const status = i < 13 ? STATUSES[i] : ["303_COMPLETED", "303_COMPLETED", "405_ARCHIVED", "203_PROCESSING"][i % 4];
  return {
    ...base, created_at: hoursAgo(hours), type: TYPES[(i * 7) % 13 && i % 13], status, first_name: first, last_name: last, email: `${plain(first)}.${plain(last)}@example.com`, business_name: business, subject,
    phone: i % 3 ? null : "+49 30 1234567", assignee_id: status === "100_NEW" ? null : i % 2 ? "7" : "mira", handled_at: status === "100_NEW" ? null : hoursAgo(hours - 0.2 - (i % 6) * 0.3),
    cancel_reason: status === "505_CANCELLED" ? "400_WITHDRAWN" : null, locale: "en-GB", page_url: "https://www.example.com/contact", metadata: { campaign: "autumn" },
    message: i === 0 ? "Hello,\n\nwe opened a second site and need ten more seats from the first of December. Could you send an offer for a year?\n\nMany thanks\nAmara" : `Hello,\n\nwe opened a second site in October and need ten more seats from the first of December. Could you send an offer for a year, and tell us whether the new seats can share the existing workspace?\n\nMany thanks\n${first}`,
  };
}
const bad = ([first_name, last_name, email, spam_reasons], i) => ({
  ...base, created_at: hoursAgo(0.4 + i * 3.1), type: "100_GENERAL", status: "505_CANCELLED", cancel_reason: "100_SPAM", first_name, last_name, email, spam_score: spam_reasons.reduce((sum, reason) => sum + WEIGHTS[reason], 0), spam_reasons, quarantined_at: hoursAgo(0.4 + i * 3.1), handled_at: null,
  message: LETTERS[i],
});

mkdirSync(to, { recursive: true });
await owner('TRUNCATE outreach."Inquiry"');
await insertInquiries([...Array.from({ length: 90 }, (_, i) => good(i)), ...SPAM.map(bad)]);
const token = tokenOf("OWNER", { userId: "7" });
const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu"] });

async function open({ width = 1280, height = 800, colorScheme = "light", hash = "", name }, act) {
  const page = await browser.newPage({ viewport: { width, height }, colorScheme, reducedMotion: "reduce", timezoneId: "Europe/Berlin", deviceScaleFactor: width < 500 ? 2 : 1 });
  page.on("console", (message) => message.type() === "error" && console.error(name, message.text()));
  page.on("pageerror", (error) => console.error(name, error.message));
  await page.addInitScript((text) => sessionStorage.setItem("bana-bo-token", text), token);
  await page.goto(`${stack.env.BASE_URL}/bo${hash}`);
  await act?.(page);
  await page.screenshot({ path: `${to}/bo-${name}.png` });
  await page.close();
}
const rows = (page) => page.locator("tbody tr:not(.skeleton)").first().waitFor();
const isLive = (page) => page.locator('.live[data-state="live"]').waitFor();
const toast = async (page) => {
  await isLive(page);
  await submit({ firstName: "Ingrid", lastName: "Solberg", email: "ingrid.solberg@example.com", businessName: "Solberg Marine", subject: "Service contract for six vessels", type: "200_SALES", message: "Hello" });
  await page.locator(".toast").waitFor();
  await page.locator('tr:has-text("Ingrid")').first().waitFor();
};

await open({ name: "list" }, async (page) => (await rows(page), await toast(page)));
await open({ name: "list-dark", colorScheme: "dark" }, async (page) => (await rows(page), await isLive(page)));
await open({ name: "detail", height: 880 }, async (page) => {
  await rows(page);
  await page.getByRole("link", { name: "Amara Okafor" }).first().click();
  for (const move of ["assign", "104_IN_REVIEW", "203_PROCESSING"]) {
    const done = page.waitForResponse((answer) => answer.url().includes("/timeline"));
    await page.locator(`[data-act="${move}"], [data-move="${move}"]`).first().click();
    await done;
  }
  await page.locator(".timeline li").nth(3).waitFor();
  await isLive(page);
});
await open({ name: "quarantine", hash: "#quarantine" }, async (page) => {
  await rows(page);
  await page.getByRole("checkbox").nth(1).check();
  await page.getByRole("checkbox").nth(3).check();
  await page.mouse.move(0, 0);
  await isLive(page);
});
await open({ name: "statistics", hash: "#statistics" }, async (page) => (await page.locator(".chart").first().waitFor(), await isLive(page)));
await open({ name: "mobile", width: 360, height: 720 }, async (page) => (await rows(page), await isLive(page)));
await browser.close();
await close();
