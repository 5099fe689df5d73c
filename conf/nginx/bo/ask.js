// "Are you sure?": a dialog of the browser's own kind, which keeps the focus and gives it back.
import { button, h } from "./dom.js";

// Resolves to whether it was confirmed.
export function confirmed({ title, text, act }) {
  return new Promise((done) => {
    const dialog = h("dialog", { class: "ask", "aria-labelledby": "ask-title", close: () => (dialog.remove(), done(dialog.returnValue === "yes")) },
      h("h2", { id: "ask-title" }, title),
      h("p", {}, text),
      h("div", { class: "ask-acts" },
        button("Keep", { click: () => dialog.close("no") }),
        button(act, { class: "button danger", click: () => dialog.close("yes") })));
    document.body.append(dialog);
    dialog.showModal();
  });
}
