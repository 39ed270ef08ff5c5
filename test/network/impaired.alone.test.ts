import assert from 'node:assert/strict';
import { test } from 'node:test';
import { impairedSuite, note, received, untilPicture } from './support/impaired';

const { call } = impairedSuite();
const options = { timeout: 120_000 };

/** A tone of this loudness has about 0.16 a second. */
const HEARD = 0.1;

test(
  'a viewer who loses 1, 5 and 10 % at 100 ms goes on seeing and hearing',
  options,
  async (t) => {
    const { bob, relay } = await call('bob');
    const floors = [
      { loss: 0.01, fps: 11, concealed: 0.05 },
      { loss: 0.05, fps: 7, concealed: 0.1 },
      { loss: 0.1, fps: 5, concealed: 0.18 },
    ];
    for (const { loss, fps, concealed } of floors) {
      relay.setLine('bad', { up: { loss, delayMs: 50 }, down: { loss, delayMs: 50 } });
      const got = await received(bob, 5, 1);
      note(t, `${loss * 100} % loss, 100 ms`, got);
      assert.ok(got.fps >= fps, `${got.fps} frames a second at ${loss * 100} % loss`);
      assert.ok(got.energy > HEARD, `sound of ${got.energy} a second at ${loss * 100} % loss`);
      assert.ok(got.concealed < concealed, `${got.concealed} concealed at ${loss * 100} % loss`);
    }
  },
);

test(
  'a line that drops to 300 kbit/s and comes back: layers go down and up',
  options,
  async (t) => {
    const { bob, relay } = await call('bob');
    relay.setLine('bad', { down: { rateBps: 300_000 } });
    const downMs = await untilPicture(bob, ({ height }) => height < 720, 15_000);
    t.diagnostic(`below 720 lines after ${downMs} ms`);
    const narrow = await received(bob, 4, 2);
    note(t, '300 kbit/s', narrow);
    assert.ok(narrow.fps >= 2, `${narrow.fps} frames a second on a line of 300 kbit/s`);
    assert.ok(narrow.energy > HEARD, `sound of ${narrow.energy} a second`);
    assert.ok(narrow.concealed < 0.1, `${narrow.concealed} concealed on a line of 300 kbit/s`);
    relay.setLine('bad', {});
    const upMs = await untilPicture(bob, ({ height, fps }) => height === 720 && fps > 11, 30_000);
    t.diagnostic(`720 lines and all frames again after ${upMs} ms`);
  },
);
