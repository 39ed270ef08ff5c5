import type { Logger } from 'pino';
import type { SluiceConfig } from '../contract';
import type { LoadConfigOptions } from './config';

export interface NodeOptions {
  readonly config: SluiceConfig;
  /** Serve the web page. */
  readonly console: boolean;
  /** What the configuration was loaded from, to load it again with what a cluster has announced. */
  readonly load: LoadConfigOptions;
  /** Ends the start, with what was started by then. @default - nothing does */
  readonly signal?: AbortSignal;
}

/** A node that runs, whatever its role. */
export interface RunningNode {
  readonly nodeId: string;
  /** Of HTTP; 0 where the node has none. */
  readonly port: number;
  readonly log: Logger;
  /** Resolves when it has ended by itself, or by one of the two below. */
  readonly ended: Promise<void>;
  /**
   * Leaves in order, as long as that takes: a Media Node drains first. Asking again changes nothing.
   *
   * @param reason - for people, such as "SIGTERM"
   */
  stop(reason: string): Promise<void>;
  /** Ends at once: participants are told, what it started is stopped. Idempotent. */
  close(): Promise<void>;
}
