// Who is signed in. The token is in sessionStorage only: this tab, until it is closed.
import { Api, Problem } from "./api.js";

const KEY = "bana-bo-token";
const baseUrl = new URL("../..", import.meta.url).href.replace(/\/$/, ""); // this file is BASE/bo/assets/session.js

export class Session {
  constructor(api, me) {
    this.api = api;
    this.me = me;
    this.granted = new Set(me.permissions.map(({ permission }) => permission));
  }

  can(...permissions) {
    return permissions.every((name) => this.granted.has(name));
  }

  get roles() {
    return this.me.roles.map((role) => (role.identifier ?? role).replace(/^\d+_/, "").toLowerCase());
  }

  leave() {
    sessionStorage.removeItem(KEY);
  }
}

// A session, or the Problem of the token.
export async function signIn(token) {
  if (!/^[\w-]+\.[\w-]+\.[\w-]+$/.test(token)) throw new Problem(401, { message: "This is not a token: a token has three parts with dots between them." });
  const api = new Api(baseUrl, token);
  const { data } = await api.get("/permissions/me");
  sessionStorage.setItem(KEY, token);
  return new Session(api, data);
}

// That of before a reload of the page; undefined: there was none, or it is over.
export async function resume() {
  const token = sessionStorage.getItem(KEY);
  if (token === null) return undefined;
  return signIn(token).catch((problem) => {
    if (problem.status === 401) sessionStorage.removeItem(KEY);
    throw problem;
  });
}
