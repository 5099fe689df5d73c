// prepare.mjs requests FOLDER                 what is asked: FOLDER/requests/NAME.tsv for requests.lua
// prepare.mjs statements WORK NAME FOLDER     what PostgreSQL is asked by that: FOLDER/pgbench/WORK*, from
//                                             FOLDER/learned/WORK.log, its log of one request of the product
// Of pgbench's scripts every value that changes from request to request is a variable; the others are constants.
import crypto from "node:crypto";
import fs from "node:fs";

const bodies = JSON.parse(fs.readFileSync(new URL("bodies.json", import.meta.url), "utf8"));
const rows = 100000;                                    // of the table that single rows are taken from
const id_of = (n) => `249${String(n).padStart(12, "0")}000`;    // as table_lay of lib/table.sh makes them
const since = "2026-01-01T00:00:00.000Z";               // before the first row
const staff = { assigneeId: "assignee-4711" };

// ---- Requests: [method, path, body].  `check` are compared between all contestants; the first one is learned from.
const page = (filter) => ["GET", `/inquiries?filter=${encodeURIComponent(JSON.stringify(filter))}`, ""];
const newest = (skip) =>
  page({ where: { createdAt: { gte: since } }, order: ["createdAt DESC"], limit: 25, skip });
const read = (n) => ["GET", `/inquiries/${id_of(n)}`, ""];
const patch = (n, status, assigneeId) => ["PATCH", `/inquiries/${id_of(n)}`, JSON.stringify({ status, assigneeId })];

// Distinct rows all over the table: steps of a number that has no divisor in common with its size.
const spread = Array.from({ length: 10000 }, (_, i) => ((i * 61803) % rows) + 1);

const requests = {
  submit: { all: bodies.map((b) => ["POST", "/inquiries/submit", JSON.stringify(b)]) },
  list: {
    all: Array.from({ length: 12 }, (_, i) => newest(25 * i)),
    check: [newest(75),
      page({ where: { status: "303_COMPLETED", createdAt: { gte: since } }, order: ["id"], limit: 3, fields: ["email", "id"] }),
      page({ where: { createdAt: { lt: since } } })],
  },
  read: { all: spread.map(read), check: [read(4711), read(rows * 100)] },
  // Each row goes back and forth between two statuses, with an assignee of this load alone (SALT: requests.lua): every
  // PATCH changes something, whoever was there before.
  patch: {
    all: ["203_PROCESSING", "104_IN_REVIEW"].flatMap((status) => spread.map((n) => patch(n, status, `${status.slice(0, 3)}-SALT`))),
    check: [patch(4711, "203_PROCESSING", staff.assigneeId), patch(4711, "505_CANCELLED", null), patch(4711, "405_ARCHIVED", null),
      patch(rows * 100, "203_PROCESSING", null), patch(4711, "999", null)],
  },
  export: { all: [["GET", "/inquiries/export.csv", ""]], check: [["GET", `/inquiries/export.csv?filter=${encodeURIComponent('{"limit":60}')}`, ""]] },
};

function write_requests(folder) {
  for (const [name, { all, check = all }] of Object.entries(requests)) {
    for (const [suffix, list] of [["", all], [".check", check]]) {
      fs.writeFileSync(`${folder}/requests/${name}${suffix}.tsv`, list.map((r) => `${r.join("\t")}\n`).join(""));
    }
  }
}

// ---- Statements.  The log has "... execute NAME: SQL" and, where there are parameters, "DETAIL:  parameters: $1 = '...', ..."
function learned(path) {
  const list = [];
  for (const line of fs.readFileSync(path, "utf8").split("\n")) {
    const [, sql] = line.match(/ execute [^:]*: (.*)$/) ?? [];
    const [, parameters] = line.match(/ DETAIL: {2}parameters: (.*)$/) ?? [];
    if (sql !== undefined) list.push({ sql, values: [] });
    if (parameters !== undefined) {
      list.at(-1).values = [...parameters.matchAll(/\$\d+ = (NULL|'((?:''|[^'])*)')/g)].map((m) => (m[2] === undefined ? null : m[2].replaceAll("''", "'")));
    }
  }
  return list.filter(({ sql }) => /outreach\."(Inquiry|AuditLog)"|^(BEGIN|COMMIT)/.test(sql));
}

// Values of the learned request that change: what stands for them, and how that is made.
const variables = {
  list: [[/^75$/, ":skip", "\\set skip 25 * random(0, 11)"]],
  read: [[/^249\d{15}$/, ":id", `\\set id 249000000000000000 + 1000 * random(1, ${rows})`]],
  patch: [
    [/^249\d{8}4711000$/, ":id", `\\set id 249000000000000000 + 1000 * random(1, ${rows})`],
    [/^\{"?249\d{8}4711000"?\}$/, "ARRAY[:id]"],
    [/^\{"?\d{18}"?\}$/, "ARRAY[:audit]", "\\set turn :turn + 1\n\\set audit :base + :turn * 1024 + :client_id"],
    [/^\d{18}$/, ":audit"],
    [/^assignee-4711$/, ":assignee", "\\set assignee random(1, 1000000)"],
  ],
};

const literal = (value) => (value === null ? "NULL" : `'${value.replaceAll("'", "''")}'`);

function write_statements(work, name, folder) {
  const statements = learned(`${folder}/learned/${work}.log`);
  const to = `${folder}/pgbench/${work}`;
  fs.writeFileSync(`${to}.text`, statements.map(({ sql }) => `${sql};\n`).join(""));
  if (name === "submit") return write_inserts(statements.at(-1).sql, to);
  if (name === "export") return write_copy(statements, to);
  let defines = `turn=0\0`;
  const heads = new Set();
  const texts = statements.map(({ sql, values }, s) => sql.replace(/\$(\d+)/g, (_, i) => {
    const value = values[i - 1];
    const hit = value !== null && variables[name].find(([pattern]) => pattern.test(value));
    if (hit) {
      if (hit[2]) heads.add(hit[2]);
      return hit[1];
    }
    if (value === null) return "NULL";                  // pgbench knows no variable that is NULL
    defines += `v${s}_${i}=${value}\0`;
    return `:v${s}_${i}`;
  }));
  // What we send without waiting in between, pgbench does as well: up to what must be known before a change.
  const locked = texts.findIndex((sql) => sql.endsWith("FOR UPDATE"));
  const parts = [texts.slice(0, locked + 1), texts.slice(locked + 1)].filter((part) => part.length > 0);
  const text = parts.map((part) =>
    (part.length === 1 ? `${part[0]};` : `\\startpipeline\n${part.map((sql) => `${sql};\n`).join("")}\\endpipeline`)).join("\n");
  fs.writeFileSync(`${to}.sql`, `${[...heads].join("\n")}\n${text}\n`);
  fs.writeFileSync(`${to}.defines`, defines);
}

function write_copy(statements, to) {
  const { sql, values } = statements.find((s) => s.sql.startsWith("DECLARE "));
  const select = sql.replace(/^.*? FOR | LIMIT .*$/g, "").replace(/\$(\d+)/g, (_, i) => literal(values[i - 1]));
  fs.writeFileSync(`${to}.sql`, `COPY (${select}) TO STDOUT WITH (FORMAT csv, HEADER)\n`);
}

// One script an inquiry.
function write_inserts(insert, to) {
  const [, head, columns_text, tail] = insert.match(/^(INSERT INTO [^(]+)\(([^)]+)\) VALUES \([^)]+\)(.*)$/);
  const columns = columns_text.split(",").map((c) => c.trim().replaceAll('"', ""));
  const member = (column) => column.replace(/_(.)/g, (_, c) => c.toUpperCase());
  const sha256 = (text) => crypto.createHash("sha256").update(text).digest("hex");
  let defines = "n=0\0";
  bodies.forEach((b, i) => {
    const row = {
      ...b,
      type: b.type ?? "100_GENERAL",
      status: "100_NEW",
      metadata: b.metadata && JSON.stringify(b.metadata),
      ipHash: sha256("address"),
      userAgent: process.env.USER_AGENT,
      contentHash: sha256(b.message),
      emailNormalized: b.email.toLowerCase(),
    };
    const values = columns.map((column) => {
      if (column === "id") return ":id";
      const value = row[member(column)];
      if (value === undefined) return "NULL";
      defines += `${column}_${i}=${value}\0`;
      return `:${column}_${i}`;
    });
    // Ids that grow with time, over all clients, as Snowflakes do.
    fs.writeFileSync(`${to}-${i}.sql`,
      `\\set n :n + 1\n\\set id :n * 1024 + :client_id\n${head}(${columns.map((c) => `"${c}"`).join(", ")}) VALUES (${values.join(", ")})${tail};\n`);
  });
  fs.writeFileSync(`${to}.defines`, defines);
}

const [command, ...given] = process.argv.slice(2);
({ requests: write_requests, statements: write_statements })[command](...given);
