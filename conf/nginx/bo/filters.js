// The toolbar of the inbox: what is to be seen.
import { button, h, icon } from "./dom.js";
import { STATUSES, TYPES } from "./words.js";

const PAUSE_MS = 250; // of who types

export class Filters {
  #timer;

  // `onChange` gets { status, type, text, from, to, mine }.
  constructor(onChange) {
    this.onChange = onChange;
    this.value = { status: "", type: "", text: "", from: "", to: "", mine: false };
    const set = (name) => ({ target }) => this.set({ [name]: target.value });
    this.search = h("input", { type: "search", placeholder: "Search name, e-mail, subject", "aria-label": "Search", autocomplete: "off", spellcheck: "false", maxlength: 200, input: ({ target }) => this.#type(target.value) });
    this.type = h("select", { "aria-label": "Type", change: set("type") }, h("option", { value: "" }, "All types"), Object.entries(TYPES).map(([value, text]) => h("option", { value }, text)));
    this.from = h("input", { type: "date", "aria-label": "Received from", change: set("from") });
    this.to = h("input", { type: "date", "aria-label": "Received until", change: set("to") });
    this.mine = h("button", { type: "button", class: "button toggle", "aria-pressed": "false", click: () => this.set({ mine: !this.value.mine }) }, icon("person"), h("span", {}, "Mine"));
    this.clear = button("Clear", { class: "button quiet", hidden: true, click: () => this.reset() });
    this.tabs = Object.entries({ "": "All", ...STATUSES }).sort(([a], [b]) => a.localeCompare(b)).map(([value, text]) =>
      h("button", { type: "button", class: "tab", "aria-pressed": String(value === ""), data: { value }, click: () => this.set({ status: value }) }, text));
    this.element = h("div", { class: "filters", role: "search", "aria-label": "Inquiries" },
      h("div", { class: "tabs", role: "group", "aria-label": "Status" }, this.tabs),
      h("div", { class: "tools" },
        h("label", { class: "search" }, icon("search"), this.search, h("kbd", { "aria-hidden": "true" }, "/")),
        this.type,
        h("div", { class: "dates" }, this.from, h("span", { class: "faint", "aria-hidden": "true" }, "–"), this.to),
        this.mine, this.clear));
  }

  #type(text) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.set({ text: text.trim() }), PAUSE_MS);
  }

  set(some) {
    this.value = { ...this.value, ...some };
    for (const tab of this.tabs) tab.setAttribute("aria-pressed", String(tab.dataset.value === this.value.status));
    this.mine.setAttribute("aria-pressed", String(this.value.mine));
    for (const name of ["type", "from", "to"]) {
      this[name].value = this.value[name];
      this[name].classList.toggle("is-set", this.value[name] !== "");
    }
    this.clear.hidden = !Object.values(this.value).some(Boolean);
    this.onChange(this.value);
  }

  reset() {
    clearTimeout(this.#timer);
    this.search.value = "";
    this.set({ status: "", type: "", text: "", from: "", to: "", mine: false });
    this.search.focus();
  }
}
