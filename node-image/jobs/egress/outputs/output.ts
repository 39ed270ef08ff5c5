import type { EgressInfo } from '@livekit/protocol';
import type { Segment } from './playlist';

/** One output at work: what the encoder makes goes to where it was asked for. */
export interface RunningOutput {
  /** Whether it can be kept there at all; asked before anything is recorded. @throws StorageError */
  open?(): Promise<void>;
  /** A segment is complete on the disk. Must not throw. */
  segment?(segment: Segment): void;
  /** Resolves when what is complete is kept: another run goes on from there. @throws Error */
  settle(): Promise<void>;
  /**
   * The encoder has ended, and everything is on the disk: finishes, and says in EgressInfo what there
   * is.
   *
   * @throws StorageError, Error where it could not be kept
   */
  finish(): Promise<void>;
  /** Nothing more is wanted of it. Idempotent. */
  close(): void;
  /** The first thing that went wrong for good; undefined: nothing yet. */
  readonly failure?: Error | undefined;
}

/** What all outputs of a job share. */
export interface OutputContext {
  readonly info: EgressInfo;
  /** The folder of this run; see `EncoderOutputs`. */
  readonly folder: string;
  /** How often the job was taken over before this run. */
  readonly retry: number;
  /** When its first picture was taken, in ns since 1970. */
  readonly startedAtNs: () => bigint;
  /** EgressInfo has changed. */
  readonly changed: () => void;
  /** It cannot go on. */
  readonly failed: (error: Error) => void;
}
