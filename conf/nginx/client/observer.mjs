// Observes new inquiries: each one that is submitted is shown exactly once, whatever happens to sockets in between.
// For browsers and Node 18 or later, without dependencies; Node before 22 has no WebSocket, so one is passed.
//
//   const observer = observe({ baseUrl, token: async ({ renew }) => "...", onInquiry: (inquiry, { live }) => { ... } });
//   observer.stop();
//
// A room keeps nothing: what was announced while no socket was open is lost to it, but it is in the database. So
// the socket brings the news at once, and REST makes it whole: after each connect, shortly after that, and every
// minute, everything is asked for that is newer than what REST last confirmed. Ids tell what was shown already.
// An inquiry that is taken out of quarantine is announced then, and is as old as its submit: a frame shows it, but when
// no socket was open REST brings only those younger than a minute or so before what it last confirmed.

export const SUBMITTED = "observation/outreach/inquiry/submitted";
const INQUIRIES = "outreach/inquiries";
const FIELDS = ["id", "type", "firstName", "lastName", "email", "businessName", "subject", "createdAt"]; // a frame's

const OVERLAP_MS = 60_000; // asked for again: a commit may become visible after one that is newer, clocks may differ
const LIMIT_MS = 10_000; // of a handshake, of an answer
const SETTLE_MS = 1500; // nchan answers 101 a moment before its Redis has the subscription: then look once more
const DEAF_MS = 5000; // what a live socket did not bring in this time, it will not bring
const STEADY_MS = 10_000; // a socket that was live this long was no failure
const [WAIT_MS, LIVED_MS, WAIT_MAX_MS] = [500, 2000, 30_000];
const PAGE_ROWS = 1000;
const IDS_KEPT = 10_000;

// An answer of the server that is no success; `problem` is its body (RFC 9457).
class Refusal extends Error {
  constructor({ status, headers, body }) {
    super(body?.message ?? `HTTP ${status}`);
    Object.assign(this, { status, problem: body, retryAfterMs: Number(headers.get("retry-after")) * 1000 || 0 });
  }
  // Asking again soon would change nothing: somebody must act.
  get isFinal() {
    return this.status >= 400 && this.status < 500 && ![401, 408, 429].includes(this.status);
  }
}

// How long to wait after `failures` in a row. All of it is random, for a restart of nginx ends every socket at once,
// and ten thousand clients must not come back in one millisecond; also when the first try would be at once (`lived`).
export function backOff({ failures, lived = false, why }, random = Math.random) {
  if (why?.isFinal) return WAIT_MAX_MS * (0.5 + random() / 2);
  const most = Math.min(WAIT_MAX_MS, WAIT_MS * 2 ** Math.max(0, failures - 1));
  return (why?.retryAfterMs ?? 0) + random() * (lived ? Math.max(most, LIVED_MS) : most);
}

// Work that ends with `life`, or after `ms`. Every timer is made here, so none is ever left behind.
async function limited(ms, life, work) {
  life.throwIfAborted();
  const limit = new AbortController();
  const end = () => limit.abort(life.reason);
  const timer = setTimeout(() => limit.abort(new Error(`no answer in ${ms} ms`)), ms);
  life.addEventListener("abort", end);
  try {
    return await work(limit.signal);
  } finally {
    clearTimeout(timer);
    life.removeEventListener("abort", end);
  }
}
const pause = (ms, life) => limited(ms, life, (end) => new Promise((done) => end.addEventListener("abort", done)));

// The order of inquiries. Ids are numbers of more digits than a double holds.
const compareIds = (a, b) => a.length - b.length || (a < b ? -1 : Number(a > b));
const compare = (a, b) => (a.createdAt === b.createdAt ? compareIds(a.id, b.id) : a.createdAt < b.createdAt ? -1 : 1);

// Which inquiries were shown. Memory is bounded: of those that will not be asked for again the latest are kept, for a
// Redis that hung may bring a frame long after. A row that is older than one forgotten counts as shown. A frame does
// not, for what was in quarantine comes late: only one that comes after IDS_KEPT others were shown is shown again.
export class Shown {
  #ids = new Map(); // id -> createdAt, in the order in which they came
  #forgotten = "";

  add({ id, createdAt }, live = false) {
    if (this.#ids.has(id) || (!live && createdAt <= this.#forgotten)) return false;
    this.#ids.set(id, createdAt);
    return true;
  }

  forget(before, kept = IDS_KEPT) {
    for (const [id, createdAt] of this.#ids) {
      if (this.#ids.size <= kept || createdAt >= before) return;
      this.#ids.delete(id);
      if (createdAt > this.#forgotten) this.#forgotten = createdAt;
    }
  }
}

class Observer {
  #options;
  #base;
  #complete; // whether the room of all inquiries is among ours; only that can be made whole over REST
  #shown = new Shown();
  #start; // the inquiry after which we begin, until the first catch-up
  #floor; // nothing older is asked for
  #mark; // REST confirmed everything until here. Frames do not move it: one before them may have been lost
  #token;
  #renewed; // in this attempt, or by this check
  #buffer; // of a socket that is not live yet
  #heard; // createdAt of the newest that this socket brought
  #liveAt;
  #life = new AbortController(); // of one attempt with its socket, or of one wait
  #stopped = false;

  constructor(options) {
    const { baseUrl, since } = options;
    this.#options = { rooms: [INQUIRIES], checkEvery: 60_000, random: Math.random, WebSocket: globalThis.WebSocket, fetch: globalThis.fetch, ...options };
    this.#base = new URL(baseUrl, globalThis.location?.href).href.replace(/\/+$/, "");
    this.#complete = this.#options.rooms.includes(INQUIRIES);
    if (typeof this.#options.WebSocket !== "function") throw new TypeError("there is no WebSocket here: pass one");
    if (since !== undefined) this.#beginAfter({ id: since.id ?? "", createdAt: new Date(since.createdAt ?? since).toISOString() });
  }

  stop() {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#life.abort(new Error("stopped"));
    this.#tell("onState", "stopped", {});
  }

  async run() {
    for (let failures = 0; !this.#stopped; ) {
      this.#life = new AbortController();
      this.#liveAt = undefined;
      const why = await this.#attempt().catch((error) => error ?? new Error("no reason"));
      this.#life.abort(why); // its socket, if there is one
      if (this.#stopped) return;
      const lived = this.#liveAt !== undefined;
      failures = lived && Date.now() - this.#liveAt >= STEADY_MS ? 0 : failures + 1;
      const delay = backOff({ failures, lived, why }, this.#options.random);
      this.#life = new AbortController();
      this.#tell("onState", why.isFinal || why.status === 401 ? "refused" : "waiting", { delay, error: why, problem: why.problem });
      await pause(delay, this.#life.signal).catch(() => {}); // stopped
    }
  }

  // Never ends well: it throws why it is over.
  async #attempt() {
    this.#tell("onState", "connecting", {});
    this.#renewed = false;
    this.#token = await this.#options.token({ renew: false });
    if (this.#complete && this.#mark === undefined) await this.#begin();
    for (let tried; tried !== this.#token; ) {
      tried = this.#token;
      if (await this.#open()) return this.#observe();
      // A browser does not tell why. REST does, it shows meanwhile what no socket brings, and it may renew the
      // token; the same rooms as an event stream get the very answer that the handshake got.
      await this.#catchUp();
      await this.#ask(`/ws?${this.#rooms()}`, "text/event-stream");
    }
    throw new Error("the socket was refused");
  }

  // Whether there is a socket; it ends with this life, and this life with it.
  #open() {
    const life = this.#life;
    this.#buffer = [];
    this.#heard = "";
    // No header can be set on a browser's WebSocket, so the token is in the query, which no log of ours shows.
    const query = `${this.#rooms()}&access_token=${encodeURIComponent(this.#token)}`;
    return limited(LIMIT_MS, life.signal, (limit) => new Promise((done) => {
      const socket = new this.#options.WebSocket(`${this.#base.replace(/^http/, "ws")}/ws?${query}`);
      const end = () => {
        socket.close();
        socket.terminate?.(); // of Node's "ws", which else waits for the other side
      };
      let opened = false;
      limit.addEventListener("abort", () => done(end()));
      life.signal.addEventListener("abort", end, { once: true });
      socket.addEventListener("open", () => done((opened = true)));
      socket.addEventListener("message", ({ data }) => life.signal.aborted || this.#hear(data));
      socket.addEventListener("error", () => {}); // the close that follows says as much
      socket.addEventListener("close", ({ code }) => (opened ? life.abort(new Error(`closed with ${code}`)) : done(false)));
    }));
  }

  async #observe() {
    const { signal } = this.#life;
    this.#tell("onState", "catching-up", {});
    await this.#catchUp();
    signal.throwIfAborted();
    this.#buffer = undefined;
    this.#liveAt = Date.now();
    this.#tell("onState", "live", {});
    for (let wait = SETTLE_MS; ; wait = this.#options.checkEvery) {
      await pause(wait * (0.75 + this.#options.random() / 2), signal);
      signal.throwIfAborted();
      if (await this.#isDeaf()) throw new Error("the socket brings nothing");
    }
  }

  // Does the socket keep news from us? Then its Redis is gone, or its other end; a single frame may just be lost.
  async #isDeaf() {
    this.#renewed = false;
    try {
      return (await this.#catchUp()).some(({ inquiry, ageMs }) => ageMs > DEAF_MS && inquiry.createdAt > this.#heard);
    } catch (error) {
      if ([401, 403].includes(error.status)) throw error;
      return false; // REST is away, which says nothing of the socket
    }
  }

  #hear(text) {
    let frame = {};
    try {
      frame = JSON.parse(text);
    } catch {
      // somebody else's
    }
    const { event, data } = frame ?? {};
    if (event !== SUBMITTED || typeof data?.id !== "string" || typeof data.createdAt !== "string") return this.#tell("onFrame", text);
    if (data.createdAt > this.#heard) this.#heard = data.createdAt;
    if (this.#buffer) return this.#buffer.push({ inquiry: data, live: true });
    return this.#show([{ inquiry: data, live: true }]);
  }

  // Those that were not shown before, in order; returns them.
  #show(list) {
    const sorted = list.sort((a, b) => compare(a.inquiry, b.inquiry));
    return sorted.filter(({ inquiry, live }) => {
      if (this.#stopped || !this.#shown.add(inquiry, live)) return false;
      this.#tell("onInquiry", inquiry, { live });
      return true;
    });
  }

  #beginAfter(inquiry, now) {
    this.#start = inquiry;
    this.#mark = Math.min(Date.parse(inquiry.createdAt), now || Infinity);
    this.#floor = this.#mark - OVERLAP_MS;
  }

  async #begin() {
    const { rows: [newest], now } = await this.#inquiries({}, "DESC", 1);
    this.#beginAfter(newest ?? { id: "", createdAt: new Date(0).toISOString() }, now);
  }

  // Show what is new, with what the socket brought meanwhile; returns what only REST knew.
  async #catchUp() {
    if (!this.#complete) return [];
    const from = Math.max(this.#floor, this.#mark - OVERLAP_MS);
    const { rows, now } = await this.#inquiries({ createdAt: { gte: new Date(from).toISOString() } }, "ASC", PAGE_ROWS);
    if (this.#start) for (const row of rows) if (compare(row, this.#start) <= 0) this.#shown.add(row); // before our time
    this.#start = undefined;
    // Frames first, so that they win against the row: a list may mask what a frame shows.
    const buffered = this.#buffer?.splice(0) ?? [];
    const found = this.#show([...buffered, ...rows.map((inquiry) => ({ inquiry, live: false, ageMs: (now || Date.now()) - Date.parse(inquiry.createdAt) }))]);
    // A row from the future, of a clock that was wrong for a while, must not hide what comes until then.
    this.#mark = Math.min(Math.max(this.#mark, ...rows.slice(-1).map(({ createdAt }) => Date.parse(createdAt))), now + OVERLAP_MS / 2 || Infinity);
    this.#shown.forget(new Date(Math.max(this.#floor, this.#mark - OVERLAP_MS)).toISOString());
    return found.filter(({ live }) => !live);
  }

  // Of visitors (neither what staff makes nor what is in quarantine is announced), and the server's time: NaN where CORS hides it.
  async #inquiries(where, way, limit) {
    const filter = JSON.stringify({ where: { createdBy: null, quarantinedAt: null, ...where }, order: [`createdAt ${way}`, `id ${way}`], limit, fields: FIELDS });
    const rows = [];
    for (let cursor = ""; ; ) {
      const { headers, body } = await this.#ask(`/inquiries?filter=${encodeURIComponent(filter)}${cursor}`, "application/json");
      for (const row of body.data) rows.push(Object.fromEntries(FIELDS.map((name) => [name, row[name]])));
      // Of the link to the next page only the cursor: a gateway may have changed the path.
      cursor = /<[^>]*([?&]cursor=[\w-]+)[^>]*>; *rel="next"/.exec(headers.get("link"))?.[1].replace("?", "&");
      if (!cursor || limit === 1) return { rows, now: Date.parse(headers.get("date")) };
    }
  }

  // A success, or a Refusal. A token that was refused is renewed, once.
  async #ask(path, accept) {
    let answer = await this.#get(path, accept);
    if (answer.status === 401 && !this.#renewed) {
      this.#renewed = true;
      this.#token = await this.#options.token({ renew: true });
      answer = await this.#get(path, accept);
    }
    if (answer.status !== 200) throw new Refusal(answer);
    return answer;
  }

  #get(path, accept) {
    const headers = { Accept: accept, Authorization: `Bearer ${this.#token}`, Prefer: "count=none" };
    return limited(LIMIT_MS, this.#life.signal, async (signal) => {
      const { fetch } = this.#options; // called without `this`, as browsers want it
      const answer = await fetch(this.#base + path, { headers, signal, cache: "no-store" });
      const isJson = /[/+]json/.test(answer.headers.get("content-type"));
      return { status: answer.status, headers: answer.headers, body: isJson ? await answer.json() : await answer.body?.cancel() };
    });
  }

  #rooms() {
    return `rooms=${this.#options.rooms.map(encodeURIComponent).join(",")}`;
  }

  // Nothing that a callback throws, now or later, is our end.
  #tell(name, ...args) {
    new Promise((done) => done(this.#options[name]?.(...args))).catch((error) => console.error(`${name} failed:`, error));
  }
}

// Options: baseUrl   of the service, e.g. https://example.com/v1/api/outreach
//          token     async ({ renew }) => access token; `renew`: the one given was refused
//          rooms     default ["outreach/inquiries"]; without that one there is no catching up
//          onInquiry (inquiry, { live }) => ...; `live`: a socket brought it, else REST did
//          onFrame   (text) => ...; any other frame, e.g. of `broadcast`
//          onState   (state, { delay, error, problem }) => ...; connecting, catching-up, live, waiting, refused, stopped
//          since     show what is newer than this inquiry ({ id, createdAt }), or not older than this time; else only
//                    what comes from now on
//          checkEvery, WebSocket, fetch, random
// `stop` is final: no callback, timer or socket after it.
export function observe(options) {
  const observer = new Observer(options);
  observer.run();
  return { stop: () => observer.stop() };
}
