/** Defaults of deployments and of the configuration are what the model says, so neither drifts. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readCosts, readPrices } from '../../node-image/capacity';
import { bytesOfTraffic, coresOfTraffic, errorOf } from '../../node-image/capacity/costs';
import { regionOf } from '../../node-image/capacity/plan-cluster';
import type { CloudPrices, Machine } from '../../node-image/capacity/prices';
import { fitOf } from '../../node-image/capacity/room-fit';
import { targetLoadToBearALoss } from '../../node-image/capacity/scaling-defaults';
import { type RoomShape, trafficOfRoom } from '../../node-image/capacity/traffic';
import { QUESTION_DEFAULTS } from '../../node-image/cloud/aws/preflight/question';
import { QUESTION_DEFAULTS as AZURE_DEFAULTS } from '../../node-image/cloud/azure/preflight/question';
import { configSchema, DEPLOYMENT_DEFAULTS } from '../../node-image/contract';

const COSTS = readCosts();
const PRICES = readPrices();
const { scaling, ledger } = configSchema.parse({}).sluice;
/** A meeting: what most Rooms are at most. */
const MEETING: RoomShape = { publishers: 8, viewers: 0, audio: true, video: '720p', watch: '360p' };
const CALL: RoomShape = { publishers: 2, viewers: 0, audio: true, video: '360p' };
const LARGE: RoomShape = { publishers: 12, viewers: 0, audio: true, video: '720p' };

const roomsOn = (machine: Machine, targetLoad: number = DEPLOYMENT_DEFAULTS.targetLoad) =>
  fitOf({ room: MEETING, machine, costs: COSTS, targetLoad, staySeconds: 1800 });

function defaultMachine(cloud: CloudPrices): Machine {
  const machine = regionOf(cloud).machines.find(({ type }) => type === cloud.defaultMachine);
  assert.ok(machine, cloud.defaultMachine);
  return machine;
}

test('the target load is that at which one of three Media Nodes may die', () => {
  assert.ok(Math.abs(DEPLOYMENT_DEFAULTS.targetLoad - targetLoadToBearALoss()) < 1e-9);
  assert.equal(scaling.target_load, DEPLOYMENT_DEFAULTS.targetLoad);
  for (const cloud of [PRICES.aws, PRICES.azure]) {
    const { atTarget, full } = roomsOn(defaultMachine(cloud));
    assert.ok(3 * atTarget <= 2 * (full + 1), `${3 * atTarget} Rooms on 2 nodes of ${full}`);
    // A tenth more, and they do not fit; a tenth less carries fewer for nothing.
    const more = roomsOn(defaultMachine(cloud), DEPLOYMENT_DEFAULTS.targetLoad + 0.1).atTarget;
    assert.ok(3 * more > 2 * (full + 1));
  }
});

test('the Rooms for which place is kept fit between the target and a full node', () => {
  assert.equal(scaling.headroom_rooms, DEPLOYMENT_DEFAULTS.headroomRooms);
  for (const cloud of [PRICES.aws, PRICES.azure]) {
    const { atTarget, full } = roomsOn(defaultMachine(cloud));
    assert.ok(full - atTarget >= DEPLOYMENT_DEFAULTS.headroomRooms);
  }
});

test('what a new Room reserves is between a call of two and a large meeting', () => {
  const bounds = [CALL, LARGE].map((room) => {
    const traffic = trafficOfRoom(room);
    return {
      cpus: coresOfTraffic(COSTS.cpu, traffic),
      bytesPerSecond: (traffic.bitsInPerSecond + traffic.bitsOutPerSecond) / 8,
      bytes: bytesOfTraffic(COSTS.memory, traffic),
    };
  });
  const [call, large] = bounds;
  assert.ok(call && large);
  const within = (value: number, low: number, high: number, name: string) =>
    assert.ok(value >= low && value <= high, `${name}: ${value}, model ${low} to ${high}`);
  within(ledger.room_cpu_cost, call.cpus, large.cpus, 'room_cpu_cost');
  within(ledger.room_bandwidth_cost, call.bytesPerSecond, large.bytesPerSecond, 'bandwidth');
  within(ledger.room_memory_cost, call.bytes, large.bytes, 'room_memory_cost');
});

test('a Single Node carries what its construct says of it', () => {
  // constructs/single-node.ts: some 200 participants.
  const { atTarget, full } = roomsOn(defaultMachine(PRICES.aws));
  assert.ok(full * MEETING.publishers >= 200, `${full * MEETING.publishers}`);
  assert.ok(atTarget * MEETING.publishers <= 500, `${atTarget * MEETING.publishers}`);
});

test('machines that are planned with are those that deployments have by default', () => {
  assert.equal(PRICES.aws.defaultMachine, QUESTION_DEFAULTS.instanceType);
  assert.equal(PRICES.azure.defaultMachine, AZURE_DEFAULTS.vmSize);
  for (const cloud of [PRICES.aws, PRICES.azure]) {
    for (const { machines } of cloud.regions) {
      assert.ok(machines.some(({ type }) => type === cloud.defaultMachine));
    }
  }
});

test('the costs are of a validation that keeps its promise, or say that they are to be doubted', () => {
  assert.ok(COSTS.validation.cpu.length >= 3);
  const told = COSTS.fit.map(({ scenario }) => scenario);
  for (const { scenario } of COSTS.validation.cpu) assert.ok(!told.includes(scenario), scenario);
  assert.ok(errorOf(COSTS) <= 0.2 || COSTS.doubts.length > 0, `${errorOf(COSTS)}`);
});
