// A new version, and a new configuration of nginx, under constant load: no request fails, no socket of the rooms closes.
import assert from "node:assert/strict";
import { cpSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { after, before, test } from "node:test";

import { close } from "../http/lib/db.mjs";
import { Load, submitOnce } from "../http/lib/load.mjs";
import { mix } from "../http/lib/mix.mjs";
import { INQUIRIES, withEars } from "../http/lib/rooms.mjs";
import { stack } from "../http/lib/stack.mjs";
import { until } from "../http/lib/wait.mjs";

const PROGRAMS = ["bana-outreach", "bana-bridge", "bana-token"];
const VERSION = "0.1.0";
const folder = `${stack.dir}.bin`;
let own;

// The same programs under another version's name: other files, of the same length.
function install(version) {
  for (const name of PROGRAMS) {
    const bytes = readFileSync(`${stack.programs}/${name}`, "latin1").replaceAll(VERSION, version);
    writeFileSync(`${folder}/${name}.new`, bytes, { encoding: "latin1", mode: 0o755 });
    renameSync(`${folder}/${name}.new`, `${folder}/${name}`); // as dpkg does: those who run it keep the old one
  }
}

before(async () => {
  mkdirSync(folder, { recursive: true });
  cpSync(stack.programs, folder, { recursive: true, filter: (path) => path === stack.programs || PROGRAMS.some((name) => path.endsWith(`/${name}`)) });
  own = await stack.beside("upgrade", { APP_ENV_NODE_ID: "15" }, { workers: 4, bin: folder });
});
after(async () => {
  await close();
  await own?.remove();
  rmSync(folder, { recursive: true, force: true });
});

// 200 requests a second of all kinds, each on a connection of its own: none of them can meet one that is being closed.
const mixed = () => new Load({ clients: 10, pause: 50, of: own, keepAlive: false, ask: mix(undefined, { of: own }) });

async function assertNothingFails(change) {
  const load = mixed();
  try {
    await load.more(100, "answers");
    await change(load);
    await load.more(100, "answers");
  } finally {
    await load.stop();
  }
  const failed = load.answers.filter(({ fits }) => !fits);
  assert.deepEqual(failed.map(({ kind, status, error, told }) => `${kind} ${status} ${error ?? told}`), [], `of ${load.answers.length}`);
  await load.assertNothingLost();
}

test("two_upgrades_under_load_fail_no_request_and_close_no_socket", () =>
  withEars(async (open) => {
    const ear = await open([INQUIRIES], { of: own });
    await assertNothingFails(async () => {
      for (const version of ["0.1.1", "0.1.2"]) {
        const [workers, status] = [own.workers(), own.children("status")];
        install(version);
        await own.reload();
        assert.equal(await own.metric(`bana_build_info{service="outreach",version="${version}"}`), 1);
        assert.deepEqual(own.workers().filter((pid) => workers.includes(pid)), [], "all are new");
        assert.deepEqual(own.children("status").filter((pid) => status.includes(pid)), []);
      }
    });
    const heard = ear.frames.length;
    assert.equal(ear.closed, undefined);
    assert.equal((await submitOnce(undefined, `${own.env.BASE_URL}/inquiries/submit`)).status, 201);
    await until("it still hears", () => ear.frames.length > heard);
  }));

test("a_new_configuration_of_the_edge_fails_no_request", () =>
  assertNothingFails(async () => {
    for (const value of ["on", "off"]) {
      const old = own.children("edge");
      await own.reload({ LOG_CLIENT_ADDRESS: value });
      assert.ok(own.children("edge").some((pid) => !old.includes(pid)), "it was reloaded");
    }
  }));
