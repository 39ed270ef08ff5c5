import { setTimeout as sleep } from 'node:timers/promises';
import { readReadiness } from '../ready-file';
import { BootError } from './boot-error';
import { readBootStatus } from './boot-status';

const LOOK_MS = 2000;

export interface WaitUntilReadyOptions {
  /** Where `sluice boot` says how it ended. */
  readonly statusFile: string;
  /** Where `sluice agent` says whether a call works. */
  readonly stateFolder: string;
  /** ms */
  readonly withinMs: number;
  /** Between two looks, ms. @default 2000 */
  readonly lookMs?: number | undefined;
}

/**
 * Waits until a call works through the node of this machine. A boot that has failed is tried again by
 * its service: what a machine may read can take minutes to be known.
 *
 * @throws BootError with the reason where none does in time, or the agent has given up.
 */
export async function waitUntilReady(options: WaitUntilReadyOptions): Promise<void> {
  const { statusFile, stateFolder, withinMs, lookMs = LOOK_MS } = options;
  const untilMs = performance.now() + withinMs;
  for (;;) {
    const [status, readiness] = await Promise.all([
      readBootStatus(statusFile),
      readReadiness(stateFolder),
    ]);
    if (status?.state === 'done' && readiness !== undefined) {
      if (readiness.failure === undefined) return;
      throw new BootError(`No call works through the node: ${readiness.failure}`);
    }
    if (performance.now() >= untilMs) {
      throw new BootError(
        status?.state === 'failed'
          ? status.reason
          : `The machine is not ready after ${Math.round(withinMs / 1000)} s: ${status === undefined ? 'sluice-boot.service has not ended; see journalctl -u sluice-boot' : 'sluice-agent.service has not said yet that a call works; see journalctl -u sluice-agent -u sluice-node'}.`,
      );
    }
    await sleep(lookMs);
  }
}
