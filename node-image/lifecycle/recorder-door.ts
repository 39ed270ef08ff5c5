import type { Logger } from 'pino';
import { HttpServer } from '../api/http-server';
import type { TokenVerifier } from '../api/tokens';
import { RoomRouter } from '../cluster/room-router';
import type { SluiceConfig } from '../contract';
import { EntryEndpoint } from '../signaling/entry/entry-endpoint';
import type { Metrics } from '../telemetry/metrics';
import { type ClusterParts, placementBy } from './cluster-parts';
import { loopbackUrl } from './jobs-egress';
import type { DescriptorGate } from './os-limits';
import { joinGate } from './signaling-parts';

export interface RecorderDoorOptions {
  readonly config: SluiceConfig;
  readonly parts: Pick<ClusterParts, 'registry' | 'watch' | 'link'>;
  readonly tokens: TokenVerifier;
  readonly metrics: Metrics;
  readonly descriptors: DescriptorGate;
  readonly log: Logger;
}

const LOOPBACK = ['127.0.0.1'];

interface OpenDoor {
  readonly http: HttpServer;
  readonly entry: EntryEndpoint;
}

/**
 * Where the browsers of this Media Node join the Rooms that they record: on its loopback, as clients do
 * at a Master Node, and from there over the node link to wherever the Room is. So a recording needs no
 * way to the cluster's own entry, which not every network has from within. Opened for the first one.
 */
export class RecorderDoor {
  readonly #options: RecorderDoorOptions;
  #opening: Promise<OpenDoor> | undefined;
  #closed = false;

  constructor(options: RecorderDoorOptions) {
    this.#options = options;
  }

  /** Its address, such as ws://127.0.0.1:40001. @throws ListenError, Error where this node ends */
  async url(): Promise<string> {
    if (this.#closed) throw new Error('this node ends');
    this.#opening ??= this.#open();
    try {
      return loopbackUrl((await this.#opening).http.port, LOOPBACK);
    } catch (error) {
      this.#opening = undefined;
      throw error;
    }
  }

  /** Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    const open = await this.#opening?.catch(() => undefined);
    await open?.entry.close();
    await open?.http.close();
  }

  async #open(): Promise<OpenDoor> {
    const { config, parts, tokens, metrics, descriptors, log } = this.#options;
    const observe = (reason: string): void => metrics.operation('join_limit', reason);
    const entry = new EntryEndpoint({
      gate: joinGate(config, tokens, observe, descriptors),
      routes: new RoomRouter({ ...parts, choose: placementBy(config), log }),
      link: parts.link,
      // What has ended is not to begin anew by being recorded.
      autoCreate: false,
      metrics,
      log,
    });
    const http = new HttpServer({
      bindAddresses: LOOPBACK,
      port: 0,
      health: () => ({ status: 200, text: 'OK' }),
      validate: (request) => entry.validate(request),
      upgrade: (request, socket, head) => entry.upgrade(request, socket, head),
      log,
    });
    try {
      await http.listen();
    } catch (error) {
      await entry.close();
      throw error;
    }
    return { http, entry };
  }
}
