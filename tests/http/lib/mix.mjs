// Requests as a day brings them: what comes how often, and what its answer has to be.
import { stack } from "./stack.mjs";
import { askOnce } from "./load.mjs";
import { inquiry, unique } from "./api.mjs";

const JSON_TYPE = { "Content-Type": "application/json" };
const post = (path, body) => ({ method: "POST", path, headers: JSON_TYPE, body: JSON.stringify(body) });
const filter = (value) => encodeURIComponent(JSON.stringify(value));

// Each with the id of an inquiry that exists, `by` is the header of a member of staff. `often` is the share of a whole.
export const KINDS = {
  submit: { often: 30, ask: () => post("/inquiries/submit", inquiry()), status: 201 },
  subscribe: { often: 8, ask: () => post("/subscribers/subscribe", { email: `${unique("mix")}@example.com` }), status: 200 },
  invalid: { often: 10, ask: () => post("/inquiries/submit", { firstName: 1, email: "nobody", nope: true }), status: 422 },
  malformed: { often: 5, ask: () => ({ ...post("/inquiries/submit"), body: "{" }), status: 400 },
  list: { often: 12, ask: (_, by) => ({ path: `/inquiries?filter=${filter({ order: ["createdAt DESC"], limit: 10 })}`, headers: by }), status: 200 },
  read: { often: 15, ask: (id, by) => ({ path: `/inquiries/${id}`, headers: by }), status: 200 },
  change: { often: 5, ask: (id, by) => ({ method: "PATCH", path: `/inquiries/${id}`, headers: { ...by, ...JSON_TYPE }, body: JSON.stringify({ subject: unique("mix") }) }), status: 200 },
  export: { often: 2, ask: (id, by) => ({ path: `/inquiries/export.csv?filter=${filter({ where: { id }, limit: 10 })}`, headers: by }), status: 200 },
  statistics: { often: 1, ask: (_, by) => ({ path: "/inquiries/statistics?from=2001-01-01&to=2001-01-08", headers: by }), status: 200 },
  forbidden: { often: 4, ask: () => ({ path: "/inquiries" }), status: 401 },
  healthz: { often: 4, ask: () => ({ path: "/healthz" }), status: 200 },
  readyz: { often: 3, ask: () => ({ path: "/readyz" }), status: 200 },
};

// ask(agent, i) for a Load: the kinds in turn, in proportion. Its answers have `kind`, `fits` (the status is the one) and, of a submit, `id`.
export function mix(kinds = Object.keys(KINDS), { of = stack, by = { Authorization: `Bearer ${of.env.BO_TOKEN}` } } = {}) {
  const turns = kinds.flatMap((kind) => Array.from({ length: KINDS[kind].often }, (_, i) => ({ kind, at: (i + Math.random()) / KINDS[kind].often }))).sort((a, b) => a.at - b.at);
  let known;
  return async (agent, i) => {
    const { kind } = turns[i % turns.length];
    const { ask, status } = KINDS[known ? kind : "submit"];
    const { path, ...options } = ask(known, by);
    const { text, ...answer } = await askOnce(agent, of.env.BASE_URL + path, options);
    const id = answer.status === 201 ? JSON.parse(text).data.id : undefined;
    known = id ?? known;
    return { ...answer, kind, id, fits: answer.status === status, told: answer.status === status ? undefined : text };
  };
}
