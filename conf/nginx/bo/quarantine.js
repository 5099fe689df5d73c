// What the gate set aside: with its reasons, to be taken back or erased, one or many at once.
import { confirmed } from "./ask.js";
import { button, h, icon, iconButton, nameOf, say } from "./dom.js";
import { Listing } from "./list.js";
import { QUARANTINED } from "./query.js";
import { NEW } from "./words.js";

const counted = (count) => (count === 1 ? "1 inquiry" : `${count} inquiries`);

export class Quarantine {
  name = "quarantine";
  title = "Quarantine";
  #chosen = new Set();

  // `onChange(id, row)`: of each that was restored, or erased (no row).
  constructor(session, { onChange }) {
    Object.assign(this, { session, onChange });
    const isMany = session.can("Inquiry.updateBy") || session.can("Inquiry.deleteBy");
    this.all = h("input", { type: "checkbox", "aria-label": "Choose all on this page", change: ({ target }) => this.#chooseAll(target.checked) });
    this.listing = new Listing(session, "quarantine", {
      context: { acts: (row) => this.#acts(row), ...(isMany && { select: (row) => this.#box(row) }) },
      selectAll: isMany && this.all,
      onShown: () => this.#count(),
      empty: () => h("div", { class: "state" }, icon("shield"), h("h2", {}, "The quarantine is empty"), h("p", {}, "What looks like spam is kept here, and nobody is told of it, until somebody takes it back or erases it.")),
    });
    this.said = h("p", { role: "status", class: "bar-text" });
    this.problem = h("p", { role: "alert", class: "notice notice-bad", hidden: true });
    this.bar = h("div", { class: "bar", role: "toolbar", "aria-label": "Chosen inquiries", hidden: true }, this.said,
      session.can("Inquiry.updateBy") && button("Restore", { click: () => this.#restoreMany() }, icon("undo")),
      session.can("Inquiry.deleteBy") && button("Erase", { class: "button danger", click: () => this.#eraseMany() }, icon("trash")));
    this.element = h("div", { class: "view" },
      h("header", { class: "view-head" }, h("h1", { tabindex: "-1" }, this.title, this.listing.count), iconButton("refresh", "Refresh", { click: () => this.listing.load() })),
      h("p", { class: "lead" }, "Held back as probable spam. Restoring puts an inquiry into the inbox as new."),
      this.problem, this.bar, this.listing.element);
  }

  enter() {
    this.#chosen.clear();
    return this.listing.load();
  }

  // What is announced is not in quarantine: restored elsewhere, or taken out by a good one like it.
  arrive(ids) {
    for (const id of ids) this.change(id);
  }

  change(id, row) {
    this.#chosen.delete(id);
    this.listing.change(id, row?.quarantinedAt && row.status === "505_CANCELLED" ? row : undefined);
  }

  // Of the row that has the focus.
  toggle() {
    document.activeElement?.closest("tr")?.querySelector(".cell-select input")?.click();
  }

  #box(row) {
    const box = h("input", { type: "checkbox", "aria-label": `Choose ${nameOf(row)}`, change: () => (box.checked ? this.#chosen.add(row.id) : this.#chosen.delete(row.id), this.#count()) });
    box.checked = this.#chosen.has(row.id);
    return box;
  }

  #chooseAll(is) {
    this.#chosen = new Set(is ? this.listing.rows.map(({ id }) => id) : []);
    for (const box of this.listing.body.querySelectorAll(".cell-select input")) box.checked = is;
    this.#count();
  }

  // Chosen is only what is seen.
  #count() {
    const here = new Set(this.listing.rows.map(({ id }) => id));
    for (const id of this.#chosen) if (!here.has(id)) this.#chosen.delete(id);
    const { size } = this.#chosen;
    this.all.checked = size > 0 && size === here.size;
    this.all.indeterminate = size > 0 && size < here.size;
    this.bar.hidden = size === 0;
    this.said.textContent = `${counted(size)} chosen`;
    for (const tr of this.listing.body.rows) tr.classList.toggle("is-chosen", this.#chosen.has(tr.dataset.id));
  }

  #acts(row) {
    const name = nameOf(row);
    return [
      this.session.can("Inquiry.updateById") && iconButton("undo", `Restore ${name}`, { click: () => this.#restore(row) }),
      this.session.can("Inquiry.deleteById") && iconButton("trash", `Erase ${name}`, { click: () => this.#erase(row) }),
    ];
  }

  async #try(act) {
    this.problem.hidden = true;
    try {
      await act();
    } catch (problem) {
      this.problem.textContent = [problem.title, ...(problem.reasons ?? [])].join(". ");
      this.problem.hidden = false;
    }
  }

  #done(ids, row, text) {
    const at = this.listing.rows.findIndex(({ id }) => ids.includes(id));
    for (const id of ids) this.onChange(id, row && { id, ...row });
    say(text);
    const { rows } = this.listing; // go on with what stands there now
    (this.listing.link(rows[Math.min(at, rows.length - 1)]?.id ?? "") ?? this.element.querySelector("h1")).focus();
  }

  // Somebody or a good one like it was faster: what was decided of it here does not hold any more.
  #notHere(ids) {
    this.arrive(ids);
    throw { title: `${counted(ids.length)} ${ids.length === 1 ? "is" : "are"} not in quarantine any more`, reasons: ["Nothing of that was changed"] };
  }

  // One: the row that was read last, or none (If-Match).
  #one(verb, { id }, body) {
    return this.#try(async () => {
      const { data, etag } = await this.session.api.get(`/inquiries/${id}`);
      if (!data.quarantinedAt) this.#notHere([id]);
      const changed = await this.session.api.call(verb, `/inquiries/${id}`, { ifMatch: etag, body });
      this.#done([id], body && changed.data, body ? "Restored" : "Erased");
    });
  }

  // Those of the chosen that are in quarantine: the answer tells which.
  #many(verb, body) {
    const ids = [...this.#chosen];
    return this.#try(async () => {
      const where = { and: [QUARANTINED, { id: { in: ids } }] };
      const { data } = await this.session.api.call(verb, "/inquiries", { query: { where }, body });
      const changed = data.map(({ id }) => id);
      this.#done(changed, body && { ...body, quarantinedAt: null }, `${counted(changed.length)} ${body ? "restored" : "erased"}`);
      if (changed.length < ids.length) this.#notHere(ids.filter((id) => !changed.includes(id)));
    });
  }

  #restore(row) {
    return this.#one("PATCH", row, { status: NEW });
  }

  #restoreMany() {
    return this.#many("PATCH", { status: NEW });
  }

  async #erase(row) {
    if (await confirmed({ title: `Erase the inquiry of ${nameOf(row)}?`, text: "It is marked as deleted and disappears from every list.", act: "Erase" })) await this.#one("DELETE", row);
  }

  async #eraseMany() {
    if (await confirmed({ title: `Erase ${counted(this.#chosen.size)}?`, text: "They are marked as deleted and disappear from every list.", act: "Erase" })) await this.#many("DELETE");
  }
}
