import { nanoid } from 'nanoid';
import type { Logger } from 'pino';
import type { SluiceConfig } from '../contract';
import type { Leadership } from './leadership';
import type { NodeGroup } from './node-group';
import { type DrainOrder, isStale, type RegisteredNode, stateOf } from './node-record';
import type { NodeWatch } from './node-watch';
import type { ClusterSnapshot, Registry } from './registry';
import { outdatedMachines, type RollingStep, rollingStep, rollWhy } from './rolling';
import { RoomReaper } from './room-reaper';
import { decideScaling, type ScalingDecision, type ScalingFigures } from './scaling';
import { SCALE_IN, type ScalingState, scalingOf } from './scaling-stock';
import {
  isRollReason,
  MACHINE_ROLL_REASON,
  ROLL_REASON,
  type RollNote,
  type SharedConfig,
} from './shared-config';

/** Whether nobody needs the machine of an empty node: a node that a person drained stays. */
const isToEnd = ({ reason, final }: DrainOrder): boolean =>
  reason === SCALE_IN || isRollReason(reason) || final !== undefined;

export interface ControllerOptions {
  readonly nodeId: string;
  readonly registry: Registry;
  readonly watch: NodeWatch;
  readonly leadership: Leadership;
  /** The machines; undefined: people start and stop them. */
  readonly group?: NodeGroup | undefined;
  readonly sharedConfig: Pick<SharedConfig, 'read' | 'noteRoll'>;
  readonly settings: Pick<SluiceConfig['sluice'], 'scaling' | 'drain' | 'ledger'>;
  /** CPU cores that jobs need which wait for a node. @default none */
  readonly waitingCpus?: (() => number) | undefined;
  readonly log: Logger;
  /** Monotonic, ms. @default performance.now */
  readonly now?: () => number;
}

/**
 * Decides for the cluster, on whichever Master Node leads: takes away what the dead have left,
 * grows and shrinks the group, and rolls a new configuration or new machines.
 */
export class Controller {
  readonly #options: ControllerOptions;
  readonly #now: () => number;
  readonly #reaper: RoomReaper;
  #timer: NodeJS.Timeout | undefined;
  #state: ScalingState = {};
  /** What is rolled, and how many nodes served when it began. */
  #rolling: { readonly what: string; readonly size: number } | undefined;
  /** How the roll went when it was last told. */
  #rollNote: RollNote | undefined;
  #said = '';
  #figures: ScalingFigures | undefined;
  #running: Promise<void> | undefined;
  #closed = false;

  constructor(options: ControllerOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
    this.#reaper = new RoomReaper({ registry: options.registry, log: options.log, now: this.#now });
  }

  get leads(): boolean {
    return this.#options.leadership.leads;
  }

  /** What the last decision was made from; undefined where another node leads. */
  get figures(): ScalingFigures | undefined {
    return this.leads ? this.#figures : undefined;
  }

  start(): void {
    this.#timer = setInterval(() => void this.run(), this.#options.settings.scaling.interval);
  }

  /** Decides now, where this node leads. Calls at the same time share one run. Never rejects. */
  run(): Promise<void> {
    this.#running ??= this.#run()
      .catch((error: unknown) => {
        this.#options.log.warn(
          { err: error },
          'the controller could not do its work; it tries again',
        );
      })
      .finally(() => {
        this.#running = undefined;
      });
    return this.#running;
  }

  /** Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#timer);
    await this.#running;
    await this.#options.group?.close();
  }

  async #run(): Promise<void> {
    const { leadership, watch, group } = this.#options;
    if (!leadership.leads) {
      // Another one has decided meanwhile: what was remembered is worth nothing.
      this.#state = {};
      this.#rolling = undefined;
      this.#rollNote = undefined;
      return;
    }
    const snapshot = await watch.look();
    await this.#reaper.run(snapshot, watch.nodes());
    if (group !== undefined) {
      await this.#endDrained(group, snapshot);
    }
    const isRolling = await this.#roll(group, snapshot);
    if (group !== undefined) {
      await this.#scale(group, snapshot, isRolling);
    }
  }

  /** Ends the machines of empty nodes: those that the controller has emptied, and removed ones. */
  async #endDrained(group: NodeGroup, snapshot: ClusterSnapshot): Promise<void> {
    const { registry } = this.#options;
    const drained = snapshot.nodes.filter(({ record }) => record.state === 'drained');
    const known = drained.length === 0 ? [] : (await group.describe()).machines;
    const machines = new Set(
      // Those that end already are not told so again.
      known.filter(({ state, isKept }) => state !== 'stopping' || isKept).map(({ id }) => id),
    );
    for (const { record, order } of drained) {
      if (order === undefined || !isToEnd(order) || !machines.has(record.machineId)) {
        continue;
      }
      if (this.#mayNot()) {
        return;
      }
      // From here on there is no way back, and `undrain` says so.
      const final = 'its machine has been told to end';
      await registry.order(record.id, { ...order, final });
      if (!(await this.#isStillDrained(record.id))) {
        // The drain was taken back in this moment: it has to be emptied once more.
        continue;
      }
      if (!(await this.#isEnded(group, record.machineId))) continue;
      await registry.forgetNode(record.id);
      await this.#audit(
        `ended machine ${record.machineId} of node ${record.id}: it is empty (${order.reason})`,
      );
    }
  }

  /** One that cannot be ended does not keep the others from it. */
  async #isEnded(group: NodeGroup, machineId: string): Promise<boolean> {
    try {
      await group.terminate(machineId);
      return true;
    } catch (error) {
      this.#options.log.warn(
        { err: error, machineId },
        'a machine could not be ended; it is tried again',
      );
      return false;
    }
  }

  async #isStillDrained(nodeId: string): Promise<boolean> {
    const { nodes } = await this.#options.registry.snapshot();
    const node = nodes.find(({ record }) => record.id === nodeId);
    return node === undefined || isStale(node) || node.record.state === 'drained';
  }

  /**
   * @returns whether a new configuration, or new machines, are on their way to the nodes: the group
   *   does not shrink then.
   */
  async #roll(group: NodeGroup | undefined, snapshot: ClusterSnapshot): Promise<boolean> {
    const version = (await this.#options.sharedConfig.read())?.version ?? 0;
    const described = await group?.describe();
    const outdated = outdatedMachines(described);
    if (version === 0 && outdated.size === 0) {
      this.#rolling = undefined;
      return false;
    }
    const what = `${version} ${described?.template ?? ''}`;
    if (this.#rolling?.what !== what) {
      const media = snapshot.nodes.filter(
        (node) => node.record.role === 'media' && stateOf(node) === 'serving',
      );
      this.#rolling = { what, size: media.length };
    }
    const step = rollingStep({
      nodes: snapshot.nodes,
      version,
      group: described,
      size: this.#rolling.size,
      self: this.#options.nodeId,
    });
    if (this.#mayNot()) {
      return false;
    }
    if (version > 0) {
      await this.#tellRoll(version, step);
    }
    if (step.step === 'done') {
      return false;
    }
    if (step.step === 'grow') {
      await group?.grow(1);
      await this.#audit(`starting one more machine: ${step.why}`);
    } else if (step.step === 'drain') {
      const isOutdated = outdated.has(step.node.record.machineId);
      const reason = isOutdated ? MACHINE_ROLL_REASON : ROLL_REASON;
      const afterwards = step.inPlace ? 'restart' : undefined;
      const why = rollWhy(isOutdated, version);
      await this.#drain(step.node, { reason, afterwards }, snapshot.nowMs, why);
    }
    return true;
  }

  /** Says why a roll waits, once: meanwhile the group does not shrink. */
  async #tellRoll(version: number, step: RollingStep): Promise<void> {
    const note: RollNote = { version, waits: step.step === 'wait' ? step.why : undefined };
    const last = this.#rollNote;
    if (last?.version === version && last.waits === note.waits) {
      return;
    }
    await this.#options.sharedConfig.noteRoll(note);
    this.#rollNote = note;
    if (note.waits !== undefined) {
      this.#options.log.info({ version, why: note.waits }, 'a new configuration has to wait');
    }
  }

  async #scale(group: NodeGroup, snapshot: ClusterSnapshot, isRolling: boolean): Promise<void> {
    const { settings } = this.#options;
    const described = await group.describe();
    const decision = decideScaling({
      nodes: [...snapshot.nodes, ...this.#unlisted(snapshot)],
      recent: snapshot.recent,
      group: described,
      scaling: scalingOf(settings.scaling, described),
      ledger: settings.ledger,
      waitingCpus: this.#options.waitingCpus?.(),
      refusedCpus: sumOf(snapshot, 'refusedCpus'),
      unplaced: sumOf(snapshot, 'unplacedRooms'),
      nowMs: this.#now(),
      state: this.#state,
    });
    this.#state = decision.nextState;
    this.#figures = decision.figures;
    if (this.#mayNot() || (isRolling && !['grow', 'remove'].includes(decision.action))) {
      return;
    }
    await this.#act(group, snapshot, decision);
    if (decision.action === 'grow' && this.#rolling !== undefined) {
      // What is started for load does not take over from a node that leaves.
      this.#rolling = { ...this.#rolling, size: this.#rolling.size + decision.count };
    }
  }

  /** Nodes that the registry has lost and that are not known to be dead: no capacity, and no loss. */
  #unlisted({ nodes }: ClusterSnapshot): RegisteredNode[] {
    const listed = new Set(nodes.map(({ record }) => record.id));
    return this.#options.watch
      .nodes()
      .filter(({ record }) => !listed.has(record.id))
      .map((node) => ({ ...node, seenAgoMs: Infinity }));
  }

  async #act(
    group: NodeGroup,
    snapshot: ClusterSnapshot,
    decision: ScalingDecision,
  ): Promise<void> {
    const { registry, log } = this.#options;
    switch (decision.action) {
      case 'none':
        if (decision.reason !== this.#said) {
          log.debug({ ...decision.figures, reason: decision.reason }, 'no change of the group');
        }
        break;
      case 'grow':
        await group.grow(decision.count);
        await this.#audit(`starting ${decision.count} more machines: ${decision.reason}`);
        break;
      case 'shrink':
        for (const id of decision.nodeIds) {
          const node = snapshot.nodes.find(({ record }) => record.id === id);
          if (node !== undefined) {
            await this.#drain(node, { reason: SCALE_IN }, snapshot.nowMs, decision.reason);
          }
        }
        break;
      case 'undrain':
        for (const id of decision.nodeIds) {
          await registry.cancelOrder(id);
          await this.#audit(`keeping node ${id} after all: ${decision.reason}`);
        }
        break;
      case 'remove':
        for (const id of decision.machineIds) {
          if (!(await this.#isEnded(group, id))) continue;
          await this.#audit(`ended machine ${id}: ${decision.reason}`);
        }
    }
    this.#said = decision.reason;
  }

  async #drain(
    node: RegisteredNode,
    wanted: Pick<DrainOrder, 'reason' | 'afterwards'>,
    nowMs: number,
    why: string,
  ): Promise<void> {
    const { registry, settings } = this.#options;
    if (stateOf(node) !== 'serving') {
      return;
    }
    const order: DrainOrder = {
      id: `DR_${nanoid(12)}`,
      ...wanted,
      patienceUntilMs: nowMs + settings.drain.patience,
      deadlineMs: nowMs + settings.drain.deadline,
      onDeadline: settings.drain.on_deadline,
    };
    await registry.order(node.record.id, order);
    const { load } = node.record;
    await this.#audit(
      `draining node ${node.record.id} with ${load.rooms} Rooms and ${load.clients} participants: ${why}`,
    );
  }

  /** Whether it has stopped to lead while it was at work. */
  #mayNot(): boolean {
    return this.#closed || !this.#options.leadership.leads;
  }

  async #audit(text: string): Promise<void> {
    const { registry, nodeId, log } = this.#options;
    log.info({ decision: text }, 'the controller has decided');
    await registry.audit({ by: nodeId, text });
  }
}

/** Over all nodes. */
const sumOf = ({ nodes }: ClusterSnapshot, figure: 'refusedCpus' | 'unplacedRooms'): number =>
  nodes.reduce((sum, { record }) => sum + (record.load[figure] ?? 0), 0);
