import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, mock, test } from 'node:test';
import { type SubscribedQualityUpdate, VideoQuality } from '@livekit/protocol';
import { Dynacast } from '../../node-image/room/dynacast';
import { fakeTrack, settled } from './fakes';

const { LOW, MEDIUM, HIGH, OFF } = VideoQuality;
const PAUSE_MS = 5000;

let needs: { mimeType: string; quality: VideoQuality }[];
let updates: SubscribedQualityUpdate[];

beforeEach(() => {
  needs = [];
  updates = [];
  mock.timers.enable({ apis: ['setTimeout'] });
});
afterEach(() => mock.timers.reset());

function dynacast(...mimeTypes: string[]): Dynacast {
  return new Dynacast({
    track: fakeTrack('TR_1', mimeTypes.length > 0 ? mimeTypes : ['video/VP8']),
    pauseDelayMs: PAUSE_MS,
    needs: () => needs,
    send: (update) => updates.push(update),
  });
}

const vp8 = (quality: VideoQuality) => ({ mimeType: 'video/VP8', quality });
const vp9 = (quality: VideoQuality) => ({ mimeType: 'video/VP9', quality });

/** Says what is needed from now on, and lets it be noticed. */
async function need(one: Dynacast, ...now: typeof needs): Promise<void> {
  needs = now;
  one.update();
  await settled();
}

/** The qualities enabled in the last update, by codec. */
const asked = (): Record<string, number[]> =>
  Object.fromEntries(
    (updates.at(-1)?.subscribedCodecs ?? []).map(({ codec, qualities }) => [
      codec,
      qualities.filter((one) => one.enabled).map((one) => one.quality),
    ]),
  );

describe('less is asked of a publisher', () => {
  test('when nobody has needed more for a while', async () => {
    const one = dynacast();
    await need(one, vp8(MEDIUM), vp8(LOW));
    mock.timers.tick(PAUSE_MS - 1);
    assert.equal(updates.length, 0);
    mock.timers.tick(1);
    assert.deepEqual(asked(), { vp8: [LOW, MEDIUM] });
    assert.equal(updates[0]?.trackSid, 'TR_1');
  });

  test('down to nothing, when nobody watches', async () => {
    await need(dynacast());
    mock.timers.tick(PAUSE_MS);
    assert.deepEqual(asked(), { vp8: [] });
  });

  test('down to nothing, when all who watch have switched it off', async () => {
    await need(dynacast(), vp8(OFF), vp8(OFF));
    mock.timers.tick(PAUSE_MS);
    assert.deepEqual(asked(), { vp8: [] });
  });

  test('after the delay though needs keep changing', async () => {
    const one = dynacast();
    for (let i = 0; i < 6; i++) {
      await need(one, vp8(i % 2 === 0 ? LOW : MEDIUM));
      mock.timers.tick(PAUSE_MS / 5);
    }
    assert.ok(updates.length > 0);
  });

  test('not at all, when somebody has come to watch in time', async () => {
    const one = dynacast();
    await need(one);
    mock.timers.tick(PAUSE_MS - 1);
    await need(one, vp8(HIGH));
    mock.timers.tick(PAUSE_MS * 2);
    assert.equal(updates.length, 0);
  });
});

describe('more is asked of a publisher', () => {
  test('at once', async () => {
    const one = dynacast();
    await need(one);
    mock.timers.tick(PAUSE_MS);
    await need(one, vp8(LOW));
    assert.deepEqual(asked(), { vp8: [LOW] });
    await need(one, vp8(LOW), vp8(HIGH));
    assert.deepEqual(asked(), { vp8: [LOW, MEDIUM, HIGH] });
    assert.equal(updates.length, 3);
  });

  test('once, for all who came at the same time', async () => {
    const one = dynacast();
    await need(one);
    mock.timers.tick(PAUSE_MS);
    needs = [vp8(HIGH)];
    one.update();
    one.update();
    one.update();
    await settled();
    assert.equal(updates.length, 2);
  });

  test('in the first codec never for a start: it is sent unasked', async () => {
    await need(dynacast(), vp8(HIGH));
    mock.timers.tick(PAUSE_MS * 2);
    assert.equal(updates.length, 0);
  });

  test('in a second codec when somebody needs that, and the first goes on for a while', async () => {
    const one = dynacast('video/VP9', 'video/VP8');
    await need(one, vp8(HIGH));
    assert.deepEqual(asked(), { vp9: [LOW, MEDIUM, HIGH], vp8: [LOW, MEDIUM, HIGH] });
    mock.timers.tick(PAUSE_MS);
    assert.deepEqual(asked(), { vp9: [], vp8: [LOW, MEDIUM, HIGH] });
  });
});

test('clients that know one codec only read the first', async () => {
  const one = dynacast('video/VP9', 'video/VP8');
  await need(one, vp9(LOW), vp8(HIGH));
  mock.timers.tick(PAUSE_MS);
  const enabled = updates.at(-1)?.subscribedQualities.filter((quality) => quality.enabled);
  assert.deepEqual(
    enabled?.map((quality) => quality.quality),
    [LOW],
  );
});

test('what was asked is said again to a publisher that comes back, if there was anything', async () => {
  const one = dynacast();
  one.repeat();
  assert.equal(updates.length, 0);
  await need(one, vp8(LOW));
  mock.timers.tick(PAUSE_MS);
  one.repeat();
  assert.equal(updates.length, 2);
  assert.deepEqual(asked(), { vp8: [LOW] });
});

test('after close nothing is asked', async () => {
  const one = dynacast();
  await need(one);
  one.update();
  one.close();
  await settled();
  mock.timers.tick(PAUSE_MS * 2);
  assert.equal(updates.length, 0);
});
