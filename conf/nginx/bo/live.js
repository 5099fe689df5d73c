// New inquiries as they come: the reference client of the rooms, the very file that is served beside the reference.
import { observe } from "../../doc/assets/observer.mjs";

const WORDS = {
  connecting: () => "Connecting …",
  "catching-up": () => "Catching up …",
  live: () => "Live",
  waiting: ({ delay }) => `Offline, next try in ${Math.max(1, Math.ceil(delay / 1000))} s`,
  refused: ({ error }) => `Not live: ${error.message}`,
  stopped: () => "Not live",
};

// `indicator` shows the state; onInquiry(inquiry, { live }); onEnd: the token is good no more.
export function listen(session, indicator, { onInquiry, onEnd }) {
  const show = (state, text) => {
    indicator.dataset.state = state;
    indicator.querySelector("span").textContent = text;
    indicator.title = text;
  };
  if (!session.can("Inquiry.observe", "Inquiry.find")) {
    show("stopped", "Not live: no permission");
    return { stop() {} };
  }
  return observe({
    baseUrl: session.api.baseUrl,
    token: async () => session.api.token,
    onInquiry,
    onState(state, detail) {
      show(state, WORDS[state](detail));
      if (detail.error?.status === 401) onEnd();
    },
  });
}
