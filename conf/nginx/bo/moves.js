// The buttons by which an inquiry goes on: only where the table of moves lets it.
import { button, h } from "./dom.js";
import { CANCEL_REASONS, CANCELLED, MOVES, NEW, verb } from "./words.js";

function cancelForm(patch, close) {
  const reason = h("select", { id: "cancel-reason", required: true }, Object.entries(CANCEL_REASONS).map(([value, text]) => h("option", { value }, text)));
  const form = h("form", { class: "cancel", submit: (event) => (event.preventDefault(), patch({ status: CANCELLED, cancelReason: reason.value })) },
    h("label", { for: "cancel-reason" }, "Why is it cancelled?"), reason,
    h("div", { class: "ask-acts" }, button("Keep it", { click: close }), h("button", { class: "button danger" }, "Cancel the inquiry")));
  return form;
}

// `patch(changes)`: what the buttons do.
export function movesOf(inquiry, patch) {
  const place = h("div", { class: "cancel-place" });
  const opener = () => list.querySelector('[data-move="505_CANCELLED"]');
  const close = () => (place.replaceChildren(), opener().setAttribute("aria-expanded", "false"), opener().focus());
  const open = () => {
    place.replaceChildren(cancelForm(patch, close));
    opener().setAttribute("aria-expanded", "true");
    place.querySelector("select").focus();
  };
  const list = h("div", { class: "moves", role: "group", "aria-label": "Move to" },
    (MOVES[inquiry.status] ?? []).map((to, i) =>
      button(inquiry.quarantinedAt && to === NEW ? "Restore" : verb(inquiry.status, to), {
        class: i === 0 ? "button primary" : "button",
        data: { move: to },
        "aria-expanded": to === CANCELLED ? "false" : undefined,
        click: () => (to === CANCELLED ? open() : patch({ status: to })),
      })));
  return [list, place];
}
