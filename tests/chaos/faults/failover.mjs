// The primary dies, its synchronous standby is promoted; the service finds it by APP_ENV_DATABASE_URL alone.
import { kill } from "../../http/lib/faults.mjs";
import { stack } from "../../http/lib/stack.mjs";
import { Standby } from "../lib/standby.mjs";

let standby;

async function replicated() {
  standby = await Standby.of(stack);
  try {
    const here = await stack.beside("failover", { APP_ENV_NODE_ID: "84", APP_ENV_DATABASE_URL: standby.urlOf("outreach_app"), APP_ENV_DATABASE_OWNER_URL: standby.urlOf("outreach_owner") });
    const remove = () => here.remove().finally(() => standby.stop());
    return { stack: here, stored: standby.ask, remove };
  } catch (error) {
    await standby.stop();
    throw error;
  }
}

export default [
  {
    name: "PostgreSQL fails over to its standby",
    on: replicated,
    restartedBy: "pg_promote()",
    allowed: [201, 503],
    async begin(_, load) {
      await kill("postgres")();
      await load.more(40, "refused");
    },
    end: () => standby.promote(),
  },
];
