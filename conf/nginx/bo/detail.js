// One inquiry, whole, in a drawer beside the list. Changes carry the version that was seen (If-Match).
import { confirmed } from "./ask.js";
import { avatar, button, dateTime, h, icon, iconButton, nameOf, say } from "./dom.js";
import { problemPanel } from "./list.js";
import { movesOf } from "./moves.js";
import { chips, pill } from "./rows.js";
import { timelineOf } from "./timeline.js";
import { CANCEL_REASONS, STATUSES, TYPES, wordFor } from "./words.js";

const TITLE = "drawer-title";
const FOCUSABLE = "a[href], button:not([disabled]), input, select, textarea, summary, [tabindex='0']";
const isWeb = (text) => /^https?:\/\//i.test(text ?? "");

const fact = (name, value, size = "") => ![null, undefined, false, ""].includes(value) && h("div", { class: `fact ${size}` }, h("dt", {}, name), h("dd", {}, value));
const wide = (name, value) => fact(name, value, "wide");
const instant = (iso) => iso && h("time", { datetime: iso }, dateTime(iso));
const link = (text) => (isWeb(text) ? h("a", { href: text, target: "_blank", rel: "noopener noreferrer nofollow" }, text) : text);

function facts(row, userId) {
  return h("dl", { class: "facts" },
    wide("E-mail", row.email && h("a", { href: `mailto:${encodeURIComponent(row.email).replace("%40", "@")}` }, row.email)),
    fact("Phone", row.phone),
    fact("Company", row.businessName),
    fact("Type", wordFor(TYPES, row.type)),
    fact("Assignee", row.assigneeId === null ? h("span", { class: "faint" }, "Nobody") : row.assigneeId === userId ? "You" : row.assigneeId),
    fact("Cancel reason", row.cancelReason && wordFor(CANCEL_REASONS, row.cancelReason)),
    fact("Received", instant(row.createdAt)),
    fact("First handled", instant(row.handledAt)),
    fact("Completed", instant(row.completedAt)),
    fact("Quarantined", instant(row.quarantinedAt)),
    fact("Last change", instant(row.modifiedAt !== row.createdAt && row.modifiedAt)),
    fact("Language", row.locale),
    wide("Page", link(row.pageUrl)),
    wide("Came from", link(row.referrer)),
    fact("Made by", row.createdBy),
    fact("Changed by", row.modifiedBy),
    wide("Id", h("code", {}, row.id)));
}

const spam = ({ spamScore, spamReasons, quarantinedAt }) =>
  (quarantinedAt || spamReasons?.length > 0) &&
  h("section", { class: "spam" }, h("h3", {}, icon("shield"), quarantinedAt ? "In quarantine" : "Signs of spam", spamScore !== null && h("span", { class: "score" }, `Score ${spamScore}`)), chips(spamReasons));

export class Drawer {
  #id;
  #asked = new AbortController();
  #back;

  // `onChange(id, row)`: it was changed here; `onClose(id)`: the address has to follow.
  constructor(session, place, { onChange, onClose }) {
    Object.assign(this, { session, place, onChange, onClose });
    this.title = h("h2", { id: TITLE, tabindex: "-1" });
    this.state = h("div", { class: "drawer-state" });
    this.notice = h("div", { class: "notice-place", role: "alert" });
    this.body = h("div", { class: "drawer-body" });
    this.panel = h("div", { class: "drawer", role: "dialog", "aria-modal": "true", "aria-labelledby": TITLE, keydown: (event) => this.#key(event) },
      h("header", { class: "drawer-head" }, this.title, this.state, iconButton("close", "Close", { click: () => this.onClose(this.#id) })),
      this.notice, this.body);
    this.veil = h("div", { class: "veil", click: () => this.onClose(this.#id) });
  }

  get isOpen() {
    return this.#id !== undefined;
  }

  get id() {
    return this.#id;
  }

  async open(id) {
    if (!this.isOpen) {
      this.#back = document.activeElement;
      this.place.replaceChildren(this.veil, this.panel);
      document.getElementById("app").inert = true;
    }
    this.#id = id;
    this.notice.replaceChildren();
    this.title.textContent = "Inquiry";
    this.state.replaceChildren();
    this.body.replaceChildren(h("div", { class: "bones", "aria-hidden": "true" }, ["xl", "l", "m", "xl", "l"].map((size) => h("span", { class: `bone bone-${size}` }))));
    this.title.focus();
    await this.#load();
  }

  close(focus) {
    if (!this.isOpen) return;
    this.#id = undefined;
    this.#asked.abort();
    this.place.replaceChildren();
    document.getElementById("app").inert = false;
    const back = focus ?? (this.#back?.isConnected && this.#back !== document.body ? this.#back : undefined);
    (back ?? document.querySelector("#content h1"))?.focus();
  }

  // Tab stays within; Esc is the page's.
  #key(event) {
    if (event.key !== "Tab") return;
    const all = [...this.panel.querySelectorAll(FOCUSABLE)].filter((element) => element.checkVisibility());
    const [first, last] = [all[0], all.at(-1)];
    const at = document.activeElement;
    if (event.shiftKey ? at === first || at === this.title : at === last) {
      event.preventDefault();
      (event.shiftKey ? last : first).focus();
    }
  }

  async #load() {
    this.#asked.abort();
    const asked = (this.#asked = new AbortController());
    const { api } = this.session;
    const id = this.#id;
    const path = `/inquiries/${encodeURIComponent(id)}`;
    try {
      const [one, log] = await Promise.all([
        api.get(path, {}, { signal: asked.signal }),
        this.session.can("Inquiry.timeline") && api.get(`${path}/timeline`, { filter: { limit: 200 } }, { signal: asked.signal }),
      ]);
      this.#show(one.data, one.etag, log?.data);
    } catch (problem) {
      if (!asked.signal.aborted) this.body.replaceChildren(problemPanel(problem, problem.status === 404 ? undefined : () => this.#load()));
    }
  }

  #show(row, etag, log) {
    const { userId } = this.session.me;
    this.title.textContent = nameOf(row);
    this.state.replaceChildren(pill(row.status));
    const patch = (changes) => this.#patch(etag, changes);
    const may = this.session.can("Inquiry.updateById");
    const isMine = row.assigneeId === userId;
    this.body.replaceChildren(...[
      h("section", { class: "letter" },
        h("div", { class: "from" }, avatar(nameOf(row)), h("div", { class: "two" }, h("strong", {}, row.subject || "No subject"), h("span", { class: "faint small" }, `${row.email} · ${dateTime(row.createdAt)}`))),
        h("p", { class: "message" }, row.message)),
      spam(row),
      may && h("section", { class: "acts", "aria-label": "Actions" },
        movesOf(row, patch),
        row.quarantinedAt && this.session.can("Inquiry.deleteById") && button("Erase", { class: "button danger", data: { act: "erase" }, click: () => this.#erase(row, etag) }, icon("trash")),
        button(isMine ? "Unassign" : "Assign to me", { class: "button", data: { act: "assign" }, click: () => patch({ assigneeId: isMine ? null : userId }) }, icon("person"))),
      h("section", {}, h("h3", {}, "Details"), facts(row, userId),
        row.metadata && h("details", { class: "metadata" }, h("summary", {}, "Metadata"), h("pre", {}, JSON.stringify(row.metadata, null, 2)))),
      log && h("section", {}, h("h3", {}, "Timeline"), timelineOf(row, log, userId)),
    ].filter(Boolean));
  }

  #busy(is) {
    for (const element of this.body.querySelectorAll(".acts button, .acts select")) element.disabled = is;
  }

  async #patch(etag, changes) {
    const id = this.#id;
    this.notice.replaceChildren();
    this.#busy(true);
    try {
      const { data } = await this.session.api.call("PATCH", `/inquiries/${id}`, { body: changes, ifMatch: etag });
      this.onChange(id, data);
      if (this.#id !== id) return;
      await this.#load();
      say(changes.status ? `Moved to ${STATUSES[changes.status]}` : "Saved");
      (this.body.querySelector(changes.status ? ".moves button" : '[data-act="assign"]') ?? this.title).focus();
    } catch (problem) {
      if (this.#id !== id) return;
      this.#busy(false);
      this.#tell(problem);
    }
  }

  async #erase({ id, ...row }, etag) {
    if (!(await confirmed({ title: `Erase the inquiry of ${nameOf(row)}?`, text: "It is marked as deleted and disappears from every list.", act: "Erase" }))) return;
    try {
      await this.session.api.call("DELETE", `/inquiries/${id}`, { ifMatch: etag });
      this.onChange(id);
      this.onClose(id);
      say("Erased");
    } catch (problem) {
      if (this.#id === id) this.#tell(problem);
    }
  }

  #tell(problem) {
    const isStale = problem.status === 412;
    const allowed = problem.allowed && `It can go to: ${problem.allowed.map((status) => wordFor(STATUSES, status)).join(", ")}.`;
    const reload = button("Show the latest", { class: "button", data: { act: "latest" }, click: async () => (this.notice.replaceChildren(), await this.#load(), this.title.focus()) }, icon("refresh"));
    const reasons = isStale ? ["Nothing of yours was saved. Look at the latest version, then try again."] : [...problem.reasons, allowed].filter(Boolean);
    this.notice.replaceChildren(h("div", { class: "notice notice-bad" }, icon("warning"),
      h("div", { class: "two" }, h("strong", {}, problem.title), reasons.map((reason) => h("span", {}, reason))),
      (isStale || problem.status === 409) && reload));
    this.notice.querySelector("button")?.focus();
  }
}
