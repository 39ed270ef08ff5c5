import assert from 'node:assert/strict';
import { test } from 'node:test';
import { profileOf } from '../../bench/floor';
import { summaryOf } from '../../bench/lk-series';
import type { Measurement } from '../../bench/measure';
import { durationOf, Limits, turnsOf } from '../../bench/plan-of-runs';
import type { Cell } from '../../bench/report';
import { allScenarios, type Scenario } from '../../bench/scenarios';
import type { ServerKind } from '../../bench/servers';
import { targetsOf } from '../../bench/targets';
import { fitOf, trendsOf } from '../../bench/trend';

function scenarioOf(name: string): Scenario {
  const found = allScenarios().find((one) => one.name === name);
  assert.ok(found, name);
  return found;
}

/** A run of which only some figures are looked at. */
function runOf(figures: {
  readonly cost?: number;
  readonly rate?: number;
  readonly lostShare?: number;
  readonly why?: readonly string[];
}): Measurement {
  const { cost, rate, lostShare = 0, why = [] } = figures;
  const run = {
    steadyCpuMicrosecondsPerPacket: cost,
    steadyPacketsPerSecond: rate,
    lostShare,
    bytesPerSubscription: 1_000,
    load: {
      first20s: { bitsPerSecond: 1_000_000 },
      firstFrameMs: { p95: 100 },
      self: { isBottleneck: why.length > 0, why },
    },
  };
  return run as unknown as Measurement;
}

const cellOf = (name: string, server: ServerKind, run: Measurement, floor?: number): Cell => ({
  scenario: scenarioOf(name),
  server,
  runs: [run],
  ...(floor === undefined
    ? {}
    : { floor: { cpuMicrosecondsPerPacket: floor } as NonNullable<Cell['floor']> }),
});

test('a fit finds the line and the power that points were made of', () => {
  const line = fitOf([1, 2, 4, 8].map((x) => ({ x, y: 3 + 2 * x })));
  assert.ok(line);
  assert.ok(Math.abs(line.base - 3) < 1e-9 && Math.abs(line.slope - 2) < 1e-9);
  const square = fitOf([1, 2, 4, 8].map((x) => ({ x, y: 5 * x * x })));
  assert.ok(square);
  assert.ok(Math.abs(square.exponent - 2) < 1e-9 && Math.abs(square.factor - 5) < 1e-9);
  assert.equal(fitOf([{ x: 1, y: 1 }]), undefined);
  assert.equal(fitOf([1, 2].map((x) => ({ x, y: 0 }))), undefined);
});

test('each target holds or falls short, by the load and beside the peer', () => {
  const cells = [
    cellOf('viewers-50', 'sluice', runOf({ cost: 4, rate: 8_000 }), 2),
    cellOf('viewers-50', 'livekit-server', runOf({ cost: 10, rate: 8_000 })),
    cellOf('viewers-100', 'sluice', runOf({ cost: 4, rate: 16_000 }), 1),
    cellOf('viewers-100', 'livekit-server', runOf({ cost: 10, rate: 16_000 })),
  ];
  const targets = targetsOf(cells, []);
  const find = (part: string, where: string) =>
    targets.find((one) => one.what.includes(part) && one.where === where);
  assert.equal(find('below 15 k', 'viewers-50')?.holds, true);
  assert.equal(find('from 15 k', 'viewers-100')?.holds, false);
  // As much is enough for the bitrate, and twice too much for memory.
  assert.equal(find('bitrate', 'viewers-50')?.holds, true);
  assert.equal(find('memory', 'viewers-50')?.holds, false);
  // Only at the largest that is carried.
  assert.equal(find('floors', 'viewers-50'), undefined);
  assert.equal(find('floors', 'viewers-100')?.value, 4);
  assert.equal(find('floors', 'viewers-100')?.holds, false);
});

test('cost that grows with the square of viewers falls short', () => {
  const cells = [10, 25, 50].map((size) =>
    cellOf(`viewers-${size}`, 'sluice', runOf({ cost: size, rate: size * 100 })),
  );
  const trends = trendsOf(cells);
  assert.ok(Math.abs((trends[0]?.fit.exponent ?? 0) - 2) < 1e-9);
  const [growth] = targetsOf(cells, trends).filter(({ what }) => what.startsWith('exponent'));
  assert.equal(growth?.holds, false);
});

test('everything is run once before anything is run again, and servers take turns in being first', () => {
  const scenarios = ['viewers-10', 'rooms-50', 'audio-5-10'].map(scenarioOf);
  const turns = turnsOf(scenarios, ['sluice', 'livekit-server'], 2);
  assert.deepEqual(
    turns.map(({ pass, scenario, server }) => `${pass} ${scenario.name} ${server}`),
    [
      ...['viewers-10', 'rooms-50', 'audio-5-10'].flatMap((name) => [
        `1 ${name} sluice`,
        `1 ${name} livekit-server`,
      ]),
      ...['viewers-10', 'audio-5-10'].flatMap((name) => [
        `2 ${name} livekit-server`,
        `2 ${name} sluice`,
      ]),
    ],
  );
  assert.ok(durationOf(turns, 24) > 4 * 24 && durationOf(turns, 24) < 10 * 31);
});

test('a search ends at loss or at a bottleneck of the load source, for that server only', () => {
  const limits = new Limits();
  const turn = (name: string, server: ServerKind = 'sluice') => ({
    scenario: scenarioOf(name),
    server,
  });
  limits.note(turn('rooms-4'), runOf({ why: ['a thread was busy'] }));
  assert.ok(limits.allows(turn('rooms-6')), 'a doubt at a size that is always measured');
  limits.note(turn('rooms-6'), runOf({}));
  limits.note(turn('rooms-8'), runOf({ why: ['a thread was busy'] }));
  limits.note(turn('rooms-6', 'livekit-server'), runOf({ lostShare: 0.01 }));
  assert.ok(!limits.allows(turn('rooms-12')));
  assert.ok(!limits.allows(turn('rooms-8', 'livekit-server')));
  assert.ok(limits.allows(turn('viewers-600')));
  assert.deepEqual(limits.ceilings([scenarioOf('rooms-8')], ['sluice', 'livekit-server']), [
    {
      series: 'rooms',
      server: 'sluice',
      carried: 6,
      failed: 8,
      why: 'the load source is the bottleneck: a thread was busy',
    },
    {
      series: 'rooms',
      server: 'livekit-server',
      carried: undefined,
      failed: 6,
      why: '1.00 % of packets lost',
    },
  ]);
});

test('the floor takes the SRTP profile of most handshakes', () => {
  assert.equal(
    profileOf({ AEAD_AES_128_GCM: 1, AES128_CM_HMAC_SHA1_80: 5 }),
    'AES128_CM_HMAC_SHA1_80',
  );
  assert.equal(profileOf({}), 'AEAD_AES_128_GCM');
});

test('what lk says of all its subscribers is read, and that it sent them nothing', () => {
  const summary = (total: string): string => `Track loading:
│ Sub 0  │ TR_x │ audio │ 251   │ 20.9kbps │ 9 (9%)    │
Subscriber summaries:
│ Tester │ Tracks │ Bitrate                 │ Total Pkt. Loss │ Error │
│ Sub 0  │ 1/2    │ 20.9kbps                │ 0 (0%)          │ -     │
${total}`;
  const { bitsPerSecond, lostShare } = summaryOf(
    summary('│ Total  │ 2/4    │ 41.7kbps (20.9kbps avg) │ 3 (0.5%)          │ 0     │'),
  );
  assert.equal(bitsPerSecond, 41_700);
  assert.equal(lostShare, 0.005);
  const nothing = summaryOf(summary('│ Total  │ 0/2    │ NaNmbps (NaNmbps avg) │  -    │ 0     │'));
  assert.equal(nothing.bitsPerSecond, undefined);
  assert.equal(nothing.lostShare, undefined);
});
