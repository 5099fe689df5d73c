// The API reference in a real browser, under the policy it is served with: only files of this host, all of the document.
import assert from "node:assert/strict";
import { renameSync } from "node:fs";
import { test } from "node:test";

import { assertProblem, call } from "./lib/api.mjs";
import { assertAtHome, POLICY, visit } from "./lib/browser.mjs";
import { stack } from "./lib/stack.mjs";

const PAGES = ["/doc", "/doc/explorer"];
const ASSETS = ["/doc/assets/start.js", "/doc/assets/scalar.js"];
const METHODS = ["get", "put", "post", "delete", "patch", "head", "options"];

// "POST/inquiries/submit" and so on: how the page's addresses name the operations.
async function operations() {
  const { status, text, body } = await call("GET", "/doc/openapi.json");
  assert.equal(status, 200, text);
  return Object.entries(body.paths).flatMap(([path, item]) => METHODS.filter((name) => item[name]).map((name) => name.toUpperCase() + path));
}

const section = (page, operation) => page.locator(`section[id$="/${operation}"]`); // a placeholder until it is rendered is no <section>

function assertCleanAtHome(seen) {
  assert.deepEqual(seen.complaints, []);
  assertAtHome(seen);
}

// The second page is the first one, a folder deeper.
for (const [path, some] of [["/doc", (all) => all], ["/doc/explorer", (all) => [all[0], all.at(-1)]]]) {
  test(`every_operation_is_shown_and_no_other_host_is_asked: ${path}`, async (t) => {
    const { page, seen } = await visit(t, path);
    const all = await operations();
    assert.ok(all.includes("POST/inquiries/submit"), all.join());
    for (const operation of some(all)) {
      await page.locator(`aside a[href$="/${operation}"]`).click({ force: true }); // not when the page stands still: it scrolls
      await section(page, operation).waitFor();
    }
    assert.equal(await page.title(), "BANA API");
    assert.equal(await page.getByText(/Ask AI|MCP|Developer Tools|Open API Client/i).count(), 0);
    const links = await page.locator("a[href]").evaluateAll((list) => list.map(({ href }) => href));
    assert.deepEqual(links.filter((href) => /scalar/.test(new URL(href).host)), ["https://www.scalar.com/"]); // "Powered by"
    assertCleanAtHome(seen);
  });
}

for (const colorScheme of ["light", "dark"]) {
  test(`the_page_takes_the_colours_of_the_system: ${colorScheme}`, async (t) => {
    const { page, seen } = await visit(t, "/doc", { colorScheme });
    await section(page, "POST/inquiries/submit").waitFor();
    await page.locator(`body.${colorScheme}-mode`).waitFor();
    await page.screenshot({ path: `${stack.dir}/log/doc-${colorScheme}.png` });
    assertCleanAtHome(seen);
  });
}

test("a_slash_behind_a_page_leads_to_the_page", async () => {
  const { pathname } = new URL(stack.env.BASE_URL);
  for (const page of ["doc", "bo", "try"]) {
    const answer = await call("GET", `/${page}/`);
    assert.deepEqual([answer.status, answer.headers.get("location")], [308, `${pathname}/${page}`]);
  }
});

test("a_call_can_be_tried_from_the_page", async (t) => {
  const { page, seen } = await visit(t, "/doc");
  await section(page, "POST/inquiries/submit").getByRole("button", { name: "Test Request" }).click();
  const [answer] = await Promise.all([
    page.waitForResponse(`${stack.env.BASE_URL}/inquiries/submit`),
    page.getByRole("button", { name: /^Send/ }).first().click(),
  ]);
  assert.equal(answer.status(), 201, `${answer.request().postData()} -> ${await answer.text()}`);
  await page.getByText("201 Created").waitFor();
  assertCleanAtHome(seen);
});

test("a_page_is_asked_for_again_and_names_the_version_of_its_assets", async () => {
  for (const path of PAGES) {
    const { status, headers, text } = await call("GET", path);
    assert.equal(status, 200, text);
    assert.equal(headers.get("content-type"), "text/html; charset=utf-8");
    assert.equal(headers.get("cache-control"), "no-cache");
    assert.equal(headers.get("content-security-policy"), POLICY);
    assert.equal(headers.get("x-content-type-options"), "nosniff");
    assert.equal(headers.get("referrer-policy"), "no-referrer");
    const scripts = [...text.matchAll(/ src="([^"]+)"/g)].map(([, src]) => new URL(src, stack.env.BASE_URL + path));
    assert.deepEqual(scripts.map(({ origin, pathname }) => origin + pathname), ASSETS.map((asset) => stack.env.BASE_URL + asset));
    for (const { search } of scripts) assert.match(search, /^\?v=[0-9a-f]{12}$/);
    assert.doesNotMatch(text, /<style|<script>|style=|\son[a-z]+=/);
    const again = await call("GET", path, { headers: { "If-None-Match": headers.get("etag"), "If-Modified-Since": headers.get("last-modified") } });
    assert.deepEqual([again.status, again.headers.get("content-security-policy")], [304, POLICY]);
  }
});

test("an_asset_is_kept_for_a_year_when_its_version_is_named", async () => {
  for (const path of ASSETS) {
    for (const [query, control] of [["?v=1", "public, max-age=31536000, immutable"], ["", "no-cache"], ["?v=", "no-cache"]]) {
      const { status, headers } = await call("HEAD", path + query);
      assert.equal(status, 200);
      assert.equal(headers.get("content-type"), "text/javascript; charset=utf-8");
      assert.equal(headers.get("cache-control"), control, path + query);
      assert.equal(headers.get("x-content-type-options"), "nosniff");
    }
  }
});

test("the_bundle_travels_compressed_where_that_is_understood", async () => {
  const sizeAs = async (coding) => {
    const { headers } = await call("HEAD", "/doc/assets/scalar.js", { headers: { "Accept-Encoding": coding, Via: "1.1 gateway" } });
    assert.equal(headers.get("content-encoding"), coding === "gzip" ? coding : null);
    assert.equal(headers.get("vary"), "Accept-Encoding");
    return Number(headers.get("content-length"));
  };
  assert.ok((await sizeAs("gzip")) * 3 < (await sizeAs("identity")));
});

test("the_files_are_only_read", async () => {
  for (const path of [...PAGES, ...ASSETS]) {
    for (const verb of ["POST", "PUT", "DELETE", "OPTIONS"]) {
      const answer = await call(verb, path);
      assertProblem(answer, 405);
      assert.equal(answer.headers.get("allow"), "GET, HEAD");
    }
    const head = await call("HEAD", path);
    assert.deepEqual([head.status, head.text], [200, ""]);
  }
});

test("nothing_else_of_the_folder_is_served", async () => {
  for (const path of ["/doc/index.html", "/doc/assets", "/doc/assets/", "/doc/assets/scalar.js.gz", "/doc/assets/start.js/", "/doc/assets/..%2findex.html", "/docs", "/doc/explorer/"])
    assertProblem(await call("GET", path), 404);
});

test("without_its_files_the_page_is_not_found", async () => {
  renameSync(`${stack.dir}/doc`, `${stack.dir}/doc.away`);
  try {
    for (const path of [...PAGES, ...ASSETS]) {
      const answer = await call("GET", path);
      assertProblem(answer, 404, "URL NOT FOUND");
      assert.equal(answer.headers.get("cache-control"), "no-store");
      assert.equal(answer.headers.get("content-security-policy"), "default-src 'none'; frame-ancestors 'none'");
    }
  } finally {
    renameSync(`${stack.dir}/doc.away`, `${stack.dir}/doc`);
  }
});
