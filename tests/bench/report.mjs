// report.mjs STATE PAGE: from cells.tsv, memory.tsv, starts.tsv, facts.tsv to STATE/table.txt and the page.
import fs from "node:fs";

const [state, page] = process.argv.slice(2);
const rows = (name) =>
  fs.readFileSync(`${state}/${name}.tsv`, "utf8").trimEnd().split("\n").map((line) => line.split("\t"));
const facts = Object.fromEntries(rows("facts"));
const clients = facts.concurrency.split(" ").map(Number);
const judged_at = Number(facts.judgedAt);

// ---- Cells
const us_per_tick = 1e6 / Number(facts.ticks);
const tiers = ["tier", "nginx", "postgres", "rest"];
const cells = rows("cells").map((c) => {
  const [round, name, at, requests, seconds, p50, p99, wrong, lost, missing] = c;
  const cpu = Object.fromEntries(tiers.map((t, i) => [t, ((c[14 + i] - c[10 + i]) * us_per_tick) / requests]));
  return {
    round: Number(round), name, at: Number(at), rate: requests / seconds, p50: Number(p50), p99: Number(p99),
    wrong: Number(wrong), lost: Number(lost), missing: Number(missing), ...cpu,
  };
});

function median(list) {
  if (list.length === 0) return NaN;      // not measured
  const sorted = [...list].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
const of = (name, at) => cells.filter((c) => c.name === name && c.at === at);
const value = (name, at, what) => median(of(name, at).map((c) => c[what]));
// Rounds are interleaved, so a ratio is taken inside each round and the median of those counts.
const ratio = (name, other, at, what) =>
  median(of(other, at).map((o) => of(name, at).find((c) => c.round === o.round)[what] / o[what]));

const variants = ["announce", "store"];
const titles = { announce: "store + announce", store: "store only" };
const whos = ["outreach", "fastify", "bun", "bunpg"];
const others = whos.slice(1);
const names = {
  outreach: "bana-outreach", fastify: "Fastify + pg", bun: "Hono on Bun", bunpg: "Hono on Bun + pg",
  pgbench: "pgbench", fastcgi: "trivial FastCGI",
};
const title = (name) => names[name.split(".")[1]];

// ---- Memory and start-up
const group = (list) => list.reduce((all, [k, v]) => ({ ...all, [k]: [...(all[k] ?? []), Number(v)] }), {});
const memory = group(rows("memory"));
const starts = group(rows("starts"));
const mib = (kib) => (kib / 1024).toFixed(1);
const sum = (list) => list.reduce((a, b) => a + b, 0);

// ---- Demands
const demands = [
  ["throughput / pgbench with the same INSERT", ">=", 0.45, (v) => ratio(`${v}.outreach`, "limit.pgbench", judged_at, "rate")],
  ...[["throughput", "rate", ">=", [1.25, 1.15, 1.15]], ["CPU per request of the tier", "tier", "<=", [0.35, 0.35, 0.35]],
    ["p99", "p99", "<=", [0.6, 0.6, 0.6]]].flatMap(([what, column, sign, limits]) => others.map((w, i) =>
    [`${what} / ${names[w]}`, sign, limits[i], (v) => ratio(`${v}.outreach`, `${v}.${w}`, judged_at, column)])),
  ["private memory of the largest worker, MiB", "<=", 6, (v) => Math.max(...memory[`${v}.outreach`]) / 1024],
  ["start of a worker to ready, ms", "<", 100, () => median(starts.outreach)],
].map(([what, sign, limit, get]) => ({
  what, wanted: `${sign} ${limit}`,
  got: variants.map((v) => {
    const number = get(v);
    const reached = sign === ">=" ? number >= limit : sign === "<" ? number < limit : number <= limit;
    return `${number.toFixed(2)} ${reached ? "yes" : "**no**"}`;
  }),
}));

// ---- Tables
const table = (head, lines) =>
  [head, head.map((_, i) => (i === 0 ? "---" : "---:")), ...lines].map((l) => `| ${l.join(" | ")} |`).join("\n");
function plain(head, lines) {
  const all = [head, ...lines].map((l) => l.map((x) => String(x).replaceAll("**", "")));
  const width = head.map((_, i) => Math.max(...all.map((l) => l[i].length)));
  return all.map((l) => l.map((x, i) => (i === 0 ? x.padEnd(width[i]) : x.padStart(width[i]))).join("  ")).join("\n");
}

const demand_head = [`at ${judged_at} clients`, "wanted", ...variants.map((v) => titles[v])];
const demand_lines = demands.map((d) => [d.what, d.wanted, ...d.got]);

const ratio_head = ["clients", "throughput / pgbench", "/ trivial FastCGI",
  ...["throughput", "p99", "CPU"].flatMap((what) => others.map((w, i) => `${i === 0 ? `${what} ` : ""}/ ${names[w]}`))];
const ratio_lines = (v) => clients.map((at) => [
  at, ...["limit.pgbench", "limit.fastcgi"].map((o) => ratio(`${v}.outreach`, o, at, "rate")),
  ...["rate", "p99", "tier"].flatMap((what) => others.map((w) => ratio(`${v}.outreach`, `${v}.${w}`, at, what))),
].map((x, i) => (i === 0 ? x : Number.isNaN(x) ? "" : x.toFixed(2))));

const order = ["limit.pgbench", "limit.fastcgi", ...variants.flatMap((v) => whos.map((w) => `${v}.${w}`))];
const work = (name) => titles[name.split(".")[0]] ?? "limit";
const number_head = ["who", "work", "clients", "requests/s", "lowest - highest", "p50 ms", "p99 ms", "CPU us/request", "failed"];
const number_lines = order.flatMap((name) => clients.filter((at) => of(name, at).length > 0).map((at) => {
  const rates = of(name, at).map((c) => c.rate);
  const failed = sum(of(name, at).map((c) => c.wrong + c.lost + c.missing));
  return [
    title(name), work(name), at, Math.round(median(rates)), `${Math.round(Math.min(...rates))} - ${Math.round(Math.max(...rates))}`,
    value(name, at, "p50").toFixed(2), value(name, at, "p99").toFixed(2),
    name === "limit.pgbench" ? "" : Math.round(value(name, at, "tier")), failed,
  ];
}));

const cpu_head = ["CPU us/request", "work", "service tier", "nginx", "PostgreSQL", "Redis, rooms", "all"];
const cpu_lines = order.map((name) => {
  const parts = tiers.map((t) => value(name, judged_at, t));
  return [title(name), work(name), ...[...parts, sum(parts)].map((x) => Math.round(x))];
});

const memory_head = ["private memory, MiB", "work", "processes", "median process", "largest", "all"];
const memory_lines = variants.flatMap((v) => whos.map((w) => {
  const list = memory[`${v}.${w}`];
  return [names[w], titles[v], list.length, mib(median(list)), mib(Math.max(...list)), mib(sum(list))];
}));
const start_head = ["start to first good answer, ms", "median", "lowest", "highest"];
const start_lines = whos.map((w) =>
  [names[w], ...[median(starts[w]), Math.min(...starts[w]), Math.max(...starts[w])].map((x) => x.toFixed(1))]);

const failures = sum(cells.map((c) => c.wrong + c.lost + c.missing));
const requests = Math.round(sum(cells.map((c) => c.rate * Number(facts.seconds))));
const verdict = failures === 0
  ? `No answer was wrong, lost or without its row, in about ${requests} requests.`
  : `**${failures} answers were wrong, lost or without their row, in about ${requests} requests: see "failed".**`;

fs.writeFileSync(`${state}/table.txt`, `
${plain(demand_head, demand_lines)}

${plain(number_head, number_lines)}

${plain(cpu_head, cpu_lines)}

${plain(memory_head, memory_lines)}

${plain(start_head, start_lines)}

${verdict.replaceAll("**", "")}
`);

// ---- The page
const repeat = ["tests/bench/run",
  ...[["rounds", "5"], ["seconds", "3"], ["concurrency", "1 16 64 256"], ["workers", "16"]].flatMap(([k, d]) =>
    facts[k] === d ? [] : [`--${k} ${facts[k].includes(" ") ? `"${facts[k]}"` : facts[k]}`]),
  ...(facts.peerPool === "8" ? [] : [`--peer-pool ${facts.peerPool}`])].join(" ");

fs.writeFileSync(page, `# Performance

Written by \`tests/bench/run\`; do not edit. To repeat: \`${repeat}\` on a machine that does nothing else.
${facts.quick ? "\n**A smoke run of one short round: these figures say nothing.**\n" : ""}
Machine: ${facts.cores} cores (${facts.processor}), ${facts.memory}, ${facts.system}. PostgreSQL, Redis, nginx, the service and the
load generator share these cores, so the tier that is measured has only what the others leave; read ratios.
Versions: ${facts.product}; nginx ${facts.nginx} (${facts.nginxWorkers} worker), PostgreSQL ${facts.postgres} (fsync on), Redis ${facts.redis},
wrk ${facts.wrk}; Node ${facts.node}, Fastify ${facts.fastify}, pg ${facts.pg}, ioredis ${facts.ioredis}; Bun ${facts.bun}, Hono ${facts.hono}, zod ${facts.zod}.
${facts.workers} workers; peers with 2 processes and ${facts.peerPool} database connections each.
${facts.rounds} interleaved rounds of ${facts.seconds} s a cell. ${verdict}

## What was demanded
A ratio is taken within each round; the median of the rounds counts.

${table(demand_head, demand_lines)}

## Ratios
bana-outreach divided by the other: throughput (higher is better), p99 and CPU per request of the service tier (lower is better).

${variants.map((v) => `**${titles[v]}**\n\n${table(ratio_head, ratio_lines(v))}`).join("\n\n")}

## Figures
Medians of the rounds. "failed" counts answers that were no 201, that never came, or whose row was missing.

${table(number_head, number_lines)}

## Where the CPU goes
At ${judged_at} clients; the load generator is not counted.

${table(cpu_head, cpu_lines)}

## Memory and start-up
Private_Clean + Private_Dirty of \`smaps_rollup\`, after all rounds. Start-up: from exec of one process to its first 200 on
\`/readyz\`, which asks the database; median of ${starts.outreach.length}, everything else idle.

${table(memory_head, memory_lines)}

${table(start_head, start_lines)}

## What is compared
- **Work.** POST of ${JSON.parse(fs.readFileSync(new URL("bodies.json", import.meta.url))).length} realistic inquiries in turn (\`tests/bench/bodies.json\`). "store": validate, make a Snowflake id, hash
  message and address, INSERT, 201. "store + announce": after the reply also the announcement. Before anything is measured every
  contestant must give the same status, application headers and body, store the same row, and refuse the same bad inquiries; while warming
  up, every answer must be 201.
- **Same for all.** One nginx with the rendered \`conf/nginx/edge.conf.template\`: a \`server { }\` each, copied, with only the upstream
  exchanged (rate limits off). One PostgreSQL, as \`deploy/quickstart\` sets it up, with more connections allowed; the table is emptied
  before each cell, a CHECKPOINT begins each round. The INSERT is read from PostgreSQL's log of a real submit and given to all.
  The order of the cells changes with every round.
- **pgbench** (\`-M prepared -j 2\`): the same statement and values at the same number of clients, ids that grow over all clients. Values
  that are NULL stand in the text, since pgbench has no NULL variables, and its sessions have no time-outs: a little less work than ours. Its sessions are new in each cell, those of the others are kept.
- **trivial FastCGI**: \`tests/bench/trivial.c\`, the same pool, a constant answer of the same size: what nginx and FastCGI leave room for.
- **In favour of the peers**: kept-alive upstreams on unix sockets (ours: a connection a request); current Node and Bun; compiled
  validators and, in Fastify, a compiled answer; ${facts.peerPool} connections a process that are never closed; "Hono on Bun" uses Bun's own SQL client,
  which keeps several statements in flight on a connection (with pg, the client of Fastify, it is shown beside, at ${judged_at} clients);
  **no log**, whereas each of our workers writes a line a request, and one more an announcement, to a file; ioredis with automatic pipelining; \`PUBLISH\` to two rooms and nothing else, whereas
  we also POST to two rooms of nchan; no check for NUL, duplicate keys or depth of JSON; no recovery of lost connections beyond
  their libraries'.
- **In our favour**: our announcement runs in the worker after its reply, so its cost is in our CPU and throughput, but not in the latency of
  the request that caused it (nor in theirs). ${facts.workers} workers are the default of \`deploy/quickstart\`.
- **p50, p99** are those of a closed loop (wrk, pgbench): who serves fewer requests is also asked less often.
- **CPU** is utime + stime of the processes of the tier, read before and after each cell, divided by the requests wrk completed.

## The statement
\`\`\`sql
${facts.insert}
\`\`\`
`);
