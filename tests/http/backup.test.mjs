// A backup taken while submits go on, and what a restore makes of it: all that was acknowledged before, byte for byte, and
// a database that the service works in. A damaged backup restores nothing.
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import pg from "pg";

import { assertAccepted, call, inquiry, submit } from "./lib/api.mjs";
import { createInquiry, createSubscriber, staff } from "./lib/bo.mjs";
import { close } from "./lib/db.mjs";
import { underLoad } from "./lib/load.mjs";
import { stack } from "./lib/stack.mjs";
import { until, within } from "./lib/wait.mjs";

const deploy = resolve(dirname(fileURLToPath(import.meta.url)), "../../deploy");
const folder = `${stack.dir}.backups`;
const TABLES = ["Inquiry", "Subscriber", "Consent", "Webhook", "WebhookEvent", "WebhookDelivery", "UsedChallenge", "IdempotencyKey", "AuditLog", "CasbinRule", "SeededRule", "Migration"];

// ---- Databases: each is empty and its owner's; nobody else may connect.
const urlOf = (url, name) => url.replace("@/bana?", `@/${name}?`);
const ownerOf = (name) => urlOf(stack.env.DATABASE_OWNER_URL, name);
const databases = [];
async function freshDatabase() {
  const name = `restored_${process.pid}_${databases.length}`;
  databases.push(name);
  for (const sql of [`CREATE DATABASE ${name} OWNER outreach_owner`, `REVOKE ALL ON DATABASE ${name} FROM PUBLIC`]) await ask(stack.env.DATABASE_ADMIN_URL, sql);
  return name;
}
async function ask(url, sql, values) {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(sql, values)).rows;
  } finally {
    await client.end();
  }
}
const rowsOf = async (name, table) => (await ask(ownerOf(name), `SELECT t::text AS text FROM outreach."${table}" AS t`)).map(({ text }) => text);
const isEmpty = async (name) => (await ask(ownerOf(name), "SELECT to_regnamespace('outreach') IS NULL AS yes"))[0].yes;

// ---- The commands: { code, stdout, stderr }
const run = async (command, args, env) => {
  const options = { env: { PATH: process.env.PATH, ...env }, timeout: within(30_000) };
  return promisify(execFile)(join(deploy, command), args, options).then((done) => ({ code: 0, ...done }), (failed) => failed);
};
const backup = (to, { keep = "all", url = stack.env.DATABASE_OWNER_URL, args = [], ...env } = {}) => run("backup", [...args, "--keep", keep, to], { APP_ENV_DATABASE_OWNER_URL: url, ...env });
const restore = (from, name, ...more) => run("restore", [...more, from], { APP_ENV_DATABASE_OWNER_URL: ownerOf(name) });
const backupsIn = (dir) => readdirSync(dir).filter((name) => /^outreach-\d{8}T\d{6}Z$/.test(name)).sort();

// A copy of the backup with something done to it; `summed`: so that its checksums are right.
const sum = (file) => `${createHash("sha256").update(readFileSync(file)).digest("hex")}  ${file.split("/").at(-1)}\n`;
function spoilt(name, spoil, { summed = false } = {}) {
  const copy = join(folder, name);
  cpSync(taken, copy, { recursive: true });
  spoil(copy);
  if (summed) writeFileSync(join(copy, "SHA256SUMS"), ["outreach.dump", "manifest.json"].map((file) => sum(join(copy, file))).join(""));
  return copy;
}
const cut = (copy) => truncateSync(join(copy, "outreach.dump"), Math.floor(readFileSync(join(copy, "outreach.dump")).length * 0.7));
const flip = (file) => (copy) => {
  const bytes = readFileSync(join(copy, file));
  bytes[bytes.length >> 1] ^= 1;
  writeFileSync(join(copy, file), bytes);
};
const claim = (change) => (copy) => {
  const manifest = JSON.parse(readFileSync(join(copy, "manifest.json"), "utf8"));
  change(manifest);
  writeFileSync(join(copy, "manifest.json"), JSON.stringify(manifest));
};

let taken, acknowledged, restored, beside;
before(async () => {
  mkdirSync(folder);
  await createSubscriber();
  const { id } = await createInquiry({ message: "Zoë 😀 \\ \"quoted\"\n\ttabbed \\N \\.", metadata: { a: [1, null, "\\."] } });
  await staff("PATCH", `/inquiries/${id}`, { body: { status: "104_IN_REVIEW" } });
});
after(async () => {
  await beside?.remove();
  await close();
  for (const name of databases) await ask(stack.env.DATABASE_ADMIN_URL, `DROP DATABASE ${name} WITH (FORCE)`);
  rmSync(folder, { recursive: true, force: true });
});

test("a_backup_delays_no_submit", async () => {
  const load = await underLoad(async (running) => {
    acknowledged = running.accepted.map(({ id }) => id);
    const { code, stdout, stderr } = await backup(folder);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^backup .*\/outreach-\d{8}T\d{6}Z, \S+, 0 old removed .*\n$/, "one line");
    await running.more(50);
  });
  load.assertNoneRefused();
  assert.ok(load.gap <= within(1500), `longest gap ${load.gap} ms`);
  const [name, ...others] = backupsIn(folder);
  assert.deepEqual(others, []);
  taken = join(folder, name);
  assert.deepEqual(readdirSync(folder).sort(), [".lock", name]);
});

test("the_manifest_says_what_is_in_it", async () => {
  const manifest = JSON.parse(readFileSync(join(taken, "manifest.json"), "utf8"));
  const migrations = await ask(stack.env.DATABASE_OWNER_URL, 'SELECT name, checksum FROM outreach."Migration"');
  assert.deepEqual(manifest.migrations, Object.fromEntries(migrations.map(({ name, checksum }) => [name, checksum])));
  assert.deepEqual(Object.keys(manifest.rows).sort(), [...TABLES].sort());
  assert.deepEqual(manifest.roles, ["outreach_app"]);
  assert.ok(BigInt(manifest.lastIds["10"]) >= acknowledged.map(BigInt).reduce((a, b) => (a > b ? a : b)));
});

test("every_row_acknowledged_before_is_restored_byte_for_byte", async () => {
  restored = await freshDatabase();
  const { code, stdout, stderr } = await restore(taken, restored);
  assert.equal(code, 0, stderr);
  const { rows } = JSON.parse(readFileSync(join(taken, "manifest.json"), "utf8"));
  for (const table of TABLES) {
    const [here, there] = [new Set(await rowsOf("bana", table)), await rowsOf(restored, table)];
    assert.equal(there.length, rows[table], table);
    assert.match(stdout, new RegExp(`^${table} +${rows[table]}$`, "m"));
    assert.deepEqual(there.filter((text) => !here.has(text)), [], `${table}: each as in the original`);
    if (table !== "Inquiry") assert.equal(there.length, here.size, table);
  }
  const found = await ask(ownerOf(restored), 'SELECT id FROM outreach."Inquiry" WHERE id = ANY($1::bigint[])', [acknowledged]);
  assert.ok(acknowledged.length >= 100);
  assert.equal(found.length, acknowledged.length);
  assert.match(stdout, /^node 10: the last id in it is \d+, of \d{4}-\d\d-\d\d \S+ UTC$/m);
});

test("rights_indexes_and_sequences_are_those_of_the_original", async () => {
  const shape = `
    SELECT relname AS name, relkind::text, relacl::text AS acl, NULL AS more FROM pg_class WHERE relnamespace = 'outreach'::regnamespace
    UNION ALL SELECT c.relname || '.' || attname, '', attacl::text, format_type(atttypid, atttypmod) FROM pg_attribute JOIN pg_class AS c ON c.oid = attrelid WHERE relnamespace = 'outreach'::regnamespace AND attnum > 0
    UNION ALL SELECT indexname, 'def', NULL, indexdef FROM pg_indexes WHERE schemaname = 'outreach'
    UNION ALL SELECT conname, 'con', NULL, pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = 'outreach'::regnamespace
    UNION ALL SELECT tgname, 'trg', NULL, pg_get_triggerdef(t.oid) FROM pg_trigger AS t JOIN pg_class AS c ON c.oid = tgrelid WHERE relnamespace = 'outreach'::regnamespace AND NOT tgisinternal
    UNION ALL SELECT nspname, 'nsp', nspacl::text, NULL FROM pg_namespace WHERE nspname = 'outreach'
    ORDER BY 1, 2`;
  assert.deepEqual(await ask(ownerOf(restored), shape), await ask(stack.env.DATABASE_OWNER_URL, shape));
  await ask(ownerOf(restored), `INSERT INTO outreach."CasbinRule" (ptype, v0, v1) VALUES ('g', 'User_x', 'GUEST')`); // 23505, did its sequence begin anew
});

test("the_service_works_in_the_restored_database", async () => {
  const app = urlOf(stack.env.DATABASE_URL, restored);
  await ask(app, 'INSERT INTO outreach."Inquiry" (id, first_name, email, message) VALUES (1, $1, $1, $1)', ["restored"]); // before any seed could mend its rights
  await assert.rejects(ask(app, 'DELETE FROM outreach."Inquiry"'), { code: "42501" });
  beside = await stack.beside("restored", { APP_ENV_NODE_ID: "81", APP_ENV_DATABASE_URL: app, APP_ENV_DATABASE_OWNER_URL: ownerOf(restored), BO_TOKEN: "", APP_ENV_JWKS_URL: stack.env.JWKS_URL }, { workers: 2 });
  const base = beside.env.BASE_URL;
  const { id } = assertAccepted(await submit(inquiry(), { base }));
  assert.equal((await ask(ownerOf(restored), 'SELECT count(*) FROM outreach."Inquiry" WHERE id = $1', [id]))[0].count, "1");
  const old = await call("GET", `/inquiries/${acknowledged[0]}`, { base, token: stack.env.BO_TOKEN });
  assert.equal(old.status, 200, old.text);
});

test("signals_schema_is_backed_up_by_its_owner_and_restored_beside_outreachs", async () => {
  const { SIGNAL_DATABASE_OWNER_URL: owner, SIGNAL_DATABASE_URL: app, DATABASE_ADMIN_URL } = stack.env;
  const id = (5n << 22n) | (10n << 12n) | 7n;
  await ask(owner, `INSERT INTO signal."Membership" (id, user_id, organizer_id, role) VALUES ($1, $2, '7', 'OWNER')`, [String(id), `backup ${process.pid}`]);
  const dir = join(folder, "signal");
  const { code, stderr } = await backup(dir, { url: owner, args: ["--service", "signal"] });
  assert.equal(code, 0, stderr);
  const [name] = readdirSync(dir).filter((one) => one !== ".lock");
  assert.match(name, /^signal-\d{8}T\d{6}Z$/);
  const manifest = JSON.parse(readFileSync(join(dir, name, "manifest.json"), "utf8"));
  assert.equal(manifest.service, "signal");
  assert.deepEqual(manifest.roles, ["signal_app"]);
  assert.ok(BigInt(manifest.lastIds["10"]) >= id);

  await ask(DATABASE_ADMIN_URL, `GRANT CONNECT, CREATE ON DATABASE ${restored} TO signal_owner`);
  const ofSignal = (more) => run("restore", [...more, join(dir, name)], { APP_ENV_DATABASE_OWNER_URL: urlOf(owner, restored) });
  const refused = await ofSignal([]);
  assert.equal(refused.code, 1, "only the owner of the database can let signal_app in");
  assert.match(refused.stderr, /signal_app may not connect/);
  await ask(DATABASE_ADMIN_URL, `GRANT CONNECT ON DATABASE ${restored} TO signal_app`);
  const done = await ofSignal([]);
  assert.equal(done.code, 0, done.stderr);
  const rows = await ask(urlOf(app, restored), 'SELECT user_id FROM signal."Membership" WHERE id = $1', [String(id)]);
  assert.deepEqual(rows, [{ user_id: `backup ${process.pid}` }]);
  assert.ok(!(await isEmpty(restored)), "outreach is still there");
  assert.equal((await ofSignal([])).code, 1, "there is a schema signal now");
  assert.match((await ofSignal([])).stderr, /has a schema signal: give an empty database, or --replace/);
  assert.equal((await backup(dir, { args: ["--service", "telegraph"] })).code, 2);
});

test("a_damaged_backup_restores_nothing", async () => {
  const empty = await freshDatabase();
  const DAMAGES = [
    ["cut", cut, {}, /damaged: its checksums/],
    ["flipped", flip("outreach.dump"), {}, /damaged: its checksums/],
    ["manifest", flip("manifest.json"), {}, /damaged: its checksums/],
    ["no-dump", (copy) => rmSync(join(copy, "outreach.dump")), {}, /damaged|No such file/],
    ["no-sums", (copy) => rmSync(join(copy, "SHA256SUMS")), {}, /is no backup/],
    ["no-line", (copy) => writeFileSync(join(copy, "SHA256SUMS"), sum(join(copy, "manifest.json"))), {}, /damaged: its checksums/],
    ["cut-and-summed", cut, { summed: true }, /could not|unexpected end|invalid/],
    ["fewer-rows", claim((manifest) => manifest.rows.Inquiry++), { summed: true }, /the rows are not those of the backup/],
    ["other-role", claim((manifest) => manifest.roles.push("nobody_here")), { summed: true }, /roles that the backup grants to are missing: nobody_here/],
    ["later-server", claim((manifest) => (manifest.server = "99.1")), { summed: true }, /the backup is of PostgreSQL 99.1/],
    ["other-service", claim((manifest) => (manifest.service = "signal")), { summed: true }, /a backup of signal/],
  ];
  for (const [name, spoil, options, reason] of DAMAGES) {
    const { code, stderr } = await restore(spoilt(name, spoil, options), empty);
    assert.equal(code, 1, `${name}: ${stderr}`);
    assert.match(stderr, reason, name);
    assert.match(stderr, /nothing was restored|is no backup/, name);
    assert.doesNotMatch(stderr, /@example\.com/, `${name}: no row in the message`);
    assert.ok(await isEmpty(empty), name);
  }
  assert.equal((await restore(taken, empty)).code, 0, "and then the good one");
});

test("what_is_there_is_replaced_only_when_told_and_only_as_a_whole", async () => {
  const name = databases.at(-1);
  await ask(ownerOf(name), 'UPDATE outreach."Inquiry" SET first_name = $1', ["since then"]);
  const changed = async () => (await ask(ownerOf(name), 'SELECT count(*) FROM outreach."Inquiry" WHERE first_name = $1', ["since then"]))[0].count !== "0";
  const refused = async (reason, ...args) => {
    const { code, stderr } = await restore(...args);
    assert.equal(code, 1, stderr);
    assert.match(stderr, reason);
    assert.ok(await changed());
  };
  await refused(/has a schema outreach: give an empty database, or --replace/, taken, name);
  await refused(/nothing was restored, the database is as it was/, join(folder, "cut-and-summed"), name, "--replace");
  const worker = new pg.Client({ connectionString: urlOf(stack.env.DATABASE_URL, name) });
  await worker.connect();
  await refused(/stop the pool first/, taken, name, "--replace");
  await worker.end();
  await until("it is gone", async () => (await ask(stack.env.DATABASE_ADMIN_URL, "SELECT FROM pg_stat_activity WHERE datname = $1", [name])).length === 0);
  assert.equal((await restore(taken, name, "--replace")).code, 0);
  assert.ok(!(await changed()));
});

test("the_newest_are_kept_and_nothing_else_is_touched", async () => {
  const dir = join(folder, "kept");
  const old = ["outreach-20200101T000000Z", "outreach-20210101T000000Z", "outreach-20220101T000000Z"];
  for (const name of [...old, ".new-outreach-20190101T000000Z", "outreach-notes", "other"]) mkdirSync(join(dir, name), { recursive: true });
  const failed = await backup(dir, { keep: "2", url: stack.env.DATABASE_OWNER_URL.replace("@/bana?", "@/nowhere?") });
  assert.equal(failed.code, 1);
  assert.deepEqual(backupsIn(dir), old, "without a new one no old one goes");
  const { code, stdout, stderr } = await backup(dir, { keep: "2" });
  assert.equal(code, 0, stderr);
  assert.match(stdout, /2 old removed/);
  assert.equal(backupsIn(dir).length, 2);
  assert.equal(backupsIn(dir)[0], old[2], "and the new one");
  assert.deepEqual(readdirSync(dir).filter((name) => !backupsIn(dir).includes(name)).sort(), [".lock", "other", "outreach-notes"]);
});

// Held at a lock, so that its processes can be looked at.
test("a_password_is_in_no_command_line_and_one_backup_is_made_at_a_time", async () => {
  const dir = join(folder, "secret");
  const owner = new pg.Client({ connectionString: stack.env.DATABASE_OWNER_URL });
  await owner.connect();
  await owner.query('BEGIN; LOCK TABLE outreach."CasbinRule"');
  const url = stack.env.DATABASE_OWNER_URL.replace("outreach_owner@", "outreach_owner:s3cr%33t@");
  const made = backup(dir, { url });
  try {
    await until("it waits", async () => (await ask(stack.env.DATABASE_ADMIN_URL, "SELECT FROM pg_stat_activity WHERE application_name IN ('psql', 'pg_dump') AND wait_event_type = 'Lock'")).length > 0);
    const seen = readdirSync("/proc").filter((name) => /^\d+$/.test(name)).map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, "utf8");
      } catch {
        return ""; // ended meanwhile
      }
    });
    assert.ok(seen.some((line) => line.includes("backup.sql")));
    assert.deepEqual(seen.filter((line) => line.includes("s3cr")), []);
    const { code, stderr } = await backup(dir);
    assert.equal(code, 1);
    assert.match(stderr, /another backup is at work/);
  } finally {
    await owner.end();
  }
  assert.equal((await made).code, 0, (await made).stderr);
});

test("one_that_is_killed_leaves_no_backup", async () => {
  const dir = join(folder, "killed");
  const owner = new pg.Client({ connectionString: stack.env.DATABASE_OWNER_URL });
  await owner.connect();
  await owner.query('BEGIN; LOCK TABLE outreach."CasbinRule"');
  try {
    const child = spawn(join(deploy, "backup"), [dir], { env: { PATH: process.env.PATH, APP_ENV_DATABASE_OWNER_URL: stack.env.DATABASE_OWNER_URL }, detached: true, stdio: "ignore" });
    await until("it is at work", () => existsSync(dir) && readdirSync(dir).some((name) => name.startsWith(".new-")));
    process.kill(-child.pid, "SIGKILL");
  } finally {
    await owner.end();
  }
  assert.deepEqual(backupsIn(dir), []);
  await until("all of it is gone", () => promisify(execFile)("flock", ["-n", join(dir, ".lock"), "true"]));
  assert.equal((await backup(dir)).code, 0, "the next one finds its way");
  assert.deepEqual(readdirSync(dir).sort(), [".lock", ...backupsIn(dir)]);
});

test("misuse_is_told", async () => {
  for (const [command, args] of [["backup", []], ["backup", ["a", "b"]], ["backup", ["--keep", "0", "a"]], ["backup", ["--what"]], ["restore", []], ["restore", ["a", "b"]], ["restore", ["--what", "a"]]]) {
    const { code, stderr } = await run(command, args);
    assert.equal(code, 2, `${command} ${args.join(" ")}`);
    assert.match(stderr, /usage: deploy/);
  }
  for (const url of ["host=/x password=secret dbname=y", "postgresql://a@/b?sslpassword=c", ""]) {
    const { code, stderr } = await backup(join(folder, "none"), { url });
    assert.equal(code, 1);
    assert.match(stderr, url === "" ? /which database/ : /password would be seen|form of the password/);
    assert.doesNotMatch(stderr, /secret/);
  }
});
