import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  isRouterCodec,
  isSvcCodec,
  PUBLISH_CODECS,
  ROUTER_CODECS,
} from '../../node-image/media/codecs';

const routerCodec = (mimeType: string, profile?: string) => {
  const codec = ROUTER_CODECS.find(
    (one) =>
      one.mimeType === mimeType &&
      (profile === undefined || one.parameters?.['profile-level-id'] === profile),
  );
  assert.ok(codec);
  return codec;
};
const h264 = (profile: string, mode: number | undefined = 1) => ({
  'profile-level-id': profile,
  ...(mode === undefined ? {} : { 'packetization-mode': mode }),
});

test('payload types are fixed, and clear of those that mediasoup gives to retransmissions', () => {
  const types = ROUTER_CODECS.map((one) => one.preferredPayloadType ?? -1);
  assert.equal(new Set(types).size, types.length);
  assert.ok(types.every((one) => one >= 0 && (one < 100 || one > 107)));
});

test('every codec that clients are told of can be had', () => {
  const known = new Set(ROUTER_CODECS.map((one) => one.mimeType));
  const missing = PUBLISH_CODECS.map(({ mime }) => mime).filter((one) => !known.has(one));
  assert.deepEqual(missing, ['video/rtx']);
});

describe('an offered codec is one of the Router', () => {
  test('whatever the letters of its name', () => {
    assert.ok(isRouterCodec(routerCodec('video/VP8'), 'video/vp8', {}));
    assert.ok(isRouterCodec(routerCodec('audio/opus'), 'AUDIO/OPUS', {}));
  });

  test('with the profiles of browsers and of pion, each with its own and whatever the level', () => {
    const browsers = routerCodec('video/H264', '42e01f');
    const pion = routerCodec('video/H264', '42001f');
    assert.ok(isRouterCodec(browsers, 'video/H264', h264('42e034')));
    assert.ok(isRouterCodec(pion, 'video/H264', h264('42001f')));
    assert.equal(isRouterCodec(browsers, 'video/H264', h264('42001f')), false);
    assert.equal(isRouterCodec(pion, 'video/H264', h264('42e01f')), false);
    assert.equal(isRouterCodec(browsers, 'video/H264', h264('640c1f')), false);
  });

  test('in packetization mode 1 only, which absent is 0', () => {
    const codec = routerCodec('video/H264', '42e01f');
    assert.equal(isRouterCodec(codec, 'video/H264', h264('42e01f', 0)), false);
    assert.equal(isRouterCodec(codec, 'video/H264', { 'profile-level-id': '42e01f' }), false);
  });

  test('in VP9 and AV1 in the profile that is there when none is named', () => {
    assert.ok(isRouterCodec(routerCodec('video/VP9'), 'video/VP9', {}));
    assert.equal(isRouterCodec(routerCodec('video/VP9'), 'video/VP9', { 'profile-id': 2 }), false);
    assert.ok(isRouterCodec(routerCodec('video/AV1'), 'video/AV1', { profile: '0' }));
    assert.equal(isRouterCodec(routerCodec('video/AV1'), 'video/AV1', { profile: 1 }), false);
  });

  test('and an unusable profile is none', () => {
    const codec = routerCodec('video/H264', '42e01f');
    assert.equal(isRouterCodec(codec, 'video/H264', h264('nonsense')), false);
  });
});

test('VP9 and AV1 carry their layers in one stream', () => {
  assert.deepEqual(
    ['video/VP8', 'video/H264', 'video/VP9', 'video/av1', 'audio/opus'].filter(isSvcCodec),
    ['video/VP9', 'video/av1'],
  );
});
