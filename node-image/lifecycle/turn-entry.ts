import type { Logger } from 'pino';
import { type RegisteredNode, stateOf } from '../cluster/node-record';
import type { SluiceConfig } from '../contract';
import { TURN_BACKEND, TURN_SLOT } from '../image/haproxy-config';
import type { HaproxyAdmin } from './haproxy-socket';
import { parseSlots, planSlots, type TurnServer, type TurnSlot } from './turn-slots';

/** How often HAProxy is looked at, ms. It may have been started anew. */
const LOOK_MS = 1000;

const SHOW = `show servers state ${TURN_BACKEND}`;

/** The nodes of the cluster, as they are known. */
export interface KnownNodes {
  readonly nodes: readonly RegisteredNode[];
  /** Whether there may be others that are not known yet. */
  readonly maybeMore: boolean;
}

export interface TurnEntryOptions {
  readonly haproxy: HaproxyAdmin;
  /** undefined: nothing is known of them yet. */
  readonly known: () => KnownNodes | undefined;
  readonly log: Pick<Logger, 'info' | 'warn' | 'error'>;
  /** @default 1000 */
  readonly lookMs?: number;
}

/** How many TURN servers the entry passes TURN/TLS on to. */
export interface TurnEntryFigures {
  readonly serving: number;
  readonly draining: number;
  /** There is no slot for them. */
  readonly leftOut: number;
}

/** Whether nodes of the cluster take TURN/TLS that the entry of Master Nodes has ended TLS of. */
export const isTurnTlsPassedOn = ({ turn }: SluiceConfig): boolean =>
  turn.enabled && turn.external_tls && turn.tls_port !== 0;

/**
 * Keeps HAProxy on a Master Node told of the TURN servers of the cluster: those of Media Nodes that
 * serve get new clients, those that drain keep the ones they have, those that are gone lose them.
 */
export class TurnEntry {
  readonly #options: TurnEntryOptions;
  #timer: NodeJS.Timeout | undefined;
  #round: Promise<void> | undefined;
  #figures: TurnEntryFigures | undefined;
  #trouble = '';
  #leftOut = 0;
  #closed = false;

  constructor(options: TurnEntryOptions) {
    this.#options = options;
  }

  /** undefined: HAProxy does not answer. */
  get figures(): TurnEntryFigures | undefined {
    return this.#figures;
  }

  /** Tells it at once, and from then on whenever something is another. Never rejects. */
  async start(): Promise<void> {
    await this.look();
    if (!this.#closed) {
      this.#timer = setInterval(() => void this.look(), this.#options.lookMs ?? LOOK_MS);
    }
  }

  /** Calls at the same time share one look. Never rejects. */
  look(): Promise<void> {
    this.#round ??= this.#look().finally(() => {
      this.#round = undefined;
    });
    return this.#round;
  }

  /** HAProxy goes on with what it knows. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#timer);
    await this.#round;
  }

  async #look(): Promise<void> {
    const known = this.#options.known();
    if (known === undefined || this.#closed) return;
    try {
      await this.#tell(known);
      this.#well();
    } catch (error) {
      this.#figures = undefined;
      this.#troubled(error instanceof Error ? error.message : String(error));
    }
  }

  async #tell({ nodes, maybeMore }: KnownNodes): Promise<void> {
    const servers = nodes.flatMap(turnServerOf);
    const { commands, leftOut } = planSlots(await this.#slots(), servers, !maybeMore);
    this.#sayLeftOut(leftOut);
    if (commands.length > 0) {
      const answer = await this.#options.haproxy.ask(commands);
      const rest = planSlots(await this.#slots(), servers, !maybeMore);
      if (rest.commands.length > 0) {
        const said = answer.replace(/\s+/g, ' ').trim();
        throw new Error(`HAProxy did not do ${JSON.stringify(rest.commands[0])}: ${said}`);
      }
      this.#options.log.info({ servers }, 'HAProxy was told where TURN/TLS goes');
    }
    const count = (state: string): number => servers.filter((one) => one.state === state).length;
    this.#figures = {
      serving: count('ready') - leftOut.length,
      draining: count('drain'),
      leftOut: leftOut.length,
    };
  }

  async #slots(): Promise<readonly TurnSlot[]> {
    const answer = await this.#options.haproxy.ask([SHOW]);
    const slots = parseSlots(answer, TURN_SLOT);
    if (slots !== undefined && slots.length > 0) return slots;
    throw new Error(
      'the HAProxy that runs has no slots for TURN servers: run `sluice boot`, which writes its configuration, and reload sluice-haproxy.service',
    );
  }

  #sayLeftOut(leftOut: readonly TurnServer[]): void {
    if (leftOut.length === this.#leftOut) return;
    this.#leftOut = leftOut.length;
    if (leftOut.length === 0) {
      this.#options.log.info('every Media Node gets TURN/TLS again');
      return;
    }
    this.#options.log.warn(
      { leftOut },
      'these Media Nodes get no TURN/TLS: HAProxy has no slot left for them, or they have no address but a name',
    );
  }

  #troubled(reason: string): void {
    if (this.#trouble === reason || this.#closed) return;
    this.#trouble = reason;
    this.#options.log.warn(
      { reason },
      'HAProxy cannot be told where TURN/TLS goes, it is tried again; is sluice-haproxy.service up, and sluice.entry_socket its socket? Without HAProxy here, set that to ""',
    );
  }

  #well(): void {
    if (this.#trouble === '') return;
    this.#trouble = '';
    this.#options.log.info('HAProxy can be told again where TURN/TLS goes');
  }
}

function turnServerOf(node: RegisteredNode): TurnServer[] {
  const { turnTls } = node.record;
  const state = stateOf(node);
  if (turnTls === undefined || state === 'starting') return [];
  return [{ ...turnTls, state: state === 'serving' ? 'ready' : 'drain' }];
}
