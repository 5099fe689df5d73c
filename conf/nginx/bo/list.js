// A page of inquiries: asked for, shown, turned. It knows nothing of what stands above it.
import { button, h, icon, iconButton, say } from "./dom.js";
import { filterOf, PAGE_ROWS, whereOf } from "./query.js";
import { headOf, rowOf, skeletonOf } from "./rows.js";

const NUMBER = new Intl.NumberFormat("en");

export function problemPanel(problem, retry) {
  return h("div", { class: "state state-bad", role: "alert" }, icon("warning"),
    h("h2", {}, problem.title),
    problem.reasons.map((reason) => h("p", {}, reason)),
    problem.requestId && h("p", { class: "faint small" }, `Request ${problem.requestId}`),
    retry && button("Try again", { click: retry }));
}

export class Listing {
  #cursors = [undefined]; // of each page up to the next one
  #page = 0;
  #asked;
  #asking; // the last question: it settles when that is answered
  #waiting = new Set(); // ids that arrived and were not looked at yet
  rows = [];
  total = undefined;

  // `context` is that of a row; `empty(isFiltered)`: what stands where no row is; `onShown` after each change.
  constructor(session, view, { context = {}, empty, onShown = () => {}, selectAll }) {
    Object.assign(this, { session, view, empty, onShown });
    this.context = { userId: session.me.userId, ...context };
    this.body = h("tbody", { role: "rowgroup" });
    this.table = h("table", { role: "table", class: `rows rows-${view}`, "aria-label": view === "inbox" ? "Inquiries" : "Quarantined inquiries" }, headOf(view, selectAll), this.body);
    this.place = h("div", { class: "state-place" });
    this.count = h("span", { class: "count" });
    this.range = h("p", { class: "range", role: "status" });
    this.before = iconButton("left", "Previous page", { click: () => this.turn(-1), data: { turn: "back" } });
    this.after = iconButton("right", "Next page", { click: () => this.turn(1), data: { turn: "next" } });
    this.fresh = h("button", { type: "button", class: "fresh", hidden: true, click: () => this.load({}) });
    this.element = h("div", { class: "listing", "aria-busy": "false" }, this.fresh, this.table, this.place, h("div", { class: "pager" }, this.range, this.before, this.after));
    this.criteria = { view };
  }

  get where() {
    return whereOf(this.criteria, { personal: this.session.can("Inquiry.readPersonal"), userId: this.session.me.userId });
  }

  // From the first page on, with these criteria.
  load(criteria = {}) {
    this.criteria = { ...this.criteria, ...criteria };
    this.#cursors = [undefined];
    this.total = undefined;
    this.#waiting.clear();
    return this.#ask(0);
  }

  again() {
    return this.#ask(this.#page);
  }

  turn(by) {
    const page = this.#page + by;
    if (page < 0 || page >= this.#cursors.length) return undefined;
    return page === 0 ? this.load() : this.#ask(page);
  }

  #ask(page) {
    return (this.#asking = this.#fetch(page));
  }

  async #fetch(page) {
    this.#asked?.abort();
    const asked = (this.#asked = new AbortController());
    this.#busy(true);
    try {
      const { data, total, next } = await this.session.api.get("/inquiries", { filter: filterOf(this.where, this.view), cursor: this.#cursors[page] }, { signal: asked.signal });
      this.rows = data;
      this.#page = page;
      this.total = total ?? this.total;
      this.#cursors.length = page + 1;
      if (next) this.#cursors.push(next);
      this.#show();
      if (page > 0) this.table.scrollIntoView({ block: "nearest" });
    } catch (problem) {
      if (asked.signal.aborted) return;
      this.rows = [];
      this.body.replaceChildren();
      this.table.hidden = true;
      this.range.textContent = "";
      this.place.replaceChildren(problemPanel(problem, () => this.#ask(page)));
      this.onShown();
    } finally {
      if (this.#asked === asked) this.#busy(false);
    }
  }

  #busy(is) {
    this.element.setAttribute("aria-busy", String(is));
    if (!is || this.rows.length > 0) return;
    this.table.hidden = false;
    this.place.replaceChildren();
    this.body.replaceChildren(...skeletonOf(this.view, 8, this.context.select !== undefined));
  }

  #row(row) {
    return rowOf(row, this.view, this.context);
  }

  #show() {
    const focused = this.body.contains(document.activeElement) && document.activeElement.closest("tr")?.dataset.id;
    this.body.replaceChildren(...this.rows.map((row) => this.#row(row)));
    if (focused) this.link(focused)?.focus();
    this.#frame();
  }

  // All but the rows.
  #frame() {
    const none = this.rows.length === 0;
    const { view, ...criteria } = this.criteria;
    this.table.hidden = none;
    this.place.replaceChildren(...(none ? [this.empty(Object.values(criteria).some(Boolean))] : []));
    const first = this.#page * PAGE_ROWS + 1;
    this.range.textContent = none ? "" : `${NUMBER.format(first)}–${NUMBER.format(first + this.rows.length - 1)} of ${NUMBER.format(this.total ?? first + this.rows.length - 1)}`;
    this.count.textContent = none || this.total === undefined ? "" : NUMBER.format(this.total);
    this.before.disabled = this.#page === 0;
    this.after.disabled = this.#cursors.length <= this.#page + 1;
    this.before.hidden = this.after.hidden = this.before.disabled && this.after.disabled;
    this.fresh.hidden = this.#waiting.size === 0;
    this.fresh.textContent = `${this.#waiting.size} new – show`;
    this.onShown();
  }

  link(id) {
    return this.body.querySelector(`tr[data-id="${CSS.escape(id)}"] .row-link`);
  }

  // Those of `ids` that the criteria select come in at the top of the first page; elsewhere they are told of.
  // A question that is under way may be of a moment before them: they come in after its answer.
  async arrive(ids) {
    await this.#asking;
    const { criteria } = this;
    const where = { and: [...this.where.and, { id: { in: ids } }] };
    const { data } = await this.session.api.get("/inquiries", { filter: filterOf(where, this.view, ids.length) }, { count: "none" }).catch(() => ({ data: [] }));
    if (this.criteria !== criteria) return; // it is another list by now, which was asked for after them
    const news = data.filter(({ id }) => !this.rows.some((row) => row.id === id));
    if (news.length === 0) return;
    this.total = (this.total ?? 0) + news.length;
    if (this.#page > 0) for (const { id } of news) this.#waiting.add(id);
    else {
      this.rows = [...news, ...this.rows];
      const elements = news.map((row) => this.#row(row));
      for (const element of elements) element.classList.add("arrived");
      this.body.querySelectorAll(".skeleton").forEach((element) => element.remove());
      this.body.prepend(...elements);
    }
    this.#frame();
  }

  // A row of ours is another now; undefined: it is gone.
  change(id, row) {
    const at = this.rows.findIndex((one) => one.id === id);
    if (at < 0) return;
    const old = this.body.querySelector(`tr[data-id="${CSS.escape(id)}"]`);
    if (row) {
      this.rows[at] = { ...this.rows[at], ...row };
      old.replaceWith(this.#row(this.rows[at]));
    } else {
      this.rows.splice(at, 1);
      old.remove();
      this.total = Math.max(0, (this.total ?? 1) - 1);
    }
    this.#frame();
    if (this.rows.length === 0 && this.total > 0) this.load();
  }

  // The row below (1) or above (-1) the one that has the focus.
  step(by) {
    const links = [...this.body.querySelectorAll(".row-link")];
    const at = links.indexOf(document.activeElement?.closest("tr")?.querySelector(".row-link"));
    const next = links[at < 0 ? (by > 0 ? 0 : links.length - 1) : Math.min(Math.max(at + by, 0), links.length - 1)];
    next?.focus();
    next?.scrollIntoView({ block: "nearest" });
    if (!next) say("There is nothing in the list.");
  }
}
