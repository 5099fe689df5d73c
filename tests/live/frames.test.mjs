// What a listener hears: exactly the contract's frame, once, and only of its rooms.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";

import { assertAccepted, inquiry, submit, submitForm } from "../http/lib/api.mjs";
import { frameOf, INQUIRIES, KINDS, publisher, withEars } from "../http/lib/rooms.mjs";
import { until } from "../http/lib/wait.mjs";

// nchan counts the age of a message in whole seconds.
const second = () => Math.floor(Date.now() / 1000);
const newSecond = (last = second()) => until("a new second", () => second() > last);

const SENT = [
  {},
  { type: "200_SALES", lastName: "Lovelace", businessName: "Engines & Söhne", subject: 'A "quoted" \\ subject\nof two lines' },
  { firstName: "Nguyễn Thị 😀", subject: "\u0001\u2028</script>", phone: "+84 1", metadata: { a: 1 }, locale: "vi" },
];

for (const [name, kind] of Object.entries(KINDS)) {
  test(`a_frame_is_byte_for_byte_the_contract's: ${name}`, () =>
    withEars(async (open) => {
      const ear = await open([INQUIRIES], {}, kind);
      for (const [i, more] of SENT.entries()) {
        const sent = inquiry(more);
        const { id, createdAt } = assertAccepted(await submit(sent));
        assert.equal((await ear.count(i + 1))[i], frameOf(id, sent, createdAt));
      }
      assert.equal((await ear.flush(INQUIRIES)).length, SENT.length);
    }));

  test(`a_listener_of_one_inquiry_hears_only_that_room: ${name}`, () =>
    withEars(async (open) => {
      const { id } = assertAccepted(await submit(inquiry()));
      const room = `${INQUIRIES}/${id}`;
      const ear = await open([room], {}, kind);
      assertAccepted(await submit(inquiry()));
      await publisher("POST", room, '{"event":"x","data":1}');
      await ear.count(1);
      assert.deepEqual(await ear.flush(room), ['{"event":"x","data":1}']);
    }));

  test(`every_listener_hears_broadcast_and_its_own_client_room: ${name}`, () =>
    withEars(async (open) => {
      const [mine, other] = [randomUUID(), randomUUID()];
      const ear = await open([INQUIRIES], { query: { clientId: mine.toUpperCase() } }, kind);
      await ear.ready(["broadcast", `client/${mine}`]);
      await publisher("POST", `client/${other}`, '{"event":"not for me"}');
      await publisher("POST", `client/${mine}`, '{"event":"for me"}');
      await publisher("POST", "broadcast", '{"event":"for all"}');
      await ear.count(2);
      assert.deepEqual([...(await ear.flush(INQUIRIES))].sort(), ['{"event":"for all"}', '{"event":"for me"}']);
    }));
}

test("a_submit_by_form_is_announced_like_one_by_json", () =>
  withEars(async (open) => {
    const ear = await open([INQUIRIES]);
    const sent = inquiry({ subject: "by form" });
    const { id, createdAt } = assertAccepted(await submitForm(new URLSearchParams(sent)));
    assert.equal((await ear.count(1))[0], frameOf(id, sent, createdAt));
  }));

test("a_refused_submit_is_not_announced", () =>
  withEars(async (open) => {
    const ear = await open([INQUIRIES]);
    for (const body of ["{", "{}", JSON.stringify(inquiry({ x: 1 }))]) assert.ok((await submit(body)).status >= 400);
    assert.deepEqual(await ear.flush(INQUIRIES), []);
  }));

test("who_comes_late_hears_nothing_old", () =>
  withEars(async (open) => {
    await newSecond();
    const first = await open([INQUIRIES]);
    assertAccepted(await submit(inquiry()));
    await first.count(1);
    for (const kind of Object.values(KINDS)) {
      const late = await open([INQUIRIES], {}, kind);
      assert.deepEqual([...late.early, ...(await late.flush(INQUIRIES))], []);
    }
  }));

// nchan 1.3.6 takes the first message that a socket of several rooms hears as the time from which it wants the others,
// and that time is a whole second. So it may repeat what was announced in that second, word for word, and no more.
test("who_comes_late_hears_at_most_that_second_again", () =>
  withEars(async (open) => {
    const first = await open([INQUIRIES]);
    assertAccepted(await submit(inquiry()));
    await first.count(1);
    for (const kind of Object.values(KINDS)) {
      await newSecond();
      assertAccepted(await submit(inquiry()));
      const late = await open([INQUIRIES], {}, (...args) => kind(...args).then((ear) => ear.ready(["broadcast"])));
      const heard = [...late.early, ...(await late.flush("broadcast"))];
      const announced = await first.flush(INQUIRIES);
      assert.ok(heard.length <= 1 && heard.every((frame) => frame === announced.at(-1)), JSON.stringify(heard));
    }
  }));

test("a_room_named_twice_is_heard_once", () =>
  withEars(async (open) => {
    const ear = await open([INQUIRIES, INQUIRIES]);
    assertAccepted(await submit(inquiry()));
    await ear.count(1);
    assert.equal((await ear.flush(INQUIRIES)).length, 1);
  }));

test("a_socket_may_have_50_rooms", () =>
  withEars(async (open) => {
    const ids = await Promise.all(Array.from({ length: 49 }, async () => assertAccepted(await submit(inquiry())).id));
    const rooms = [INQUIRIES, ...ids.map((id) => `${INQUIRIES}/${id}`)];
    const ear = await open(rooms);
    for (const room of rooms) await publisher("POST", room, JSON.stringify({ event: room }));
    await ear.count(50);
    assert.deepEqual([...(await ear.flush(INQUIRIES))].sort(), rooms.map((event) => JSON.stringify({ event })).sort());
  }));

test("20_listeners_hear_50_submits_each_once", () =>
  withEars(async (open) => {
    const kinds = Object.values(KINDS);
    const ears = await Promise.all(Array.from({ length: 20 }, (_, i) => open([INQUIRIES], {}, kinds[i % 4 === 3 ? 1 : 0])));
    const ids = [];
    for (let i = 0; i < 50; i += 5)
      ids.push(...(await Promise.all(Array.from({ length: 5 }, async () => assertAccepted(await submit(inquiry())).id))));
    for (const ear of ears) {
      await ear.count(50);
      const heard = (await ear.flush(INQUIRIES)).map((frame) => JSON.parse(frame).data.id);
      assert.deepEqual([...heard].sort(), [...ids].sort());
    }
  }));
