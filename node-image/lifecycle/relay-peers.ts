import { isIP } from 'node:net';
import type { RegisteredNode } from '../cluster/node-record';
import type { NodeWatch } from '../cluster/node-watch';
import type { RunningTurn } from './start-turn';

/** coturn has read by then what it was told, ms: it looks every 5 s. */
const READ_MS = 5500;
/** The others have seen a new node by then, and their coturn has read of it, ms. */
const KNOWN_MS = 7000;

export interface RelayPeersOptions {
  readonly watch: Pick<NodeWatch, 'nodes' | 'onLooked'>;
  readonly turn: Pick<RunningTurn, 'allow'>;
  readonly nodeId: string;
  /** Where this node offers ICE. */
  readonly mediaAddresses: readonly string[];
  /** Monotonic, ms. @default performance.now */
  readonly now?: () => number;
}

/**
 * Lets TURN of this node relay to the media of every node of the cluster, at the addresses that
 * clients are told of, and to nothing else of the network that they are in.
 *
 * coturn learns of a node some seconds late, and a client gives up at once what it is refused: so
 * nobody is sent to a new TURN server, nor to a Room on a new node, before they know each other.
 */
export class RelayPeers {
  readonly #options: RelayPeersOptions;
  readonly #now: () => number;
  #allowed = '';
  #changedMs: number | undefined;
  #isReady = false;

  constructor(options: RelayPeersOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
    options.watch.onLooked(() => this.#look());
  }

  /** Whether TURN here relays to the nodes that there were when it started. */
  get isReady(): boolean {
    this.#isReady ||= this.#changedMs !== undefined && this.#now() - this.#changedMs > READ_MS;
    return this.#isReady;
  }

  /** How long it takes from now until TURN servers of other nodes relay to this one, ms. */
  get knownInMs(): number {
    const { watch, nodeId, mediaAddresses } = this.#options;
    const others = watch.nodes().filter(({ record }) => record.id !== nodeId);
    const isKnown = others.some(({ record }) =>
      mediaAddresses.every((address) => record.mediaAddresses?.includes(address)),
    );
    return isKnown || !others.some(hasTurnTls) ? 0 : KNOWN_MS;
  }

  #look(): void {
    const { watch, turn } = this.#options;
    const all = watch.nodes().flatMap(({ record }) => record.mediaAddresses ?? []);
    const addresses = [...new Set(all.filter((address) => isIP(address) !== 0))].sort();
    const text = addresses.join(' ');
    if (this.#changedMs === undefined || text !== this.#allowed) {
      this.#changedMs = this.#now();
      this.#allowed = text;
    }
    // Each time: what could not be told is told again.
    void turn.allow(addresses);
  }
}

const hasTurnTls = ({ record }: RegisteredNode): boolean => record.turnTls !== undefined;
