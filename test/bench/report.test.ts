import assert from 'node:assert/strict';
import { test } from 'node:test';
import { plot } from '../../bench/plot';
import { type Cell, medianOf, ratiosOf } from '../../bench/report';
import { allScenarios } from '../../bench/scenarios';
import type { ServerKind } from '../../bench/servers';

/** Runs of which only the cost of a packet is looked at. */
function cell(server: ServerKind, costs: readonly (number | undefined)[]): Cell {
  const [scenario] = allScenarios();
  assert.ok(scenario);
  const runs = costs.map((cost) => ({ steadyCpuMicrosecondsPerPacket: cost }));
  return { scenario, server, runs: runs as unknown as Cell['runs'] };
}

test('the middle of some figures is one of them, without those that are missing', () => {
  assert.equal(medianOf([5, undefined, 1, null, 3]), 3);
  assert.equal(medianOf([4, 2]), 2);
  assert.equal(medianOf([undefined, null]), undefined);
});

test('both servers are compared by the medians of what a packet costs', () => {
  const ours = cell('sluice', [5, 100, 6]);
  assert.deepEqual(ratiosOf([ours, cell('livekit-server', [12, 11, 13])]), [
    "viewers-10: CPU a packet 0.50 of livekit-server's",
  ]);
  assert.deepEqual(ratiosOf([ours]), []);
  assert.deepEqual(ratiosOf([ours, cell('livekit-server', [undefined])]), []);
});

test('scenarios have names of their own, and participants of a Room identities of their own', () => {
  const scenarios = allScenarios();
  assert.equal(new Set(scenarios.map(({ name }) => name)).size, scenarios.length);
  for (const { participants } of scenarios) {
    const identities = participants.map(({ room, name }) => `${room} ${name}`);
    assert.equal(new Set(identities).size, identities.length);
  }
});

test('a plot puts larger values higher, and escapes what it is given', () => {
  const svg = plot({
    title: 'a < b',
    x: 'viewers',
    y: 'µs',
    lines: [
      {
        name: 'one',
        points: [
          { x: 0, y: 0 },
          { x: 10, y: 20 },
        ],
      },
    ],
  });
  const [, low, high] = /points="[\d.]+,([\d.]+) [\d.]+,([\d.]+)"/.exec(svg) ?? [];
  assert.ok(Number(high) < Number(low), svg);
  assert.match(svg, /a &lt; b/);
});
