// The page: who is signed in, which view is shown, and what goes from one part to another.
import { h, icon, iconButton, say } from "./dom.js";
import { Drawer } from "./detail.js";
import { gate } from "./gate.js";
import { Inbox } from "./inbox.js";
import { onKeys, showKeys } from "./keys.js";
import { listen } from "./live.js";
import { Quarantine } from "./quarantine.js";
import { whereOf } from "./query.js";
import { resume } from "./session.js";
import { Statistics } from "./statistics.js";
import { applyTheme, themeSwitch } from "./theme.js";
import { Toasts } from "./toast.js";

const app = document.getElementById("app");
const GATHER_MS = 100; // arrivals of a moment are one question

const VIEWS = [
  { name: "inbox", icon: "inbox", needs: "Inquiry.find", make: (session) => new Inbox(session) },
  { name: "quarantine", icon: "shield", needs: "Inquiry.find", make: (session, on) => new Quarantine(session, on) },
  { name: "statistics", icon: "chart", needs: "Inquiry.statistics", make: (session) => new Statistics(session) },
];

class Page {
  #arrived = new Set();

  constructor(session) {
    this.session = session;
    this.badge = h("span", { class: "badge" });
    const onChange = (id, row) => (this.views.forEach((view) => view.change(id, row)), this.#countQuarantine());
    this.views = VIEWS.filter(({ needs }) => session.can(needs)).map((view) => Object.assign(view.make(session, { onChange }), { icon: view.icon }));
    this.drawer = new Drawer(session, document.getElementById("drawer"), { onChange, onClose: () => this.go(this.view.name) });
    this.toasts = new Toasts(document.getElementById("toasts"), (id) => this.go(this.view.name === "statistics" ? "inbox" : this.view.name, id));
    this.main = h("main", { id: "content", tabindex: "-1" });
    this.indicator = h("p", { class: "live", role: "status" }, h("i", { "aria-hidden": "true" }), h("span", {}));
    app.replaceChildren(this.#side(), this.main);
    const ends = new AbortController();
    this.end = () => ends.abort();
    addEventListener("hashchange", () => this.#route(), { signal: ends.signal });
    ends.signal.addEventListener("abort", onKeys(this.#keys()));
    session.api.onEnd = (problem) => this.leave(problem);
    const observer = listen(session, this.indicator, {
      onInquiry: (inquiry, how) => this.#arrive(inquiry, how),
      onEnd: () => {}, // the call that found it out tells
    });
    ends.signal.addEventListener("abort", () => observer.stop());
    this.#route();
  }

  #side() {
    const { me, roles } = this.session;
    this.links = this.views.map((view) => h("a", { href: `#${view.name}`, class: "nav-link" }, icon(view.icon), h("span", {}, view.title), view.name === "quarantine" && this.badge));
    return h("header", { class: "side" },
      h("div", { class: "brand" }, h("span", { class: "mark", "aria-hidden": "true" }, "B"), h("span", { class: "brand-name" }, "BANA")),
      h("nav", { "aria-label": "Views" }, this.links),
      h("div", { class: "side-foot" },
        this.indicator,
        h("div", { class: "me" }, h("div", { class: "two" }, h("strong", {}, `User ${me.userId}`), h("span", { class: "faint small" }, roles.join(", ") || "no role"))),
        h("div", { class: "side-acts" }, iconButton("keys", "Keyboard", { click: showKeys }), themeSwitch(), iconButton("leave", "Sign out", { click: () => this.leave() }))));
  }

  #keys() {
    const inList = (act) => () => (this.drawer.isOpen || !this.view.listing ? false : act(this.view.listing));
    const step = (by) => inList((list) => list.step(by));
    const outside = (act) => () => (this.drawer.isOpen ? false : act());
    return {
      j: step(1), ArrowDown: step(1), k: step(-1), ArrowUp: step(-1),
      "]": inList((list) => list.turn(1)), "[": inList((list) => list.turn(-1)),
      x: outside(() => this.view.toggle?.()),
      r: outside(() => this.view.enter()),
      "/": outside(() => (this.view.search ? this.view.search() : this.go("inbox").then(() => this.view.search()))),
      "?": () => showKeys(),
      Escape: () => (this.drawer.isOpen ? this.go(this.view.name) : (document.activeElement?.blur(), false)),
      ...Object.fromEntries(this.views.map(({ name }, i) => [String(i + 1), outside(() => this.go(name))])),
    };
  }

  // The address says what is shown: #view or #view/id.
  async go(view, id) {
    const hash = id ? `#${view}/${id}` : `#${view}`;
    if (location.hash !== hash) history.pushState(null, "", hash);
    await this.#route();
  }

  async #route() {
    const [name, id] = location.hash.slice(1).split("/");
    const view = this.views.find((one) => one.name === name) ?? this.views[0];
    if (!view) return void this.main.replaceChildren(h("div", { class: "state" }, icon("shield"), h("h1", {}, "Nothing for you here"), h("p", {}, "Your token has no permission to see inquiries.")));
    if (view !== this.view) this.#show(view);
    if (id) return void (await this.drawer.open(id));
    this.drawer.close(this.view.listing?.link(this.drawer.id ?? ""));
  }

  #show(view) {
    const isFirst = this.view === undefined;
    this.view = view;
    document.title = `${view.title} – BANA back office`;
    for (const link of this.links) {
      if (link.hash === `#${view.name}`) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    this.main.replaceChildren(view.element);
    this.#countQuarantine();
    if (!isFirst) view.element.querySelector("h1").focus();
    view.enter();
  }

  // How many wait there, beside the link to it.
  async #countQuarantine() {
    if (!this.session.can("Inquiry.count")) return;
    const where = whereOf({ view: "quarantine" }, {});
    const { count } = await this.session.api.get("/inquiries/count", { where }).catch(() => ({ count: 0 }));
    this.badge.textContent = count > 0 ? count : "";
    this.badge.title = `${count} in quarantine`;
  }

  #arrive(inquiry, how) {
    this.toasts.add(inquiry, how);
    if (this.#arrived.size === 0) setTimeout(() => (this.view?.arrive([...this.#arrived]), this.#arrived.clear()), GATHER_MS);
    this.#arrived.add(inquiry.id);
  }

  leave(why) {
    this.session.api.onEnd = () => {}; // an answer that is still to come ends no session after this one
    this.session.leave();
    this.end();
    this.drawer.close();
    this.toasts.clear();
    start(why);
  }
}

// Signed in or not.
async function start(why) {
  const enter = (session) => (new Page(session), say("Signed in"));
  if (why) return app.replaceChildren(gate(enter, why));
  try {
    const session = await resume();
    if (session) return enter(session);
    app.replaceChildren(gate(enter));
  } catch (problem) {
    app.replaceChildren(gate(enter, problem));
  }
  document.title = "BANA back office";
}

// The fragment is the view's, so this link must not change it.
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  document.getElementById("content").focus();
});

applyTheme();
start();
