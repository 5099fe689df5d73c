// Rules over the text of the sources. Names of files on stdin; the rule is the argument; each
// violation is one line, and the exit status 1.
import { readFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';

const SOURCES = { c_lines: 500, h_lines: 250, function_lines: 70, parameters: 7 };

// Where each header of include/bana stands. A new one must be put here.
const LAYER_OF_HEADER = {
	base: ['arena', 'breaker', 'buf', 'clock', 'ctx', 'file', 'json', 'log', 'metric', 'network', 'pool', 'result', 'setting', 'sql', 'stop', 'text', 'trace'],
	io: ['crypto', 'fcgi', 'http', 'idn', 'jwt', 'kafka', 'pg', 'publisher', 'redis'],
	contract: ['actor', 'app', 'email', 'entity', 'req'], // tables and values that several layers share
	rest: ['audit', 'bucket', 'change', 'crud', 'idempotent', 'openapi', 'page', 'query', 'row'],
	auth: ['guard', 'policy', 'token'],
	live: ['bridge', 'live'],
	run: ['consume', 'run', 'tool', 'work'],
};
// What each folder of src may include.
const MAY = {
	base: ['base'],
	io: ['base', 'io'],
	rest: ['base', 'io', 'contract', 'rest'],
	auth: ['base', 'io', 'contract', 'auth'],
	live: ['base', 'io', 'contract', 'auth', 'live'],
	run: ['base', 'io', 'contract', 'rest', 'auth', 'live', 'run'],
	bin: ['base', 'run', 'contract'],
	service: ['base', 'io', 'contract', 'rest', 'auth', 'live', 'run'],
};
// Every foreign library has one door.
const LIBRARIES = [
	[/^libpq-fe\.h$|^libpq\//, 'src/io/pg.c'],
	[/^hiredis\//, 'src/io/redis.c'],
	[/^json-c\/|^json\.h$/, 'src/base/json.c'],
	[/^jwt\.h$/, 'src/io/jwt.c'],
	[/^curl\//, 'src/io/http.c'],
	[/^openssl\//, 'src/io/crypto.c'],
	[/^fcgi/, 'src/io/fcgi.c'],
	[/^librdkafka\//, 'src/io/kafka.c'],
	[/^idn2\.h$/, 'src/io/idn.c'],
];
const CALLS = [
	[/\b(strcpy|strcat|sprintf|vsprintf|gets|atoi|atol|atof|strtol|strtoul|strtoll|strtok|alloca|system|popen|tmpnam|mktemp|signal_r)\s*\(/, () => true],
	[/\b(exit|_exit|quick_exit)\s*\(/, (file) => !file.startsWith('src/bin/')],
	[/\b(malloc|calloc|realloc|strdup|strndup|asprintf|free)\s*\(/, (file) => /^src\/(rest|live|work|bin)\//.test(file) || service(file)],
	[/\bsetjmp\s*\(|\blongjmp\s*\(|\bgoto\b(?! out\b)/, () => true],
];
// Memory of process lifetime in a folder that else takes the arena: the file, and why it may.
const MEMORY_ALLOWED = {
	'src/rest/row.c': 'the texts of each entity, built once a process',
	'src/live/announce.c': 'the outbox, made in main',
};
// fork() children of tests end with _exit; tests may parse with strtol. Only products are judged.
const PRODUCT = /^(src|include)\/.*\.[ch]$/;
const CODE = /\.(c|h|mjs|js|sql|cmake|json|sh|template|conf|md|def|yaml)$|^(deploy|tests|\.ci)\/[^.]*$/;

const files = readFileSync(0, 'utf8').split('\n').filter(Boolean);
const problems = [];
const tell = (file, line, text) => problems.push(`${file}:${line}: ${text}`);

function service(file) {
	const folder = /^src\/([^/]+)\//.exec(file)?.[1];
	return folder !== undefined && !(folder in MAY);
}

// Comments and the insides of strings become blanks; lines stay where they are.
function strip(text) {
	return text.replace(/\/\*[\s\S]*?\*\/|\/\/[^\n]*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'/g,
		(hit) => hit.replace(/[^\n]/g, ' '));
}

function layers() {
	const layer = {};
	for (const [name, headers] of Object.entries(LAYER_OF_HEADER))
		for (const header of headers)
			layer[`bana/${header}.h`] = name;
	for (const rows of ['metric', 'setting', 'setting_bridge', 'setting_kafka'])
		layer[`bana/${rows}.def`] = 'base';
	for (const file of files.filter((f) => PRODUCT.test(f))) {
		if (/^include\/bana\/[^/]*\.h$/.test(file) && !layer[file.slice('include/'.length)])
			tell(file, 1, 'is in no layer: put it into the table of tests/lint/source.mjs');
		const own = file.startsWith('include/') ? layer[file.slice('include/'.length)] : /^src\/([^/]+)\//.exec(file)?.[1];
		const may = own === 'contract' ? ['base', 'contract'] : MAY[own] ?? MAY.service;
		readFileSync(file, 'utf8').split('\n').forEach((line, index) => {
			const hit = /^\s*#\s*include\s*[<"]([^>"]+)[>"]/.exec(line);
			if (!hit)
				return;
			const at = index + 1, header = hit[1];
			if (header === 'fcgi_stdio.h')
				tell(file, at, 'fcgi_stdio.h takes stdio over: never');
			for (const [pattern, door] of LIBRARIES)
				if (pattern.test(header) && file !== door)
					tell(file, at, `${header} may be included by ${door} only`);
			if (header in layer) {
				if (own !== undefined && !may.includes(layer[header]))
					tell(file, at, `${own} must not include ${layer[header]} (${header})`);
			} else if (header.startsWith('bana/')) {
				tell(file, at, `${header} is in no layer`);
			} else if (line.includes('"')) {
				const other = dirname(header).split('/')[0];
				if (own !== 'bin' && other !== '.' && other !== own)
					tell(file, at, `${own} must not include ${other} (${header})`);
			}
		});
	}
}

function sizes() {
	for (const file of files.filter((f) => /^(src|include|tests)\/.*\.[ch]$/.test(f))) {
		const text = readFileSync(file, 'utf8');
		const lines = text.split('\n');
		const most = file.endsWith('.h') ? SOURCES.h_lines : SOURCES.c_lines;
		const count = lines.length - (lines.at(-1) === '' ? 1 : 0);
		if (count > most)
			tell(file, 1, `${count} lines, at most ${most}`);
		const code = strip(text).split('\n');
		for (let i = 0; i < code.length; i++) {
			if (code[i] !== '{' || i === 0)
				continue;
			let from = i - 1;
			while (from > 0 && /\S/.test(code[from - 1]) && !/^[}#]|;\s*$/.test(code[from - 1]))
				from--;
			const head = code.slice(from, i).join(' ');
			const list = /\b(\w+)\s*\((.*)\)\s*$/.exec(head);
			if (!list)
				continue;
			let to = i;
			while (to < code.length && code[to] !== '}')
				to++;
			// A table is data, not steps: its rows (between clang-format off and on) do not count.
			let rows = 0, inside = false;
			for (const line of lines.slice(i, to)) {
				if (line.includes('clang-format off'))
					inside = true;
				rows += inside && file.startsWith('tests/') ? 1 : 0;
				if (line.includes('clang-format on'))
					inside = false;
			}
			if (to - i + 1 - rows > SOURCES.function_lines)
				tell(file, i + 1, `${list[1]}: ${to - i + 1 - rows} lines, at most ${SOURCES.function_lines}`);
			let depth = 0, parameters = 1;
			const inner = head.slice(head.indexOf('(') + 1, head.lastIndexOf(')'));
			for (const c of inner) {
				depth += c === '(' ? 1 : c === ')' ? -1 : 0;
				parameters += c === ',' && depth === 0 ? 1 : 0;
			}
			if (parameters > SOURCES.parameters)
				tell(file, i + 1, `${list[1]}: ${parameters} parameters, at most ${SOURCES.parameters}`);
		}
	}
}

function calls() {
	for (const file of files.filter((f) => PRODUCT.test(f)))
		strip(readFileSync(file, 'utf8')).split('\n').forEach((line, index) => {
			for (const [pattern, applies] of CALLS) {
				const hit = pattern.exec(line);
				const memory = /malloc|calloc|realloc|strdup|free/.test(hit?.[0] ?? '');
				if (hit && applies(file) && !(memory && file in MEMORY_ALLOWED))
					tell(file, index + 1, `${hit[0].trim()} is not used here`);
			}
		});
}

// Nothing that is true on one machine or in one checkout only.
function paths() {
	const personal = new RegExp(['/home/[a-z]', '/Users/[A-Za-z]', '/root/', `/wo${''}rk/`, '[A-Z]:\\\\Users'].join('|'));
	for (const file of files.filter((f) => CODE.test(f) && basename(f) !== 'package-lock.json'))
		readFileSync(file, 'utf8').split('\n').forEach((line, index) => {
			const hit = personal.exec(line);
			if (hit && file !== 'tests/lint/source.mjs')
				tell(file, index + 1, `a path of one machine: ${hit[0]}`);
		});
}

const rules = { layers, sizes, calls, paths };
rules[process.argv[2]]();
for (const problem of problems)
	console.error(problem);
process.exit(problems.length > 0 ? 1 : 0);
