/**
 * Why a machine is to go. `empty`: its node is drained. `dead`: its node ended without having been
 * told to, or the machine did, and no other one has run there for long.
 */
export type RemovalReason = 'empty' | 'dead';

/** What is asked of whoever starts and stops the machines of Media Nodes. */
export type ProvisionRequest =
  | {
      readonly action: 'add';
      /** The same with each try of one decision: who has done it already does nothing. */
      readonly id: string;
      readonly count: number;
    }
  | {
      readonly action: 'remove';
      readonly id: string;
      /** Id of the node that runs there, or ran there last. */
      readonly node: string;
      /** `sluice.machine_id` of it. */
      readonly machine: string;
      readonly reason: RemovalReason;
    };

/**
 * `done`: it is being done. `no`: not possible now, to be asked again after a while. `failed`: it is
 * not known whether it is done, so the same is asked again.
 */
export type ProvisionAnswer =
  | { readonly outcome: 'done' }
  | {
      readonly outcome: 'no';
      /** For people. */
      readonly why: string;
      /** When it may be asked again, where it said so, ms. */
      readonly retryAfterMs?: number | undefined;
    }
  | { readonly outcome: 'failed'; readonly why: string };

/** Starts and stops machines outside of Sluice: a web server, or a program on this machine. */
export interface Provisioner {
  /** For logs, with what was configured: "webhook https://...". */
  readonly name: string;
  /** Never rejects, and answers within its time-out. */
  ask(request: ProvisionRequest, signal: AbortSignal): Promise<ProvisionAnswer>;
}

/** How much of what somebody else has written comes into the log, characters. */
const MOST_WORDS = 500;

/** What somebody else has written, as one line for the log. */
export function inOneLine(text: string): string {
  const line = text.replace(/[\p{C}\s]+/gu, ' ').trim();
  return line.length <= MOST_WORDS ? line : `${line.slice(0, MOST_WORDS)}...`;
}
