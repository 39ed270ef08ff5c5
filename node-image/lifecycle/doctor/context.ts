import type { X509Certificate } from 'node:crypto';
import type { SluiceConfig } from '../../contract';
import type { Interfaces } from '../listen-addresses';
import type { EntryFacts } from './entry-facts';
import type { NodeFacts } from './node-facts';
import type { Outside } from './outside';
import type { DoctorFinding } from './problems';

/** What the operating system says, which tests say otherwise. */
export interface DoctorSystem {
  readonly interfaces: Interfaces;
  /**
   * A text file.
   * @returns undefined where there is none. @throws where this user may not read it
   */
  read(path: string): Promise<string | undefined>;
  /** @returns undefined where there is no such folder */
  space(path: string): Promise<DiskSpace | undefined>;
  memory(): Promise<MemoryFacts>;
  /** Addresses of a name, IPv4 and IPv6. @throws the error of node:dns where there are none */
  resolve(name: string): Promise<readonly string[]>;
  /** @returns undefined where the program is not installed, or takes too long */
  run(command: string, args: readonly string[]): Promise<RunResult | undefined>;
  /** Files that this process may have open; 0 where it is not known. */
  openFilesLimit(): number;
  /** Authorities that browsers trust. */
  roots(): readonly X509Certificate[];
  /** ms since 1970 */
  now(): number;
}

export interface DiskSpace {
  readonly totalBytes: number;
  /** To who is not root. */
  readonly freeBytes: number;
  /** 0 where the file system does not count files. */
  readonly totalFiles: number;
  readonly freeFiles: number;
  readonly isReadOnly: boolean;
}

export interface MemoryFacts {
  /** Of the machine, or what a container is let have of it. */
  readonly totalBytes: number;
  readonly availableBytes: number;
}

export interface RunResult {
  readonly code: number;
  readonly output: string;
}

/** What is to be looked at. */
export interface DoctorQuestion {
  /** As the node reads it. */
  readonly config: SluiceConfig;
  /** What it says of its configuration. */
  readonly warnings: readonly string[];
  /** Name that clients use. */
  readonly domain?: string | undefined;
  /** Port at which the domain answers clients. */
  readonly domainPort: number;
  /** `host:port` of the time server that is asked. */
  readonly timeServer: string;
  /** Whether it is the configuration of the node's unit. @default false */
  readonly isInstalled?: boolean | undefined;
  /** mediasoup's worker. @default - the one that a node would start */
  readonly workerBin?: string | undefined;
}

/** What every check is given. */
export interface DoctorContext {
  readonly question: DoctorQuestion;
  readonly config: SluiceConfig;
  readonly system: DoctorSystem;
  /** Whether the node runs, and what it says of itself. */
  readonly node: NodeFacts;
  /** HAProxy of this machine; undefined: there is none, or it cannot be read. */
  readonly entry: EntryFacts | undefined;
  /** How the internet sees this machine. */
  readonly outside: readonly Outside[];
  /** `host:port` of the Sentinels that the node would ask; none: its Redis has none. */
  readonly sentinels: readonly string[];
}

/** Looks at one thing. Changes nothing on the machine. */
export type Check = (context: DoctorContext) => Promise<readonly DoctorFinding[]>;
