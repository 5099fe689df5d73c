// From what the toolbar says to the filter language of the service.
import { CANCELLED } from "./words.js";

export const PAGE_ROWS = 25;
const WORDS_MAX = 6; // conditions of a filter are bounded
const LIST_FIELDS = ["id", "type", "status", "firstName", "lastName", "email", "businessName", "subject", "createdAt", "assigneeId"];
const SPAM_FIELDS = [...LIST_FIELDS, "message", "spamScore", "spamReasons", "quarantinedAt"];
const NAMES = ["firstName", "lastName", "businessName", "subject"];

const midnight = (day, more = 0) => {
  const [year, month, date] = day.split("-").map(Number);
  return new Date(year, month - 1, date + more).toISOString();
};

// Each word somewhere: in a name, the company, the subject, the address. Who sees addresses masked may compare whole ones only.
function wordCondition(word, { personal }) {
  const pattern = `%${word.replace(/[\\%_]/g, "\\$&")}%`;
  const email = personal ? { email: { ilike: pattern } } : word.includes("@") && { email: word };
  return { or: [...NAMES.map((name) => ({ [name]: { ilike: pattern } })), ...(email ? [email] : [])] };
}

// Cancelled, and by the gate: what was taken back is neither.
export const QUARANTINED = { quarantinedAt: { ne: null }, status: CANCELLED };
const NOT_QUARANTINED = { or: [{ quarantinedAt: null }, { status: { ne: CANCELLED } }] };

export function whereOf({ view, status, type, text, from, to, mine }, { personal, userId }) {
  const and = [view === "quarantine" ? QUARANTINED : NOT_QUARANTINED];
  if (status) and.push({ status });
  if (type) and.push({ type });
  if (mine) and.push({ assigneeId: userId });
  if (from) and.push({ createdAt: { gte: midnight(from) } });
  if (to) and.push({ createdAt: { lt: midnight(to, 1) } });
  for (const word of (text ?? "").split(/\s+/).filter(Boolean).slice(0, WORDS_MAX)) and.push(wordCondition(word, { personal }));
  return { and };
}

export const filterOf = (where, view, limit = PAGE_ROWS) => ({
  where,
  order: ["createdAt DESC", "id DESC"],
  limit,
  fields: view === "quarantine" ? SPAM_FIELDS : LIST_FIELDS,
});
