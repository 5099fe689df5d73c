// alerts.mjs SERVICE: its alerts, their tests, its dashboard and the runbook say the same, and of metrics that exist.  Each
// violation is one line, and the exit status 1.  That the rules are rules, and pass their tests, promtool has said before.
import { readFileSync } from 'node:fs';

const SERVICE = process.argv[2];
const RULES = `deploy/prometheus/${SERVICE}.rules.yml`, TESTS = `deploy/prometheus/${SERVICE}.rules.test.yml`;
const DASHBOARD = `deploy/grafana/${SERVICE}.json`, RUNBOOK = 'docs/runbook.md';

const problems = [];
const tell = (where, text) => problems.push(`${where}: ${text}`);
const flat = (text) => text.replace(/\s+/g, ' ').trim();

// ---- What /metrics shows: a map of name -> map of label -> its values, undefined for any.  Read from the tables that write it.
const COMPUTED = [
	['bana_build_info', 'service version'], ['bana_submits_total', 'route outcome=accepted|refused|unavailable|failed'],
	...['bucket', 'sum', 'count'].map((part) => [`bana_http_request_duration_seconds_${part}`, `method route status${part === 'bucket' ? ' le' : ''}`]),
];
function metrics() {
	const known = new Map();
	const add = (name, label, value) => {
		const labels = known.get(name) ?? known.set(name, new Map()).get(name);
		if (label)
			labels.set(label, value === undefined ? undefined : [...labels.get(label) ?? [], ...value.split('|')]);
	};
	for (const [name, labels] of COMPUTED)
		for (const one of labels.split(' '))
			add(name, ...one.split('='));
	const tables = ['include/bana/metric.def', 'src/run/exposition.c'].map((file) => readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8')).join('');
	for (const [, name, labels] of tables.matchAll(/"(bana_\w+)", "((?:\w+=\\"\w+\\",?)*)"/g)) {
		add(name);
		for (const [, label, value] of labels.matchAll(/(\w+)=\\"(\w+)\\"/g))
			add(name, label, value);
	}
	for (const [, name] of tables.matchAll(/"(bana_rooms_\w+)", "(?:gauge|counter)"/g))
		add(name);
	return known;
}

// The file is YAML of one shape: a rule begins with "- alert:" or "- record:", a text is a line or a block after "|".
function rules() {
	return readFileSync(RULES, 'utf8').split(/^ *- (?=alert:|record:)/m).slice(1).map((text) => {
		const body = text.replace(/^ *#.*$/gm, '');
		const member = (name) => flat(new RegExp(`^ *${name}: (?:\\|\\n((?:(?: {10,}.*)?\\n)+)|(.*))`, 'm').exec(body)?.slice(1).join('') ?? '');
		return { alert: member('alert'), record: member('record'), expr: member('expr'), body, member };
	});
}

const known = metrics();
const all = rules();
const records = new Set(all.map((rule) => rule.record).filter(Boolean));
const alerts = new Map(all.filter((rule) => rule.alert).map((rule) => [rule.alert, rule]));
const OUTSIDE = new Set(['up', 'ALERTS']);                              // Prometheus' own
const ANYWHERE = new Set(['job', 'instance', 'alertname', 'alertstate']);
const WORDS = /^(and|or|unless|on|by|bool|offset|ignoring|without)$/;

function expression(where, expr) {
	const selector = /([A-Za-z_:][\w:]*)\{([^}]*)\}/g;
	for (const [, name, matchers] of expr.matchAll(selector))
		for (const [, label, value] of matchers.matchAll(/(\w+)\s*(?:=~|!~|!=|=)\s*"([^"]*)"/g)) {
			const labels = known.get(name);
			if (labels === undefined || ANYWHERE.has(label))
				continue;
			if (!labels.has(label))
				tell(where, `${name} has no label ${label}`);
			for (const one of labels.get(label) ? value.split('|') : [])
				if (!labels.get(label).includes(one))
					tell(where, `${name} has no ${label} ${one}`);
		}
	const bare = expr.replace(/"[^"]*"/g, '').replace(/\{[^}]*\}|\[[^\]]*\]/g, ' ').replace(/\b(by|on|without|ignoring)\s*\([^)]*\)/g, ' ');
	for (const [, name] of bare.matchAll(/(?<![\w:.])([A-Za-z_:][\w:]*)\b(?!\s*\(|[\w:])/g))
		if (!known.has(name) && !records.has(name) && !OUTSIDE.has(name) && !WORDS.test(name))
			tell(where, `no metric ${name}`);
}

const anchors = new Set([...readFileSync(RUNBOOK, 'utf8').matchAll(/^#+ (.+)$/gm)].map(([, title]) =>
	title.toLowerCase().replace(/[^\w\- ]/g, '').replace(/ /g, '-')));
const tests = readFileSync(TESTS, 'utf8');
const { panels } = JSON.parse(readFileSync(DASHBOARD, 'utf8'));
const links = (panel) => (panel.links ?? []).map((link) => link.url.split('#')[1]);

for (const { alert, record, expr, body } of all) {
	expression(alert || record, expr);
	for (const [, job] of expr.matchAll(/job="(\w+)"/g))
		if (job !== SERVICE)
			tell(alert || record, `looks at another job: ${job}`);
	if (record)
		continue;
	const anchor = /runbook_url: \S+\/runbook\.md#(\S+)/.exec(body)?.[1];
	if (!/^ *labels: \{severity: (page|ticket)\}$/m.test(body))
		tell(alert, 'no severity of page or ticket');
	for (const annotation of ['summary', 'description'])
		if (!new RegExp(`^ *${annotation}: .`, 'm').test(body))
			tell(alert, `no ${annotation}`);
	if (!/\$value/.test(body))
		tell(alert, 'its annotations do not say the value');
	if (anchor !== alert.toLowerCase() || !anchors.has(anchor))
		tell(alert, `no heading of its own in ${RUNBOOK}, or runbook_url is not of it`);
	if (!new RegExp(`alertname: ${alert}\\n *exp_alerts:\\n`).test(tests))
		tell(alert, `never seen to fire in ${TESTS}`);
	if (!panels.some((panel) => links(panel).includes(anchor)))
		tell(alert, `no panel in ${DASHBOARD}`);
}

for (const panel of panels) {
	const where = `panel "${panel.title}"`;
	for (const { expr } of panel.targets ?? [])
		expression(where, expr.replaceAll('$__rate_interval', '5m'));
	for (const anchor of links(panel)) {
		const rule = [...alerts.values()].find(({ alert }) => alert.toLowerCase() === anchor);
		if (rule === undefined) {
			tell(where, `links to no alert: ${anchor}`);
			continue;
		}
		if (!rule.expr.includes(flat(panel.targets[0].expr)))
			tell(where, `does not begin with what ${rule.alert} looks at`);
		const [first, second] = panel.fieldConfig.defaults.thresholds.steps;
		const limit = first.color === 'red' ? '== 0' : second && `(>|<=) ${String(second.value).replace('.', '\\.')}`;
		if (limit && !new RegExp(`${limit}( |$)`).test(rule.expr))
			tell(where, `its limit is not that of ${rule.alert}`);
	}
}

for (const problem of problems)
	console.error(problem);
process.exit(problems.length > 0 ? 1 : 0);
