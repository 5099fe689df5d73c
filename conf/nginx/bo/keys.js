// The keyboard: what each key does, and a page that says so.
import { button, h } from "./dom.js";

export const KEYS = [
  ["j  ↓", "Next inquiry"],
  ["k  ↑", "Previous inquiry"],
  ["Enter", "Open it"],
  ["Esc", "Close it"],
  ["x", "Choose it (quarantine)"],
  ["[  ]", "Previous, next page"],
  ["/", "Search"],
  ["1  2  3", "Inbox, quarantine, statistics"],
  ["r", "Refresh"],
  ["?", "This help"],
];

export function showKeys() {
  if (document.querySelector("dialog[open]")) return;
  const dialog = h("dialog", { class: "ask keys", "aria-labelledby": "keys-title", close: () => dialog.remove() },
    h("h2", { id: "keys-title" }, "Keyboard"),
    h("dl", {}, KEYS.map(([keys, text]) => h("div", {}, h("dt", {}, keys.split("  ").map((key) => h("kbd", {}, key))), h("dd", {}, text)))),
    h("div", { class: "ask-acts" }, button("Close", { click: () => dialog.close() })));
  document.body.append(dialog);
  dialog.showModal();
}

const isTyping = ({ target }) => target.matches("input:not([type=checkbox]), select, textarea");

// `acts`: key => function. Esc works everywhere, the others where nobody types and no dialog is open.
export function onKeys(acts) {
  const hear = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || document.querySelector("dialog[open]")) return;
    if (event.key !== "Escape" && isTyping(event)) return;
    const act = acts[event.key];
    if (act && act(event) !== false) event.preventDefault();
  };
  addEventListener("keydown", hear);
  return () => removeEventListener("keydown", hear);
}
