import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { impairedSuite, note, received, untilPicture } from './impaired';
import type { Line } from './link';

const options = { timeout: 180_000 };
const HEARD = 0.1;

interface Case {
  readonly name: string;
  readonly line: Line;
  /** At least, frames a second of the 15 sent. */
  readonly fps: number;
  /** At most, share of the sound. */
  readonly concealed: number;
}

const both = (loss: number, delayMs: number): Line => ({
  up: { loss, delayMs: delayMs / 2 },
  down: { loss, delayMs: delayMs / 2 },
});

const cases: readonly Case[] = [
  { name: '1 % loss', line: both(0.01, 0), fps: 12, concealed: 0.05 },
  { name: '5 % loss', line: both(0.05, 0), fps: 10, concealed: 0.1 },
  { name: '10 % loss', line: both(0.1, 0), fps: 8, concealed: 0.18 },
  { name: '100 ms of delay', line: both(0, 100), fps: 13, concealed: 0.05 },
  { name: '300 ms of delay', line: both(0, 300), fps: 13, concealed: 0.05 },
  { name: '5 % loss and 100 ms', line: both(0.05, 100), fps: 8, concealed: 0.1 },
  { name: '10 % loss and 100 ms', line: both(0.1, 100), fps: 5, concealed: 0.18 },
];

/** A call of two, of which one is behind a line that gets bad. */
export function badLineSuite(behind: 'bob' | 'alice'): void {
  const { call } = impairedSuite();
  const who = behind === 'bob' ? 'viewer' : 'publisher';
  describe(`a ${who} on a bad line`, () => {
    test('video and sound go on through loss and delay', options, async (t) => {
      const { bob, relay } = await call(behind);
      for (const { name, line, fps, concealed } of cases) {
        relay.setLine('bad', line);
        const got = await received(bob, 10, 2);
        note(t, name, got);
        assert.ok(got.fps >= fps, `${got.fps} frames a second at ${name}`);
        assert.ok(got.energy > HEARD, `sound of ${got.energy} a second at ${name}`);
        assert.ok(got.concealed < concealed, `${got.concealed} concealed at ${name}`);
      }
    });

    test('a rate that drops to 300 kbit/s and comes back', options, async (t) => {
      const { bob, relay } = await call(behind);
      for (let round = 1; round <= 2; round++) {
        const narrowLine = { rateBps: 300_000 };
        relay.setLine('bad', behind === 'bob' ? { down: narrowLine } : { up: narrowLine });
        const downMs = await untilPicture(bob, ({ height }) => height < 720, 15_000);
        const narrow = await received(bob, 15, 3);
        note(t, `round ${round}, below 720 lines after ${downMs} ms, 300 kbit/s`, narrow);
        assert.ok(narrow.fps >= 2, `${narrow.fps} frames a second`);
        assert.ok(narrow.energy > HEARD, `sound of ${narrow.energy} a second`);
        assert.ok(narrow.concealed < 0.05, `${narrow.concealed} concealed`);
        relay.setLine('bad', {});
        const upMs = await untilPicture(
          bob,
          ({ height, fps }) => height === 720 && fps > 11,
          45_000,
        );
        t.diagnostic(`round ${round}: 720 lines and all frames again after ${upMs} ms`);
      }
    });
  });
}
