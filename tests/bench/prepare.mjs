// prepare.mjs BODIES.json INSERT.sql FOLDER: the same inquiries for wrk and for pgbench.
//   FOLDER/bodies.lua     a list of JSON texts
//   FOLDER/insert-N.sql   the product's INSERT with inquiry N's values as pgbench variables
//   FOLDER/defines        those variables as NAME=VALUE, each ended by a NUL
import crypto from "node:crypto";
import fs from "node:fs";

const [bodies_path, insert_path, folder] = process.argv.slice(2);
const bodies = JSON.parse(fs.readFileSync(bodies_path, "utf8"));
const insert = fs.readFileSync(insert_path, "utf8").trim();

const lua = (text) => `"${text.replace(/[\\"\n\r]/g, (c) => (c === "\n" ? "\\n" : c === "\r" ? "\\r" : `\\${c}`))}"`;
fs.writeFileSync(`${folder}/bodies.lua`, `return {\n${bodies.map((b) => lua(JSON.stringify(b))).join(",\n")}\n}\n`);

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
  };
  // A pgbench variable cannot be NULL, so what is absent stands in the text.
  const values = columns.map((column) => {
    if (column === "id") return ":id";
    const value = row[member(column)];
    if (value === undefined) return "NULL";
    defines += `${column}_${i}=${value}\0`;
    return `:${column}_${i}`;
  });
  // Ids that grow with time, over all clients, as Snowflakes do.
  fs.writeFileSync(`${folder}/insert-${i}.sql`,
    `\\set n :n + 1\n\\set id :n * 1024 + :client_id\n${head}(${columns.map((c) => `"${c}"`).join(", ")}) VALUES (${values.join(", ")})${tail};\n`);
});
fs.writeFileSync(`${folder}/defines`, defines);
