// What happened to an inquiry: its submit, and what staff did.
import { dateTime, h, time } from "./dom.js";
import { CANCEL_REASONS, FIELDS, STATUSES, TYPES, wordFor } from "./words.js";

const TABLES = { status: STATUSES, type: TYPES, cancelReason: CANCEL_REASONS };
const QUIET = new Set(["handledAt", "completedAt", "quarantinedAt"]); // they follow from the status
const valueOf = (field, value) => (value === null ? "nothing" : TABLES[field] ? wordFor(TABLES[field], value) : String(value));

function sentence(field, change, userId) {
  if (field === "assigneeId") {
    if (change.new === null) return ["unassigned it"];
    return ["assigned it to ", h("strong", {}, change.new === userId ? "you" : change.new)];
  }
  if (change === "***" || change.new === "***") return [`changed the ${wordFor(FIELDS, field)}`];
  if (field === "cancelReason" && change.new === null) return undefined;
  if (typeof change.new === "object" && change.new !== null) return [`changed the ${wordFor(FIELDS, field)}`];
  return [`set the ${wordFor(FIELDS, field)} to `, h("strong", {}, valueOf(field, change.new))];
}

const ACTIONS = { create: "made it", delete: "deleted it", restore: "took the deletion back", erase: "erased the person's data" };

function said({ action, changes }, userId) {
  if (action !== "update" && ACTIONS[action]) return [[ACTIONS[action]]];
  return Object.entries(changes).filter(([field]) => !QUIET.has(field)).map(([field, change]) => sentence(field, change, userId)).filter(Boolean);
}

const entry = (who, sentences, at) =>
  h("li", {}, h("p", {}, h("strong", {}, who), " ", sentences.map((parts, i) => [i > 0 && ", ", parts])), time(at, { class: "faint small", title: dateTime(at) }));

// `rows` of GET /inquiries/{id}/timeline, oldest first; the newest is shown first.
export function timelineOf(inquiry, rows, userId) {
  const entries = rows.map((row) => entry(row.actorId === userId ? "You" : row.actorId ?? "The service", said(row, userId), row.createdAt));
  if (!inquiry.createdBy) entries.unshift(entry("The visitor", [["sent it"]], inquiry.createdAt));
  return h("ol", { class: "timeline" }, entries.reverse());
}
