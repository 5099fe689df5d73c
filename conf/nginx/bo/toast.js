// A toast for each new inquiry; pressing one opens it. They go by themselves, but not while somebody is at them.
import { avatar, h, iconButton, nameOf } from "./dom.js";
import { TYPES, wordFor } from "./words.js";

const STAY_MS = 12_000;
const MOST = 4;

export class Toasts {
  #timers = new Map();

  // `onOpen(id)`
  constructor(region, onOpen) {
    this.region = region;
    this.list = region.querySelector("ol");
    this.onOpen = onOpen;
    for (const name of ["pointerenter", "focusin"]) region.addEventListener(name, () => this.#hold());
    for (const name of ["pointerleave", "focusout"]) region.addEventListener(name, () => this.#release());
  }

  add(inquiry, { live }) {
    const { id, type, subject, businessName } = inquiry;
    const name = nameOf(inquiry);
    const item = h("li", { class: "toast", data: { id } },
      h("button", { type: "button", class: "toast-open", click: () => (this.#remove(item), this.onOpen(id)) },
        avatar(name),
        h("span", { class: "two" },
          h("span", { class: "faint small" }, live ? "New inquiry" : "Came meanwhile", " · ", wordFor(TYPES, type)),
          h("strong", {}, name, businessName && h("span", { class: "faint" }, ` ${businessName}`)),
          subject && h("span", { class: "toast-subject" }, subject))),
      iconButton("close", "Dismiss", { click: () => this.#remove(item) }));
    this.list.prepend(item);
    while (this.list.children.length > MOST) this.#remove(this.list.lastElementChild);
    this.#stay(item);
  }

  clear() {
    for (const item of [...this.list.children]) this.#remove(item);
  }

  // Also one that comes while somebody is at the others.
  #stay(item) {
    const isHeld = this.region.matches(":hover, :focus-within");
    this.#timers.set(item, isHeld ? undefined : setTimeout(() => this.#remove(item), STAY_MS));
  }

  #hold() {
    for (const timer of this.#timers.values()) clearTimeout(timer);
  }

  #release() {
    this.#hold();
    for (const item of this.#timers.keys()) this.#stay(item);
  }

  #remove(item) {
    clearTimeout(this.#timers.get(item));
    this.#timers.delete(item);
    const hadFocus = item.contains(document.activeElement);
    item.remove();
    if (hadFocus) this.#release(); // what goes with its element is no event
  }
}
