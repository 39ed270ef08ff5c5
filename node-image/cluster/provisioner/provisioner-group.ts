import { nanoid } from 'nanoid';
import type { Logger } from 'pino';
import { departedNodes } from '../departures';
import { GroupError } from '../local-group-client';
import type { GroupDescription, GroupMachine, NodeGroup } from '../node-group';
import { isStale, type RegisteredNode } from '../node-record';
import type { Registry } from '../registry';
import { Absences } from './absences';
import type { Provisioner } from './provisioner';
import {
  type Asked,
  NOTHING_ASKED,
  type Provisioning,
  parseProvisioning,
  settle,
} from './provisioning';
import { Requests } from './requests';

/** Document of the registry in which it stands what was asked for. */
export const PROVISIONING_DOCUMENT = 'provisioning';
/** A machine without a node counts as there for so long, ms: its node may be restarting. */
const FORGET_MS = 60_000;
/** Before one more try to have a dead machine removed, it is seen to be gone for so long, ms. */
const SURE_MS = 10_000;
const ATTEMPTS = 5;

export interface ProvisionerGroupOptions {
  /** sluice.scaling.group */
  readonly kind: 'webhook' | 'exec';
  readonly provisioner: Provisioner;
  readonly registry: Registry;
  /** This node, for the audit. */
  readonly nodeId: string;
  readonly limits: { readonly min: number; readonly max: number };
  /** sluice.scaling.group_retry_after: how long nothing is asked for after a no, ms. */
  readonly retryAfterMs: number;
  /** sluice.scaling.group_dead_after: a machine whose node died is removed after so long, ms. */
  readonly deadAfterMs: number;
  /** How often `describe` is called, ms. */
  readonly everyMs: number;
  /** Whether a node of this machine is reached, whatever the registry says. */
  readonly isAlive: (machineId: string) => boolean;
  readonly log: Logger;
  /** Monotonic, ms. @default performance.now */
  readonly now?: () => number;
  /** Between the first two tries of a request, ms; doubled with each. @default 2000 */
  readonly backOffMs?: number | undefined;
}

/**
 * The machines of Media Nodes that somebody else starts and stops: a web server, or a program. What
 * there is, is what the registry has; what was asked for stands there too, so that each decision is
 * asked for under one id, whichever Master Node leads.
 *
 * Requests are made in the background, with each look at the group: who is slow holds up nobody.
 * Every method rejects with GroupError, or RegistryUnavailableError, where it cannot be done.
 */
export class ProvisionerGroup implements NodeGroup {
  readonly kind: string;
  readonly #options: ProvisionerGroupOptions;
  readonly #now: () => number;
  readonly #requests: Requests;
  /** When each machine was last seen with a node, by the clock of this process. */
  readonly #seenMs = new Map<string, number>();
  readonly #absences: Absences;

  constructor(options: ProvisionerGroupOptions) {
    this.kind = options.kind;
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
    this.#absences = new Absences(options.everyMs);
    this.#requests = new Requests({ ...options, now: this.#now, done: this.#answered });
  }

  async describe(): Promise<GroupDescription> {
    const { limits } = this.#options;
    const { state, present, nowMs } = await this.#change((before) => before);
    this.#send(state.asked);
    const removed = new Set(
      state.asked.flatMap((one) => (one.action === 'remove' ? one.machine : [])),
    );
    const machines = state.machines.map((id): GroupMachine => {
      const nodes = present.get(id) ?? [];
      const begun = Math.min(nowMs, ...nodes.map(({ record }) => record.startedAtMs));
      return {
        id,
        state: removed.has(id) ? 'stopping' : isStarting(nodes) ? 'starting' : 'running',
        ageMs: nowMs - begun,
      };
    });
    const live = machines.filter((machine) => machine.state !== 'stopping').length;
    const wanted = live + coming(state);
    // What was said no to is not wanted again before its time.
    const mayGrow = state.noneUntilMs === undefined;
    return {
      wanted,
      machines,
      limits: mayGrow
        ? limits
        : { min: Math.min(limits.min, wanted), max: Math.min(limits.max, wanted) },
    };
  }

  async grow(count: number): Promise<void> {
    if (count < 1) return;
    const { provisioner } = this.#options;
    const { state } = await this.#change((before, nowMs) => {
      if (before.noneUntilMs !== undefined) {
        const seconds = Math.ceil((before.noneUntilMs - nowMs) / 1000);
        throw new GroupError(
          `${count} more machines are needed, and the ${provisioner.name} has said that it has none: it is asked again in ${seconds} s`,
        );
      }
      const add: Asked = {
        action: 'add',
        id: newId(),
        count,
        left: count,
        atMs: nowMs,
        told: false,
      };
      return { ...before, asked: [...before.asked, add] };
    });
    this.#send(state.asked);
  }

  async terminate(machineId: string): Promise<void> {
    const { state } = await this.#change((before, nowMs, present) => {
      const isAsked = before.asked.some(
        (one) => one.action === 'remove' && one.machine === machineId,
      );
      const nodes = present.get(machineId) ?? [];
      if (isAsked || nodes.length === 0) return before;
      const node = emptyOf(machineId, nodes);
      const remove: Asked = {
        action: 'remove',
        id: newId(),
        node,
        machine: machineId,
        reason: 'empty',
        atMs: nowMs,
        told: false,
      };
      return { ...before, asked: [...before.asked, remove] };
    });
    this.#send(state.asked);
  }

  /** Requests under way are given up: whoever leads next makes them again, under the same ids. */
  close(): Promise<void> {
    return this.#requests.close();
  }

  /** A dead machine may be back by now: what answers is left in peace, until it is gone again. */
  #send(asked: readonly Asked[]): void {
    const { isAlive } = this.#options;
    this.#requests.send(
      asked,
      (one) =>
        one.action === 'add' ||
        one.reason === 'empty' ||
        (this.#absences.ms(one.machine) >= SURE_MS && !isAlive(one.machine)),
    );
  }

  readonly #answered = async (
    { id, action }: Asked,
    answer: { readonly outcome: 'done' } | { readonly outcome: 'no'; readonly forMs: number },
  ): Promise<void> => {
    await this.#change((before, nowMs) => {
      if (answer.outcome === 'done') {
        // From then on it has its time to come, or to go.
        const asked = before.asked.map((one) =>
          one.id === id ? { ...one, atMs: nowMs, told: true } : one,
        );
        return { ...before, asked };
      }
      if (action === 'remove') return before;
      const asked = before.asked.filter((one) => one.id !== id);
      return { ...before, asked, noneUntilMs: nowMs + answer.forMs };
    });
  };

  /** Changes what is remembered, by what the registry has; another Master Node may do so too. */
  async #change(
    change: (
      before: Provisioning,
      nowMs: number,
      present: ReadonlyMap<string, readonly RegisteredNode[]>,
    ) => Provisioning,
  ) {
    const { registry, log, deadAfterMs, isAlive } = this.#options;
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      const [snapshot, document] = await Promise.all([
        registry.snapshot(),
        registry.document(PROVISIONING_DOCUMENT),
      ]);
      // After the snapshot: who was told to leave has said so before its record went.
      const departed = await departedNodes(registry);
      const present = machinesOf(snapshot.nodes);
      const { nowMs } = snapshot;
      const stored = document && parseProvisioning(document.value);
      const before = stored ?? NOTHING_ASKED;
      const waiting = this.#waiting(before.machines, present);
      const tell = (what: object, message: string): void => log.warn(what, message);
      this.#absences.look(withoutNode(before, present), snapshot.ageMs, this.#now());
      const isLost = (machine: string): boolean =>
        this.#absences.ms(machine) >= deadAfterMs && !isAlive(machine);
      const seen = { present, waiting, departed, isLost, nowMs, newId, tell };
      const settled = settle(before, seen);
      const state = change(settled, nowMs, present);
      if (state === stored) return { state, present, nowMs };
      const text = JSON.stringify(state);
      const version = document?.version ?? 0;
      if ((await registry.writeDocument(PROVISIONING_DOCUMENT, text, version)) !== undefined) {
        await this.#noteDead(before.asked, settled.asked);
        return { state, present, nowMs };
      }
    }
    throw new GroupError('other Master Nodes change what is asked for at this moment');
  }

  /** In the words of the other groups. */
  async #noteDead(before: readonly Asked[], after: readonly Asked[]): Promise<void> {
    const { registry, nodeId, deadAfterMs } = this.#options;
    for (const one of after) {
      const isNew = !before.some(({ id }) => id === one.id);
      if (!isNew || one.action !== 'remove' || one.reason !== 'dead') continue;
      const text = `ended machine ${one.machine} of node ${one.node}: no node has run on ${one.machine} for ${minutes(deadAfterMs)} (dead)`;
      await registry.audit({ by: nodeId, text });
    }
  }

  /** Those without a node that had one a moment ago. */
  #waiting(known: readonly string[], present: ReadonlyMap<string, unknown>): ReadonlySet<string> {
    const now = this.#now();
    for (const machine of present.keys()) this.#seenMs.set(machine, now);
    const waiting = known.filter((machine) => {
      // Whoever leads for the first time gives each its time.
      const seenMs = this.#seenMs.get(machine) ?? now;
      this.#seenMs.set(machine, seenMs);
      return !present.has(machine) && now - seenMs < FORGET_MS;
    });
    for (const machine of this.#seenMs.keys()) {
      if (!present.has(machine) && !waiting.includes(machine)) this.#seenMs.delete(machine);
    }
    return new Set(waiting);
  }
}

const newId = (): string => `PR_${nanoid(16)}`;

/** Of the Media Nodes, those that say which machine they run on. */
function machinesOf(nodes: readonly RegisteredNode[]): Map<string, RegisteredNode[]> {
  const machines = new Map<string, RegisteredNode[]>();
  for (const node of nodes) {
    const { role, machineId } = node.record;
    if (role !== 'media' || machineId === '') continue;
    machines.set(machineId, [...(machines.get(machineId) ?? []), node]);
  }
  return machines;
}

const isStarting = (nodes: readonly RegisteredNode[]): boolean =>
  nodes.length > 0 && nodes.every(({ record }) => record.state === 'starting');

/** Machines whose node is not there, whatever has become of it. */
const withoutNode = (
  { nodes, gone, asked }: Provisioning,
  present: ReadonlyMap<string, unknown>,
): string[] => {
  const known = [...nodes, ...gone, ...asked.filter((one) => one.action === 'remove')];
  return known.flatMap(({ machine }) => (present.has(machine) ? [] : machine));
};

const minutes = (ms: number): string =>
  ms % 60_000 === 0 && ms > 60_000 ? `${ms / 60_000} minutes` : `${ms / 1000} s`;

const coming = ({ asked }: Provisioning): number =>
  asked.reduce((sum, one) => sum + (one.action === 'add' ? one.left : 0), 0);

/** Id of the node on a machine. @throws GroupError where a call may still run there. */
function emptyOf(machineId: string, nodes: readonly RegisteredNode[]): string {
  const busy = nodes.find(
    (node) =>
      node.record.state !== 'drained' || node.order === undefined || node.record.load.rooms > 0,
  );
  if (busy !== undefined) {
    throw new GroupError(
      `machine ${machineId} stays: its node ${busy.record.id} is ${busy.record.state} with ${busy.record.load.rooms} Rooms, and only what is drained and empty is removed`,
    );
  }
  const heard = nodes.find((node) => !isStale(node));
  if (heard === undefined) {
    throw new GroupError(
      `machine ${machineId} stays: nothing is heard of its node, so nobody knows that it is empty`,
    );
  }
  return heard.record.id;
}
