// The service's own OpenAPI document, and whether an answer is one that it promises. Every suite's calls go through
// here (lib/api.mjs), so document and program cannot drift apart.
import assert from "node:assert/strict";

import Ajv from "ajv/dist/2020.js";
import formats from "ajv-formats";

import { Stack, stack } from "./stack.mjs";

const { BASE_URL } = stack.env;
const ID = "https://bana.invalid/openapi.json";

const escape = (part) => encodeURIComponent(part.replaceAll("~", "~0").replaceAll("/", "~1"));
const pointer = (...parts) => `${ID}#/${parts.map(escape).join("/")}`;

// { "in": "#/components/x/y" } -> the parts of where that is.
const parts = (ref) => ref.slice(2).split("/").map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));

// Every operation: { verb, path, operation, holes, fits }.
const operationsOf = (document) => Object.entries(document.paths).flatMap(([path, verbs]) =>
  Object.entries(verbs).map(([verb, operation]) => ({
    verb: verb.toUpperCase(),
    path,
    operation,
    holes: path.split("{").length - 1,
    fits: new RegExp(`^${path.replace(/[.]/g, "\\.").replace(/\{[^}]+\}/g, "[^/]+")}$`),
  })),
);

// The document of one stack (its settings are in it), and what an answer is held against.
class Contract {
  #checked = new Map();
  #ajv = new Ajv({ strict: false, allErrors: true });

  constructor(document) {
    this.document = document;
    this.operations = operationsOf(document);
    formats(this.#ajv);
    this.#ajv.addSchema({ $id: ID, ...document });
  }

  // As the router does: what is spelled out comes before what has a placeholder.
  find(verb, path) {
    const all = this.operations.filter(({ fits }) => fits.test(path)).sort((a, b) => a.holes - b.holes);
    return all.filter(({ holes }) => holes === all[0].holes).find((one) => one.verb === verb);
  }

  at(way) {
    return way.reduce((node, part) => node[part], this.document);
  }

  // Where a way leads, references followed.
  follow(way) {
    const node = this.at(way);
    return node.$ref ? this.follow(parts(node.$ref)) : way;
  }

  assertValid(where, value, what) {
    if (!this.#checked.has(where)) this.#checked.set(where, this.#ajv.compile({ $ref: where }));
    const valid = this.#checked.get(where);
    assert.ok(valid(value), `${what} is not what the document says: ${JSON.stringify(valid.errors?.slice(0, 3))}\n${JSON.stringify(value).slice(0, 600)}`);
  }

  assertHeaders(way, headers, what) {
    for (const name of Object.keys(this.at(way).headers ?? {})) {
      const header = this.follow([...way, "headers", name]);
      const value = headers.get(name);
      if (value === null) assert.ok(!this.at(header).required, `${what}: ${name} is missing`);
      else this.assertValid(pointer(...header, "schema"), value, `${what}: ${name}`);
    }
  }

  assertBody(way, asked, answer, what) {
    const media = answer.headers.get("content-type").split(";")[0];
    const content = this.at(way).content?.[media];
    assert.ok(content, `${what}: ${media} is not documented`);
    const wish = Object.entries(asked.headers ?? {}).find(([name]) => name.toLowerCase() === "x-request-count")?.[1];
    const bare = ["false", "0", ""].includes(wish) && content.schema?.properties?.data !== undefined && answer.status < 300;
    const schema = [...way, "content", media, "schema", ...(bare ? ["properties", "data"] : [])];
    this.assertValid(pointer(...schema), /json/.test(media) ? answer.body : answer.text, what);
  }

  assertDocumented(asked, answer) {
    const verb = asked.method === "HEAD" ? "GET" : asked.method;
    const what = `${asked.method} ${asked.path} ${answer.status}`;
    const found = this.find(verb, asked.path.split("?")[0]);
    if (!found) {
      if (answer.status >= 400 && answer.text !== "") this.assertValid(pointer("components", "schemas", "Problem"), answer.body.error ?? answer.body, what);
      return;
    }
    const responses = ["paths", found.path, verb.toLowerCase(), "responses"];
    const known = String(answer.status) in found.operation.responses;
    // what nginx answers by itself, before the service is asked, is the default
    assert.ok(known || [405, 408, 411, 414, 431, 502, 504].includes(answer.status), `${what} is not documented`);
    const way = this.follow([...responses, known ? String(answer.status) : "default"]);
    this.assertHeaders(way, answer.headers, what);
    if (asked.method !== "HEAD" && answer.text !== "") this.assertBody(way, asked, answer, what);
  }
}

// A stack beside may have been started again since, with other settings.
const contracts = new Map();
async function contractOf(base) {
  const key = base === BASE_URL ? base : `${base} ${Stack.starts}`;
  if (!contracts.has(key)) contracts.set(key, new Contract(await (await fetch(`${base}/doc/openapi.json`)).json()));
  return contracts.get(key);
}

export const { document, operations } = await contractOf(BASE_URL);

// `asked`: { method, path (below the base path), headers }; `answer`: { status, headers, text, body }.
export const assertDocumented = async (base, asked, answer) => (await contractOf(base)).assertDocumented(asked, answer);
