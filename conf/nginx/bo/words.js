// What the values of an inquiry are called, and which status may follow which (the contract's table of moves).
export const STATUSES = {
  "100_NEW": "New",
  "104_IN_REVIEW": "In review",
  "203_PROCESSING": "In progress",
  "303_COMPLETED": "Completed",
  "405_ARCHIVED": "Archived",
  "505_CANCELLED": "Cancelled",
};
export const [NEW, IN_REVIEW, PROCESSING, COMPLETED, ARCHIVED, CANCELLED] = Object.keys(STATUSES);

export const MOVES = {
  [NEW]: [IN_REVIEW, PROCESSING, COMPLETED, ARCHIVED, CANCELLED],
  [IN_REVIEW]: [PROCESSING, COMPLETED, NEW, ARCHIVED, CANCELLED],
  [PROCESSING]: [COMPLETED, IN_REVIEW, ARCHIVED, CANCELLED],
  [COMPLETED]: [PROCESSING, ARCHIVED],
  [ARCHIVED]: [PROCESSING, NEW],
  [CANCELLED]: [NEW, ARCHIVED],
};
const VERBS = {
  [NEW]: "Back to new",
  [IN_REVIEW]: "Review",
  [PROCESSING]: "Start work",
  [COMPLETED]: "Complete",
  [ARCHIVED]: "Archive",
  [CANCELLED]: "Cancel …",
};
export const verb = (from, to) => (from === PROCESSING && to === IN_REVIEW ? "Back to review" : [COMPLETED, ARCHIVED].includes(from) && to === PROCESSING ? "Take up again" : VERBS[to]);

export const TYPES = {
  "100_GENERAL": "General",
  "200_SALES": "Sales",
  "300_SUPPORT": "Support",
  "400_PARTNERSHIP": "Partnership",
  "900_OTHER": "Other",
};

export const CANCEL_REASONS = {
  "100_SPAM": "Spam",
  "200_DUPLICATE": "Duplicate",
  "300_TEST": "Test of ours",
  "400_WITHDRAWN": "Withdrawn by the visitor",
  "900_OTHER": "Something else",
};

export const SPAM_REASONS = {
  honeypot: "Filled in a field that people do not see",
  too_fast: "Sent faster than people type",
  stamp_missing: "Did not come from our form",
  stamp_forged: "The form's stamp was forged",
  stamp_old: "The form had been open for too long",
  disposable: "Throw-away e-mail address",
  links: "Many links in the text",
  link_in_name: "A link where a name belongs",
  markup: "HTML or BBCode in the text",
  repetition: "The same words over and over",
  repeated_message: "The same message came before",
  address_rate: "Many inquiries from one network address",
  email_rate: "Many inquiries from one e-mail address",
  no_user_agent: "The sender names no browser",
  proof_missing: "The proof of work is missing",
  proof_bad: "The proof of work is wrong",
  proof_expired: "The proof of work came too late",
  proof_reused: "The proof of work was used before",
};

export const FIELDS = {
  status: "status",
  type: "type",
  assigneeId: "assignee",
  cancelReason: "cancel reason",
  handledAt: "first handling",
  completedAt: "completion",
  firstName: "first name",
  lastName: "last name",
  email: "e-mail address",
  phone: "phone number",
  businessName: "company",
  subject: "subject",
  message: "message",
  metadata: "metadata",
  quarantinedAt: "quarantine",
};

// A value that this page does not know is shown as it is.
export const wordFor = (table, value) => (Object.hasOwn(table, value) ? table[value] : value);
