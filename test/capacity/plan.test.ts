import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { type PlanQuestion, planCluster, plotOfPlan, readPrices } from '../../node-image/capacity';
import type { Costs } from '../../node-image/capacity/costs';
import { monthlyUsd } from '../../node-image/capacity/monthly-cost';
import { regionOf } from '../../node-image/capacity/plan-cluster';
import { trafficUsd } from '../../node-image/capacity/prices';
import { fitOf, largestRoom } from '../../node-image/capacity/room-fit';
import {
  AUDIO,
  packetsPerSecond,
  trafficOfRoom,
  VIDEO_PROFILES,
} from '../../node-image/capacity/traffic';

/** Round figures, so that answers can be counted by hand. */
const COSTS: Costs = {
  doubts: [],
  measuredAt: '2026-01-01T00:00:00.000Z',
  machine: { processor: 'test', cores: 2, node: 'v24' },
  versions: { sluice: '0', mediasoup: '0' },
  cpu: {
    node: 0,
    participant: 0,
    receivedPacket: 0,
    forwardedVideoPacket: 10,
    forwardedAudioPacket: 10,
    join: 0,
    subscription: 0,
  },
  memory: { nodeBytes: 200e6, participantBytes: 1e6, subscriptionBytes: 100e3 },
  calibration: { microsecondsPerPacket: 10 },
  fit: [],
  validation: {
    cpu: [{ scenario: 'one', measured: 1, predicted: 1.1, error: 0.1, of: 'packets' }],
    packets: [],
    memory: [],
  },
};
const PRICES = readPrices();
const QUESTION: PlanQuestion = {
  rooms: 50,
  room: { publishers: 8, viewers: 0, audio: true },
  clouds: ['azure'],
  masters: 1,
  targetLoad: 0.6,
  headroomRooms: 0,
  hours: 730,
  staySeconds: 1800,
  costs: COSTS,
  prices: PRICES,
  factor: 1,
};

test('packets follow from frames and what a packet holds', () => {
  assert.equal(packetsPerSecond(AUDIO), 50);
  // 1700000 / 8 / 30 = 7083 bytes a frame, 7 packets of 1160.
  assert.equal(packetsPerSecond(VIDEO_PROFILES['720p'][2] ?? AUDIO), 210);
  assert.equal(packetsPerSecond(VIDEO_PROFILES['360p'][1] ?? AUDIO), 60);
});

test('everybody is sent everybody else, in the size that is asked for', () => {
  const meeting = trafficOfRoom({ publishers: 8, viewers: 0, audio: true, video: '720p' });
  assert.equal(meeting.subscriptions, 8 * 7 * 2);
  assert.equal(meeting.forwardedVideo, 8 * 7 * 210);
  assert.equal(meeting.forwardedAudio, 8 * 7 * 50);
  // 20 + 60 + 210 packets of three layers, and sound.
  assert.equal(meeting.received, 8 * (20 + 60 + 210 + 50));
  const live = trafficOfRoom({
    ...{ publishers: 1, viewers: 1000, audio: false },
    ...{ video: '720p', watch: '360p' },
  });
  assert.equal(live.participants, 1001);
  assert.equal(live.subscriptions, 1000);
  assert.equal(live.forwardedVideo, 1000 * 60);
});

test('nodes follow from the cores of a Room and the target load', () => {
  // 8 x 7 x 50 packets of 10 µs: 0.028 cores a Room; 0.6 x 2 cores carry 42, 0.9 x 2 carry 64.
  const ask = (more: Partial<PlanQuestion>) => {
    const [one] = planCluster({ ...QUESTION, machine: 'Standard_F2s_v2', ...more }).candidates;
    assert.ok(one);
    return one;
  };
  assert.equal(ask({ rooms: 42 }).nodes.expected, 1);
  const two = ask({ rooms: 43 });
  assert.equal(two.nodes.expected, 2);
  assert.equal(two.limit, 'cpu');
  assert.equal(two.roomsOfNode, 42);
  assert.ok(Math.abs(two.load.cpu - (43 * 0.028) / 2 / 2) < 1e-9, `${two.load.cpu}`);
  // 42 and 23 more are more than the 64 that one carries.
  assert.equal(ask({ rooms: 42, headroomRooms: 22 }).nodes.expected, 1);
  assert.equal(ask({ rooms: 42, headroomRooms: 23 }).nodes.expected, 2);
  // 10 % more a packet: 38 Rooms; 10 % less: 47.
  assert.deepEqual(ask({ rooms: 42 }).nodes, { low: 1, expected: 1, high: 2 });
  assert.deepEqual(ask({ rooms: 47 }).nodes, { low: 1, expected: 2, high: 2 });
  // On a machine that is half as fast.
  assert.equal(ask({ rooms: 42, factor: 2 }).nodes.expected, 2);
});

test('the network ends first where pictures are large and packets cost little', () => {
  const costs = { ...COSTS, cpu: { ...COSTS.cpu, forwardedVideoPacket: 0.1 } };
  const room = { publishers: 8, viewers: 0, audio: false, video: '1080p' } as const;
  const question = { ...QUESTION, clouds: ['aws'] as const, machine: 'c7i.large', costs, room };
  const [one] = planCluster(question).candidates;
  assert.equal(one?.limit, 'network');
  const { bitsOutPerSecond } = trafficOfRoom(room);
  assert.equal(one.roomsOfNode, Math.floor((0.781e9 * 0.6) / bitsOutPerSecond));
  assert.ok(one.load.network <= 0.6);
});

test('memory ends first where nobody sends much', () => {
  const costs = { ...COSTS, memory: { ...COSTS.memory, participantBytes: 100e6 } };
  const [one] = planCluster({ ...QUESTION, costs, machine: 'Standard_F2s_v2' }).candidates;
  assert.equal(one?.limit, 'memory');
  // 0.95 x 4 GiB without the system and the node, by 8 x 100 MB and 56 subscriptions.
  assert.equal(one.roomsOfNode, Math.floor((0.95 * 4 * 2 ** 30 - 600e6) / 805.6e6));
});

test('a Room that is larger than a worker takes more of them, and cores for what goes between', () => {
  // 50 packets of 10 µs a viewer: 2.5 cores, so 3 workers of 0.9.
  const room = { publishers: 1, viewers: 5000, audio: true };
  const memory = { ...COSTS.memory, participantBytes: 1000, subscriptionBytes: 1000 };
  const question = { ...QUESTION, rooms: 1, room, costs: { ...COSTS, memory } };
  const { candidates, tooSmall } = planCluster(question);
  const [small] = tooSmall;
  assert.deepEqual([tooSmall.length, small?.machine.vcpus, small?.limit], [1, 2, 'cpu']);
  // 1.8 cores, less 50 packets of 10 µs that are brought to the second worker.
  assert.equal(small?.largest?.viewers, 3599);
  const [four] = candidates;
  assert.ok(four);
  assert.deepEqual([four.machine.vcpus, four.nodes.expected], [4, 1]);
  assert.ok(Math.abs(four.load.cpu - (2.5 + 2 * 0.0005) / 4) < 1e-9, `${four.load.cpu}`);
});

test('a Room in which more is sent than a worker takes in is refused, with the largest that fits', () => {
  // 50 x 50 packets of 500 µs.
  const costs = { ...COSTS, cpu: { ...COSTS.cpu, receivedPacket: 500 } };
  const question = {
    ...{ ...QUESTION, rooms: 1, costs },
    room: { publishers: 50, viewers: 0, audio: true },
  };
  const { candidates, tooSmall } = planCluster(question);
  assert.deepEqual(candidates, []);
  assert.equal(tooSmall.length, 5);
  for (const { limit, largest, machine } of tooSmall) {
    assert.equal(limit, 'worker');
    const fits = { ...question, room: largest ?? question.room, machine: machine.type };
    assert.equal(planCluster(fits).candidates.length, 1);
  }
  assert.equal(plotOfPlan(question, planCluster(question)), undefined);
});

test('a Single Node is one machine, or too small', () => {
  const single = { ...QUESTION, masters: 0, rooms: 80 };
  const { candidates, tooSmall } = planCluster(single);
  for (const { nodes } of candidates) assert.equal(nodes.expected, 1);
  const small = tooSmall.find(({ machine }) => machine.type === 'Standard_F2s_v2');
  assert.deepEqual(small?.rooms, { atTarget: 42, full: 64 });
  assert.ok(candidates.some(({ machine }) => machine.type === 'Standard_F4s_v2'));
});

describe('what it costs', () => {
  test('traffic is paid by tiers', () => {
    const tiers = [
      { upToGb: 100, usdPerGb: 0 },
      { upToGb: 1000, usdPerGb: 0.1 },
      { usdPerGb: 0.05 },
    ];
    assert.equal(trafficUsd(tiers, 50), 0);
    assert.equal(trafficUsd(tiers, 1000), 90);
    assert.equal(trafficUsd(tiers, 3000), 190);
  });

  test('clusters at rest cost what the constructs say of them', () => {
    const atRest = (masters: number): number => {
      const region = regionOf(PRICES.aws);
      const machine = region.machines.find(({ type }) => type === PRICES.aws.defaultMachine);
      assert.ok(machine);
      const load = { nodes: 1, hours: 730, bitsOutPerSecond: 0 };
      return monthlyUsd({ cloud: PRICES.aws, region, machine, masters, ...load }).together;
    };
    // docs/aws.md, "What it costs".
    for (const [masters, usd] of [
      [0, 165],
      [1, 237],
      [3, 416],
    ] as const) {
      assert.ok(Math.abs(atRest(masters) / usd - 1) < 0.02, `${masters}: ${atRest(masters)}`);
    }
  });

  test('hours without load cost the least of machines, and no traffic', () => {
    const cost = (hours: number) => {
      const question = { ...QUESTION, rooms: 200, machine: 'Standard_F2s_v2', hours };
      const [one] = planCluster(question).candidates;
      assert.ok(one && one.nodes.expected > 2);
      return one;
    };
    const [day, month] = [cost(73), cost(730)];
    const hourly = regionOf(PRICES.azure).machines[0]?.usdPerHour ?? 0;
    const expected = (day.nodes.expected * 73 + 657) * hourly;
    assert.ok(Math.abs(day.usd.mediaNodes - expected) < 1e-6);
    // Less by the tenth, at the dearer tiers.
    assert.ok(day.usd.traffic > 0 && day.usd.traffic < month.usd.traffic / 5);
    assert.equal(day.usd.masterNodes, month.usd.masterNodes);
  });
});

describe('for any load', () => {
  const anyRoom = fc.record({
    publishers: fc.integer({ min: 1, max: 12 }),
    viewers: fc.integer({ min: 0, max: 60 }),
    audio: fc.boolean(),
    video: fc.constantFrom('360p', '720p', '1080p'),
  });
  const anyQuestion = fc.record({ room: anyRoom, rooms: fc.integer({ min: 1, max: 500 }) });
  const ask = (more: Partial<PlanQuestion>) =>
    planCluster({ ...QUESTION, clouds: ['aws', 'azure'], ...more });
  type Asked = { readonly room: PlanQuestion['room']; readonly rooms: number };

  /** On each machine that still carries it, more load needs no fewer nodes and costs no less. */
  const neverLess = (less: Asked, more: Asked): void => {
    const [before, after] = [ask(less), ask(more)];
    for (const one of after.candidates) {
      const earlier = before.candidates.find(
        ({ cloud, machine }) => cloud === one.cloud && machine.type === one.machine.type,
      );
      assert.ok(earlier, 'what carries more carries less');
      assert.ok(one.nodes.expected >= earlier.nodes.expected);
      assert.ok(one.nodes.high >= earlier.nodes.high);
      assert.ok(one.usd.together >= earlier.usd.together - 1e-9);
    }
    const cheapest = (plan: typeof before): number =>
      Math.min(...plan.candidates.map(({ usd }) => usd.together));
    assert.ok(cheapest(after) >= cheapest(before) - 1e-9);
  };

  test('more Rooms never need fewer nodes, and never cost less', () => {
    fc.assert(
      fc.property(anyQuestion, fc.integer({ min: 1, max: 300 }), (less, more) =>
        neverLess(less, { ...less, rooms: less.rooms + more }),
      ),
      { numRuns: 60 },
    );
  });

  test('more in a Room never need fewer nodes, and never cost less', () => {
    fc.assert(
      fc.property(anyQuestion, fc.nat(20), fc.nat(20), (less, senders, viewers) => {
        const { room } = less;
        const publishers = room.publishers + senders;
        neverLess(less, {
          ...less,
          room: { ...room, publishers, viewers: room.viewers + viewers },
        });
      }),
      { numRuns: 60 },
    );
  });

  test('no node is above the target, but one that has a single Room', () => {
    fc.assert(
      fc.property(anyQuestion, (question) => {
        for (const { load, roomsOfNode, nodes } of ask(question).candidates) {
          assert.ok(nodes.low <= nodes.expected && nodes.expected <= nodes.high);
          const most = roomsOfNode === 1 ? 0.9 : 0.6;
          assert.ok(load.cpu <= most + 1e-9 && load.network <= most + 1e-9);
        }
      }),
      { numRuns: 60 },
    );
  });

  test('the largest Room fits, and one more does not', () => {
    fc.assert(
      fc.property(anyRoom, (room) => {
        const machine = regionOf(PRICES.aws).machines[0];
        assert.ok(machine);
        const question = { ...QUESTION, machine, room: { ...room, viewers: room.viewers + 1 } };
        const largest = largestRoom(question);
        if (largest === undefined) return;
        assert.ok(fitOf({ ...question, room: largest }).full > 0);
        const larger = { ...largest, viewers: largest.viewers + 1 };
        assert.equal(fitOf({ ...question, room: larger }).full, 0);
      }),
      { numRuns: 60 },
    );
  });
});
