import { randomUUID } from 'node:crypto';
import {
  AdminError,
  type DrainRequest,
  type DrainResult,
  type NodesView,
  type NodeView,
  type RemovalLoss,
  type RemoveResult,
  type RoomView,
  type UndrainResult,
} from './admin-views';
import { findNode, nodeView, roomsOn } from './cluster-admin-nodes';
import { explainRoom, type RoomExplanation } from './explain';
import { type DrainOrder, isStale, type OnDeadline, type RegisteredNode } from './node-record';
import type { PlacementDecision } from './placement';
import {
  AUDIT_ENTRIES,
  type AuditEntry,
  type ClusterSnapshot,
  type Registry,
  type RoomPlacement,
} from './registry';

/** What the server API says of a Room; the `Room` of the protocol is one. */
export interface RoomFigures {
  readonly name: string;
  readonly sid: string;
  readonly numParticipants: number;
  readonly numPublishers: number;
}

/** Who asks. */
export interface AdminCaller {
  readonly apiKey: string;
}

export interface ClusterAdminOptions {
  readonly registry: Registry;
  /** Of this node: the audit names it. */
  readonly nodeId: string;
  /** Which node a Room goes to. Pure. */
  readonly choose: (snapshot: ClusterSnapshot, exclude: ReadonlySet<string>) => PlacementDecision;
  /** How nodes are drained where nobody says otherwise: `sluice.drain`. ms. */
  readonly drain: {
    readonly patience: number;
    readonly deadline: number;
    readonly on_deadline: OnDeadline;
  };
  /** All Rooms, as their nodes see them. May reject: then the figures are missing. */
  readonly listRooms: () => Promise<readonly RoomFigures[]>;
  /** Whether a node answers on its link. Asked of nodes that the registry has not heard of lately. */
  readonly isAlive: (node: RegisteredNode) => Promise<boolean>;
  /** Ids of orders. @default randomUUID */
  readonly newId?: () => string;
}

/**
 * What people and programs may ask of the cluster.
 *
 * Nodes may be named by their id, the start of it, or their machine's. Methods reject with
 * AdminError, or with RegistryUnavailableError. Each change is an entry of the audit.
 */
export class ClusterAdmin {
  readonly #options: ClusterAdminOptions;

  constructor(options: ClusterAdminOptions) {
    this.#options = options;
  }

  async nodes(): Promise<NodesView> {
    const { snapshot, rooms } = await this.#look();
    const nodes = snapshot.nodes.map((node) => nodeView(node, rooms));
    return { nowMs: snapshot.nowMs, nodes: nodes.sort(byRoleAndAge) };
  }

  async node(wanted: string): Promise<NodeView> {
    const { snapshot, rooms } = await this.#look();
    return nodeView(findNode(snapshot, wanted), rooms);
  }

  async rooms(): Promise<RoomView[]> {
    const { registry, listRooms } = this.#options;
    const [placements, figures] = await Promise.all([
      registry.rooms(),
      listRooms().catch(() => []),
    ]);
    const byName = new Map(figures.map((one) => [one.name, one]));
    return placements
      .map(({ room, nodeId, epoch, movedFrom }) => {
        const known = byName.get(room);
        return {
          name: room,
          nodeId,
          epoch,
          movedFrom,
          sid: known?.sid,
          participants: known?.numParticipants,
          publishers: known?.numPublishers,
        };
      })
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  async explain(room: string): Promise<RoomExplanation> {
    const { registry, choose } = this.#options;
    const [snapshot, placement] = await Promise.all([registry.snapshot(), registry.room(room)]);
    return explainRoom({ room, snapshot, placement, decision: choose(snapshot, new Set()) });
  }

  /** The newest first. */
  audit(limit: number): Promise<AuditEntry[]> {
    return this.#options.registry.auditTrail(Math.min(limit, AUDIT_ENTRIES));
  }

  /**
   * Has a node emptied. Asked again, it changes nothing, unless it asks for an earlier end.
   *
   * @throws AdminError `invalid` for a Master Node, or where the patience is longer than the deadline.
   */
  async drain(wanted: string, request: DrainRequest, caller: AdminCaller): Promise<DrainResult> {
    const { snapshot, rooms } = await this.#look();
    const node = findNode(snapshot, wanted);
    hostsRooms(node, 'Only Media Nodes are drained.');
    const { order, patienceMs, deadlineMs } = this.#orderOf(request, snapshot.nowMs);
    const { id } = node.record;
    const stands = await this.#options.registry.order(id, order);
    const changed = stands.id === order.id;
    if (changed) {
      const left = lossInWords(await this.#lossOf(node, rooms));
      await this.#note(
        caller,
        `drain of ${id} ordered (${order.reason}): ${left}; patience ${seconds(patienceMs)}, ` +
          `deadline ${seconds(deadlineMs)}, then ${order.onDeadline}`,
      );
    }
    return { nodeId: id, order: stands, changed, nowMs: snapshot.nowMs };
  }

  /** Takes an order to drain back. @throws AdminError `conflict` where the order is final. */
  async undrain(wanted: string, reason: string, caller: AdminCaller): Promise<UndrainResult> {
    const { registry } = this.#options;
    const { record, order } = findNode(await registry.snapshot(), wanted);
    const { id } = record;
    if (order?.final !== undefined) {
      throw new AdminError('conflict', `The drain of ${id} cannot be taken back: ${order.final}.`);
    }
    if (!(await registry.cancelOrder(id))) {
      return { nodeId: id };
    }
    await this.#note(caller, `drain of ${id} taken back${reason === '' ? '' : ` (${reason})`}`);
    return { nodeId: id, order };
  }

  /**
   * Takes a node out of the cluster. One that is dead is forgotten; one that lives is told to be
   * empty now, and to stay so: its clients are sent to other nodes.
   *
   * @throws AdminError `conflict` where it hosts Rooms, or may, and `force` is not given; `invalid`
   *   for a Master Node that runs.
   */
  async remove(
    wanted: string,
    { force, reason }: { readonly force: boolean; readonly reason: string },
    caller: AdminCaller,
  ): Promise<RemoveResult> {
    const { registry, isAlive } = this.#options;
    const { snapshot, rooms } = await this.#look();
    const node = findNode(snapshot, wanted);
    const { id } = node.record;
    const lost = await this.#lossOf(node, rooms);
    const why = reason === '' ? '' : ` (${reason})`;
    if (isStale(node) && (node.record.link === undefined || !(await isAlive(node)))) {
      await registry.forgetNode(id);
      await this.#note(caller, `dead node ${id} forgotten${why}: ${lossInWords(lost)}`);
      const message = `${id} was dead and is forgotten. Its Rooms are placed anew as clients come back.`;
      return { nodeId: id, outcome: 'forgotten', lost, message };
    }
    hostsRooms(node, 'Stop its process: then it goes by itself, and its clients use the others.');
    if (!force && (lost.rooms.length > 0 || isStale(node))) {
      throw new AdminError('conflict', refusal(node, lost));
    }
    const order = await registry.order(id, {
      id: this.#newId(),
      reason: `removed by force${why}`,
      patienceUntilMs: snapshot.nowMs,
      deadlineMs: snapshot.nowMs,
      onDeadline: 'force',
      final: 'the node was removed',
    });
    await this.#note(caller, `removal of ${id} ordered${why}: ${lossInWords(lost)}`);
    return { nodeId: id, outcome: 'ordered', lost, message: ordered(node, lost), order };
  }

  async #look(): Promise<{ snapshot: ClusterSnapshot; rooms: RoomPlacement[] }> {
    const { registry } = this.#options;
    const [snapshot, rooms] = await Promise.all([registry.snapshot(), registry.rooms()]);
    return { snapshot, rooms };
  }

  #orderOf(
    request: DrainRequest,
    nowMs: number,
  ): { order: DrainOrder; patienceMs: number; deadlineMs: number } {
    const { drain } = this.#options;
    const deadlineMs = request.deadlineMs ?? drain.deadline;
    if (request.patienceMs !== undefined && request.patienceMs > deadlineMs) {
      throw new AdminError(
        'invalid',
        `The patience, ${seconds(request.patienceMs)}, is longer than the deadline, ` +
          `${seconds(deadlineMs)}: Rooms that are left need time to be moved.`,
      );
    }
    const patienceMs = Math.min(request.patienceMs ?? drain.patience, deadlineMs);
    const order: DrainOrder = {
      id: this.#newId(),
      reason: request.reason || 'asked by the admin API',
      patienceUntilMs: nowMs + patienceMs,
      deadlineMs: nowMs + deadlineMs,
      onDeadline: request.onDeadline ?? drain.on_deadline,
    };
    return { order, patienceMs, deadlineMs };
  }

  /** Its record is up to a heartbeat old: who is in its Rooms by now is asked where that goes. */
  async #lossOf(node: RegisteredNode, rooms: readonly RoomPlacement[]): Promise<RemovalLoss> {
    const names = roomsOn(node.record.id, rooms).sort();
    const figures = isStale(node) ? [] : await this.#options.listRooms().catch(() => []);
    const counts = new Map(figures.map((one) => [one.name, one.numParticipants]));
    const participants = names.every((name) => counts.has(name))
      ? names.reduce((sum, name) => sum + (counts.get(name) ?? 0), 0)
      : node.record.load.clients;
    return { rooms: names, participants };
  }

  #newId(): string {
    return (this.#options.newId ?? randomUUID)();
  }

  #note({ apiKey }: AdminCaller, text: string): Promise<void> {
    const { registry, nodeId } = this.#options;
    return registry.audit({ by: nodeId, text: `${text}; asked with API key ${apiKey}` });
  }
}

function hostsRooms({ record }: RegisteredNode, otherwise: string): void {
  if (record.role === 'master') {
    const text = `${record.id} is a Master Node and hosts no Rooms. ${otherwise}`;
    throw new AdminError('invalid', text);
  }
}

function refusal(node: RegisteredNode, lost: RemovalLoss): string {
  const { id } = node.record;
  const advice =
    'Drain it instead, and its Rooms are moved; or remove it by force, and its clients are sent ' +
    'to other nodes at once.';
  return isStale(node)
    ? `${id} has said nothing to the registry for ${seconds(node.seenAgoMs)}, but answers on its ` +
        `node link: it lives, with ${lossInWords(lost)}. ${advice}`
    : `${id} has ${lossInWords(lost)}: ${shortList(lost.rooms)}. ${advice}`;
}

function ordered(node: RegisteredNode, lost: RemovalLoss): string {
  const { id } = node.record;
  const told = isStale(node)
    ? `${id} does not reach the registry: it obeys as soon as it does, or end its process now.`
    : `${id} lets go of ${lossInWords(lost)} now: what no other node takes over ends. It is given nothing new, and its process can be ended.`;
  return lost.rooms.length === 0
    ? told
    : `${told} Clients are sent to other nodes and publish again; data on its way is lost.`;
}

const shortList = (names: readonly string[]): string =>
  names.length > 5
    ? `${names.slice(0, 5).join(', ')} and ${names.length - 5} more`
    : names.join(', ');

const lossInWords = ({ rooms, participants }: RemovalLoss): string =>
  `${counted(rooms.length, 'Room')} and ${counted(participants, 'participant')}`;

const counted = (count: number, what: string): string =>
  `${count} ${what}${count === 1 ? '' : 's'}`;

const seconds = (ms: number): string => `${Number((ms / 1000).toFixed(1))} s`;

function byRoleAndAge(a: NodeView, b: NodeView): number {
  const order = ['single', 'master', 'media'];
  return (
    order.indexOf(a.record.role) - order.indexOf(b.record.role) ||
    a.record.startedAtMs - b.record.startedAtMs ||
    (a.id < b.id ? -1 : 1)
  );
}
