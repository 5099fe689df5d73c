// Bars in SVG, each chart with a title, a sentence that says it, and the same numbers as a table.
import { h, svg } from "./dom.js";

const NUMBER = new Intl.NumberFormat("en");
let charts = 0;

function tableOf(title, [first, second], rows) {
  return h("details", { class: "numbers" }, h("summary", {}, "Show as a table"),
    h("table", {}, h("caption", { class: "unseen" }, title),
      h("thead", {}, h("tr", {}, h("th", { scope: "col" }, first), h("th", { scope: "col" }, second))),
      h("tbody", {}, rows.map(({ name, count }) => h("tr", {}, h("th", { scope: "row" }, name), h("td", {}, NUMBER.format(count)))))));
}

function figure(title, description, heads, rows, drawing) {
  const id = `chart-${++charts}`;
  drawing.setAttribute("role", "img");
  drawing.setAttribute("aria-labelledby", `${id}-title ${id}-desc`);
  drawing.prepend(svg("title", { id: `${id}-title` }, title), svg("desc", { id: `${id}-desc` }, description));
  return h("figure", { class: "card chart", data: { chart: heads[0].toLowerCase() } }, h("figcaption", {}, h("h2", {}, title)), drawing, tableOf(title, heads, rows));
}

// A round number not below `count`, for the top line.
function ceiling(count) {
  const power = 10 ** Math.floor(Math.log10(Math.max(count, 1)));
  return Math.max(4, [1, 2, 4, 5, 10].map((factor) => factor * power).find((top) => top >= count));
}

const day = (date) => new Intl.DateTimeFormat("en", { day: "numeric", month: "short", timeZone: "UTC" }).format(new Date(`${date}T00:00:00Z`));

// `days`: [{ date, count }].
export function dayChart(title, days) {
  const isNarrow = matchMedia("(max-width: 700px)").matches;
  const [width, height, left, bottom] = [isNarrow ? 360 : 960, isNarrow ? 160 : 190, 36, 24];
  const top = ceiling(Math.max(...days.map(({ count }) => count)));
  const step = (width - left) / days.length;
  const y = (count) => 8 + (height - bottom - 8) * (1 - count / top);
  const lines = [0, top / 2, top].map((count) => [
    svg("line", { class: "grid", x1: left, x2: width, y1: y(count), y2: y(count) }),
    svg("text", { class: "tick", x: left - 8, y: y(count) + 4, "text-anchor": "end" }, NUMBER.format(count)),
  ]);
  const every = Math.ceil(days.length / (isNarrow ? 4 : 8));
  const bars = days.map(({ date, count }, i) => {
    const wide = Math.max(1, Math.min(step * 0.72, 28));
    const x = left + step * i + (step - wide) / 2;
    return [
      svg("g", { class: "bar-group" },
        svg("title", {}, `${day(date)}: ${NUMBER.format(count)}`),
        svg("rect", { class: "reach", x: left + step * i, y: 0, width: step, height: height - bottom }),
        count > 0 && svg("rect", { class: "day", x, y: y(count), width: wide, height: y(0) - y(count), rx: Math.min(3, wide / 2) })),
      i % every === 0 && svg("text", { class: "tick", x: left + step * (i + 0.5), y: height - 6, "text-anchor": "middle" }, day(date)),
    ];
  });
  const sum = days.reduce((all, { count }) => all + count, 0);
  const most = days.reduce((best, one) => (one.count > best.count ? one : best), days[0]);
  const description = sum === 0 ? "None." : `${NUMBER.format(sum)} in ${days.length} days; the most were ${NUMBER.format(most.count)} on ${day(most.date)}.`;
  const drawing = svg("svg", { viewBox: `0 0 ${width} ${height}`, class: "days" }, lines, bars);
  return figure(title, description, ["Day", "Inquiries"], days.map(({ date, count }) => ({ name: date, count })), drawing);
}

// `parts`: [{ key, name, count }].
export function barChart(title, head, parts) {
  const [width, line, label, number] = [440, 30, 100, 44];
  const most = Math.max(1, ...parts.map(({ count }) => count));
  const room = width - label - number;
  const bars = parts.map(({ key, name, count }, i) => {
    const middle = i * line + line / 2;
    return [
      svg("text", { class: "label", x: 0, y: middle + 4 }, name),
      svg("rect", { class: "track", x: label, y: middle - 5, width: room, height: 10, rx: 5 }),
      count > 0 && svg("rect", { class: "part", "data-key": key, x: label, y: middle - 5, width: Math.max(10, (room * count) / most), height: 10, rx: 5 }),
      svg("text", { class: "number", x: width, y: middle + 4, "text-anchor": "end" }, NUMBER.format(count)),
    ];
  });
  const drawing = svg("svg", { viewBox: `0 0 ${width} ${parts.length * line}`, class: "parts" }, bars);
  return figure(title, parts.map(({ name, count }) => `${name}: ${NUMBER.format(count)}`).join(", "), [head, "Inquiries"], parts, drawing);
}
