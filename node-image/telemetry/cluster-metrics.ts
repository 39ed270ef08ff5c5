import { Gauge, type Registry } from 'prom-client';
import {
  type DrainOrder,
  type DrainProgress,
  LEFT_KINDS,
  type NodeState,
} from '../cluster/node-record';
import type { ScalingFigures } from '../cluster/scaling';
import { SLUICE_METRIC_NAMES } from '../contract';

const STATES: readonly NodeState[] = ['starting', 'serving', 'draining', 'drained'];

/** What is read of a node's seat in its cluster. */
export interface SeatFigures {
  readonly state: NodeState;
  readonly known: boolean;
  readonly drain: {
    readonly order: DrainOrder | undefined;
    readonly progress: DrainProgress | undefined;
  };
}

/** Shows a node's state, and how its drain is going, read anew at each scrape. */
export function watchSeat(registry: Registry, seat: SeatFigures): void {
  const state: Gauge<'state'> = new Gauge({
    name: SLUICE_METRIC_NAMES.nodeState,
    help: 'Whether the node is in this state.',
    labelNames: ['state'],
    registers: [registry],
    collect: () => {
      for (const one of STATES) state.set({ state: one }, one === seat.state ? 1 : 0);
    },
  });
  const left: Gauge<'kind'> = new Gauge({
    name: SLUICE_METRIC_NAMES.drainLeft,
    help: 'What the drain of this node has left to do.',
    labelNames: ['kind'],
    registers: [registry],
    collect: () => {
      const { progress } = seat.drain;
      left.set({ kind: 'rooms' }, progress?.roomsLeft ?? 0);
      left.set({ kind: 'participants' }, progress?.participantsLeft ?? 0);
      left.set({ kind: 'turn_allocations' }, progress?.turnAllocationsLeft ?? 0);
      left.set({ kind: 'jobs' }, progress?.jobsLeft ?? 0);
      for (const kind of LEFT_KINDS) left.set({ kind }, progress?.jobsLeftByKind?.[kind] ?? 0);
    },
  });
  gauge(
    registry,
    SLUICE_METRIC_NAMES.drainMoved,
    'Rooms moved by the drain of this node.',
    () => seat.drain.progress?.roomsMoved ?? 0,
  );
  gauge(
    registry,
    SLUICE_METRIC_NAMES.drainDeadline,
    'When the drain has to be over.',
    () => (seat.drain.order?.deadlineMs ?? 0) / 1000,
  );
  gauge(registry, SLUICE_METRIC_NAMES.registryAvailable, 'Whether the registry answers.', () =>
    seat.known ? 1 : 0,
  );
}

/** Shows how many clients a Master Node has, read anew at each scrape. */
export function watchEntry(
  registry: Registry,
  entry: { readonly clients: { readonly passed: number; readonly held: number } },
): void {
  const clients: Gauge<'state'> = new Gauge({
    name: SLUICE_METRIC_NAMES.entryClients,
    help: 'Clients of this Master Node.',
    labelNames: ['state'],
    registers: [registry],
    collect: () => {
      clients.set({ state: 'passed' }, entry.clients.passed);
      clients.set({ state: 'held' }, entry.clients.held);
    },
  });
}

/** Shows how many TURN servers a Master Node passes TURN/TLS on to, read anew at each scrape. */
export function watchTurnEntry(
  registry: Registry,
  entry: {
    readonly figures:
      | { readonly serving: number; readonly draining: number; readonly leftOut: number }
      | undefined;
  },
): void {
  const servers: Gauge<'state'> = new Gauge({
    name: SLUICE_METRIC_NAMES.turnServers,
    help: 'TURN servers of Media Nodes that TURN/TLS is passed on to.',
    labelNames: ['state'],
    registers: [registry],
    collect: () => {
      servers.reset();
      const { figures } = entry;
      if (figures === undefined) return;
      servers.set({ state: 'serving' }, figures.serving);
      servers.set({ state: 'draining' }, figures.draining);
      servers.set({ state: 'left_out' }, figures.leftOut);
    },
  });
}

/** Shows what the controller goes by. Only the one that leads has figures of the cluster. */
export function watchController(
  registry: Registry,
  controller: { readonly leads: boolean; readonly figures: ScalingFigures | undefined },
): void {
  gauge(registry, SLUICE_METRIC_NAMES.leader, 'Whether this node leads the cluster.', () =>
    controller.leads ? 1 : 0,
  );
  const nodes: Gauge<'state'> = new Gauge({
    name: SLUICE_METRIC_NAMES.clusterNodes,
    help: 'Media Nodes of the cluster.',
    labelNames: ['state'],
    registers: [registry],
    collect: () => {
      nodes.reset();
      const { figures } = controller;
      if (figures === undefined) return;
      nodes.set({ state: 'serving' }, figures.serving);
      nodes.set({ state: 'coming' }, figures.coming);
      nodes.set({ state: 'leaving' }, figures.leaving);
    },
  });
  gauge(
    registry,
    SLUICE_METRIC_NAMES.clusterLoad,
    'Load of the serving Media Nodes.',
    () => controller.figures?.meanLoad,
  );
  gauge(
    registry,
    SLUICE_METRIC_NAMES.clusterRoomsThatFit,
    'How many more Rooms fit.',
    () => controller.figures?.roomsThatFit,
  );
}

/** @param read - undefined: it is not known, and not shown. */
function gauge(
  registry: Registry,
  name: string,
  help: string,
  read: () => number | undefined,
): void {
  const one: Gauge = new Gauge({
    name,
    help,
    registers: [registry],
    collect: () => {
      const value = read();
      if (value === undefined) one.remove();
      else one.set(value);
    },
  });
}
