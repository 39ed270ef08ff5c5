import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  AddTrackRequest,
  AudioTrackFeature,
  BackupCodecPolicy,
  SimulcastCodec,
  TrackSource,
  TrackType,
  VideoLayer,
  VideoLayer_Mode,
  VideoQuality,
} from '@livekit/protocol';
import { codecsOf, expectedTrack, trackInfoOf } from '../../node-image/room/track-request';

const { LOW, MEDIUM, HIGH } = VideoQuality;
const layers = [HIGH, LOW, MEDIUM].map((quality) => new VideoLayer({ quality }));
const video = (changes: Partial<AddTrackRequest> = {}) =>
  new AddTrackRequest({ cid: 'cam', type: TrackType.VIDEO, layers, ...changes });
const audio = (changes: Partial<AddTrackRequest> = {}) =>
  new AddTrackRequest({ cid: 'mic', type: TrackType.AUDIO, ...changes });
const simulcast = (...codecs: string[]) =>
  codecs.map((codec) => new SimulcastCodec({ codec, cid: `cid-${codec}` }));

describe('the sid of a track', () => {
  const cases: [string, AddTrackRequest, RegExp][] = [
    ['a camera', video({ source: TrackSource.CAMERA }), /^TR_VC\w{12}$/],
    ['a screen', video({ source: TrackSource.SCREEN_SHARE }), /^TR_VS\w{12}$/],
    ['a microphone', audio({ source: TrackSource.MICROPHONE }), /^TR_AM\w{12}$/],
    ["a screen's sound", audio({ source: TrackSource.SCREEN_SHARE_AUDIO }), /^TR_As\w{12}$/],
    ['something else', audio(), /^TR_A\w{12}$/],
  ];
  for (const [what, request, pattern] of cases) {
    test(`of ${what} says so`, () => assert.match(trackInfoOf(request).sid, pattern));
  }
});

describe('a request of an older client, which names no codec', () => {
  test('is one codec that is not known yet', () => {
    const [codec, ...others] = codecsOf(video());
    assert.deepEqual([codec?.mimeType, codec?.cid, others.length], ['', 'cam', 0]);
    assert.equal(trackInfoOf(video()).simulcast, true);
  });
});

describe('the codecs of a request', () => {
  const named = (...codecs: string[]) =>
    codecsOf(video({ simulcastCodecs: simulcast(...codecs) })).map((one) => one.mimeType);

  test('a codec that the Room does not allow becomes one that it does', () => {
    const request = video({ simulcastCodecs: simulcast('vp8', 'vp9') });
    const [codec] = codecsOf(request, ['audio/opus', 'video/h264']);
    assert.equal(codec?.mimeType, 'video/H264');
  });

  test('are named with and without their kind, in whichever letters', () => {
    assert.deepEqual(named('vp8'), ['video/VP8']);
    assert.deepEqual(named('video/h264'), ['video/H264']);
    assert.deepEqual(named('AV1'), ['video/AV1']);
  });

  test('stay in their order, each once', () => {
    assert.deepEqual(named('vp9', 'vp8', 'VP9'), ['video/VP9', 'video/VP8']);
  });

  test('that cannot be had are replaced by one that can', () => {
    assert.deepEqual(named('h265'), ['video/VP8']);
    const red = codecsOf(audio({ simulcastCodecs: simulcast('red') }));
    assert.equal(red[0]?.mimeType, 'audio/opus');
  });

  test('carry their layers in one stream or in several, as the codec does', () => {
    const [vp9, vp8] = codecsOf(video({ simulcastCodecs: simulcast('vp9', 'vp8') }));
    assert.equal(vp9?.videoLayerMode, VideoLayer_Mode.MULTIPLE_SPATIAL_LAYERS_PER_STREAM);
    assert.equal(vp8?.videoLayerMode, VideoLayer_Mode.ONE_SPATIAL_LAYER_PER_STREAM);
  });

  test("have the request's layers where they name none, lowest first", () => {
    const [codec] = codecsOf(video({ simulcastCodecs: simulcast('vp8') }));
    assert.deepEqual(
      codec?.layers.map((layer) => layer.quality),
      [LOW, MEDIUM, HIGH],
    );
  });
});

describe('what others are told of a track', () => {
  test('is what the client said of it', () => {
    const info = trackInfoOf(
      video({ name: 'front', muted: true, width: 1280, height: 720, source: TrackSource.CAMERA }),
    );
    assert.deepEqual(
      [info.name, info.muted, info.width, info.height, info.source],
      ['front', true, 1280, 720, TrackSource.CAMERA],
    );
    assert.equal(info.stream, 'camera');
    assert.ok((info.version?.unixMicro ?? 0n) > 0n);
  });

  test('is simulcast only with several layers in streams of their own', () => {
    const of = (...codecs: string[]) =>
      trackInfoOf(video({ simulcastCodecs: simulcast(...codecs) })).simulcast;
    assert.deepEqual([of('vp8'), of('vp9'), of('vp9', 'vp8')], [true, false, false]);
    assert.equal(trackInfoOf(video({ layers: layers.slice(0, 1) })).simulcast, false);
  });

  test('has the features of its sound, each once', () => {
    const { TF_STEREO, TF_NO_DTX } = AudioTrackFeature;
    const info = trackInfoOf(
      audio({ stereo: true, disableDtx: true, audioFeatures: [TF_STEREO, TF_STEREO] }),
    );
    assert.deepEqual(info.audioFeatures, [TF_STEREO, TF_NO_DTX]);
    assert.equal(info.backupCodecPolicy, BackupCodecPolicy.SIMULCAST);
  });

  test('shares no object with the request', () => {
    const request = video();
    trackInfoOf(request).layers[0]?.clone();
    assert.notEqual(trackInfoOf(request).layers[0], request.layers[1]);
  });
});

describe('what the media side expects', () => {
  const expect = (request: AddTrackRequest) => {
    const info = trackInfoOf(request);
    const [codec] = info.codecs;
    assert.ok(codec);
    return expectedTrack(info, codec, 'cid');
  };

  test('of a camera: its codec and layers', () => {
    const track = expect(video({ simulcastCodecs: simulcast('vp9') }));
    assert.deepEqual(
      [track.kind, track.mimeType, track.layerCount, track.dtx, track.screen],
      ['video', 'video/VP9', 3, false, false],
    );
  });

  test('of a screen: that a still picture is no fault', () => {
    assert.equal(expect(video({ source: TrackSource.SCREEN_SHARE })).screen, true);
  });

  test('of a microphone: pauses, unless the client wants none', () => {
    assert.deepEqual([expect(audio()).dtx, expect(audio({ disableDtx: true })).dtx], [true, false]);
    assert.deepEqual(
      [expect(audio()).stereo, expect(audio({ stereo: true })).stereo],
      [false, true],
    );
  });
});
