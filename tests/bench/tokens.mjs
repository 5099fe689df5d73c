// tokens.mjs KEY COUNT: COUNT tokens of as many users, one a line, signed with the development key; all end in the same second.
import { createPrivateKey, randomBytes, sign } from "node:crypto";
import fs from "node:fs";

const [file, count] = process.argv.slice(2);
const key = { key: createPrivateKey(fs.readFileSync(file)), dsaEncoding: "ieee-p1363" };
const part = (object) => Buffer.from(JSON.stringify(object)).toString("base64url");
const iat = Math.floor(Date.now() / 1000);
const salt = randomBytes(4).toString("hex");      // users that have never been here
const lines = [];
for (let i = 0; i < count; i++) {
  const claims = { userId: `bench-${iat}-${salt}-${i}`, principalType: "User", roles: ["EMPLOYEE"], iat, exp: iat + 86400 };
  const text = `${part({ alg: "ES256", typ: "JWT", kid: "dev-1" })}.${part(claims)}`;
  lines.push(`${text}.${sign("sha256", Buffer.from(text), key).toString("base64url")}\n`);
}
process.stdout.write(lines.join(""));
