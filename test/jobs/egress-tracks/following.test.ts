/** How a source follows its Room and its tracks; media and Rooms are stand-ins. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { Lane } from '../../../node-image/jobs/egress/tracks/lane';
import { SourceClock } from '../../../node-image/jobs/egress/tracks/source-clock';
import { TracksSource } from '../../../node-image/jobs/egress/tracks/tracks-source';
import type { RtpTap } from '../../../node-image/media/taps/rtp-tap';
import type { RoomSight, SeenTrack, TappedRoom } from '../../../node-image/room/tapped-room';
import { until } from '../../support/wait';
import { testLog } from './support/record';

const SOUND: SeenTrack = {
  sid: 'TR_sound',
  kind: 'audio',
  source: 'MICROPHONE',
  muted: true,
  mimeType: 'audio/opus',
  width: 0,
  height: 0,
};

/** A tap that nothing comes of. */
class QuietTap {
  readonly clockRate = 48_000;
  isClosed = false;
  constructor(readonly fails = false) {}
  start(): Promise<void> {
    return this.fails ? Promise.reject(new Error('it does not start')) : Promise.resolve();
  }
  nack(): void {}
  requestKeyFrame(): void {}
  close(): void {
    this.isClosed = true;
  }
}

/** A Room with one participant, on whose taps the test decides. */
class StandInRoom implements TappedRoom {
  readonly name = 'stage';
  state: RoomSight['state'] = 'open';
  tracks: SeenTrack[] = [SOUND];
  isClosed = false;
  readonly asked: ((tap?: QuietTap) => void)[] = [];
  readonly #listeners = new Set<() => void>();

  sight(): RoomSight {
    const participants = [{ identity: 'alice', tracks: this.tracks }];
    return { state: this.state, sid: 'RM_1', participants };
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  change(): void {
    for (const listener of [...this.#listeners]) listener();
  }

  tap(): Promise<RtpTap | undefined> {
    return new Promise((resolve) => {
      this.asked.push((tap) => resolve(tap as unknown as RtpTap | undefined));
    });
  }

  close(): void {
    this.isClosed = true;
  }
}

function laneOf(): { lane: Lane; errors: unknown[]; refused: string[] } {
  const errors: unknown[] = [];
  const refused: string[] = [];
  const lane = new Lane({
    onItem: () => {},
    onEnded: () => {},
    onRefused: ({ mimeType }) => refused.push(mimeType),
    onError: (error) => errors.push(error),
  });
  return { lane, errors, refused };
}

test('a track that is being opened is not begun again whenever the Room changes', async (t) => {
  const { lane } = laneOf();
  t.after(() => lane.close());
  const room = new StandInRoom();
  for (let changes = 0; changes < 5; changes += 1) lane.use(room, { ...SOUND, muted: false });
  assert.equal(room.asked.length, 1);
  const tap = new QuietTap();
  room.asked[0]?.(tap);
  await turn();
  assert.equal(lane.isSilent, false);
  assert.equal(tap.isClosed, false);
});

test('a tap that does not start is closed, told of, and opened again', async (t) => {
  const { lane, errors } = laneOf();
  t.after(() => lane.close());
  const room = new StandInRoom();
  lane.use(room, SOUND);
  const tap = new QuietTap(true);
  room.asked[0]?.(tap);
  await turn();
  assert.match(String(errors), /it does not start/);
  assert.ok(tap.isClosed);
  lane.use(room, SOUND);
  assert.equal(room.asked.length, 2);
});

test('a track of another codec is told of once', async (t) => {
  const { lane, refused } = laneOf();
  t.after(() => lane.close());
  const room = new StandInRoom();
  for (let changes = 0; changes < 5; changes += 1) {
    lane.use(room, { ...SOUND, mimeType: 'audio/red' });
    await turn();
  }
  assert.deepEqual(refused, ['audio/red']);
});

/** A recording of the sound, in Rooms one after the other. */
async function recording(rooms: (StandInRoom | undefined)[]) {
  const source = new TracksSource({
    room: 'stage',
    request: { kind: 'track', trackSid: SOUND.sid },
    openRoom: async () => rooms.shift(),
    log: testLog,
  });
  const { ended, inputs } = await source.open(new AbortController().signal);
  const [input] = inputs;
  if (typeof input?.from === 'object' && 'pipe' in input.from) input.from.pipe.resume();
  return { source, ended };
}

test('a track goes on where only the way to its Room was lost', async () => {
  const before = new StandInRoom();
  const gone = new StandInRoom();
  gone.state = 'moved';
  const after = new StandInRoom();
  const { source, ended } = await recording([before, undefined, gone, after]);
  before.state = 'moved';
  before.change();
  await until('it to be taken from there', () => after.asked.length === 1);
  assert.deepEqual(
    [before, gone, after].map(({ isClosed }) => isClosed),
    [true, true, false],
  );
  await source.close();
  assert.deepEqual(await ended, { kind: 'finished', reason: 'it was closed' });
  assert.ok(after.isClosed);
});

test('a track that does not come back with its Room ends', async () => {
  const before = new StandInRoom();
  const after = new StandInRoom();
  after.tracks = [];
  const { ended } = await recording([before, after]);
  before.state = 'moved';
  before.change();
  assert.deepEqual(await ended, { kind: 'finished', reason: 'track TR_sound is gone' });
  assert.ok(after.isClosed);
});

test('media that says it is of another hour is not followed, whatever it says next', () => {
  let nowMs = 1_700_000_000_000;
  const clock = new SourceClock(() => nowMs);
  assert.equal(clock.nowMs(), nowMs);
  // The clock of the SFU may be a minute ahead; what comes late says less.
  const sfu = (offMs: number) => nowMs + 60_000 + offMs;
  assert.equal(clock.admits(sfu(0)), true);
  assert.equal(clock.admits(sfu(-800)), true);
  assert.equal(clock.nowMs(), sfu(0));
  for (const offMs of [12 * 3_600_000, 31_000, -31_000]) {
    assert.equal(clock.admits(sfu(offMs)), false, String(offMs));
  }
  // Not by small steps either.
  for (let step = 1; step <= 10; step += 1) clock.admits(sfu(step * 20_000));
  assert.equal(clock.nowMs(), sfu(20_000));
  nowMs += 5000;
  assert.equal(clock.admits(sfu(0)), true);
});
