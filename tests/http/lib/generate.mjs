// Values from JSON Schema, by fast-check: those that fit, and those that nearly do.
import fc from "fast-check";

import { document } from "./openapi.mjs";

const DEPTH = 4;
const resolve = (schema) => (schema.$ref ? schema.$ref.slice(2).split("/").reduce((node, part) => node[part], document) : schema);

// The patterns of our document; a new one must be put here.
const PATTERNS = [
  [/^\^\[1-9\]\[0-9\]\{0,18\}\$$/, () => fc.bigInt({ min: 1n, max: 9223372036854775807n }).map(String)],
  [/^\^\(\w+(\|\w+)*\|\[a-z\]/, (pattern) => fc.tuple(fc.constantFrom(...pattern.match(/^\^\(([\w|]+)\|/)[1].split("|"), "metadata.a", "metadata.a.0"), fc.constantFrom("", " ASC", " desc")).map(([name, way]) => name + way)],
];

const texts = fc.oneof(fc.string({ maxLength: 40, unit: "binary" }), fc.string({ maxLength: 12 }), fc.constantFrom("", "%", "\\", "a\\", "_%", "'", '"; DROP TABLE x; --', "\u0000", "NULL", "{}", "😀", "2026-11-20", "2026-02-30T25:61:61Z", "1e999", "-0"));

function ofString(schema) {
  if (schema.pattern) {
    const known = PATTERNS.find(([like]) => like.test(schema.pattern));
    if (!known) throw new Error(`a pattern that lib/generate.mjs does not know: ${schema.pattern}`);
    return known[1](schema.pattern);
  }
  if (schema.format === "email") return fc.tuple(fc.constantFrom("a", "Ada.L", "x+y"), fc.nat(1e6)).map(([name, n]) => `${name}${n}@example.com`);
  if (schema.format === "date-time") return fc.date({ min: new Date(0), max: new Date("2100-01-01"), noInvalidDate: true }).map((d) => d.toISOString());
  return texts;
}

const MAKERS = {
  string: ofString,
  integer: (schema) => fc.oneof(fc.integer({ min: schema.minimum ?? -100, max: Math.min(schema.maximum ?? 1e6, 2 ** 31 - 1) }), fc.constantFrom(0, 1, schema.maximum ?? 2 ** 53)),
  number: () => fc.oneof(fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true })),
  boolean: () => fc.boolean(),
  null: () => fc.constant(null),
  array: (schema, depth) => fc.array(from(schema.items ?? {}, depth + 1), { minLength: schema.minItems ?? 0, maxLength: Math.min(schema.maxItems ?? 4, 4) }),
  object: ofObject,
};

function ofObject(schema, depth) {
  const members = Object.entries(schema.properties ?? {}).filter(([name]) => depth < DEPTH || !["and", "or"].includes(name));
  const known = fc.record(Object.fromEntries(members.map(([name, one]) => [name, from(one, depth + 1)])), { requiredKeys: schema.required ?? [] });
  const few = fc.tuple(known, fc.nat(3), fc.infiniteStream(fc.nat())).map(([all, count, picks]) => {
    const optional = Object.keys(all).filter((name) => !(schema.required ?? []).includes(name));
    const kept = new Set(Array.from({ length: count + 1 }, () => optional[picks.next().value % (optional.length || 1)]));
    return Object.fromEntries(Object.entries(all).filter(([name]) => kept.has(name) || (schema.required ?? []).includes(name)));
  });
  const open = schema.unevaluatedProperties;
  if (open) return fc.tuple(few, fc.option(from(open, depth + 1), { nil: undefined })).map(([all, more]) => (more === undefined ? all : { ...all, "metadata.a.b": more }));
  return schema.additionalProperties === true ? fc.oneof(few, fc.dictionary(fc.string({ maxLength: 8 }), fc.jsonValue({ maxDepth: 3 }))) : few;
}

export function from(raw, depth = 0) {
  const schema = resolve(raw);
  if ("const" in schema) return fc.constant(schema.const);
  if (schema.enum) return fc.constantFrom(...schema.enum);
  if (schema.anyOf) return fc.oneof(...schema.anyOf.map((one) => from(one, depth)));
  const types = [schema.type ?? ["string", "integer", "boolean", "null"]].flat();
  const made = fc.oneof(...types.map((type) => MAKERS[type](schema, depth)));
  return schema.examples ? fc.oneof({ weight: 3, arbitrary: made }, { weight: 1, arbitrary: fc.constantFrom(...schema.examples) }) : made;
}

const junk = fc.oneof(fc.jsonValue({ maxDepth: 3 }), texts, fc.constantFrom(null, [], {}, "x".repeat(2000), Array(1100).fill(1), -1, 2.5, 1e300, "9223372036854775808", "007"));

// One part of a value becomes something else.
const spoil = (value) =>
  fc.tuple(fc.infiniteStream(fc.nat()), junk).map(([picks, other]) => {
    const walk = (node) => {
      const names = node !== null && typeof node === "object" ? Object.keys(node) : [];
      if (names.length === 0 || picks.next().value % 3 === 0) return other;
      const name = names[picks.next().value % names.length];
      const copy = Array.isArray(node) ? [...node] : { ...node };
      copy[name] = walk(copy[name]);
      if (picks.next().value % 7 === 0) copy[`${name}x`] = other;
      return copy;
    };
    return walk(value);
  });

const text = (value) => JSON.stringify(value) ?? "null";

// JSON text: mostly what fits, often what nearly does, sometimes no JSON at all.
export const json = (schema) =>
  fc.oneof(
    { weight: 5, arbitrary: from(schema).map(text) },
    { weight: 4, arbitrary: from(schema).chain(spoil).map(text) },
    { weight: 1, arbitrary: fc.tuple(from(schema), fc.nat(200)).map(([value, cut]) => text(value).slice(0, cut)) },
    { weight: 1, arbitrary: texts },
  );
export { texts };
