import assert from 'node:assert/strict';
import { test } from 'node:test';
import { factorOf, parseCalibration, readCosts } from '../../node-image/capacity';
import { calibrate } from '../../node-image/capacity/calibrate';

test('a worker forwards packets on this machine, and its CPU is counted', {
  timeout: 60_000,
}, async () => {
  const { cores, processor, microsecondsPerPacket } = await calibrate({ seconds: 0.5, workers: 1 });
  assert.ok(cores >= 1 && processor.length > 0);
  // Encrypting and sending takes more than any crypto library alone, and less than a millisecond.
  assert.ok(
    microsecondsPerPacket > 0.5 && microsecondsPerPacket < 1000,
    `${microsecondsPerPacket}`,
  );
});

test('a calibration is held against the machine of the costs', () => {
  const costs = readCosts();
  const { microsecondsPerPacket } = costs.calibration;
  const text = JSON.stringify({
    ...{ processor: 'slow', cores: 4, measuredAt: '2026-01-01T00:00:00.000Z' },
    microsecondsPerPacket: 1.5 * microsecondsPerPacket,
  });
  assert.ok(Math.abs(factorOf(parseCalibration(text), costs) - 1.5) < 1e-9);
});

test('what is no calibration is refused with what is wrong', () => {
  assert.throws(() => parseCalibration('{'), /it is no JSON/);
  assert.throws(() => parseCalibration('null'), /^Error: it: /);
  assert.throws(
    () =>
      parseCalibration('{"processor":"x","cores":2,"measuredAt":"now","microsecondsPerPacket":0}'),
    /^Error: microsecondsPerPacket: /,
  );
});
