// A toast for each new inquiry. The token is kept in memory only: not in storage, not in the page's address.
import { observe } from "./observer.mjs";

const TOASTS = 100; // the page does not grow for ever
const baseUrl = new URL("../..", import.meta.url).href; // this file is BASE/doc/assets/observe.js
const part = (id) => document.getElementById(id);

let observer;
let last; // shown: the next Connect goes on from there

function toast(inquiry, { live }) {
  if (!last || inquiry.createdAt > last.createdAt) last = inquiry;
  const { type, firstName, lastName, businessName, subject, createdAt } = inquiry;
  const item = part("toast").content.cloneNode(true);
  // What visitors wrote is text, never HTML.
  const write = (selector, text) => (item.querySelector(selector).textContent = text);
  write(".type", type.replace(/^\d+_/, "").toLowerCase());
  write("time", new Date(createdAt).toLocaleString());
  item.querySelector("time").dateTime = createdAt;
  write(".how", live ? "" : "caught up");
  write(".name", [firstName, lastName, businessName && `(${businessName})`].filter(Boolean).join(" "));
  write(".subject", subject ?? "");
  part("inquiries").prepend(item);
  while (part("inquiries").children.length > TOASTS) part("inquiries").lastElementChild.remove();
}

const WORDS = {
  connecting: () => "Connecting …",
  "catching-up": () => "Catching up …",
  live: () => "Live",
  waiting: ({ delay, error }) => `Not connected (${error.message}), next try in ${Math.ceil(delay / 1000)} s`,
  refused: ({ error }) => `Refused: ${error.message}`,
  stopped: () => "Not connected",
};

function show(state, detail) {
  part("state").dataset.state = state;
  part("state").textContent = WORDS[state](detail);
}

function disconnect() {
  observer?.stop();
  observer = undefined;
  part("on").disabled = part("token").disabled = false;
  part("off").disabled = true;
}

function connect(token) {
  part("on").disabled = part("token").disabled = true;
  part("off").disabled = false;
  const onState = (state, detail) => {
    // Nobody here can renew a token: the one who pasted it has to paste another one.
    if (detail.error?.status === 401) disconnect();
    show(state, detail);
  };
  observer = observe({ baseUrl, token: async () => token, since: last, onInquiry: toast, onState });
}

part("connect").addEventListener("submit", (event) => {
  event.preventDefault();
  const token = part("token").value.trim();
  part("token").value = "";
  if (token !== "") connect(token);
});
part("off").addEventListener("click", disconnect);
