import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import {
  AddTrackRequest,
  MuteTrackRequest,
  SimulateScenario,
  TrackSource,
  TrackType,
  UpdateSubscription,
} from '@livekit/protocol';
import type { BrowserClient } from '../support/client';
import { clientSuite } from '../support/client-suite';
import { sleep } from '../support/wait';
import { descriptionOf, sectionOf } from './support/descriptions';
import { RawClient } from './support/raw-client';
import { assertQuiet, untilNoObjects } from './support/siege';

const suite = clientSuite({ alwaysOwn: true, config: { sluice: { workers: 1 } } });

/** One stranger's stay: publishes nonsense into the Room, then misbehaves until it is sent away. */
async function misbehave(room: string, identity: string, theirs: string): Promise<void> {
  const client = await RawClient.join(suite.server, { room, identity });
  for (let i = 0; i < 8; i++) {
    const cid = `cid-${i}`;
    const value = new AddTrackRequest({
      cid,
      type: i % 2 === 0 ? TrackType.AUDIO : TrackType.VIDEO,
      source: TrackSource.UNKNOWN,
      stream: 'x\r\na=injected',
      name: '\0'.repeat(100),
    });
    client.send({ case: 'addTrack', value });
  }
  const sections = Array.from({ length: 8 }, (_, i) => [
    ...sectionOf(i % 2 === 0 ? 'audio' : 'video', `${i}`, `cid-${i}`),
    'a=fmtp:111 stereo=1;x="\0";minptime=99999999',
    'a=fmtp:96 profile-id=5;max-fs=-1',
    'a=rid:_ send\r\na=rid:1 send\r\na=simulcast:send 1;_',
  ]);
  client.offer(descriptionOf(...sections));
  await client.message('answer');
  for (let i = 0; i < 40; i++) {
    client.sendRaw(randomBytes(500));
    client.send({ case: 'mute', value: new MuteTrackRequest({ sid: theirs, muted: true }) });
    const scenario = { case: 'speakerUpdate', value: 1 } as const;
    client.send({ case: 'simulate', value: new SimulateScenario({ scenario }) });
    const trackSids = Array.from({ length: 500 }, (_, j) => `TR_${i}_${j}`);
    const value = new UpdateSubscription({ trackSids, subscribe: true });
    client.send({ case: 'subscription', value });
  }
  client.offer('half of a description');
  await client.end(20_000);
}

const frames = async (client: BrowserClient, of: string): Promise<number> =>
  (await client.inbound(of, 'camera'))?.framesDecoded ?? 0;

test('a call goes on while strangers misbehave in its Room', { timeout: 60_000 }, async () => {
  const room = suite.roomName();
  const alice = await suite.join(room, 'alice');
  const bob = await suite.join(room, 'bob');
  for (const client of [alice, bob]) {
    await client.run(async (c) => {
      await c.publishPicture({ picture: { width: 320, height: 180 }, simulcast: false });
      await c.publishTone();
    });
  }
  await Promise.all([alice.sees('bob'), bob.sees('alice')]);
  for (const client of [alice, bob]) await client.forgetEvents();
  const theirs = await alice.run((c) => c.localTrack('camera')?.sid ?? '');

  const begun = performance.now();
  const before = await frames(bob, 'alice');
  for (let round = 0; round < 3; round++) {
    await Promise.all([0, 1, 2].map((i) => misbehave(room, `mallory-${round}-${i}`, theirs)));
    await sleep(500);
  }
  const seconds = (performance.now() - begun) / 1000;
  const decoded = (await frames(bob, 'alice')) - before;
  assert.ok(decoded > seconds * 7, `${decoded} frames in ${seconds} s`);

  await Promise.all([alice.sees('bob'), alice.hears('bob'), bob.sees('alice'), bob.hears('alice')]);
  for (const client of [alice, bob]) {
    const names = await client.run((c) => c.events.map((event) => event.name));
    assert.deepEqual(
      names.filter((name) => /reconnect|^disconnected|trackMuted/i.test(name)),
      [],
    );
    assert.deepEqual(await client.run((c) => [...c.room.remoteParticipants.keys()].length), 1);
  }
  await suite.api.deleteRoom(room);
  await untilNoObjects(suite.server);
  assertQuiet(suite.server.takeLog());
});
