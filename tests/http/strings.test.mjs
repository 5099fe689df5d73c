// What a visitor writes comes out of the database, and out of the API, byte for byte.
import assert from "node:assert/strict";
import { after, test } from "node:test";

import { assertAccepted, inquiry, read, submit, submitForm } from "./lib/api.mjs";
import { close, query } from "./lib/db.mjs";

after(close);

const STRINGS = {
  "SQL": "'; DROP TABLE outreach.\"Inquiry\"; --",
  "SQL dollar quotes": "$$ $1 $tag$ x $tag$ \\' E'\\''",
  "JSON": '{"a":"b\\u0000"} \\ \\\\ " \\" / \\/',
  "percent and plus": "100% a+b %00 %zz %41 &amp; a=b&c=d;",
  "format": "%s%n%x %1$s {0} ${HOME} $(id) `id` {{7*7}}",
  "HTML": "<script>alert('x')</script> &lt; ]]> <!-- -->",
  "log forging": "x\nts=1 level=error msg=\"forged\"\r\nHTTP/1.1 200 OK",
  "header forging": "a\r\nSet-Cookie: x=1\r\n\r\nbody",
  "inner white space": "a \t \n\n\r\n b\u00a0\u2003\u3000c\u2028d\u2029e",
  "controls": Array.from({ length: 31 }, (_, i) => String.fromCharCode(i + 1)).join("") + ".",
  "delete and C1": "\u007f\u0080\u0085\u009f.",
  "CSV formula": "=cmd|'/c calc'!A1",
  "paths": "../../../etc/passwd ..\\..\\ C:\\ file:///etc/passwd",
  "numbers": "0x7f 1e309 -0 NaN Infinity 007 ١٢٣ ½",
  "nothing words": "null undefined NULL nil None (null) false 0",
  "composed é": "\u00e9",
  "decomposed é": "e\u0301",
  "Vietnamese": "Nguyễn Thị Ánh Tuyết — Đặng Văn Ước",
  "Vietnamese decomposed": "Nguyễn Thị Ánh".normalize("NFD"),
  "Chinese, Japanese, Korean": "社會科學院語學研究所 パーティーへ行かないか 사회과학원",
  "supplementary Han": "𠜎𠜱𠝹𠱓",
  "Arabic": "الكل في المجمو عة (5) مُنَاقَشَةُ سُبُلِ",
  "Hebrew": "בְּרֵאשִׁית, בָּרָא אֱלֹהִים",
  "Thai": "ตัวอักษรไทยที่มีสระและวรรณยุกต์",
  "Devanagari": "क्षत्रिय ज्ञान द्ध",
  "bidirectional controls": "\u202etest\u202c \u2066a\u2069 \u200f\u200e.",
  "zero width": "a\u200bb\u200cc\u200dd\u2060e",
  "zalgo": "Ṱ̺̺̕o͞ ̷i̲̬͇̪͙n̝̗͕v̟̜̘̦͟o̶̙̰̠kè͚̮̺̪̹̱̤",
  "emoji": "😀👍🏽",
  "family": "👨‍👩‍👧‍👦 🏳️‍🌈",
  "flags": "🇻🇳🇺🇳🏴󠁧󠁢󠁥󠁮󠁧󠁿",
  "keycaps": "1️⃣ ⌛️ ❤️ ❤︎",
  "Turkish i": "İıIi ẞß ﬁ",
  "noncharacters": "\ufffe\uffff\u{1fffe}\u{10ffff}.",
  "replacement": "\ufffd.",
  "byte order mark inside": "a\ufeffb",
  "private use": "\ue000\u{f0000}",
  "UTF-8 lengths": "\u007f\u0080\u07ff\u0800\ud7ff\ue000\u{ffff}\u{10000}",
  "template": "#{7*7} <%= 7*7 %> ${{7*7}} [[x]]",
  "lookalikes": "раураl аpple ⅼoremⲟ",
  "LDAP and XPath": "*)(uid=*))(|(uid=* ' or '1'='1",
  "long word": "W".repeat(4900),
  "many quotes": "\"'`´‘’“”«»".repeat(50),
};
const id = (answer) => assertAccepted(answer).id;
const bytes = async (row) =>
  (await query(`SELECT convert_to(message, 'UTF8') AS message FROM outreach."Inquiry" WHERE id = $1`, [row]))[0].message;

for (const [name, text] of Object.entries(STRINGS)) {
  test(`text_is_kept_byte_for_byte: ${name}`, async () => {
    const message = text.trim();
    const escaped = JSON.stringify(inquiry({ message })).replace(/[\u0080-\uffff]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
    const ids = [
      id(await submit(inquiry({ message }))),
      id(await submit(escaped)),
      id(await submitForm(new URLSearchParams(inquiry({ message })))),
    ];
    for (const one of ids) assert.equal((await bytes(one)).toString("hex"), Buffer.from(message).toString("hex"));
    const answer = await read(ids[0]);
    assert.equal(answer.status, 200);
    assert.equal(answer.body.data.message, message);
  });
}
