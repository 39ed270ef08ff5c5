import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TrackSource } from '@livekit/protocol';
import { clientSuite } from '../support/client-suite';

const suite = clientSuite();
const options = { timeout: 30_000 };

test('who makes a sound is a speaker, who stops is not', options, async () => {
  const room = suite.roomName();
  const alice = await suite.join(room, 'alice');
  const bob = await suite.join(room, 'bob');
  await alice.run((c) => c.publishTone());
  await bob.event('activeSpeakersChanged', [['alice']]);
  await bob.until(
    'a loudness',
    (c) => (c.room.remoteParticipants.get('alice')?.audioLevel ?? 0) > 0.01,
  );
  await alice.event('activeSpeakersChanged', [['alice']]);
  await bob.forgetEvents();
  await alice.run(async (c) => void (await c.localTrack('microphone')?.mute()));
  await bob.event('activeSpeakersChanged', [[]]);
});

test('connection quality is told of everybody', options, async () => {
  const room = suite.roomName();
  const alice = await suite.join(room, 'alice');
  const bob = await suite.join(room, 'bob');
  await alice.run((c) => Promise.all([c.publishTone(), c.publishPicture()]));
  await bob.event('connectionQualityChanged', ['excellent', 'alice'], 15_000);
  await bob.event('connectionQualityChanged', ['excellent', 'bob'], 15_000);
  await alice.event('connectionQualityChanged', ['excellent', 'alice'], 15_000);
});

test('name, metadata and attributes set by the API reach everybody', options, async () => {
  const room = suite.roomName();
  const alice = await suite.join(room, 'alice', { token: { attributes: { a: '1', b: '2' } } });
  const bob = await suite.join(room, 'bob');
  await suite.api.updateParticipant(room, 'alice', {
    name: 'Alice the Great',
    metadata: 'crowned',
    attributes: { a: '3', b: '' },
  });
  for (const client of [alice, bob]) {
    await client.event('participantNameChanged', ['Alice the Great', 'alice']);
    await client.event('participantMetadataChanged', ['', 'alice']);
    await client.event('participantAttributesChanged', [{ a: '3', b: '' }, 'alice']);
  }
  const attributes = await bob.run((c) => c.room.remoteParticipants.get('alice')?.attributes);
  assert.deepEqual(attributes, { a: '3' });
});

test(
  'a Room’s metadata set by the API reaches everybody and who comes later',
  options,
  async () => {
    const room = suite.roomName();
    const alice = await suite.join(room, 'alice');
    await suite.api.updateRoomMetadata(room, 'topic: sluices');
    await alice.event('roomMetadataChanged', ['topic: sluices']);
    const bob = await suite.join(room, 'bob');
    assert.equal(await bob.run((c) => c.room.metadata), 'topic: sluices');
  },
);

test(
  'a right to publish that is taken away ends the track, given back allows a new one',
  options,
  async () => {
    const room = suite.roomName();
    const alice = await suite.join(room, 'alice');
    const bob = await suite.join(room, 'bob');
    await alice.run((c) => c.publishTone());
    await bob.hears('alice');
    const may = { canSubscribe: true, canPublishData: true };
    await suite.api.updateParticipant(room, 'alice', { permission: { ...may, canPublish: false } });
    await alice.event('participantPermissionsChanged', [null, 'alice']);
    await bob.event('trackUnpublished', ['microphone', 'alice']);
    await assert.rejects(
      alice.run((c) => c.publishTone()),
      /permission/,
    );
    await suite.api.updateParticipant(room, 'alice', { permission: { ...may, canPublish: true } });
    await alice.until(
      'the permission',
      (c) => c.room.localParticipant.permissions?.canPublish === true,
    );
    await alice.run((c) => c.publishTone());
    await bob.hears('alice');
  },
);

test(
  'a right to subscribe that is taken away takes the tracks away, and back',
  options,
  async () => {
    const room = suite.roomName();
    const alice = await suite.join(room, 'alice');
    const bob = await suite.join(room, 'bob');
    await alice.run((c) => c.publishTone());
    await bob.hears('alice');
    const may = { canPublish: true, canPublishData: true };
    await suite.api.updateParticipant(room, 'bob', { permission: { ...may, canSubscribe: false } });
    await bob.event('trackUnsubscribed', ['microphone', 'microphone', 'alice']);
    await suite.api.updateParticipant(room, 'bob', { permission: { ...may, canSubscribe: true } });
    await bob.hears('alice');
  },
);

test('sources set by the API limit what may be published', options, async () => {
  const room = suite.roomName();
  const alice = await suite.join(room, 'alice');
  await suite.api.updateParticipant(room, 'alice', {
    permission: {
      canSubscribe: true,
      canPublish: true,
      canPublishData: true,
      canPublishSources: [TrackSource.MICROPHONE],
    },
  });
  await alice.event('participantPermissionsChanged', [null, 'alice']);
  await alice.run((c) => c.publishTone());
  await assert.rejects(
    alice.run((c) => c.publishPicture()),
    /permission/,
  );
});

test('a track muted by the API falls silent for everybody', options, async () => {
  const room = suite.roomName();
  const alice = await suite.join(room, 'alice');
  const bob = await suite.join(room, 'bob');
  const sid = await alice.run((c) => c.publishPicture());
  await bob.sees('alice');
  const track = await suite.api.mutePublishedTrack(room, 'alice', sid, true);
  assert.equal(track.muted, true);
  await alice.event('trackMuted', ['camera', 'alice']);
  await bob.event('trackMuted', ['camera', 'alice']);
  await bob.seesNothing('alice');
  await alice.run(async (c) => void (await c.localTrack('camera')?.unmute()));
  await bob.sees('alice');
});
