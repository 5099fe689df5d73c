// One inquiry as a row of a table.
import { avatar, h, nameOf, time } from "./dom.js";
import { SPAM_REASONS, STATUSES, TYPES, wordFor } from "./words.js";

export const pill = (status) => h("span", { class: "pill", data: { status } }, wordFor(STATUSES, status));
export const chips = (reasons) => h("ul", { class: "chips" }, (reasons ?? []).map((slug) => h("li", { class: "chip", title: slug }, wordFor(SPAM_REASONS, slug))));

const cell = (name, ...children) => h("td", { role: "cell", class: `cell-${name}` }, children);

function from(row, view) {
  const name = nameOf(row);
  return cell("from", h("div", { class: "from" }, avatar(name), h("div", { class: "two" },
    h("a", { class: "row-link", href: `#${view}/${row.id}` }, name),
    h("span", { class: "faint" }, row.email))));
}

const about = (row, more) =>
  cell("about", h("div", { class: "two" }, h("span", { class: row.subject ? "subject" : "subject faint" }, row.subject || row.message || "No subject"), more));

function assignee({ assigneeId }, userId) {
  if (!assigneeId) return cell("assignee", h("span", { class: "faint unseen-narrow" }, "–"));
  return cell("assignee", h("span", { class: "who" }, assigneeId === userId ? "You" : assigneeId));
}

const COLUMNS = {
  inbox: [["from", "From"], ["about", "Subject"], ["type", "Type"], ["assignee", "Assignee"], ["status", "Status"], ["time", "Received"]],
  quarantine: [["from", "From"], ["about", "Why it is here"], ["score", "Score"], ["time", "Received"], ["acts", "Actions"]],
};

export function headOf(view, selectAll) {
  const columns = COLUMNS[view].map(([name, text]) => h("th", { role: "columnheader", scope: "col", class: `cell-${name}` }, name === "acts" ? h("span", { class: "unseen" }, text) : text));
  return h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, selectAll && h("th", { role: "columnheader", scope: "col", class: "cell-select" }, selectAll), columns));
}

const CELLS = {
  inbox: (row, { userId }) => [
    from(row, "inbox"),
    about(row, row.businessName && h("span", { class: "faint" }, row.businessName)),
    cell("type", wordFor(TYPES, row.type)),
    assignee(row, userId),
    cell("status", pill(row.status)),
    cell("time", time(row.createdAt)),
  ],
  quarantine: (row, { acts }) => [
    from(row, "quarantine"),
    about(row, chips(row.spamReasons)),
    cell("score", h("span", { class: "score" }, row.spamScore ?? "–")),
    cell("time", time(row.createdAt)),
    cell("acts", acts(row)),
  ],
};

// `context`: userId, acts(row), select(row): a checkbox, where rows can be chosen.
export function rowOf(row, view, context) {
  const select = context.select?.(row);
  return h("tr", { role: "row", data: { id: row.id } }, select && cell("select", select), CELLS[view](row, context));
}

const bone = (size) => h("span", { class: `bone bone-${size}` });
export const skeletonOf = (view, count, selectable) =>
  Array.from({ length: count }, () =>
    h("tr", { role: "row", class: "skeleton", "aria-hidden": "true" },
      selectable && cell("select", bone("s")),
      COLUMNS[view].map(([name]) => cell(name, name === "from" ? h("div", { class: "from" }, bone("round"), h("div", { class: "two" }, bone("m"), bone("l"))) : bone(name === "about" ? "xl" : "s")))));
