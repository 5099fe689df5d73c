// The table, also as Markdown.
const seconds = (ms) => (ms === undefined ? "-" : `${(ms / 1000).toFixed(1)} s`);
const answers = (statuses) => Object.entries(statuses).map(([status, count]) => `${status === "0" ? "none" : status}: ${count}`).join(", ");

const COLUMNS = [
  ["fault", 45, ({ name }) => name],
  ["answers", 28, ({ statuses }) => answers(statuses)],
  ["longest gap", 11, ({ gap }) => seconds(gap)],
  ["restarted by", 17, ({ restartedBy }) => restartedBy],
  ["back after", 10, ({ back }) => seconds(back)],
  ["lost", 4, ({ lost }) => lost ?? "?"],
  ["repeated ids", 12, ({ repeated }) => repeated ?? "?"],
  ["verdict", 7, ({ troubles, skipped }) => skipped ?? (troubles.length === 0 ? "good" : "BAD")],
];

const join = (cells) => `| ${COLUMNS.map(([, width], i) => String(cells[i]).padEnd(width)).join(" | ")} |`;

export const head = () => [join(COLUMNS.map(([name]) => name)), `|${COLUMNS.map(([, width]) => "-".repeat(width + 2)).join("|")}|`].join("\n");
export const line = (row) => join(COLUMNS.map(([, , of]) => of(row)));
