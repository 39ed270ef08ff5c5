import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  AudioTrackFeature,
  DataChannelReceiveState,
  MuteTrackRequest,
  ParticipantTracks,
  PublishDataTrackRequest,
  RequestResponse_Reason,
  SessionDescription,
  type SignalRequest,
  SimulateScenario,
  SimulcastCodec,
  SubscriptionPermission,
  SyncState,
  TrackInfo,
  TrackPermission,
  TrackPublishedResponse,
  type TrackSource,
  TrackType,
  TrickleRequest,
  UnpublishDataTrackRequest,
  UpdateDataSubscription,
  UpdateDataSubscription_Update,
  UpdateLocalAudioTrack,
  UpdateLocalVideoTrack,
  UpdateParticipantMetadata,
  UpdateSubscription,
  UpdateTrackSettings,
  UpdateVideoLayers,
  VideoLayer,
  type VideoQuality,
} from '@livekit/protocol';
import { addTrack, assertUntouched, type Scene, setTheScene } from './support/scene';
import { siege } from './support/siege';

type Request = SignalRequest['message'];

const suite = siege();
const options = { timeout: 30_000 };
const UNKNOWN = 77 as number;
const sids = (count: number): string[] => Array.from({ length: count }, (_, i) => `TR_${i}`);
const list = <T>(count: number, make: (i: number) => T): T[] =>
  Array.from({ length: count }, (_, i) => make(i));

const simulate = (scenario: SimulateScenario['scenario']): Request => ({
  case: 'simulate',
  value: new SimulateScenario({ scenario }),
});
const syncState = (fields: Partial<SyncState>): Request => ({
  case: 'syncState',
  value: new SyncState(fields),
});

/** Requests that are answered, refused or passed over, by a client that stays. */
const HARMLESS: Record<string, (scene: Scene) => Request[]> = {
  'settings of unknown and of own tracks': ({ own }) => [
    { case: 'trackSetting', value: new UpdateTrackSettings({ trackSids: [own, 'TR_x', ''] }) },
  ],
  'settings with absurd numbers': ({ theirs }) => [
    {
      case: 'trackSetting',
      value: new UpdateTrackSettings({
        trackSids: [theirs, theirs],
        quality: UNKNOWN as VideoQuality,
        width: 0xffff_ffff,
        height: 1,
        fps: 0xffff_ffff,
        priority: 0xffff_ffff,
      }),
    },
    {
      case: 'trackSetting',
      value: new UpdateTrackSettings({ trackSids: [theirs], quality: -5 as VideoQuality }),
    },
  ],
  'settings of 9000 tracks': () => [
    { case: 'trackSetting', value: new UpdateTrackSettings({ trackSids: sids(9000) }) },
  ],
  'a subscription to itself and to nothing': ({ own }) => [
    {
      case: 'subscription',
      value: new UpdateSubscription({
        trackSids: [own, '', 'TR_none', 'x'.repeat(100_000)],
        subscribe: true,
        participantTracks: [
          new ParticipantTracks({ participantSid: 'PA_none', trackSids: ['TR_none'] }),
        ],
      }),
    },
  ],
  'a subscription to 5000 unknown tracks': () => [
    {
      case: 'subscription',
      value: new UpdateSubscription({ trackSids: sids(5000), subscribe: true }),
    },
  ],
  'muting what others publish': ({ theirs }) => [
    { case: 'mute', value: new MuteTrackRequest({ sid: theirs, muted: true }) },
    { case: 'mute', value: new MuteTrackRequest({ sid: '', muted: true }) },
  ],
  'changing what others publish': ({ theirs }) => [
    {
      case: 'updateAudioTrack',
      value: new UpdateLocalAudioTrack({
        trackSid: theirs,
        features: [AudioTrackFeature.TF_STEREO],
      }),
    },
    {
      case: 'updateVideoTrack',
      value: new UpdateLocalVideoTrack({ trackSid: theirs, width: 1, height: 1 }),
    },
    {
      case: 'updateLayers',
      value: new UpdateVideoLayers({ trackSid: theirs, layers: list(900, () => new VideoLayer()) }),
    },
    addTrack({
      sid: theirs,
      cid: 'stolen',
      simulcastCodecs: [new SimulcastCodec({ codec: 'vp8' })],
    }),
  ],
  'features and sizes that nobody knows': ({ own }) => [
    {
      case: 'updateAudioTrack',
      value: new UpdateLocalAudioTrack({ trackSid: own, features: list(90_000, (i) => i) }),
    },
    {
      case: 'updateVideoTrack',
      value: new UpdateLocalVideoTrack({ trackSid: own, width: 0xffff_ffff, height: 0xffff_ffff }),
    },
  ],
  'permissions for nobody and everything': ({ theirs }) => [
    {
      case: 'subscriptionPermission',
      value: new SubscriptionPermission({
        trackPermissions: [
          new TrackPermission({}),
          new TrackPermission({ participantIdentity: '__proto__', allTracks: true }),
          new TrackPermission({ participantSid: 'PA_none', trackSids: [theirs, ''] }),
          ...list(3000, (i) => new TrackPermission({ participantIdentity: `p${i}` })),
        ],
      }),
    },
    {
      case: 'subscriptionPermission',
      value: new SubscriptionPermission({ allParticipants: true }),
    },
  ],
  'tracks of no known type, source or codec': () => [
    addTrack({ type: UNKNOWN as TrackType }),
    addTrack({ type: TrackType.DATA }),
    addTrack({ cid: '', name: '\0\r\n', stream: '\r\n' }),
    addTrack({ cid: 'u', source: UNKNOWN as TrackSource, encryption: UNKNOWN as never }),
    addTrack({
      cid: 'c',
      type: TrackType.VIDEO,
      simulcastCodecs: [
        new SimulcastCodec({ codec: '', cid: '' }),
        new SimulcastCodec({ codec: '../../x', cid: 'c' }),
        new SimulcastCodec({ codec: '__proto__', cid: '' }),
      ],
      layers: [new VideoLayer({ quality: UNKNOWN as VideoQuality, width: 0xffff_ffff })],
    }),
  ],
  'a hundred tracks that are never sent': () => list(100, (i) => addTrack({ cid: `never-${i}` })),
  'codecs without end for one track': ({ own }) =>
    list(60, (i) =>
      addTrack({
        sid: own,
        cid: `codec-${i}`,
        simulcastCodecs: [new SimulcastCodec({ codec: 'opus', cid: `codec-${i}` })],
      }),
    ),
  'a name beyond the limits': () => [
    {
      case: 'updateMetadata',
      value: new UpdateParticipantMetadata({ requestId: 1, name: 'n'.repeat(300) }),
    },
    {
      case: 'updateMetadata',
      value: new UpdateParticipantMetadata({ requestId: 2, metadata: 'm'.repeat(64_001) }),
    },
    {
      case: 'updateMetadata',
      value: new UpdateParticipantMetadata({
        requestId: 3,
        attributes: Object.fromEntries(list(4000, (i) => [`key-${i}`, 'x'.repeat(20)])),
      }),
    },
    {
      case: 'updateMetadata',
      value: new UpdateParticipantMetadata({
        attributes: { ['__proto__']: 'x', constructor: 'y' },
      }),
    },
  ],
  'data tracks of all sorts': () => [
    { case: 'publishDataTrackRequest', value: new PublishDataTrackRequest() },
    {
      case: 'publishDataTrackRequest',
      value: new PublishDataTrackRequest({ pubHandle: 0xffff_ffff, name: 'x' }),
    },
    {
      case: 'publishDataTrackRequest',
      value: new PublishDataTrackRequest({ pubHandle: 1, name: 'x'.repeat(100_000) }),
    },
    { case: 'unpublishDataTrackRequest', value: new UnpublishDataTrackRequest({ pubHandle: 99 }) },
    {
      case: 'updateDataSubscription',
      value: new UpdateDataSubscription({
        updates: list(5000, (i) => new UpdateDataSubscription_Update({ trackSid: `DTR_${i}` })),
      }),
    },
    ...list(
      60,
      (i): Request => ({
        case: 'publishDataTrackRequest',
        value: new PublishDataTrackRequest({ pubHandle: 1 + (i % 3), name: `n${i}` }),
      }),
    ),
  ],
  'scenarios that nobody knows': () => [
    simulate({ case: undefined }),
    simulate({ case: 'speakerUpdate', value: -1 }),
    simulate({ case: 'speakerUpdate', value: 0x7fff_ffff }),
    simulate({ case: 'subscriberBandwidth', value: -1n }),
    simulate({ case: 'subscriberBandwidth', value: 1n }),
    simulate({ case: 'subscriberBandwidth', value: 0x7fff_ffff_ffff_ffffn }),
  ],
  'candidates that are none': () => [
    { case: 'trickle', value: new TrickleRequest({ candidateInit: '{' }) },
    { case: 'trickle', value: new TrickleRequest({ candidateInit: 'x'.repeat(100_000) }) },
  ],
  'a state that is mostly invented': ({ own }) => [
    syncState({
      answer: new SessionDescription({ sdp: 'hello' }),
      offer: new SessionDescription({ sdp: 'hello' }),
      trackSidsDisabled: sids(3000),
      subscription: new UpdateSubscription({ trackSids: sids(3000), subscribe: true }),
      publishTracks: [new TrackPublishedResponse({ cid: 'x', track: new TrackInfo({ sid: own }) })],
      datachannelReceiveStates: list(
        2000,
        (i) => new DataChannelReceiveState({ publisherSid: `PA_${i}`, lastSeq: 0xffff_ffff }),
      ),
    }),
  ],
  'requests that are empty': () => [{ case: undefined }],
};

for (const [name, attack] of Object.entries(HARMLESS)) {
  test(`${name}: nobody is harmed, not even who asks`, options, async () => {
    const scene = await setTheScene(suite);
    for (const request of attack(scene)) scene.client.send(request);
    assert.ok(await scene.client.lives(), 'the client was closed');
    await suite.assertPeace();
    await assertUntouched(suite, scene);
  });
}

/** Requests after which the client is sent away. */
const FATAL: Record<string, (scene: Scene) => Request[]> = {
  'a hundred thousand track sids in one request': () => [
    {
      case: 'subscription',
      value: new UpdateSubscription({ trackSids: sids(100_000), subscribe: true }),
    },
  ],
  'a million layers': () => [addTrack({ layers: list(1_000_000, () => new VideoLayer()) })],
  'published tracks of somebody else': ({ theirs }) => [
    syncState({
      publishTracks: [new TrackPublishedResponse({ track: new TrackInfo({ sid: theirs }) })],
    }),
  ],
  'a published track without a sid': () => [
    syncState({ publishTracks: [new TrackPublishedResponse({ cid: 'x' })] }),
  ],
};

for (const [name, attack] of Object.entries(FATAL)) {
  test(`${name}: the client is closed`, options, async () => {
    const scene = await setTheScene(suite);
    for (const request of attack(scene)) scene.client.send(request);
    await scene.client.end();
    await suite.assertPeace();
    await assertUntouched(suite, scene);
  });
}

test('too much about a track is refused in words', options, async () => {
  const client = await suite.join('mallory');
  client.send(addTrack({ name: 'n'.repeat(20_000) }));
  client.send(addTrack({ layers: list(17, () => new VideoLayer()) }));
  client.send(addTrack({ audioFeatures: list(33, (i) => i) }));
  for (const text of ['bytes about a track', 'layers', 'features']) {
    const refusal = await client.message('requestResponse', ({ message }) =>
      message.includes(text),
    );
    assert.equal(refusal.reason, RequestResponse_Reason.LIMIT_EXCEEDED);
  }
  assert.equal(client.count('trackPublished'), 0);
});

test(
  'what a resumed client claims is not believed, and it may come back again',
  options,
  async () => {
    const scene = await setTheScene(suite);
    scene.client.close();
    const other = await suite.open('mallory', { query: { reconnect: '1', sid: 'PA_invented' } });
    assert.equal((await other.message('leave')).canReconnect, true);
    const thief = await suite.open('thief', { query: { reconnect: '1', sid: scene.victimSid } });
    await thief.message('leave');
    await suite.assertPeace();
    await assertUntouched(suite, scene);
  },
);
