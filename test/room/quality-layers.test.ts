import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { TrackInfo, VideoLayer, VideoQuality } from '@livekit/protocol';
import {
  DEFAULT_SETTINGS,
  layersFor,
  type TrackSettings,
  wantedQuality,
} from '../../node-image/room/quality-layers';

const { LOW, MEDIUM, HIGH, OFF } = VideoQuality;
const layer = (quality: VideoQuality, width: number, height: number) =>
  new VideoLayer({ quality, width, height });
const camera = new TrackInfo({
  layers: [layer(HIGH, 1280, 720), layer(LOW, 320, 180), layer(MEDIUM, 640, 360)],
});
const settings = (changes: Partial<TrackSettings>): TrackSettings => ({
  ...DEFAULT_SETTINGS,
  ...changes,
});
const sized = (width: number, height: number) => wantedQuality(camera, settings({ width, height }));

describe('the quality that a viewer needs', () => {
  test('is what it asks for', () => {
    assert.equal(wantedQuality(camera, settings({ quality: MEDIUM })), MEDIUM);
    assert.equal(wantedQuality(camera, DEFAULT_SETTINGS), HIGH);
  });

  test('is none of a track that is switched off, whatever else is said', () => {
    assert.equal(wantedQuality(camera, settings({ disabled: true, quality: HIGH, width: 9 })), OFF);
  });

  test('is the lowest layer that is not smaller than the picture shown', () => {
    assert.equal(sized(160, 90), LOW);
    assert.equal(sized(320, 180), LOW);
    assert.equal(sized(321, 181), MEDIUM);
    assert.equal(sized(1000, 562), HIGH);
    assert.equal(sized(3840, 2160), HIGH);
  });

  test('counts the shorter side, as phones are held upright', () => {
    assert.equal(sized(180, 320), LOW);
    assert.equal(sized(360, 640), MEDIUM);
  });

  test('is the highest where the publisher announced no layers', () => {
    assert.equal(wantedQuality(new TrackInfo(), settings({ width: 10, height: 10 })), HIGH);
  });

  test('is the quality asked for where only one side is given', () => {
    assert.equal(wantedQuality(camera, settings({ quality: LOW, width: 1280 })), LOW);
  });
});

describe('the layers that stand for a quality', () => {
  test('count from the lowest announced', () => {
    const spatial = (quality: VideoQuality) => layersFor(camera, quality, 3, 0).spatialLayer;
    assert.deepEqual([LOW, MEDIUM, HIGH].map(spatial), [0, 1, 2]);
    const two = new TrackInfo({ layers: [layer(LOW, 640, 360), layer(HIGH, 1280, 720)] });
    assert.equal(layersFor(two, HIGH, 2, 0).spatialLayer, 1);
  });

  test('are never more than the stream has', () => {
    assert.equal(layersFor(camera, HIGH, 1, 0).spatialLayer, 0);
    assert.equal(layersFor(new TrackInfo(), HIGH, 2, 0).spatialLayer, 1);
    assert.equal(layersFor(camera, OFF, 3, 0).spatialLayer, 2);
  });

  test('have fewer frames where fewer are asked for', () => {
    const temporal = (fps: number) => layersFor(camera, HIGH, 3, fps).temporalLayer;
    assert.deepEqual([0, 30, 16, 15, 8, 7, 1].map(temporal), [2, 2, 2, 1, 1, 0, 0]);
  });
});
