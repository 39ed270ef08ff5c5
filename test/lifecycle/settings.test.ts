import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { configSchema, type SluiceConfigInput } from '../../node-image/contract';
import {
  roomPresets,
  roomSettings,
  SettingsError,
  transportSettings,
} from '../../node-image/lifecycle/settings';

const config = (changes: Partial<SluiceConfigInput> = {}) =>
  configSchema.parse({ keys: { key: 'x'.repeat(32) }, ...changes });

describe('media transports', () => {
  test('offer ICE-TCP unless a port of 0 or a switch turns it off', () => {
    const tcp = (rtc: SluiceConfigInput['rtc']) => transportSettings(config({ rtc })).enableTcp;
    assert.deepEqual(
      [tcp({}), tcp({ tcp_port: 0 }), tcp({ allow_tcp_fallback: false })],
      [true, false, false],
    );
  });

  test('ask for key frames as often as the most eager quality may', () => {
    const rtc = { pli_throttle: { low_quality: '500ms', mid_quality: '2s', high_quality: '1s' } };
    assert.equal(transportSettings(config({ rtc })).keyFrameRequestDelayMs, 500);
  });
});

describe('Rooms', () => {
  test('measure loudness within what the worker can', () => {
    const interval = (update_interval: number) =>
      roomSettings(config({ audio: { update_interval } })).audioIntervalMs;
    assert.deepEqual([100, 400, 60_000].map(interval), [250, 400, 5000]);
  });

  test('have the limits of the configuration', () => {
    const limit = { subscription_limit_video: 3, subscription_limit_audio: 7 };
    assert.deepEqual(roomSettings(config({ limit })).subscriptionLimits, { video: 3, audio: 7 });
  });

  test('are told which codecs are enabled', () => {
    const room = { enabled_codecs: [{ mime: 'video/vp8' }, { mime: 'audio/opus' }] };
    assert.deepEqual(roomSettings(config({ room })).enabledCodecs, ['video/vp8', 'audio/opus']);
  });
});

describe('presets', () => {
  test('are read in either spelling of the protocol, whatever else they say', () => {
    const room = {
      room_configurations: {
        one: { max_participants: 2, metadata: 'm', later: true },
        two: { emptyTimeout: 9 },
      },
    };
    const presets = roomPresets(config({ room }));
    assert.deepEqual([presets.get('one')?.maxParticipants, presets.get('one')?.metadata], [2, 'm']);
    assert.equal(presets.get('two')?.emptyTimeout, 9);
  });

  test('that are none are refused by their name', () => {
    const room = { room_configurations: { bad: { max_participants: 'many' } } };
    assert.throws(
      () => roomPresets(config({ room })),
      (error: unknown) =>
        error instanceof SettingsError && /room_configurations\.bad/.test(error.message),
    );
  });
});
