// Calls of the service, and what it refuses.
const LIMIT_MS = 15_000;

const TITLES = {
  0: "The server cannot be reached",
  401: "Your session has ended",
  403: "You are not permitted to do this",
  404: "Not found",
  409: "This is not possible at present",
  412: "Somebody else changed this meanwhile",
  422: "Some of it is not valid",
  429: "Too many requests",
  502: "The answer was lost",
  503: "The service is busy or away",
  504: "The answer was lost",
};

// A refusal: `title` and `reasons` for people, `requestId` for who reads the log.
export class Problem extends Error {
  constructor(status, body = {}, retryAfter = null) {
    super(body.message ?? TITLES[status] ?? `Status ${status}`);
    this.status = status;
    this.title = TITLES[status] ?? body.title ?? "Something went wrong";
    const causes = (body.details?.cause ?? []).map(({ path, message }) => (path ? `${path}: ${message}` : message));
    this.reasons = causes.length > 0 ? causes : [body.message ?? body.detail].filter((text) => text && text !== this.title);
    this.allowed = body.allowed;
    this.requestId = body.requestId;
    if (retryAfter) this.reasons.push(`Try again in ${retryAfter} s.`);
  }
}

async function problemOf(answer) {
  const body = await answer.json().catch(() => ({}));
  return new Problem(answer.status, body, answer.headers.get("retry-after"));
}

const cursorOf = (link) => /[?&]cursor=([\w-]+)[^>]*>; *rel="next"/.exec(link ?? "")?.[1];
const totalOf = (range) => (/\/\d+$/.test(range ?? "") ? Number(range.split("/")[1]) : undefined);

export class Api {
  constructor(baseUrl, token) {
    this.baseUrl = baseUrl;
    this.token = token;
    this.onEnd = () => {}; // the token is good no more
  }

  // Answer: { data, etag, total, next }; else it throws a Problem, or an AbortError when `signal` said so.
  async call(method, path, { query = {}, body, ifMatch, signal, count } = {}) {
    const members = Object.entries(query).filter(([, value]) => value !== undefined);
    const search = members.map(([name, value]) => `${name}=${encodeURIComponent(typeof value === "object" ? JSON.stringify(value) : value)}`).join("&");
    const headers = { Accept: "application/json", Authorization: `Bearer ${this.token}` };
    if (body !== undefined) headers["Content-Type"] = "application/json";
    if (ifMatch) headers["If-Match"] = ifMatch;
    if (count) headers.Prefer = `count=${count}`;
    const limit = AbortSignal.timeout(LIMIT_MS);
    const options = { method, headers, cache: "no-store", body: body && JSON.stringify(body), signal: signal ? AbortSignal.any([signal, limit]) : limit };
    let answer, whole;
    try {
      answer = await fetch(`${this.baseUrl}${path}${search && `?${search}`}`, options);
      if (answer.ok) whole = await answer.json();
    } catch (error) {
      if (signal?.aborted) throw error;
      throw new Problem(0);
    }
    if (!answer.ok) {
      const problem = await problemOf(answer);
      if (problem.status === 401) this.onEnd(problem);
      throw problem;
    }
    return { data: whole.data, count: whole.count, etag: answer.headers.get("etag"), total: totalOf(answer.headers.get("content-range")), next: cursorOf(answer.headers.get("link")) };
  }

  get(path, query, more) {
    return this.call("GET", path, { query, ...more });
  }
}
