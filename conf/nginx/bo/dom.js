// Elements from calls. What is not an element is text, never markup: the page's policy (trusted types) forbids the rest.
const SVG = "http://www.w3.org/2000/svg";

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (typeof value === "function") element.addEventListener(name, value);
    else if (name === "data") Object.assign(element.dataset, value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== undefined && child !== null && child !== false));
  return element;
}

export const h = (tag, attributes = {}, ...children) => fill(document.createElement(tag), attributes, children);
export const svg = (tag, attributes = {}, ...children) => fill(document.createElementNS(SVG, tag), attributes, children);

const PATHS = {
  inbox: ["M22 12h-6l-2 3h-4l-2-3H2", "M5.5 5.1 2 12v6a2 2 0 0 0 2 2h16a2 2 0 0 0 2-2v-6l-3.5-6.9A2 2 0 0 0 16.7 4H7.3a2 2 0 0 0-1.8 1.1z"],
  shield: ["M12 22s8-4 8-10V5l-8-3-8 3v7c0 6 8 10 8 10z", "M12 8v4", "M12 16h.01"],
  chart: ["M3 3v18h18", "M8 17v-5", "M13 17V7", "M18 17v-8"],
  search: ["M11 19a8 8 0 1 0 0-16 8 8 0 0 0 0 16z", "m21 21-4.3-4.3"],
  close: ["M18 6 6 18", "m6 6 12 12"],
  left: ["m15 18-6-6 6-6"],
  right: ["m9 18 6-6-6-6"],
  refresh: ["M21 12a9 9 0 1 1-2.6-6.4L21 8", "M21 3v5h-5"],
  auto: ["M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18z", "M12 3v18", "M12 8l5.5-2.2", "M12 13l8.8-2.5", "M12 18l7.5-2"],
  light: ["M12 16a4 4 0 1 0 0-8 4 4 0 0 0 0 8z", "M12 2v2", "M12 20v2", "m4.9 4.9 1.4 1.4", "m17.7 17.7 1.4 1.4", "M2 12h2", "M20 12h2", "m6.3 17.7-1.4 1.4", "m19.1 4.9-1.4 1.4"],
  dark: ["M12 3a6 6 0 0 0 9 9 9 9 0 1 1-9-9z"],
  leave: ["M9 21H5a2 2 0 0 1-2-2V5a2 2 0 0 1 2-2h4", "m16 17 5-5-5-5", "M21 12H9"],
  keys: ["M4 5h16a2 2 0 0 1 2 2v10a2 2 0 0 1-2 2H4a2 2 0 0 1-2-2V7a2 2 0 0 1 2-2z", "M6 9h.01", "M10 9h.01", "M14 9h.01", "M18 9h.01", "M7 15h10"],
  check: ["M20 6 9 17l-5-5"],
  undo: ["M9 14 4 9l5-5", "M4 9h10.5a5.5 5.5 0 0 1 0 11H11"],
  trash: ["M3 6h18", "M19 6l-1 14a2 2 0 0 1-2 2H8a2 2 0 0 1-2-2L5 6", "M8 6V4a2 2 0 0 1 2-2h4a2 2 0 0 1 2 2v2"],
  person: ["M19 21v-2a4 4 0 0 0-4-4H9a4 4 0 0 0-4 4v2", "M12 11a4 4 0 1 0 0-8 4 4 0 0 0 0 8z"],
  warning: ["M12 9v4", "M12 17h.01", "M10.3 3.9 1.8 18a2 2 0 0 0 1.7 3h17a2 2 0 0 0 1.7-3L13.7 3.9a2 2 0 0 0-3.4 0z"],
};

// An icon says nothing to who listens: the button's text or label does.
export const icon = (name) =>
  svg("svg", { class: "icon", viewBox: "0 0 24 24", "aria-hidden": "true" }, PATHS[name].map((d) => svg("path", { d })));

export const button = (text, attributes = {}, ...before) => h("button", { type: "button", class: "button", ...attributes }, before, h("span", {}, text));
export const iconButton = (name, label, attributes = {}) => h("button", { type: "button", class: "icon-button", "aria-label": label, title: label, ...attributes }, icon(name));

// Told to who listens, where nothing that is seen says it.
export function say(text) {
  document.getElementById("said").textContent = text;
}

const UNITS = [["year", 31_536_000], ["month", 2_592_000], ["day", 86_400], ["hour", 3600], ["minute", 60]];
const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto", style: "short" });
const DAY = { month: "short", day: "numeric", hour: "numeric", minute: "2-digit" };
const ofThisYear = new Intl.DateTimeFormat("en", DAY);
const ofAnyYear = new Intl.DateTimeFormat("en", { year: "numeric", ...DAY });

export function ago(iso, now = Date.now()) {
  const seconds = (Date.parse(iso) - now) / 1000;
  const [unit, size] = UNITS.find(([, least]) => Math.abs(seconds) >= least) ?? [];
  return unit ? relative.format(Math.trunc(seconds / size), unit) : "just now";
}
export function dateTime(iso) {
  const at = new Date(iso);
  return (at.getFullYear() === new Date().getFullYear() ? ofThisYear : ofAnyYear).format(at);
}
export const time = (iso, attributes = {}) => h("time", { datetime: iso, title: dateTime(iso), ...attributes }, ago(iso));

export function duration(seconds) {
  if (seconds === null) return "–";
  const [unit, size] = [["d", 86_400], ["h", 3600], ["min", 60]].find(([, least]) => seconds >= least) ?? ["s", 1];
  const count = seconds / size;
  return `${count < 10 && unit !== "s" ? Math.round(count * 10) / 10 : Math.round(count)} ${unit}`;
}

export const nameOf = ({ firstName, lastName }) => [firstName, lastName].filter(Boolean).join(" ");

// Initials on a colour that the name gives.
export function avatar(name) {
  const letters = name.split(/\s+/).map((word) => [...word].find((letter) => /[\p{L}\p{N}]/u.test(letter))).filter(Boolean);
  const shown = letters.length > 1 ? letters[0] + letters.at(-1) : letters[0] ?? "?";
  const element = h("span", { class: "avatar", "aria-hidden": "true" }, shown.toUpperCase());
  element.style.setProperty("--hue", String([...name].reduce((sum, letter) => (sum * 31 + letter.codePointAt(0)) % 360, 7)));
  return element;
}
