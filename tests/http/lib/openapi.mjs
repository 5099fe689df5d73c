// The service's own OpenAPI document, and whether an answer is one that it promises. Every suite's calls go through
// here (lib/api.mjs), so document and program cannot drift apart.
import assert from "node:assert/strict";

import Ajv from "ajv/dist/2020.js";
import formats from "ajv-formats";

import { stack } from "./stack.mjs";

const { BASE_URL } = stack.env;
const ID = "https://bana.invalid/openapi.json";

export const document = await (await fetch(`${BASE_URL}/doc/openapi.json`)).json();

const ajv = new Ajv({ strict: false, allErrors: true });
formats(ajv);
ajv.addSchema({ $id: ID, ...document });

const escape = (part) => encodeURIComponent(part.replaceAll("~", "~0").replaceAll("/", "~1"));
const pointer = (...parts) => `${ID}#/${parts.map(escape).join("/")}`;

// { "in": "#/components/x/y" } -> the parts of where that is.
const parts = (ref) => ref.slice(2).split("/").map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
const at = (way) => way.reduce((node, part) => node[part], document);
const follow = (way) => {
  const node = at(way);
  return node.$ref ? follow(parts(node.$ref)) : way;
};

// Every operation: { verb, path, operation, fits }.
export const operations = Object.entries(document.paths).flatMap(([path, verbs]) =>
  Object.entries(verbs).map(([verb, operation]) => ({
    verb: verb.toUpperCase(),
    path,
    operation,
    holes: path.split("{").length - 1,
    fits: new RegExp(`^${path.replace(/[.]/g, "\\.").replace(/\{[^}]+\}/g, "[^/]+")}$`),
  })),
);

// As the router does: what is spelled out comes before what has a placeholder.
const find = (verb, path) => {
  const all = operations.filter(({ fits }) => fits.test(path)).sort((a, b) => a.holes - b.holes);
  const best = all.filter(({ holes }) => holes === all[0].holes);
  return best.find((one) => one.verb === verb);
};

const checked = new Map();
const validator = (where) => {
  if (!checked.has(where)) checked.set(where, ajv.compile({ $ref: where }));
  return checked.get(where);
};

const assertValid = (where, value, what) => {
  const valid = validator(where);
  assert.ok(valid(value), `${what} is not what the document says: ${JSON.stringify(valid.errors?.slice(0, 3))}\n${JSON.stringify(value).slice(0, 600)}`);
};

function assertHeaders(way, headers, what) {
  for (const name of Object.keys(at(way).headers ?? {})) {
    const header = follow([...way, "headers", name]);
    const value = headers.get(name);
    if (value === null) assert.ok(!at(header).required, `${what}: ${name} is missing`);
    else assertValid(pointer(...header, "schema"), value, `${what}: ${name}`);
  }
}

// `asked`: { method, path (below the base path), headers }; `answer`: { status, headers, text, body }.
export function assertDocumented(asked, answer) {
  const verb = asked.method === "HEAD" ? "GET" : asked.method;
  const what = `${asked.method} ${asked.path} ${answer.status}`;
  const found = find(verb, asked.path.split("?")[0]);
  if (!found) {
    if (answer.status >= 400 && answer.text !== "") assertValid(pointer("components", "schemas", "Problem"), answer.body, what);
    return;
  }
  const responses = ["paths", found.path, verb.toLowerCase(), "responses"];
  const known = String(answer.status) in found.operation.responses;
  // what nginx answers by itself, before the service is asked, is the default
  assert.ok(known || [405, 408, 411, 414, 431, 502, 504].includes(answer.status), `${what} is not documented`);
  const way = follow([...responses, known ? String(answer.status) : "default"]);
  assertHeaders(way, answer.headers, what);
  if (asked.method === "HEAD" || answer.text === "") return;
  const media = answer.headers.get("content-type").split(";")[0];
  const content = at(way).content?.[media];
  assert.ok(content, `${what}: ${media} is not documented`);
  const bare = ["false", "0", ""].includes(Object.entries(asked.headers ?? {}).find(([name]) => name.toLowerCase() === "x-request-count")?.[1]);
  const enveloped = content.schema?.properties?.data !== undefined;
  const schema = [...way, "content", media, "schema", ...(bare && enveloped && answer.status < 300 ? ["properties", "data"] : [])];
  assertValid(pointer(...schema), /json/.test(media) ? answer.body : answer.text, what);
}
