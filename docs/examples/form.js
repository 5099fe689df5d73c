// Forms in front of Outreach: sent once however often they are tried, with every reason shown where it belongs.

const ATTEMPTS = 4;
const TIMEOUT_MS = 15_000;
const LISTS = new Set(["topics"]); // sent as lists

const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

function make(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}

// ---- What is sent ----------------------------------------------------------------------------------------------

// What the visitor gave; empty fields are left out.
function contentOf(form) {
  const content = {};
  for (const [name, value] of new FormData(form)) {
    if (value === "" || name === "formStamp" || name === "altcha") continue;
    if (LISTS.has(name)) (content[name] ??= []).push(value);
    else content[name] = value;
  }
  return content;
}

// Where from, which only inquiries tell.
const placeOf = (form) =>
  form.elements.message
    ? { pageUrl: location.href.slice(0, 2048), ...(document.referrer && { referrer: document.referrer.slice(0, 2048) }) }
    : {};

const localeOf = () => (navigator.language.length <= 16 ? { locale: navigator.language } : {});

// The solution of a challenge; nothing when there is no widget, or it cannot: the service decides what that means.
async function proofOf(form) {
  const widget = form.querySelector("altcha-widget");
  const given = () => new FormData(form).get("altcha") || undefined;
  if (!widget?.verify) return undefined;
  if (widget.getState() === "verifying") {
    await new Promise((done) => {
      const look = () => widget.getState() !== "verifying" && done();
      widget.addEventListener("statechange", look);
      look();
      setTimeout(done, TIMEOUT_MS);
    });
  }
  if (widget.getState() === "verified" && given()) return given();
  return (await widget.verify().catch(() => null))?.payload ?? undefined;
}

// ---- Sending ---------------------------------------------------------------------------------------------------

// The server's time, or ours, doubling.
const pause = (answer, attempt) => {
  const told = Number(answer?.headers.get("Retry-After"));
  return sleep(told > 0 ? Math.min(told, 30) * 1000 : 500 * 2 ** attempt);
};

// With the same key and the same bytes an attempt is never done twice, so it may be made again whenever the outcome is
// unknown: the answer was lost, the service was away, or the attempt before is still at work.  Without a key the service
// knows the same inquiry again for some minutes, and a subscription is one however often it is asked for.
async function send(address, { key, body }, told) {
  for (let attempt = 1; ; attempt++) {
    let answer;
    try {
      answer = await fetch(address, {
        method: "POST",
        headers: { "Content-Type": "application/json", ...(key && { "Idempotency-Key": `"${key}"` }) },
        body,
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      const unsettled = answer.status >= 500 || answer.status === 429 || (answer.status === 409 && answer.headers.has("Retry-After"));
      if (!unsettled) return { answer, json: await answer.json() };
    } catch {
      answer = undefined; // no answer, or a part of one
    }
    if (attempt === ATTEMPTS) return { answer: undefined };
    told("The service does not answer. Trying again …");
    await pause(answer, attempt);
  }
}

// ---- What is shown ---------------------------------------------------------------------------------------------

const fieldOf = (form, path) => {
  const field = form.elements[path.split(".")[0]];
  return field instanceof RadioNodeList ? field[0] : field?.type === "hidden" || field?.tabIndex === -1 ? undefined : field;
};

const labelOf = (field) => field.labels?.[0]?.firstChild?.textContent.trim() || field.name;

// The service speaks of strings and characters; visitors need not.
function wordsFor({ code, message }, field) {
  if (field?.value.trim() === "") return "Please fill this in.";
  if (code === "invalid_format" && field?.type === "email") return "This is not a complete address, like ada@example.com.";
  if (code === "too_big" && field) return "This is too long.";
  return message;
}

function clear(form) {
  form.querySelector(".summary")?.remove();
  for (const note of form.querySelectorAll(".error")) note.remove();
  for (const field of form.querySelectorAll("[aria-invalid]")) {
    field.removeAttribute("aria-invalid");
    const left = (field.getAttribute("aria-describedby") ?? "").split(" ").filter((id) => id && !id.endsWith("-error"));
    if (left.length > 0) field.setAttribute("aria-describedby", left.join(" "));
    else field.removeAttribute("aria-describedby");
  }
}

function mark(field, text) {
  const note = make("span", { class: "error", id: `${field.id}-error` }, text);
  const described = field.getAttribute("aria-describedby");
  field.setAttribute("aria-invalid", "true");
  field.setAttribute("aria-describedby", described ? `${note.id} ${described}` : note.id);
  (field.closest("label") ?? field).after(note);
}

// The summary is told by screen readers as it appears, and has the focus, so that its links are next.
function summarise(form, title, reasons) {
  const list = reasons.map(({ field, text, named }) => {
    const link = field && make("a", { href: `#${field.id}` }, named ? text : `${labelOf(field)}: ${text}`);
    link?.addEventListener("click", (event) => {
      event.preventDefault();
      field.focus();
    });
    return make("li", {}, link || text);
  });
  const summary = make("div", { class: "summary", role: "alert", tabindex: "-1" }, make("h3", {}, title));
  if (list.length > 0) summary.append(make("ul", {}, ...list));
  form.prepend(summary);
  summary.focus();
}

function refuse(form, causes) {
  const reasons = causes.map((cause) => {
    const field = fieldOf(form, cause.path) ?? cause.field;
    return { field, text: cause.text ?? wordsFor(cause, field), named: "text" in cause };
  });
  const seen = new Set();
  for (const { field, text } of reasons) {
    if (!field || seen.has(field)) continue;
    seen.add(field);
    mark(field, text);
  }
  summarise(form, reasons.length === 1 ? "One thing is not right yet" : `${reasons.length} things are not right yet`, reasons);
}

function show(form, receipt) {
  const done = document.getElementById(form.dataset.done);
  for (const place of done.querySelectorAll("[data-of]")) {
    const value = receipt[place.dataset.of];
    if (place instanceof HTMLTimeElement) place.dateTime = value;
    place.textContent = place instanceof HTMLTimeElement ? new Date(value).toLocaleString() : value;
  }
  form.hidden = true;
  done.hidden = false;
  done.querySelector("h3").focus();
}

// ---- A form ----------------------------------------------------------------------------------------------------

// What must be agreed to is not sent, so only we can ask for it; then for what is empty too, to tell all at once.
function missing(form) {
  const boxes = [...form.querySelectorAll("[data-missing]")].filter((box) => !box.checked);
  const empty = boxes.length === 0 ? [] : [...form.querySelectorAll("[required]:not([data-missing])")].filter((field) => field.value.trim() === "");
  return [...empty.map((field) => ({ path: field.name })), ...boxes.map((field) => ({ path: "", field, text: field.dataset.missing }))];
}

async function stamp(form) {
  const answer = await fetch(form.dataset.stamp);
  if (answer.ok) form.elements.formStamp.value = (await answer.json()).data.stamp;
}

function attach(form) {
  const progress = form.querySelector(".progress");
  const button = form.querySelector(".actions button");
  let pending; // what was tried, until it is known what became of it
  let busy = false;
  const tell = (text) => (progress.textContent = text);

  // The content that was tried before goes out as it was then, with its key: it may have arrived.
  // There is no key on plain HTTP, but on localhost.
  async function attempt() {
    const content = { ...contentOf(form), ...localeOf(), ...placeOf(form) };
    const text = JSON.stringify(content);
    if (pending?.text === text) return pending;
    tell("Checking …");
    const formStamp = form.elements.formStamp.value || undefined;
    pending = { text, key: crypto.randomUUID?.(), body: JSON.stringify({ ...content, formStamp, altcha: await proofOf(form) }) };
    return pending;
  }

  async function submit() {
    clear(form);
    const asked = missing(form);
    if (asked.length > 0) return refuse(form, asked);
    const { answer, json } = await send(form.action, await attempt(), tell);
    if (!answer) return summarise(form, "We could not reach the service. Nothing is lost: send it again, and it will arrive once.", []);
    pending = undefined;
    if (answer.status !== 422) form.querySelector("altcha-widget")?.reset?.(); // a solution is good once
    if (answer.ok) return show(form, json.data);
    if (json.details?.cause) return refuse(form, json.details.cause);
    return summarise(form, json.detail, []);
  }

  form.noValidate = true; // one place judges: the service, all at once and in our words
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (busy) return;
    busy = true;
    button.setAttribute("aria-disabled", "true"); // not `disabled`: that would lose the focus
    tell("Sending …");
    try {
      await submit();
    } catch (error) {
      console.error(error);
      clear(form);
      summarise(form, "Something went wrong on this page, and nothing may have been sent. Please try again.", []);
    } finally {
      busy = false;
      button.removeAttribute("aria-disabled");
      tell("");
    }
  });
  const done = document.getElementById(form.dataset.done);
  done.querySelector("button")?.addEventListener("click", () => {
    done.hidden = true;
    form.hidden = false;
    form.reset();
    form.querySelector("input").focus();
  });
  stamp(form).catch(() => {}); // without it the form is sent all the same
}

for (const form of document.querySelectorAll("form[data-stamp]")) attach(form);
