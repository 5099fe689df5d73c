// The list of disposable domains from the npm package, for src/outreach/disposable.c:
//   node list.mjs PACKAGE-FOLDER >disposable-domains.txt
// One domain a line in A-labels, sorted by bytes; with a dot in front, those below it as well.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { domainToASCII } from 'node:url';

const read = (name) => JSON.parse(readFileSync(join(process.argv[2], name), 'utf8'));
const HOST = /^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9][a-z0-9-]{0,61}[a-z0-9]$/;

const lines = new Set();
let left = 0;
for (const [file, before] of [['index.json', ''], ['wildcard.json', '.']]) {
	for (const entry of read(file)) {
		const domain = domainToASCII(entry.trim());
		if (HOST.test(domain) && domain.length <= 253)
			lines.add(before + domain);
		else
			left++;
	}
}
process.stdout.write([...lines].sort().map((line) => `${line}\n`).join(''));
process.stderr.write(`${lines.size} domains, ${left} entries that are none left out\n`);
