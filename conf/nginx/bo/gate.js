// The way in: a token is pasted.
import { h, icon } from "./dom.js";
import { signIn } from "./session.js";

// `onIn(session)`; `why`: a Problem that led here.
export function gate(onIn, why) {
  const told = h("div", { role: "alert", class: "gate-told" });
  const tell = (problem) => told.replaceChildren(h("div", { class: "notice notice-bad" }, icon("warning"), h("div", { class: "two" }, h("strong", {}, problem.title), problem.reasons.map((reason) => h("span", {}, reason)))));
  const field = h("input", { id: "token", type: "password", autocomplete: "off", spellcheck: "false", required: true, autofocus: true, placeholder: "eyJhbGciOi…" });
  const enter = h("button", { class: "button primary wide" }, "Sign in");
  const form = h("form", {
    async submit(event) {
      event.preventDefault();
      const token = field.value.trim().replace(/^Bearer\s+/i, "");
      enter.disabled = true;
      try {
        onIn(await signIn(token));
      } catch (problem) {
        tell(problem.status === 401 ? { ...problem, title: "This token was not accepted", reasons: problem.requestId ? problem.reasons.concat("It may have expired.") : problem.reasons } : problem);
        field.select();
      } finally {
        enter.disabled = false;
      }
    },
  },
    h("label", { for: "token" }, "Access token"), field, enter,
    h("p", { class: "faint small" }, "Kept in this tab only, until it is closed. ", h("code", {}, "deploy/quickstart"), " prints one as “BO token”; ", h("code", {}, "bana-token issue"), " makes others."));
  if (why) tell(why);
  return h("main", { class: "gate", id: "content", tabindex: "-1" }, h("div", { class: "card gate-card" }, h("div", { class: "brand" }, h("span", { class: "mark", "aria-hidden": "true" }, "B"), "BANA back office"), h("h1", { tabindex: "-1" }, "Sign in"), told, form));
}
