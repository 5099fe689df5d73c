// The numbers of a span of days, as cards and charts.
import { barChart, dayChart } from "./chart.js";
import { duration, h, iconButton } from "./dom.js";
import { problemPanel } from "./list.js";
import { COMPLETED, IN_REVIEW, NEW, PROCESSING, STATUSES, TYPES, wordFor } from "./words.js";

const SPANS = [[7, "7 days"], [30, "30 days"], [90, "90 days"], [365, "A year"]];
const NUMBER = new Intl.NumberFormat("en");
const percent = (share) => (share === null ? "–" : new Intl.NumberFormat("en", { style: "percent", maximumFractionDigits: 1 }).format(share));
const pad = (number) => String(number).padStart(2, "0");

// The local day that is `days` from today, as the service reads it: a date of our time zone.
function dayFromToday(days) {
  const now = new Date();
  const then = new Date(now.getFullYear(), now.getMonth(), now.getDate() + days);
  return `${then.getFullYear()}-${pad(then.getMonth() + 1)}-${pad(then.getDate())}`;
}

const card = (name, value, hint) => h("div", { class: "card figure" }, h("dt", {}, name), h("dd", {}, value), h("dd", { class: "faint small" }, hint));
const parts = (counts, table) => Object.entries(counts).map(([key, count]) => ({ key, name: wordFor(table, key), count }));

export class Statistics {
  name = "statistics";
  title = "Statistics";
  #days = 30;
  #asked;

  constructor(session) {
    this.session = session;
    this.spans = SPANS.map(([days, text]) => h("button", { type: "button", class: "tab", "aria-pressed": String(days === this.#days), data: { days }, click: () => this.#span(days) }, text));
    this.place = h("div", { class: "statistics", "aria-busy": "false" });
    this.element = h("div", { class: "view" },
      h("header", { class: "view-head" }, h("h1", { tabindex: "-1" }, this.title),
        h("div", { class: "tabs", role: "group", "aria-label": "Span" }, this.spans),
        iconButton("refresh", "Refresh", { click: () => this.enter() })),
      this.place);
  }

  arrive() {}
  change() {}

  #span(days) {
    this.#days = days;
    for (const tab of this.spans) tab.setAttribute("aria-pressed", String(tab.dataset.days === String(days)));
    return this.enter();
  }

  async enter() {
    this.#asked?.abort();
    const asked = (this.#asked = new AbortController());
    this.place.setAttribute("aria-busy", "true");
    if (!this.place.querySelector(".chart")) this.place.replaceChildren(h("div", { class: "cards", "aria-hidden": "true" }, SPANS.map(() => h("div", { class: "card figure" }, h("span", { class: "bone bone-m" }), h("span", { class: "bone bone-l" })))));
    try {
      const timeZone = Intl.DateTimeFormat().resolvedOptions().timeZone;
      const query = { from: dayFromToday(1 - this.#days), to: dayFromToday(1), timeZone };
      this.#show((await this.session.api.get("/inquiries/statistics", query, { signal: asked.signal })).data);
    } catch (problem) {
      if (!asked.signal.aborted) this.place.replaceChildren(problemPanel(problem, () => this.enter()));
    } finally {
      if (this.#asked === asked) this.place.setAttribute("aria-busy", "false");
    }
  }

  #show({ total, byStatus, byType, perDay, medianSecondsToFirstHandling, spamShare, timeZone }) {
    const open = [NEW, IN_REVIEW, PROCESSING].reduce((sum, status) => sum + (byStatus[status] ?? 0), 0);
    this.place.replaceChildren(
      h("dl", { class: "cards" },
        card("Inquiries", NUMBER.format(total), `${NUMBER.format(Math.round((total / perDay.length) * 10) / 10)} a day`),
        card("Open", NUMBER.format(open), `${NUMBER.format(byStatus[COMPLETED] ?? 0)} completed`),
        card("First handling", duration(medianSecondsToFirstHandling), "median"),
        card("Spam", percent(spamShare), "cancelled as spam")),
      dayChart("Inquiries per day", perDay),
      h("div", { class: "pair" }, barChart("By status", "Status", parts(byStatus, STATUSES)), barChart("By type", "Type", parts(byType, TYPES))),
      h("p", { class: "faint small" }, `Days of ${timeZone}.`));
  }
}
