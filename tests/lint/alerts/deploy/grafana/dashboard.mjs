import { readFileSync } from 'node:fs';
process.stdout.write(readFileSync(new URL('outreach.json', import.meta.url)));
