#!/usr/bin/env node
// Do the tests of the alerts notice a change?  Each mutant of deploy/prometheus/SERVICE.rules.yml differs from it in one
// place; promtool must refuse it.  By hand, five to fifteen minutes:  tests/lint/mutants.mjs [--signal] [WORDS OF A MUTANT]
// Prints who survived; the exit status is 1 when somebody did.
import { execFile } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const folder = join(new URL('.', import.meta.url).pathname, '../../deploy/prometheus');
const words = process.argv.slice(2).filter((word) => word !== '--signal');
const service = process.argv.includes('--signal') ? 'signal' : 'outreach';
const lines = readFileSync(join(folder, `${service}.rules.yml`), 'utf8').split('\n');

// What to look for, and what it becomes.
const CHANGES = [
	[/(?<=[<>]=? )\d+(\.\d+)?/g, (n) => (n.includes('.') ? [n * 1.25, n * 0.75] : [Number(n) + 1, n - 1])],     // a limit
	[/(?<= )\d+(?= \* )/g, (n) => [Number(n) + 1, n - 1]],                                        // a factor
	[/(?<=\()0\.\d+(?=,)/g, () => ['0.9', '0.99']],                                              // a quantile
	[/ (<=?|>=?|==) /g, (sign) => ({ ' == ': [' > ', ' != '], ' > ': [' < ', ' == '], ' <= ': [' < ', ' > '] })[sign]],
	[/(?<=for: )\d+m/g, (t) => ['0m', `${parseInt(t) * 3}m`]],
	[/(?<=\[)\d+[md](?=\])/g, (t) => [t === '1d' ? '30m' : '1m', t === '1d' ? '45m' : '1h']],                    // a window
	[/\b(and|or|unless)\b/g, (word) => ['and', 'or', 'unless'].filter((x) => x !== word)],
	[/(, )?\b(job|state|outcome|check|route|status)=~?"[^"]*"/g, () => ['']],                    // a matcher
	[/(?<==~")[a-z/]+\|[a-z/]+/g, (both) => both.split('|')],                                    // one of two values
	[/(?<=by \()job, (instance|way|route)/g, () => ['job']],
	[/(?<=by \(job), (instance|way|route|le)/g, () => ['']],
	[/\b(sum|avg_over_time|rate|increase)\b/g, (f) => ({ sum: ['max'], avg_over_time: ['max_over_time', 'min_over_time'], rate: ['delta'], increase: ['delta'] })[f]],
	[/(?<=severity: )\w+/g, () => ['none']],
];

// Changes that change nothing.
const EQUIVALENT = [
	/max by \(job\) \(bana_bridge_leads/,                                                       // all are 0, or not
	/max by \(job, instance\) \(increase\(bana_worker_starts/,                                  // one series an instance
	/or max by \(job, instance\) \(bana_workers/,                                                 // all are 0, or not
	/max by \(job, instance\) \(avg_over_time\(bana_workers\{.*busy"\}/,                              // the same
	/busy\|idle"\}\[(1m|1h)\]/,                                                                   // a pool keeps its size
	/max by \(job\) \(bana_consumer_partitions/,                                                // all are 0, or not
	/outcome="dead"\}\[15m\]\)\) > 1/,                                                         // one is extrapolated to a little more
	/consumer_(commit_age_seconds\{\} > 300|lag\{\} > 0)/,                                      // both sides match on the job
	/\{\} [+/] |[+/] \w+\{\}|^ *(unless|\/|> 3).*\{(?!job)|starts_total\{\}|\{state="busy"\}|seconds_count\{(status[^}]*)?\}/,     // both sides match on the job
];

function* mutants() {
	const seen = new Set();
	for (const [index, line] of lines.entries()) {
		if (/^\s*(#|summary|description|runbook_url|interval|- name)/.test(line) || /\{\{/.test(line))
			continue;
		for (const [pattern, becomes] of CHANGES)
			for (const hit of line.matchAll(pattern))
				for (const other of becomes(hit[0])) {
					let changed = line.slice(0, hit.index) + other + line.slice(hit.index + hit[0].length);
					changed = changed.replace('{, ', '{');
					if (changed === line || seen.has(index + changed) || EQUIVALENT.some((one) => one.test(changed)))
						continue;
					seen.add(index + changed);
					yield { index, changed };
				}
	}
}

const run = promisify(execFile);
async function survives({ index, changed }) {
	const own = mkdtempSync(join(tmpdir(), 'mutant-'));
	try {
		copyFileSync(join(folder, `${service}.rules.test.yml`), join(own, `${service}.rules.test.yml`));
		writeFileSync(join(own, `${service}.rules.yml`), lines.map((line, at) => (at === index ? changed : line)).join('\n'));
		await run('promtool', ['test', 'rules', `${service}.rules.test.yml`], { cwd: own });
		return true;
	} catch {
		return false;
	} finally {
		rmSync(own, { recursive: true });
	}
}

if (!await survives({})) {
	console.error('the tests fail on the rules as they are');
	process.exit(2);
}
const all = [...mutants()].filter(({ changed }) => words.every((word) => changed.includes(word)));
let killed = 0;
async function worker(queue) {
	for (let mutant; (mutant = queue.pop()); )
		if (await survives(mutant))
			console.log(`survived: line ${mutant.index + 1}\n  was ${lines[mutant.index].trim()}\n  is  ${mutant.changed.trim()}`);
		else
			killed++;
}
const queue = all.slice();
await Promise.all(Array.from({ length: availableParallelism?.() ?? cpus().length }, () => worker(queue)));
console.log(`${killed} of ${all.length} mutants killed`);
process.exit(killed === all.length ? 0 : 1);
