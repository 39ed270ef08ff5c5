import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Registry } from 'prom-client';
import type { ScalingFigures } from '../../node-image/cluster/scaling';
import {
  type SeatFigures,
  watchController,
  watchEntry,
  watchSeat,
} from '../../node-image/telemetry/cluster-metrics';

describe('metrics of the cluster', () => {
  it('show a node that serves, and one that drains', async () => {
    const registry = new Registry();
    let seat: SeatFigures = {
      state: 'serving',
      known: true,
      drain: { order: undefined, progress: undefined },
    };
    watchSeat(registry, {
      get state() {
        return seat.state;
      },
      get known() {
        return seat.known;
      },
      get drain() {
        return seat.drain;
      },
    });
    const before = await registry.metrics();
    assert.match(before, /sluice_node_state\{state="serving"\} 1/);
    assert.match(before, /sluice_node_state\{state="draining"\} 0/);
    assert.match(before, /sluice_drain_deadline_timestamp_seconds 0/);
    assert.match(before, /sluice_registry_available 1/);
    seat = {
      state: 'draining',
      known: false,
      drain: {
        order: {
          id: 'DR_1',
          reason: 'test',
          patienceUntilMs: 0,
          deadlineMs: 5_000,
          onDeadline: 'force',
        },
        progress: {
          orderId: 'DR_1',
          roomsLeft: 3,
          participantsLeft: 7,
          turnAllocationsLeft: 1,
          jobsLeft: 3,
          jobsLeftByKind: { egress: 2, livekit_ingress: 1 },
          roomsMoved: 2,
          obstacle: '',
          overdue: false,
        },
      },
    };
    const after = await registry.metrics();
    assert.match(after, /sluice_node_state\{state="draining"\} 1/);
    assert.match(after, /sluice_node_state\{state="serving"\} 0/);
    assert.match(after, /sluice_drain_left\{kind="rooms"\} 3/);
    assert.match(after, /sluice_drain_left\{kind="participants"\} 7/);
    assert.match(after, /sluice_drain_left\{kind="turn_allocations"\} 1/);
    assert.match(after, /sluice_drain_left\{kind="jobs"\} 3/);
    assert.match(after, /sluice_drain_left\{kind="egress"\} 2/);
    assert.match(after, /sluice_drain_left\{kind="agent"\} 0/);
    assert.match(after, /sluice_drain_left\{kind="livekit_ingress"\} 1/);
    assert.match(after, /sluice_drain_rooms_moved 2/);
    assert.match(after, /sluice_drain_deadline_timestamp_seconds 5/);
    assert.match(after, /sluice_registry_available 0/);
  });

  it('show the clients of a Master Node', async () => {
    const registry = new Registry();
    watchEntry(registry, { clients: { passed: 12, held: 3 } });
    const text = await registry.metrics();
    assert.match(text, /sluice_entry_clients\{state="passed"\} 12/);
    assert.match(text, /sluice_entry_clients\{state="held"\} 3/);
  });

  it('show what the controller goes by, where it leads', async () => {
    const registry = new Registry();
    const controller: { leads: boolean; figures: ScalingFigures | undefined } = {
      leads: true,
      figures: { serving: 2, coming: 1, leaving: 0, meanLoad: 0.5, roomsThatFit: 9 },
    };
    watchController(registry, controller);
    const leading = await registry.metrics();
    assert.match(leading, /sluice_controller_leader 1/);
    assert.match(leading, /sluice_cluster_media_nodes\{state="coming"\} 1/);
    assert.match(leading, /sluice_cluster_load 0.5/);
    assert.match(leading, /sluice_cluster_rooms_that_fit 9/);
    controller.leads = false;
    controller.figures = undefined;
    const following = await registry.metrics();
    assert.match(following, /sluice_controller_leader 0/);
    assert.doesNotMatch(following, /^sluice_cluster_/m, 'old figures mislead');
  });
});
