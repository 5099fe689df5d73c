// The back office in a browser: signed in, and its parts by what they are called.
import { OWNER } from "./bo.mjs";
import { visit } from "./browser.mjs";

export const PAGE = "/bo";

// Signed in through the form, as people do it; at `view`, with its first answer shown.
export async function office(t, { token = OWNER, view = "inbox", ...options } = {}) {
  const visited = await visit(t, `${PAGE}#${view}`, { reducedMotion: "reduce", ...options });
  await signIn(visited.page, token);
  await visited.page.locator('.listing[aria-busy="false"], .statistics[aria-busy="false"]').waitFor();
  return visited;
}

export async function signIn(page, token) {
  await page.getByLabel("Access token").fill(token);
  await page.getByRole("button", { name: "Sign in" }).click();
}

export const isLive = (page) => page.locator('.live[data-state="live"]').waitFor();
export const rowOf = (page, id) => page.locator(`tbody tr[data-id="${id}"]`);
export const drawer = (page) => page.getByRole("dialog");
export const idsShown = (page) => page.locator("tbody tr[data-id]").evaluateAll((rows) => rows.map((row) => row.dataset.id));

// What `act` asks for of the list has been answered and is shown.
export async function listed(page, act) {
  const answered = page.waitForResponse((answer) => /\/inquiries\?filter=/.test(answer.url()) && answer.request().headers().prefer === undefined);
  await act();
  await answered;
  await page.locator('.listing[aria-busy="false"]').waitFor();
}
