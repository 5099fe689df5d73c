// report.mjs STATE DOCS PAGE WORK...: from STATE/results/WORK/*.tsv to the page; STATE/table.txt has the tables of the
// WORKs, STATE/page the name of the page.  PAGE '' is DOCS when every work of the table has results that may stand there.
import fs from "node:fs";
import { section_of } from "./rooms.mjs";

const [state, docs, given, ...chosen] = process.argv.slice(2);

// ---- The table of works
const works = [];
for (const line of fs.readFileSync(new URL("works", import.meta.url), "utf8").split("\n")) {
  const [, key, value] = line.match(/^([a-z]+): (.*)$/) ?? [];
  if (key === "work") works.push({ name: value });
  else if (key !== undefined) works.at(-1)[key] = value;
}

// ---- Results
const tiers = ["tier", "nginx", "postgres", "rest"];
const group = (list) => list.reduce((all, [k, v]) => ({ ...all, [k]: [...(all[k] ?? []), Number(v)] }), {});
function results_of(work) {
  const folder = `${state}/results/${work.name}`;
  if (!fs.existsSync(`${folder}/facts.tsv`)) return null;
  const rows = (name) =>
    (fs.existsSync(`${folder}/${name}.tsv`) ? fs.readFileSync(`${folder}/${name}.tsv`, "utf8") : "").split("\n").filter(Boolean).map((line) => line.split("\t"));
  const facts = Object.fromEntries(rows("facts"));
  const us_per_tick = 1e6 / Number(facts.ticks);
  const cells = rows("cells").map((c) => {
    const [round, name, at, requests, seconds, p50, p99, wrong, lost, missing] = c;
    const cpu = Object.fromEntries(tiers.map((t, i) => [t, ((c[14 + i] - c[10 + i]) * us_per_tick) / requests]));
    return {
      round: Number(round), name, at: Number(at), requests: Number(requests), rate: requests / seconds, p50: Number(p50), p99: Number(p99),
      failed: Number(wrong) + Number(lost) + Number(missing), growth: c[18] / 1024, cpu: cpu.tier, ...cpu,
    };
  });
  return {
    facts, cells, memory: group(rows("memory")), starts: group(rows("starts")),
    statements: fs.readFileSync(`${folder}/statements.sql`, "utf8").trim(),
    clients: facts.clients.split(" ").map(Number), judged: facts.judged.split(" ").map(Number),
  };
}

function median(list) {
  if (list.length === 0) return NaN;      // not measured
  const sorted = [...list].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
const sum = (list) => list.reduce((a, b) => a + b, 0);
const fixed = (x, digits) => (Number.isNaN(x) ? "" : x.toFixed(digits));

// ---- Names
const whos = {
  outreach: "bana-outreach", fastify: "Fastify + pg", bun: "Hono on Bun", bunpg: "Hono on Bun + pg",
  pgbench: "pgbench", fastcgi: "trivial FastCGI", copy: "psql COPY",
};
const kind_of = (name) => name.split(".")[0];
const who_of = (name) => name.split(".")[1];
const title_of = (name) => whos[who_of(name)] + (kind_of(name) === "open" ? ", no token" : "");
const is_peer = (name) => ["fastify", "bun", "bunpg"].includes(who_of(name));

// ---- Tables
const table = (head, lines) =>
  [head, head.map((_, i) => (i === 0 ? "---" : "---:")), ...lines].map((l) => `| ${l.join(" | ")} |`).join("\n");
function plain(head, lines) {
  const all = [head, ...lines].map((l) => l.map((x) => String(x).replaceAll("**", "")));
  const width = head.map((_, i) => Math.max(...all.map((l) => l[i].length)));
  return all.map((l) => l.map((x, i) => (i === 0 ? x.padEnd(width[i]) : x.padStart(width[i]))).join("  ")).join("\n");
}

// ---- One work: { demands, ratios, figures, cpu, memory, starts } as [head, lines], and what failed
function describe(work, found) {
  const { cells, memory, starts, clients, judged } = found;
  const streamed = work.load === "curl";
  const unit = streamed ? "row" : "request";
  const contestants = work.contestants.split(" ").map((c) => c.replace("@", ""));
  const own = contestants.find((c) => who_of(c) === "outreach");
  const others = contestants.filter((c) => c !== own);
  const of = (name, at) => cells.filter((c) => c.name === name && c.at === at);
  const value = (name, at, what) => median(of(name, at).map((c) => c[what]));
  // Rounds are interleaved, so a ratio is taken inside each round and the median of those counts.
  const ratio = (other, at, what) =>
    median(of(other, at).map((o) => (of(own, at).find((c) => c.round === o.round)?.[what] ?? NaN) / o[what]));

  // What can be demanded: of ours at a number of clients, or divided by another's
  const metrics = {
    rate: ["throughput", "rate"], p99: ["p99", "p99"], cpu: [`CPU per ${unit} of the tier`, "cpu"],
    memory: ["private memory of the largest worker, MiB", () => Math.max(...memory[own]) / 1024],
    start: ["start of a worker to ready, ms", () => median(starts.outreach ?? [])],
    first: ["first byte, ms", (at) => value(own, at, "p50")],
    growth: ["growth of the worker's resident memory, MiB", (at) => Math.max(...of(own, at).map((c) => c.growth))],
  };
  const demands = work.demands.split(", ").flatMap((demand) => {
    const [, metric, other, sign, limit] = demand.match(/^([a-z0-9]+)(?:\/(\S+))? (>=|<=|<) ([0-9.]+)$/);
    const [title, what] = metrics[metric];
    const against = other === "*" ? others.filter((o) => is_peer(o) && kind_of(o) === kind_of(own)) : [other];
    return against.map((o) => ({
      what: o === undefined ? title : `${title} / ${title_of(o)}`, wanted: `${sign} ${limit}`,
      got: judged.map((at) => {
        const number = o === undefined ? what(at) : ratio(o, at, what);
        const reached = sign === ">=" ? number >= limit : sign === "<" ? number < limit : number <= limit;
        return { number, reached };
      }),
    }));
  });
  const got_text = ({ number, reached }) => (Number.isNaN(number) ? "" : `${number.toFixed(2)} ${reached ? "yes" : "**no**"}`);

  const compared = { rate: others, p99: others.filter((o) => !o.startsWith("limit.")), cpu: others.filter((o) => !o.startsWith("limit.")) };
  const ratio_columns = Object.entries(compared).flatMap(([what, list]) =>
    list.map((o, i) => [`${i === 0 ? `${metrics[what][0].replace(/ per .*/, "")} ` : ""}/ ${title_of(o)}`, o, what]));

  const everybody = [...contestants.filter((c) => c.startsWith("limit.")), own, ...others.filter((c) => !c.startsWith("limit."))];
  const latency = streamed ? ["first byte ms", "whole s"] : ["p50 ms", "p99 ms"];
  const number_lines = everybody.flatMap((name) => clients.filter((at) => of(name, at).length > 0).map((at) => {
    const rates = of(name, at).map((c) => c.rate);
    return [
      title_of(name), at, Math.round(median(rates)), `${Math.round(Math.min(...rates))} - ${Math.round(Math.max(...rates))}`,
      streamed && name === "limit.copy" ? "" : value(name, at, "p50").toFixed(2), (value(name, at, "p99") / (streamed ? 1000 : 1)).toFixed(2),
      name === "limit.pgbench" || name === "limit.copy" ? "" : fixed(value(name, at, "cpu"), streamed ? 2 : 0),
      ...(streamed ? [name === "limit.copy" ? "" : Math.max(...of(name, at).map((c) => c.growth)).toFixed(1)] : []),
      sum(of(name, at).map((c) => c.failed)),
    ];
  }));
  const at = judged.at(-1);
  const cpu_lines = everybody.map((name) => {
    const parts = tiers.map((t) => value(name, at, t));
    return [title_of(name), ...[...parts, sum(parts)].map((x) => fixed(x, streamed ? 2 : 0))];
  });
  const mib = (kib) => (kib / 1024).toFixed(1);
  return {
    unmet: demands.flatMap((d) => d.got.map((g, i) => ({ ...g, what: d.what, wanted: d.wanted, at: judged[i] }))).filter((g) => !Number.isNaN(g.number) && !g.reached),
    count: demands.flatMap((d) => d.got).filter((g) => !Number.isNaN(g.number)).length,
    failed: sum(cells.map((c) => c.failed)), requests: sum(cells.map((c) => (streamed ? 1 : c.requests))),
    demands: [["", "wanted", ...judged.map((n) => `at ${n}`)], demands.map((d) => [d.what, d.wanted, ...d.got.map(got_text)])],
    ratios: [["clients", ...ratio_columns.map(([head]) => head)],
      clients.map((n) => [n, ...ratio_columns.map(([, o, what]) => fixed(ratio(o, n, metrics[what][1]), 2))])],
    figures: [["who", "clients", `${unit}s/s`, "lowest - highest", ...latency, `CPU us/${unit}`, ...(streamed ? ["growth MiB"] : []), "failed"], number_lines],
    cpu: [[`CPU us/${unit} at ${at}`, "service tier", "nginx", "PostgreSQL", "Redis, rooms", "all"], cpu_lines],
    memory: [["private memory, MiB", "processes", "median process", "largest", "all"],
      everybody.filter((name) => memory[name]).map((name) => [title_of(name), memory[name].length, mib(median(memory[name])), mib(Math.max(...memory[name])), mib(sum(memory[name]))])],
    starts: [["start to first good answer, ms", "median", "lowest", "highest"],
      Object.entries(starts).map(([who, list]) => [whos[who], ...[median(list), Math.min(...list), Math.max(...list)].map((x) => x.toFixed(1))])],
  };
}

const measured = works.map((work) => ({ work, found: results_of(work) })).filter(({ found }) => found !== null)
  .map(({ work, found }) => ({ work, found, told: describe(work, found) }));
if (measured.length === 0) throw new Error(`nothing was measured in ${state}`);

// ---- For the terminal
fs.writeFileSync(`${state}/table.txt`, measured.filter(({ work }) => chosen.includes(work.name)).map(({ work, told }) =>
  `\n${work.title}\n\n${[told.demands, told.figures, told.cpu, told.memory, told.starts].filter(([, lines]) => lines.length > 0).map((t) => plain(...t)).join("\n\n")}\n`).join(""));

// ---- The page
const whole = measured.length === works.length && measured.every(({ found }) => found.facts.quick === "");
const page = given || (whole ? docs : `${state}/performance.md`);
const facts = measured.at(-1).found.facts;
const failures = sum(measured.map(({ told }) => told.failed));
const requests = Math.round(sum(measured.map(({ told }) => told.requests)));
const verdict = failures === 0
  ? `No answer was wrong, lost or without its row, in ${requests} requests.`
  : `**${failures} answers were wrong, lost or without their row, in ${requests} requests: see "failed".**`;

const summary = works.map((work) => {
  const { told } = measured.find((m) => m.work === work) ?? {};
  return [work.title, ...(told ? [`${told.count - told.unmet.length} of ${told.count}`,
    told.unmet.map((u) => `${u.what} at ${u.at}: ${u.number.toFixed(2)}, wanted ${u.wanted}`).join("; ") || "-"] : ["", "not measured"])];
});

const section = ({ work, found, told }) => `## ${work.title}
\`tests/bench/run --work ${work.name}\`: ${found.facts.rounds} rounds${work.load === "curl" ? "" : ` of ${found.facts.seconds} s a cell`}, ${found.facts.measured}, ${found.facts.product}.${found.facts.quick ? " **A smoke run: these figures say nothing.**" : ""}

${table(...told.demands)}

bana-outreach divided by the other:

${table(...told.ratios)}

${table(...told.figures)}

${table(...told.cpu)}

${table(...told.memory)}
${told.starts[1].length > 0 ? `\n${table(...told.starts)}\n` : ""}
\`\`\`sql
${found.statements}
\`\`\`
`;

// tests/bench/rooms writes a section of its own into the page.
const rooms = section_of(fs.readFileSync(docs, "utf8"));

fs.writeFileSync(page, `# Performance

Written by \`tests/bench/run\`; do not edit. To repeat: \`tests/bench/run\` on a machine that does nothing else.

Machine: ${facts.cores} cores (${facts.processor}), ${facts.memory}, ${facts.system}. PostgreSQL, Redis, nginx, the service and the
load generator share these cores, so the tier that is measured has only what the others leave; read ratios.
Versions: ${facts.product}; nginx ${facts.nginx} (${facts.nginxWorkers} worker), PostgreSQL ${facts.postgres} (fsync on), Redis ${facts.redis},
wrk ${facts.wrk}; Node ${facts.node}, Fastify ${facts.fastify}, pg ${facts.pg}, ioredis ${facts.ioredis}, jose ${facts.jose}; Bun ${facts.bun}, Hono ${facts.hono}, zod ${facts.zod}.
${facts.workers} workers; peers with 2 processes and ${facts.peerPool} database connections each.
${verdict}

## What was demanded
A ratio is taken within each round; the median of the rounds counts. Throughput: higher is better; p99, CPU: lower.

${table(["work", "reached", "not reached"], summary)}

${measured.map(section).join("\n")}
${rooms}## How to read it
Figures are medians of the rounds. "failed" counts answers with another status than wanted, that never came, or whose row was missing.
Memory: Private_Clean + Private_Dirty of \`smaps_rollup\`, after the rounds of that work. Start-up: from exec of one process to its first 200 on
\`/readyz\`, which asks the database, everything else idle. CPU: utime + stime of the processes of a tier, read before and after
each cell, divided by the requests that were completed; the load generator is not counted. p50 and p99 are those of a closed loop (wrk, pgbench): who
serves fewer requests is also asked less often.

## What is compared
- **Works** are the rows of \`tests/bench/works\`. Submit: POST of ${JSON.parse(fs.readFileSync(new URL("bodies.json", import.meta.url))).length} realistic inquiries in turn (\`tests/bench/bodies.json\`); "store": validate, make a Snowflake id,
  hash content and address, INSERT, 201, without the abuse gate, which the peers have not (its cost: \`tests/http/gate-cost.test.mjs\`); "store + announce": after the reply also the announcement. List: 12 pages in turn, all fields, newest first, of all rows since a
  day; "with the total" has \`count(*)\` beside it. Read and PATCH: 10,000 rows all over the table; a PATCH sets status and assignee, always to something new, and
  writes the audit log. Export: all rows and fields as CSV, read by one curl to its end. Rows are those inquiries, 100,000 or 1,000,000 of them.
- **Same for all.** One nginx with the rendered \`conf/nginx/edge.conf.template\`: a \`server { }\` each, copied, with only the upstream
  exchanged (rate limits off). One PostgreSQL, as \`deploy/quickstart\` sets it up, with more connections allowed; for submit the table is emptied
  before each cell, for PATCH laid anew each round, a CHECKPOINT begins each round. The order of the cells changes with every round.
- **Same answers.** Before anything is measured every contestant must give the same status, application headers and body to the same requests, good and bad, store
  the same rows, and refuse the same tokens; while warming up, the status and the beginning of every answer are looked at. All exports must have the same bytes.
- **pgbench** (\`-M prepared -j 2\`): the statements of a real request of ours, read from PostgreSQL's log, at the same number of clients, pipelined where ours are.
  What changes from request to request is drawn at random; the rest are constants. NULL stands in the text, since pgbench has no NULL variables, and its
  sessions have no time-outs: a little less work than ours. It makes no answer of the rows. Its sessions are new in each cell, those of the others are kept.
  **psql COPY**: the export's SELECT as \`COPY ... TO STDOUT\` with CSV made by PostgreSQL.
- **trivial FastCGI**: \`tests/bench/trivial.c\`, the same pool, a constant answer of the usual size: what nginx and FastCGI leave room for.
- **Tokens** (all but submit): one ES256 token, sent with every request. We verify a token once a worker and then know it by its digest. The peers verify every request
  with \`jose\` against a local key set, as ignis does, which keeps no verified token; "no token" is the same peer with an open read by id, so that the difference is
  what that costs. Ours with no token is \`tests/bench/open_read.c\`: the product's own libraries with that one route opened.
- **In favour of the peers**: kept-alive upstreams on unix sockets (ours: a connection a request); current Node and Bun; compiled
  validators and, in Fastify, compiled answers; ${facts.peerPool} connections a process that are never closed; every statement prepared once; "Hono on Bun" uses Bun's own SQL client,
  which keeps several statements in flight on a connection (with pg, the client of Fastify, it is shown beside, at one number of clients);
  total and page of a list on two connections at once; a table of roles in place of an enforcer; no masking, and of the filter language no \`and\`, \`or\`, lists or paths;
  **no log**, whereas each of our workers writes a line a request, and one more an announcement, to a file; ioredis with automatic pipelining; \`PUBLISH\` to two rooms and nothing else, whereas
  we also POST to two rooms of nchan; no check for NUL, duplicate keys or depth of JSON; no recovery of lost connections beyond
  their libraries'.
- **In our favour**: our announcement runs in the worker after its reply, so its cost is in our CPU and throughput, but not in the latency of
  the request that caused it (nor in theirs). ${facts.workers} workers are the default of \`deploy/quickstart\`. A PATCH of ours is two round trips to the database, of theirs five, since
  their clients do not pipeline a transaction by themselves.
`);
fs.writeFileSync(`${state}/page`, page);
