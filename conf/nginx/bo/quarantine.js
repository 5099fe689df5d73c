// What the gate set aside: with its reasons, to be taken back or erased, one or many at once.
import { confirmed } from "./ask.js";
import { button, h, icon, iconButton, nameOf, say } from "./dom.js";
import { Listing } from "./list.js";
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

  arrive() {} // nothing quarantined is announced

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

  #restore({ id }) {
    return this.#try(async () => {
      const { data } = await this.session.api.call("PATCH", `/inquiries/${id}`, { body: { status: NEW } });
      this.#done([id], data, "Restored");
    });
  }

  async #erase(row) {
    if (!(await confirmed({ title: `Erase the inquiry of ${nameOf(row)}?`, text: "It is marked as deleted and disappears from every list.", act: "Erase" }))) return;
    await this.#try(async () => {
      await this.session.api.call("DELETE", `/inquiries/${row.id}`);
      this.#done([row.id], undefined, "Erased");
    });
  }

  #restoreMany() {
    return this.#try(async () => {
      const { data } = await this.session.api.call("POST", "/inquiries/bulk", { body: { ids: [...this.#chosen], patch: { status: NEW } } });
      const good = data.filter(({ status }) => status === 200).map(({ id }) => id);
      this.#done(good, { status: NEW, quarantinedAt: null }, `${counted(good.length)} restored`);
      const bad = data.filter(({ status }) => status !== 200);
      if (bad.length > 0) throw { title: `${counted(bad.length)} could not be restored`, reasons: [...new Set(bad.map(({ message }) => message))] };
    });
  }

  async #eraseMany() {
    const ids = [...this.#chosen];
    if (!(await confirmed({ title: `Erase ${counted(ids.length)}?`, text: "They are marked as deleted and disappear from every list.", act: "Erase" }))) return;
    await this.#try(async () => {
      await this.session.api.call("DELETE", "/inquiries", { query: { where: { id: { in: ids } } } });
      this.#done(ids, undefined, `${counted(ids.length)} erased`);
    });
  }
}
