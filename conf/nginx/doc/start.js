// Scalar shows openapi.json: our own, and nothing from or to another host.
"use strict";

// For zod in the bundle, hence before it: do not ask whether `new Function` works, the page's policy forbids it.
globalThis.__zod_globalConfig = { jitless: true };

// Beside the folder of this file, whatever the base path and whichever page it is.
const url = new URL("../openapi.json", document.currentScript.src).href;

addEventListener("DOMContentLoaded", () =>
  Scalar.createApiReference("#reference", {
    url,
    title: document.title,
    withDefaultFonts: false,
    telemetry: false,
    agent: { disabled: true },
    mcp: { disabled: true },
    showDeveloperTools: "never",
    hideClientButton: true, // a link that hands the document to client.scalar.com
    documentDownloadType: "direct",
    defaultOpenAllTags: true,
    orderSchemaPropertiesBy: "preserve",
  }),
);
