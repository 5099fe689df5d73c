// rooms.mjs STATE PAGE: the section "Rooms" from STATE/results/rooms, in STATE/rooms.md and, unless it was a smoke run, in PAGE.
import fs from "node:fs";

export const begin = "<!-- written by tests/bench/rooms -->", end = "<!-- end of rooms -->";
const before = "## How to read it";

// The marked section of a page, or nothing.
export function section_of(page) {
  const from = page.indexOf(begin), to = page.indexOf(end);
  return from < 0 || to < from ? "" : `${page.slice(from, to + end.length)}\n\n`;
}

function median(list) {
  const sorted = [...list].sort((a, b) => a - b), middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

function describe(state) {
  const rows = (name) => fs.readFileSync(`${state}/results/rooms/${name}.tsv`, "utf8").split("\n").filter(Boolean).map((line) => line.split("\t"));
  const facts = Object.fromEntries(rows("facts"));
  const cells = rows("cells").map(([round, who, what, figure]) => ({ round: Number(round), who, what, figure: Number(figure) }));
  const rounds = [...new Set(cells.map((c) => c.round))].filter((r) => r > 0);

  // Sum of these figures of one round
  const of = (who, round, whats) => cells.filter((c) => c.who === who && c.round === round && whats.includes(c.what)).reduce((a, c) => a + c.figure, 0);
  const all = (who, whats, scale = 1) => rounds.map((r) => of(who, r, whats) * scale);
  const ratio = (whats) => median(rounds.map((r) => of("nchan", r, whats) / of("peer", r, whats)));

  const n = Number(facts.sockets), second = 1 / Number(facts.ticks);
  const count = (x) => x.toLocaleString("en");
  const sizes = { tenth: Math.floor(n / 10), half: Math.floor(n / 2), all: n };
  const cpu = (parts, tiers) => parts.flatMap((p) => tiers.map((t) => `cpu.${p}.${t}`));
  const everything = ["tier", "redis", "postgres"];
  const share = (who) => all(who, ["delivered"]).reduce((a, b) => a + b) / all(who, ["wanted"]).reduce((a, b) => a + b);
  const wrong = (who) => all(who, ["wrong"]).reduce((a, b) => a + b);

  // [title, figures, digits, scale, demand of the ratio]
  const fans = Object.entries(sizes).flatMap(([name, size]) => [
    [`fan-out to ${count(size)}, p50 ms`, [`fan.${name}.p50`], 1, 1],
    [`fan-out to ${count(size)}, p99 ms`, [`fan.${name}.p99`], 1, 1, ["<=", 1]],
  ]);
  const table = [
    [`handshakes/s, ${count(n)} tokens`, ["own.rate"], 0, 1, [">=", 2]],
    ["handshakes/s, one token", ["one.rate"], 0, 1, [">=", 2]],
    [`handshakes/s, ${count(n)} tokens, two rooms`, ["two.rate"], 0, 1],
    ["CPU of these handshakes and all fan-outs, s", cpu(["two", "fan"], ["tier"]), 2, second, ["<=", 0.6]],
    ["- and with Redis and PostgreSQL", cpu(["two", "fan"], everything), 2, second],
    ["- the handshakes", cpu(["two"], ["tier"]), 2, second],
    ["- the fan-outs", cpu(["fan"], ["tier"]), 2, second],
    ["- Redis in both", cpu(["two", "fan"], ["redis"]), 2, second],
    ["CPU of handshakes with one token and room, s", cpu(["one"], ["tier"]), 2, second],
    ...fans,
    [`saturated deliveries/s to ${count(sizes.tenth)}`, ["burst.rate"], 0, 1, [">=", 1.5]],
    ["- CPU, us/delivery", cpu(["burst"], ["tier"]), 2, (second * 1e6) / (sizes.tenth * facts.burst)],
    ["private memory, KiB/socket in two rooms", ["memory"], 1, 1 / n],
    ["- after the fan-outs", ["memory.used"], 1, 1 / n],
  ].map(([title, whats, digits, scale, demand]) => {
    const r = ratio(whats);
    let verdict = ["", ""];
    if (demand) verdict = [`${demand[0]} ${demand[1]}`, (demand[0] === "<=" ? r <= demand[1] : r >= demand[1]) ? "yes" : "**no**"];
    if (whats[0] === "memory") verdict = ["20 KiB", median(all("nchan", whats, scale)) <= 20 ? "yes" : "**no**"];
    return [title, ...["nchan", "peer"].map((who) => median(all(who, whats, scale)).toFixed(digits)), Number.isFinite(r) ? r.toFixed(2) : "", ...verdict];
  });
  table.push(["delivered, exactly once", ...["nchan", "peer"].map((who) => `${(share(who) * 100).toFixed(wrong(who) === 0 ? 0 : 3)} %`), "", "100 %",
    share("nchan") === 1 && wrong("nchan") === 0 ? "yes" : "**no**"]);
  return { facts, table: [["", "nchan", "ws + ioredis", "ratio", "wanted", "reached"], ...table], sizes, count };
}

function section({ facts, table, sizes, count }) {
  const lines = table.map((l) => `| ${l.join(" | ")} |`);
  lines.splice(1, 0, `| --- |${" ---: |".repeat(table[0].length - 1)}`);
  return `${begin}
## Rooms
\`tests/bench/rooms\`: ${facts.rounds} rounds of ${count(Number(facts.sockets))} sockets, ${facts.measured}, ${facts.product}. nginx ${facts.nginx} with nchan ${facts.nchan} (one worker, Redis), ${facts.workers} workers;
Node ${facts.node} (one process), ws ${facts.ws}, ioredis ${facts.ioredis}, jose ${facts.jose}.${facts.quick ? " **A smoke run: these figures say nothing.**" : ""}

${lines.join("\n")}

Medians; a ratio is taken within each round. The CPU of a tier is that of the rooms nginx and the pool, or of the Node process with all its threads. Memory is
Private_Clean + Private_Dirty of the process that holds the sockets, less what it had when fresh: nginx is new each round, for nchan keeps rooms for a minute, Node is not. A fan-out is ${facts.frames} frames, one after the other; its latency runs from before
the POST or \`PUBLISH\` to the read of the frame by \`tests/bench/listeners.c\`, one process that publishes and listens, on the same ${facts.cores} cores. Saturated: ${facts.burst} frames to ${count(sizes.tenth)} sockets while all are
held, with ${facts.window} of them not yet answered by the publisher.
- **Same for both.** Reached directly, without the edge; the same requests from 100 handshakes at once; ES256 token, roles, rooms, and existence of an inquiry in PostgreSQL; the same list of
  rooms for each socket (everybody's, its client's, its user's, its expiry's, and those it asks for); verified tokens kept, 4,096 in all; a ping every 20 s; no compression.
  Tokens are new for each cell, and each has a user of its own, so that a socket has two rooms that no other has.
- **In favour of the peer**: nothing is asked of Redis before a socket is admitted; one \`PSUBSCRIBE\` for all rooms, where nchan subscribes to each; a frame is made once and written to the sockets without
  ws's sender; it takes the text from Redis as it is, where ignis would parse it; no log; no limits per address; a table of roles in place of an enforcer.
- **In our favour**: the peer is one process, as the rooms nginx is one worker, but our token check runs in a pool on both cores.
${end}`;
}

if (import.meta.url === `file://${process.argv[1]}`) {
  const [state, page] = process.argv.slice(2);
  const told = describe(state);
  const text = section(told);
  fs.writeFileSync(`${state}/rooms.md`, `${text}\n`);
  const width = told.table[0].map((_, i) => Math.max(...told.table.map((l) => l[i].length)));
  console.log(told.table.map((l) => l.map((x, i) => (i === 0 ? x.padEnd(width[i]) : x.padStart(width[i]))).join("  ").replaceAll("**", "")).join("\n"));
  if (!told.facts.quick) {
    const old = fs.readFileSync(page, "utf8");
    const kept = section_of(old);
    const rest = kept === "" ? old : old.replace(kept, () => "");
    const at = rest.indexOf(before);
    if (at < 0) throw new Error(`${page} has no "${before}"`);
    fs.writeFileSync(page, `${rest.slice(0, at)}${text}\n\n${rest.slice(at)}`);
  }
}
