#!/usr/bin/env node
// The dashboards as tables: deploy/grafana/dashboard.mjs outreach|signal >deploy/grafana/SERVICE.json
// lint.alerts checks that the file is this, and that a panel of an alert shows that alert's own expressions and limit.
//
// A panel is [title, unit, [[expression, legend]...], alert, limit].  The limit as the alert has it: `== 0` is bad at 0,
// any other bad above the number.

const JOB = process.argv[2] ?? 'outreach', TITLE = `BANA ${JOB[0].toUpperCase()}${JOB.slice(1)}`;
const H = `{job="${JOB}", instance=~"$instance"}`;                     // of panels without an alert
const rate = (by, series) => `sum by (${by}) (rate(${series}[$__rate_interval]))`;
const share = (metric, outcome) => `sum(rate(${metric}{job="${JOB}", instance=~"$instance", outcome="${outcome}"}[$__rate_interval])) / sum(rate(${metric}${H}[$__rate_interval]))`;
const quantile = (q) => [`histogram_quantile(${q}, ${rate('le', `bana_http_request_duration_seconds_bucket${H}`)})`, `${q * 100} %`];
const serving = `sum by (job, instance) (bana_workers{job="${JOB}", state=~"busy|idle"})`;

const OUTREACH = {
	Service: [
		['Scraped, serving', 'short', [['up{job="outreach"}', '{{instance}} scraped'], [serving, '{{instance}} workers']], 'outreachDown', '== 0'],
		['Ready', 'short', [['bana_ready{job="outreach"}', '{{instance}}'], [`bana_draining${H}`, '{{instance}} drains']], 'outreachNotReady', '== 0'],
		['Migrations that do not fit', 'short', [['bana_migrations_missing{job="outreach"} + bana_migrations_ahead{job="outreach"}', '{{instance}}']], 'outreachMigrationDrift', '> 0'],
	],
	'Traffic and errors': [
		['Share of 5xx', 'percentunit', [['job:bana_http_requests_failed:rate5m / job:bana_http_requests:rate5m', '5xx of all']], 'outreachHighErrorRate', '> 0.05'],
		['Requests by status', 'reqps', [[rate('status', `bana_http_request_duration_seconds_count${H}`), '{{status}}']]],
		['Requests by route', 'reqps', [[rate('method, route', `bana_http_request_duration_seconds_count${H}`), '{{method}} {{route}}']]],
		['Public calls that failed in 10 minutes', 'short', [['sum by (job, route) (increase(bana_submits_total{job="outreach", outcome=~"failed|unavailable"}[10m]))', '{{route}}']], 'outreachSubmitsFail', '> 3'],
		['Submits', 'reqps', [['job_route:bana_submits:rate5m', '{{route}}'], ['10 * job_route:bana_submits:median1d', '{{route}} ten times the usual']], 'outreachSubmitFlood', '> 2'],
		['Public calls by outcome', 'reqps', [[rate('outcome', `bana_submits_total${H}`), '{{outcome}}']]],
	],
	Latency: [
		['Submits, 95 %', 's', [['histogram_quantile(0.95, sum by (job, le) ( rate(bana_http_request_duration_seconds_bucket{job="outreach", route="/inquiries/submit"}[10m])))', '95 %']], 'outreachSlowSubmits', '> 1'],
		['All requests', 's', [quantile(0.5), quantile(0.95), quantile(0.99)]],
		['Requests by duration', 's', [[`sum by (le) (increase(bana_http_request_duration_seconds_bucket${H}[$__rate_interval]))`, '{{le}}']], undefined, 'heatmap'],
	],
	Pool: [
		['Busy share, 5 minutes', 'percentunit', [['instance:bana_workers_busy:ratio5m', '{{instance}}']], 'outreachPoolSaturated', '> 0.9'],
		['Workers by state, requests in flight', 'short', [[`sum by (state) (bana_workers${H})`, '{{state}}'], [`sum(bana_http_requests_in_flight${H})`, 'in flight'], [rate('job', `bana_worker_busy_seconds_total${H}`), 'busy, by time']]],
		['Starts of workers in 15 minutes', 'short', [['sum by (job, instance) (increase(bana_worker_starts_total{job="outreach"}[15m]))', '{{instance}}'], ['3 * sum by (job, instance) (bana_workers{job="outreach"})', '{{instance}} limit']], 'outreachWorkersRestart'],
	],
	Database: [
		['Database can be used', 'short', [['bana_check_ok{job="outreach", check="database"}', '{{instance}}']], 'outreachDatabaseDown', '== 0'],
		['Statements by outcome', 'ops', [[rate('outcome', `bana_db_statements_total${H}`), '{{outcome}}'], [rate('outcome', `bana_db_connects_total${H}`), 'connects {{outcome}}']]],
		['Mean time of a statement', 's', [[`sum(rate(bana_db_seconds_total${H}[$__rate_interval])) / sum(rate(bana_db_statements_total${H}[$__rate_interval]))`, 'mean']]],
		['Statement cache, hits', 'percentunit', [[share('bana_db_statement_cache_total', 'hit'), 'hits']]],
	],
	Tokens: [
		['Age of the key set', 's', [['bana_jwks_age_seconds{job="outreach"}', '{{instance}}']], 'outreachJwksStale', '<= 46800'],
		['Fetches of keys, tokens refused', 'ops', [[rate('outcome', `bana_jwks_fetches_total${H}`), 'fetch {{outcome}}'], [rate('job', `bana_tokens_refused_total${H}`), 'refused']]],
		['Token cache, hits', 'percentunit', [[share('bana_token_cache_total', 'hit'), 'hits']]],
	],
	'Rooms and announcements': [
		['Announcements lost in 5 minutes; Redis; rooms', 'short', [['sum by (job, instance, way) (increase(bana_announcements_total{job="outreach", outcome=~"lost|skipped"}[5m]))', '{{instance}} {{way}} lost'], ['bana_check_ok{job="outreach", check="redis"}', '{{instance}} Redis is up'], ['bana_rooms_up{job="outreach"}', '{{instance}} rooms are up']], 'outreachWSNotReady', '> 5'],
		['Announcements by way and outcome', 'ops', [[rate('way, outcome', `bana_announcements_total${H}`), '{{way}} {{outcome}}'], [rate('job', `bana_rooms_published_total${H}`), 'published by nchan']]],
		['Sockets and rooms', 'short', [[`sum(bana_rooms_sockets${H})`, 'sockets'], [`sum(bana_rooms_channels${H})`, 'rooms']]],
		['Bridges that lead', 'short', [['sum by (job) (bana_bridge_leads{job="outreach"})', 'lead'], [`sum(increase(bana_bridge_takeovers_total${H}[$__rate_interval]))`, 'took over']], 'outreachBridgeWithoutLeader', '== 0'],
		['Memory of the rooms', 'percentunit', [['bana_rooms_memory_bytes{job="outreach"} / bana_rooms_memory_limit_bytes{job="outreach"}', '{{instance}}']], 'outreachRoomsMemory', '> 0.8'],
		['Redis of the rooms', 'short', [[`bana_rooms_redis_connected_servers${H}`, '{{instance}} connected'], [`bana_rooms_redis_pending_commands${H}`, '{{instance}} waiting'], [`bana_rooms_redis_unhealthy_upstreams${H}`, '{{instance}} unhealthy'], [rate('instance', `bana_rooms_redis_commands_total${H}`), '{{instance}} commands/s']]],
		['Handshakes of sockets', 'ops', [[rate('outcome', `bana_admissions_total${H}`), '{{outcome}}']]],
		['Messages of other services', 'ops', [[rate('outcome', `bana_bridge_messages_total${H}`), '{{outcome}}'], [rate('job', `bana_expiry_slots_ended_total${H}`), 'slots of expired tokens']]],
		['Ways out that are closed', 'short', [[`bana_breaker_open${H}`, '{{instance}} {{way}}']]],
	],
	'Webhooks and the abuse gate': [
		['Oldest webhook that waits', 's', [['max by (job) (bana_webhook_oldest_seconds{job="outreach"})', 'oldest']], 'outreachWebhooksLate', '> 3600'],
		['Changes to tell in 30 minutes, webhooks that wait', 'short', [['sum by (job) (increase(bana_webhook_events_total{job="outreach"}[30m]))', 'changes'], ['max by (job) (bana_webhook_backlog{job="outreach"})', 'waiting; none: no sender']], 'outreachWebhooksNotSent'],
		['Attempts of webhooks by outcome', 'ops', [[rate('outcome', `bana_webhook_attempts_total${H}`), '{{outcome}}']]],
		['Share in quarantine, 1 hour', 'percentunit', [['sum by (job) (increase(bana_gate_decisions_total{job="outreach", decision="quarantined"}[1h])) / sum by (job) (increase(bana_gate_decisions_total{job="outreach"}[1h]))', 'quarantined']], 'outreachQuarantineHigh', '> 0.5'],
		['What the gate found', 'reqps', [[rate('reason', `bana_gate_reasons_total${H}`), '{{reason}}'], [rate('decision', `bana_gate_decisions_total${H}`), '{{decision}}']]],
		['Buckets answered without Redis in 10 minutes', 'short', [['sum by (job, instance) (increase(bana_buckets_asked_total{job="outreach", where="host"}[10m]))', '{{instance}}']], 'outreachBucketsApart', '> 10'],
	],
	Process: [
		['Memory of the workers', 'bytes', [[`bana_workers_resident_bytes${H}`, '{{instance}} all'], [`bana_worker_resident_bytes_max${H}`, '{{instance}} largest']]],
		['Ids given out', 'ops', [[rate('instance', `bana_ids_issued_total${H}`), '{{instance}}']]],
		['Versions', 'short', [['count by (service, version) (bana_build_info{job="outreach"})', '{{service}} {{version}}']]],
	],
};

const failed = 'sum by (job) (rate(bana_http_request_duration_seconds_count{job="signal", status=~"5.."}[5m])) / sum by (job) (rate(bana_http_request_duration_seconds_count{job="signal"}[5m]))';
const SIGNAL = {
	'Events of Kafka': [
		['Consumers, partitions', 'short', [['bana_consumers{job="signal"}', '{{instance}} consumers'], ['sum by (job) (bana_consumer_partitions{job="signal"})', 'partitions']], 'signalConsumerDown', '== 0'],
		['Events that wait', 'short', [['sum by (job) (bana_consumer_lag{job="signal"})', 'all'], [`bana_consumer_lag${H}`, '{{instance}}']], 'signalConsumerLags', '> 1000'],
		['Since the last commit', 's', [['bana_consumer_commit_age_seconds{job="signal"}', '{{instance}}']], 'signalConsumerStuck', '> 300'],
		['Dead letters in 15 minutes', 'short', [['sum by (job) (increase(bana_events_total{job="signal", outcome="dead"}[15m]))', 'dead letters']], 'signalDeadLetters', '> 0'],
		['Events by outcome, notifications', 'ops', [[rate('outcome', `bana_events_total${H}`), '{{outcome}}'], [rate('job', `bana_notifications_total${H}`), 'notifications']]],
		['Batches that waited for the database', 'ops', [[rate('instance', `bana_event_batches_put_off_total${H}`), '{{instance}}']]],
	],
	Service: [
		['Scraped, serving', 'short', [['up{job="signal"}', '{{instance}} scraped'], [serving, '{{instance}} workers']], 'signalDown', '== 0'],
		['Ready', 'short', [['bana_ready{job="signal"}', '{{instance}}'], [`bana_draining${H}`, '{{instance}} drains']], 'signalNotReady', '== 0'],
		['Database can be used', 'short', [['bana_check_ok{job="signal", check="database"}', '{{instance}}']], 'signalDatabaseDown', '== 0'],
		['Share of 5xx', 'percentunit', [[failed, '5xx of all']], 'signalHighErrorRate', '> 0.05'],
		['Requests by status', 'reqps', [[rate('status', `bana_http_request_duration_seconds_count${H}`), '{{status}}']]],
		['Requests by route', 'reqps', [[rate('method, route', `bana_http_request_duration_seconds_count${H}`), '{{method}} {{route}}']]],
		['All requests', 's', [quantile(0.5), quantile(0.95), quantile(0.99)]],
		['Workers by state, requests in flight', 'short', [[`sum by (state) (bana_workers${H})`, '{{state}}'], [`sum(bana_http_requests_in_flight${H})`, 'in flight']]],
		['Statements by outcome', 'ops', [[rate('outcome', `bana_db_statements_total${H}`), '{{outcome}}']]],
		['Announcements by way and outcome', 'ops', [[rate('way, outcome', `bana_announcements_total${H}`), '{{way}} {{outcome}}']]],
		['Handshakes of sockets', 'ops', [[rate('outcome', `bana_admissions_total${H}`), '{{outcome}}']]],
		['Memory of the workers', 'bytes', [[`bana_workers_resident_bytes${H}`, '{{instance}} all'], [`bana_worker_resident_bytes_max${H}`, '{{instance}} largest']]],
		['Versions', 'short', [['count by (service, version) (bana_build_info{job="signal"})', '{{service}} {{version}}']]],
	],
};
const ROWS = { outreach: OUTREACH, signal: SIGNAL }[JOB];

const COLUMNS = 24, WIDTH = 8, HEIGHT = 7;
const source = { type: 'prometheus', uid: '${datasource}' };

function thresholds(limit) {
	if (limit === undefined)
		return { steps: [{ color: 'green', value: null }] };
	const [sign, number] = limit.split(' ');
	return sign === '=='
		? { steps: [{ color: 'red', value: null }, { color: 'green', value: Number(number) + 1 }] }
		: { steps: [{ color: 'green', value: null }, { color: 'red', value: Number(number) }] };
}

function panel(id, gridPos, [title, unit, queries, alert, limit]) {
	const heatmap = limit === 'heatmap';
	return {
		id, type: heatmap ? 'heatmap' : 'timeseries', title, gridPos, datasource: source,
		...(alert && { description: alert, links: [{ title: `Runbook: ${alert}`, url: `\${runbook}#${alert.toLowerCase()}`, targetBlank: true }] }),
		targets: queries.map(([expr, legendFormat], at) => ({ refId: 'ABCD'[at], expr, legendFormat, ...(heatmap && { format: 'heatmap' }) })),
		fieldConfig: {
			defaults: {
				unit, ...(!heatmap && { min: 0 }), thresholds: { mode: 'absolute', ...thresholds(heatmap ? undefined : limit) },
				custom: limit && !heatmap ? { thresholdsStyle: { mode: 'line' } } : {},
			},
			overrides: [],
		},
		options: heatmap ? { calculate: false, yAxis: { unit }, color: { mode: 'scheme', scheme: 'Oranges' } }
			: { legend: { displayMode: 'list', placement: 'bottom' }, tooltip: { mode: 'multi', sort: 'desc' } },
	};
}

const panels = [];
let y = 0;
for (const [title, rows] of Object.entries(ROWS)) {
	panels.push({ id: panels.length + 1, type: 'row', title, collapsed: false, gridPos: { x: 0, y: y++, w: COLUMNS, h: 1 }, panels: [] });
	rows.forEach((row, at) => panels.push(panel(panels.length + 1, {
		x: at * WIDTH % COLUMNS, y: y + Math.floor(at * WIDTH / COLUMNS) * HEIGHT, w: WIDTH, h: HEIGHT }, row)));
	y += Math.ceil(rows.length * WIDTH / COLUMNS) * HEIGHT;
}

const dashboard = {
	uid: `bana-${JOB}`, title: TITLE, tags: ['bana', JOB], schemaVersion: 38, version: 1, editable: true,
	timezone: 'browser', refresh: '30s', time: { from: 'now-6h', to: 'now' }, graphTooltip: 1,
	templating: {
		list: [
			{ name: 'datasource', label: 'Prometheus', type: 'datasource', query: 'prometheus' },
			{ name: 'instance', label: 'Instance', type: 'query', datasource: source, query: `label_values(up{job="${JOB}"}, instance)`,
				refresh: 2, multi: true, includeAll: true, allValue: '.*', current: { text: 'All', value: '$__all' } },
			{ name: 'runbook', type: 'constant', hide: 2, query: 'https://runbook.example.com/runbook.md' },
		],
	},
	annotations: {
		list: [{ name: 'Alerts', enable: true, datasource: source, iconColor: 'red', expr: `ALERTS{alertname=~"${JOB}.*", alertstate="firing"}`,
			titleFormat: '{{alertname}}', textFormat: '{{instance}}' }],
	},
	panels,
};
// What fits a line stays on one.
function text(value, indent = '') {
	const flat = JSON.stringify(value);
	if (indent.length + flat.length <= 120 || typeof value !== 'object')
		return flat;
	const deeper = `${indent}  `, list = Array.isArray(value);
	const members = Object.entries(value).map(([name, one]) => deeper + (list ? '' : `${JSON.stringify(name)}: `) + text(one, deeper));
	return `${list ? '[' : '{'}\n${members.join(',\n')}\n${indent}${list ? ']' : '}'}`;
}
console.log(text(dashboard));
