import type { Logger } from 'pino';
import { type LinkClient, LinkError } from './link/link';
import { HEARTBEAT_MS } from './node-record';
import type { NodeWatch } from './node-watch';
import type { PlacementDecision } from './placement';
import {
  type ClusterSnapshot,
  type Registry,
  RegistryUnavailableError,
  type RoomPlacement,
} from './registry';
import { NoRouteError, type RoomRoutes, type RouteTarget } from './room-routes';
import type { UnplacedRooms } from './unplaced-rooms';

/** A registry that remembers for less than that may not know all Rooms that run, ms. */
const YOUNG_MS = HEARTBEAT_MS + 500;
/** As often a placement is computed anew because others placed Rooms meanwhile. */
const ATTEMPTS = 10;
const ASK_MS = 1000;
/** So old may be what is known of the nodes where a Room is missing, ms. */
const FRESH_MS = 250;
/** Where Rooms were last, for as many. */
const REMEMBERED = 20_000;

export interface RoomRouterOptions {
  readonly registry: Registry;
  readonly watch: NodeWatch;
  readonly link: LinkClient;
  /** Which node a new Room goes to. Pure. */
  readonly choose: (snapshot: ClusterSnapshot, exclude: ReadonlySet<string>) => PlacementDecision;
  /** Is told of Rooms that no node takes, and when one does. @default nobody */
  readonly unplaced?: Pick<UnplacedRooms, 'add' | 'remove'> | undefined;
  readonly log: Logger;
}

interface Placing {
  readonly target: Promise<RouteTarget>;
  /** Of those who wait for it; undefined: of one that waits in any case. */
  readonly waiting: (AbortSignal | undefined)[];
}

/** Finds and places Rooms, for a Master Node. */
export class RoomRouter implements RoomRoutes {
  readonly #options: RoomRouterOptions;
  readonly #remembered = new Map<string, RouteTarget>();
  readonly #placing = new Map<string, Placing>();
  #queue: Promise<unknown> = Promise.resolve();

  constructor(options: RoomRouterOptions) {
    this.#options = options;
  }

  async find(room: string, signal?: AbortSignal): Promise<RouteTarget | undefined> {
    let placement: RoomPlacement | undefined;
    try {
      placement = await this.#options.registry.room(room);
    } catch (error) {
      return this.#findWithoutRegistry(room, error);
    }
    const target = placement && (await this.#targetOf(placement));
    if (target !== undefined) {
      return target;
    }
    const before = this.#remembered.get(room);
    this.#remembered.delete(room);
    if (placement !== undefined) {
      // Its node is gone: it goes on elsewhere, from what is known of it.
      return this.#placeInTurn(room, signal);
    }
    // The registry may have lost its memory since the last look; where it is away, that is known.
    await this.#options.watch.lookUnlessWithin(FRESH_MS).catch(() => {});
    return this.#ask(room, this.#mayHost(before));
  }

  async findOrPlace(room: string, signal?: AbortSignal): Promise<RouteTarget> {
    const found = await this.find(room, signal);
    if (found !== undefined) {
      return found;
    }
    // The registry may have lost its memory since the last look.
    await this.#look();
    return (await this.#ask(room, this.#mayHost())) ?? this.#placeInTurn(room, signal);
  }

  /**
   * Who may host a Room that the registry does not know, where it does not know all: nodes that it
   * has lost, and that live.
   */
  #mayHost(before?: RouteTarget): RouteTarget[] {
    const { watch } = this.#options;
    const isYoung = (watch.registryAgeMs ?? 0) < YOUNG_MS;
    return this.all().filter(
      ({ nodeId }) => isYoung || nodeId === before?.nodeId || !watch.isListed(nodeId),
    );
  }

  /**
   * One after the other: placements at the same time would only outdate each other. One that nobody
   * waits for any more when it is its turn is left out.
   */
  #placeInTurn(room: string, signal?: AbortSignal): Promise<RouteTarget> {
    const running = this.#placing.get(room);
    if (running !== undefined) {
      running.waiting.push(signal);
      return running.target;
    }
    const waiting = [signal];
    const target = this.#queue
      .then(() => {
        if (!waiting.every((one) => one?.aborted)) {
          return this.#place(room);
        }
        // At once: who comes now is not to wait for this.
        this.#placing.delete(room);
        throw new NoRouteError('nobody waits for the room any more, try again');
      })
      .finally(() => {
        if (this.#placing.get(room)?.waiting === waiting) this.#placing.delete(room);
      });
    this.#placing.set(room, { target, waiting });
    this.#queue = target.catch(() => {});
    return target;
  }

  async failed(room: string, target: RouteTarget, why: LinkError | 'elsewhere'): Promise<void> {
    this.#remembered.delete(room);
    const { watch, log } = this.#options;
    if (why === 'elsewhere') {
      log.debug({ room, node: target.nodeId }, 'a Room is not where it was looked for');
      await pause(50);
      return;
    }
    const verdict = await watch.suspect(target.nodeId, why.reason);
    const facts = { room, node: target.nodeId, reason: why.reason, verdict };
    log[verdict === 'alive' ? 'debug' : 'info'](facts, 'a Media Node did not answer');
    if (verdict !== 'dead') {
      await pause(200);
    }
  }

  async placed(): Promise<ReadonlyMap<string, RouteTarget>> {
    const targets = new Map<string, RouteTarget>();
    for (const { room, nodeId, epoch } of await this.#answered(this.#options.registry.rooms())) {
      const link = this.#options.watch.node(nodeId)?.record.link;
      if (link !== undefined) {
        targets.set(room, { nodeId, link, epoch });
      }
    }
    return targets;
  }

  all(): RouteTarget[] {
    return this.#options.watch
      .mediaNodes()
      .map(({ record }) => ({ nodeId: record.id, link: record.link, epoch: 0 }));
  }

  async #targetOf({ room, nodeId, epoch }: RoomPlacement): Promise<RouteTarget | undefined> {
    const { watch } = this.#options;
    if (watch.node(nodeId) === undefined) {
      // It may be newer than the last look.
      await this.#look();
    }
    const link = watch.node(nodeId)?.record.link;
    return link === undefined ? undefined : this.#remember(room, { nodeId, link, epoch });
  }

  #remember(room: string, target: RouteTarget): RouteTarget {
    this.#remembered.delete(room);
    this.#remembered.set(room, target);
    if (this.#remembered.size > REMEMBERED) {
      const [oldest] = this.#remembered.keys();
      this.#remembered.delete(oldest ?? '');
    }
    return target;
  }

  async #findWithoutRegistry(room: string, error: unknown): Promise<RouteTarget | undefined> {
    if (!(error instanceof RegistryUnavailableError)) {
      throw error;
    }
    const target = this.#remembered.get(room) ?? (await this.#ask(room, this.all()));
    if (target === undefined) {
      throw unavailable(error);
    }
    return target;
  }

  /** Asks nodes themselves. */
  async #ask(room: string, nodes: readonly RouteTarget[]): Promise<RouteTarget | undefined> {
    const answers = await Promise.all(nodes.map((node) => this.#hosts(node, room)));
    const [found] = answers
      .filter((answer) => answer !== undefined)
      .sort((a, b) => b.epoch - a.epoch);
    return found && this.#remember(room, found);
  }

  async #hosts(node: RouteTarget, room: string): Promise<RouteTarget | undefined> {
    try {
      const answer = await this.#options.link.request(node.link, {
        method: 'GET',
        path: `/rooms/${encodeURIComponent(room)}`,
        timeoutMs: ASK_MS,
      });
      const { epoch } = JSON.parse(answer.status === 200 ? answer.body.toString() : '{}') as {
        epoch?: unknown;
      };
      return typeof epoch === 'number' ? { ...node, epoch } : undefined;
    } catch (error) {
      if (!(error instanceof LinkError)) {
        this.#options.log.warn({ err: error, node: node.nodeId }, 'a node answers oddly');
      }
      return undefined;
    }
  }

  async #place(room: string): Promise<RouteTarget> {
    for (let attempt = 1; ; attempt += 1) {
      const snapshot = await this.#look();
      if (snapshot === undefined) {
        throw unavailable();
      }
      if (snapshot.ageMs < YOUNG_MS) {
        // Nodes that are there will have said so, and which Rooms they host.
        await pause(YOUNG_MS - snapshot.ageMs);
        continue;
      }
      const target = await this.#placeBy(snapshot, room, attempt < ATTEMPTS);
      if (target !== undefined) {
        return target;
      }
    }
  }

  /** @returns undefined where it has to be computed anew. */
  async #placeBy(
    snapshot: ClusterSnapshot,
    room: string,
    insists: boolean,
  ): Promise<RouteTarget | undefined> {
    const { registry, watch, choose, unplaced, log } = this.#options;
    const before = await this.#answered(registry.room(room));
    const still = before && (await this.#targetOf(before));
    if (still !== undefined) {
      unplaced?.remove(room);
      return still;
    }
    const { chosen } = choose(snapshot, await watch.unproven(snapshot.nodes));
    if (chosen === undefined) {
      unplaced?.add(room);
      throw new NoRouteError('no Media Node serves at the moment, try again in a few seconds');
    }
    const result = await this.#answered(
      registry.place({
        room,
        nodeId: chosen,
        replaces: before?.epoch,
        ifVersion: insists ? snapshot.version : undefined,
      }),
    );
    if (result.outcome !== 'outdated') unplaced?.remove(room);
    if (result.outcome === 'placed') {
      log.info(
        { room, node: chosen, epoch: result.placement.epoch, before: before?.nodeId },
        before === undefined ? 'Room placed' : 'Room of a dead node placed anew',
      );
    }
    return result.outcome === 'outdated' ? undefined : this.#targetOf(result.placement);
  }

  async #answered<T>(asked: Promise<T>): Promise<T> {
    try {
      return await asked;
    } catch (error) {
      throw error instanceof RegistryUnavailableError ? unavailable(error) : error;
    }
  }

  async #look(): Promise<ClusterSnapshot | undefined> {
    try {
      return await this.#options.watch.look();
    } catch {
      return undefined;
    }
  }
}

const unavailable = (cause?: unknown): NoRouteError =>
  new NoRouteError(
    'the registry of the cluster does not answer, so no new Room can be placed; try again in a few seconds',
    { cause },
  );

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
