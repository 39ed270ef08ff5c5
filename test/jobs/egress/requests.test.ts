import assert from 'node:assert/strict';
import { it } from 'node:test';
import {
  AudioChannel,
  AudioCodec,
  AudioMixing,
  AudioRoute,
  DirectFileOutput,
  EgressStatus,
  EncodedFileOutput,
  EncodedFileType,
  EncodingOptions,
  EncodingOptionsPreset,
  ImageOutput,
  MediaSource,
  Output,
  ParticipantEgressRequest,
  ParticipantInfo_Kind,
  ParticipantVideo,
  RoomCompositeEgressRequest,
  S3Upload,
  SegmentedFileOutput,
  StartEgressRequest,
  StreamOutput,
  StreamProtocol,
  TemplateSource,
  TrackCompositeEgressRequest,
  TrackEgressRequest,
  WebEgressRequest,
} from '@livekit/protocol';
import { infoOfText, newEgressInfo } from '../../../node-image/jobs/egress/egress-info';
import { EgressRules } from '../../../node-image/jobs/egress/egress-rules';
import { checkedPath, filePath, type NameFacts } from '../../../node-image/jobs/egress/file-names';
import { type EgressRequest, specOf } from '../../../node-image/jobs/egress/from-request';
import { listedSegments, playlistOf } from '../../../node-image/jobs/egress/outputs/playlist';
import { placedSpec, SpecSealer } from '../../../node-image/jobs/egress/sealed-spec';
import { streamUrl } from '../../../node-image/jobs/egress/stream-url';

const PASSTHROUGH = { case: 'preset', value: EncodingOptionsPreset.PASSTHROUGH } as const;
const local = { kind: 'local' } as const;
const file = new EncodedFileOutput({ filepath: 'a' });
const spec = (request: EgressRequest) => specOf(request, local);
const room = (
  value: ConstructorParameters<typeof RoomCompositeEgressRequest>[0],
): EgressRequest => ({
  case: 'roomComposite',
  value: new RoomCompositeEgressRequest({ roomName: 'r', ...value }),
});

it('takes the unified request for what the call of version 1 says', () => {
  const unified = new StartEgressRequest({
    roomName: 'r',
    source: { case: 'template', value: new TemplateSource({ layout: 'speaker' }) },
    encoding: { case: 'preset', value: EncodingOptionsPreset.H264_720P_30 },
    outputs: [new Output({ config: { case: 'file', value: { filepath: 'a' } } })],
  });
  const options = { case: 'preset' as const, value: EncodingOptionsPreset.H264_720P_30 };
  const old = room({ layout: 'speaker', options, fileOutputs: [file] });
  assert.deepEqual(spec({ case: 'egress', value: unified }), spec(old));
  const deprecated = room({ layout: 'speaker', options, output: { case: 'file', value: file } });
  assert.deepEqual(spec(deprecated), spec(old));
});

it('knows the presets of LiveKit', () => {
  const { encoding } = spec(
    room({
      fileOutputs: [file],
      options: { case: 'preset', value: EncodingOptionsPreset.PORTRAIT_H264_1080P_60 },
    }),
  );
  const { width, height, framerate, videoBitrate } = encoding;
  assert.deepEqual([width, height, framerate, videoBitrate], [1080, 1920, 60, 6_000_000]);
});

it('refuses what cannot be done in LiveKit’s words', () => {
  const web = (value: object): EgressRequest => ({
    case: 'web',
    value: new WebEgressRequest(value),
  });
  const url = 'https://example.com/';
  const rtmp = new StreamOutput({
    protocol: StreamProtocol.RTMP,
    urls: ['rtmp://a.example/live/k'],
  });
  const ogg = new EncodedFileOutput({ fileType: EncodedFileType.OGG, filepath: 'a' });
  const opus = {
    case: 'advanced',
    value: new EncodingOptions({ audioCodec: AudioCodec.OPUS }),
  } as const;
  const wrong: [EgressRequest, RegExp][] = [
    [room({ roomName: '', fileOutputs: [file] }), /missing or invalid field: room_name$/],
    [room({}), /missing or invalid field: output$/],
    [room({ audioOnly: true, videoOnly: true, fileOutputs: [file] }), /audio_only and video_only/],
    [
      room({ fileOutputs: [ogg], streamOutputs: [rtmp], audioOnly: true }),
      /incompatible with codec/,
    ],
    [room({ fileOutputs: [ogg] }), /format OGG incompatible with codec H264/],
    [room({ streamOutputs: [rtmp], options: opus }), /format RTMP incompatible with codec OPUS/],
    [room({ audioOnly: true, imageOutputs: [new ImageOutput()] }), /image output/],
    [room({ segmentOutputs: [new SegmentedFileOutput()] }), /invalid field: filename_prefix/],
    [room({ fileOutputs: [file], customBaseUrl: 'file:///etc/passwd' }), /custom_base_url/],
    [
      room({
        ...{ fileOutputs: [file], customBaseUrl: 'https://a.example/' },
        audioMixing: AudioMixing.DUAL_CHANNEL_AGENT,
      }),
      /the page of custom_base_url mixes its sound by itself/,
    ],
    [
      room({
        ...{ fileOutputs: [file], videoOnly: true },
        audioMixing: AudioMixing.DUAL_CHANNEL_ALTERNATE,
      }),
      /audio_mixing \(of a request with video_only\)/,
    ],
    [web({ url: 'chrome://settings', fileOutputs: [file] }), /invalid field: url/],
    [
      web({ url, streamOutputs: [new StreamOutput({ urls: ['http://x/'] })] }),
      /invalid url http:\/\/x/,
    ],
    [
      room({
        fileOutputs: [file],
        options: { case: 'advanced', value: new EncodingOptions({ width: 9999 }) },
      }),
      /advanced\.width \(9998; 16 to 4096 is allowed\)/,
    ],
    [
      {
        case: 'participant',
        value: new ParticipantEgressRequest({ roomName: 'r', fileOutputs: [file] }),
      },
      /invalid field: identity/,
    ],
    [
      {
        case: 'trackComposite',
        value: new TrackCompositeEgressRequest({ roomName: 'r', fileOutputs: [file] }),
      },
      /audio_track_id or video_track_id/,
    ],
    [
      {
        case: 'track',
        value: new TrackEgressRequest({
          roomName: 'r',
          trackId: 'TR_x',
          output: { case: 'websocketUrl', value: 'rtmp://x/live/k' },
        }),
      },
      /websocket output has urls of another protocol/,
    ],
  ];
  for (const [request, says] of wrong) assert.throws(() => spec(request), says);
  assert.throws(() => specOf(room({ fileOutputs: [file] }), undefined), /egress.local_directory/);
});

it('takes sound of several, or of one channel, by the page, and single tracks without', () => {
  const { BOTH, LEFT, RIGHT } = AudioChannel;
  type Media = ConstructorParameters<typeof MediaSource>[0];
  const media = (value: Media, encoding: { case?: undefined } | typeof PASSTHROUGH = {}) =>
    spec({
      case: 'egress',
      value: new StartEgressRequest({
        ...{ roomName: 'r', encoding, source: { case: 'media', value: new MediaSource(value) } },
        outputs: [new Output({ config: { case: 'file', value: { filepath: 'a' } } })],
      }),
    });
  const route = (
    match: NonNullable<ConstructorParameters<typeof AudioRoute>[0]>['match'],
    channel = BOTH,
  ) => new AudioRoute({ ...(match && { match }), channel });
  const ada = { case: 'participantIdentity' as const, value: 'ada' };
  const track = { case: 'trackId' as const, value: 'TR_a' };
  const agents = { case: 'participantKind' as const, value: ParticipantInfo_Kind.AGENT };
  const camera = {
    case: 'participantVideo' as const,
    value: new ParticipantVideo({ identity: 'ada' }),
  };

  const both = media({
    video: { case: 'videoTrackId', value: 'TR_v' },
    audio: { routes: [route(track)] },
  });
  assert.deepEqual(both.source, { kind: 'tracks', audioTrackId: 'TR_a', videoTrackId: 'TR_v' });
  const own = media({ video: camera, audio: { routes: [route(ada)] } });
  assert.deepEqual(own.source, { kind: 'participant', identity: 'ada', screenShare: false });
  assert.equal(own.audio, true);
  const mixed = media({
    video: camera,
    audio: { captureAll: true, routes: [route(track, LEFT), route(agents, RIGHT), route(ada)] },
  });
  assert.deepEqual(mixed.source, {
    ...{ kind: 'media', video: { of: 'participant', id: 'ada', screen: false }, captureAll: true },
    routes: [
      { by: 'track', value: 'TR_a', channel: 'left' },
      { by: 'kind', value: '4', channel: 'right' },
      { by: 'identity', value: 'ada', channel: 'both' },
    ],
  });
  assert.deepEqual([mixed.kind, mixed.video, mixed.passthrough], ['room_composite', true, false]);
  const oneChannel = media({ audio: { routes: [route(track, LEFT)] } });
  assert.deepEqual([oneChannel.source.kind, oneChannel.video], ['media', false]);

  assert.throws(() => media({}), /invalid field: media/);
  assert.throws(
    () => media({ audio: { routes: [route(undefined), route(ada)] } }),
    /routes\.match/,
  );
  assert.throws(() => media({ video: { case: 'videoTrackId', value: '' } }), /media\.video/);
  assert.throws(() => media({ audio: { captureAll: true } }, PASSTHROUGH), /PASSTHROUGH is for/);
  const many = Array.from({ length: 51 }, () => route(ada));
  assert.throws(() => media({ audio: { routes: many } }), /at most 50/);
});

it('keeps secrets out of what is said, and of what stands in the store', () => {
  const upload = new S3Upload({ accessKey: 'AKIAxyz', secret: 'top-secret', bucket: 'b' });
  const urls = ['rtmp://live.example/app/very-secret-key'];
  const request = room({
    fileOutputs: [new EncodedFileOutput({ output: { case: 's3', value: upload } })],
    streamOutputs: [new StreamOutput({ urls })],
  });
  const wanted = spec(request);
  const info = newEgressInfo('EG_1', request, wanted, 0n).toJsonString();
  const sealer = new SpecSealer(new Uint8Array(32).fill(7));
  const sealed = sealer.seal('EG_1', wanted);
  for (const text of [info, sealed]) {
    assert.doesNotMatch(text, /AKIAxyz|top-secret|very-secret-key/);
  }
  const sound: EgressRequest = {
    case: 'track',
    value: new TrackEgressRequest({
      ...{ roomName: 'r', trackId: 'TR_x' },
      output: {
        case: 'websocketUrl',
        value: 'wss://me:pass-w0rd@a.example/in?call=very-secret-key',
      },
    }),
  };
  const shown = newEgressInfo('EG_2', sound, spec(sound), 0n).toJsonString();
  assert.match(shown, /wss:\/\/a\.example\/in\?call=\{\.\.\.\}/);
  assert.doesNotMatch(shown + sealer.seal('EG_2', spec(sound)), /pass-w0rd|very-secret-key/);
  const { kind, audioOnly } = placedSpec(sealed);
  assert.deepEqual([kind, audioOnly], ['room_composite', false]);
  assert.deepEqual(sealer.open('EG_1', sealed), wanted);
  assert.throws(() => sealer.open('EG_2', sealed));
});

it('asks of a node what its kind costs, and ends one that nobody takes', () => {
  const costs = {
    room_composite_cpu_cost: 3,
    audio_room_composite_cpu_cost: 1,
    web_cpu_cost: 3,
    audio_web_cpu_cost: 1,
    participant_cpu_cost: 2,
    track_composite_cpu_cost: 2,
    track_cpu_cost: 0.5,
  };
  const rules = new EgressRules({ costs, observer: { egressEnded: () => {} } });
  const sealer = new SpecSealer(new Uint8Array(32));
  const track: EgressRequest = {
    case: 'track',
    value: new TrackEgressRequest({
      roomName: 'r',
      trackId: 'TR_x',
      output: { case: 'file', value: new DirectFileOutput({ filepath: 't' }) },
    }),
  };
  const cost = (request: EgressRequest) => rules.cost(sealer.seal('EG_1', spec(request))).cpus;
  assert.equal(cost(track), 0.5);
  assert.equal(cost(room({ fileOutputs: [file] })), 3);
  assert.equal(cost(room({ fileOutputs: [file], audioOnly: true })), 1);
  const job = {
    ...({ id: 'EG_1', kind: 'egress', room: 'r', state: 'waiting', owner: '', epoch: 0 } as const),
    ...{ retries: 0, losses: 0, createdAtMs: 0, endedAtMs: 0, leaseLeftMs: 0 },
    spec: sealer.seal('EG_1', spec(track)),
    info: newEgressInfo('EG_1', track, spec(track), 0n).toJsonString(),
  };
  const failed = infoOfText(rules.failed(job, { reason: 'not-placed', message: 'no node' }));
  assert.equal(failed.status, EgressStatus.EGRESS_ABORTED);
  assert.equal(failed.errorCode, 503);
});

const facts: NameFacts = {
  ...{ room: 'my/room', roomId: 'RM_1', publisher: 'ada', trackId: '', trackType: '' },
  ...{ trackSource: '', retry: 2, startedAtMs: Date.UTC(2026, 10, 22, 6, 25, 9, 7) },
};

it('fills in names of files, and lets none lead out of where they belong', () => {
  assert.equal(
    filePath('x/{room_name}-{time}.mp3', '.mp4', facts),
    'x/my_room-2026-11-22T062509.mp4',
  );
  assert.equal(
    filePath('{utc}_{retry}_{publisher_identity}', '.ogg', facts),
    '20261122062509007_2_ada.ogg',
  );
  assert.equal(filePath('d/', '.mp4', facts), 'd/ada-2026-11-22T062509.mp4');
  assert.equal(filePath('/a//b/../c', '.mp4', facts), 'a/c.mp4');
  for (const path of ['../x', 'a/../../x', '..', 'a\nb', `${'x'.repeat(1100)}`]) {
    assert.throws(() => checkedPath(path), /invalid field: filepath/);
  }
});

it('takes secrets of streams out of what others can read', () => {
  const { target, shown, options } = streamUrl(
    'rtmps://live.example:443/app/inst/key-123456?auth=x',
  );
  assert.equal(target, 'rtmps://live.example:443/');
  assert.equal(shown, 'rtmps://live.example:443/app/inst/{key...h=x}');
  assert.deepEqual(Object.fromEntries(options), {
    rtmp_app: 'app/inst',
    rtmp_playpath: 'key-123456?auth=x',
    rtmp_tcurl: 'rtmps://live.example:443/app/inst',
  });
  const srt = streamUrl('srt://a.example:9000?passphrase=0123456789ab&latency=200');
  assert.equal(srt.target, 'srt://a.example:9000?latency=200');
  assert.doesNotMatch(srt.shown, /0123456789ab/);
  const bad = [
    'rtmp://a.example/only-key',
    'srt://a.example',
    'file:///x',
    'srt://a:1?logfile=/etc/x',
  ];
  for (const url of bad) assert.throws(() => streamUrl(url), /invalid url/);
  assert.throws(() => streamUrl('rtmp://a/b/c\nrtmp_x=1'), /invalid url/);
});

it('counts discontinuities that have left a live playlist', () => {
  const segments = Array.from({ length: 8 }, (_, index) => ({
    ...{ name: `s_${index}.m4s`, duration: 2, startMs: 1000 * index },
    map: index < 3 ? 'a.mp4' : 'b.mp4',
  }));
  const live = playlistOf(segments, { kind: 'live', targetDuration: 2, ended: false });
  assert.match(live, /MEDIA-SEQUENCE:3\n#EXT-X-DISCONTINUITY-SEQUENCE:1\n/);
  assert.doesNotMatch(live, /#EXT-X-DISCONTINUITY\n|ENDLIST/);
  const event = playlistOf(segments, { kind: 'event', targetDuration: 2, ended: true });
  assert.deepEqual(listedSegments(event), segments);
});
