import { setTimeout as sleep } from 'node:timers/promises';
import { BootError, reasonOf } from '../boot/boot-error';
import { BOOT_STATUS_FILE, readBootStatus } from '../boot/boot-status';
import type { Machine } from '../boot/machine';
import { entryProblem } from './entry-answer';
import { LOCAL_URL } from './own-files';

export interface NodeStartOptions {
  readonly machine: Machine;
  /** Whether the node serves. @default - whether it says so */
  readonly isReady?: (() => Promise<boolean>) | undefined;
  /** @default 90000 */
  readonly patienceMs?: number | undefined;
}

const START = '/opt/sluice/bin/start';
const PATIENCE_MS = 90_000;
const POLL_MS = 500;
const UNITS = ['agent', 'certificates', 'haproxy', 'node', 'sentinel', 'redis', 'boot'].map(
  (name) => `sluice-${name}.service`,
);

/**
 * Starts the services of this machine, and waits until it serves.
 *
 * @throws BootError with the reason, where it does not.
 */
export async function startNode(options: NodeStartOptions): Promise<void> {
  const { machine } = options;
  // What an earlier boot has said is no news.
  await machine.remove(BOOT_STATUS_FILE);
  const { code, stderr } = await machine.run(START);
  if (code !== 0) {
    throw new BootError(`${START} cannot start the services: ${reasonOf(stderr)}`);
  }
  await untilServing(options);
}

/**
 * Waits until the node of this machine serves, and clients reach it: HAProxy looks after it every 2 s
 * only, and answers 503 until it has seen it well.
 *
 * @throws BootError with the reason, where it does not come to that.
 */
export async function untilServing(options: NodeStartOptions): Promise<void> {
  const { machine, isReady = () => answersWell(LOCAL_URL), patienceMs = PATIENCE_MS } = options;
  const deadline = performance.now() + patienceMs;
  for (;;) {
    const status = await readBootStatus(machine.path(BOOT_STATUS_FILE));
    if (status?.state === 'failed') throw new BootError(status.reason);
    const isUp = status?.state === 'done' && (await isReady());
    const problem = isUp ? await entryProblem(machine) : undefined;
    if (isUp && problem === undefined) return;
    if (performance.now() >= deadline) {
      if (problem !== undefined) throw new BootError(`The node serves, and ${problem}`);
      throw new BootError(
        `The node does not serve ${Math.round(patienceMs / 1000)} s after it was started: ${await lastWords(machine)} \`journalctl -u 'sluice-*'\` has more.`,
      );
    }
    await sleep(POLL_MS);
  }
}

/** Ends the services of this machine. A node drains first, as long as that takes. */
export async function stopNode(machine: Machine): Promise<void> {
  await machine.run('systemctl', 'disable', '--quiet', 'sluice.target');
  await machine.run('systemctl', 'stop', 'sluice.target', ...UNITS);
  await machine.run('systemctl', 'reset-failed', ...UNITS);
}

/** What the node has said last, for whom it does not start. */
async function lastWords(machine: Machine): Promise<string> {
  const asked = ['-u', 'sluice-node', '-o', 'cat', '--no-pager', '-n', '20'];
  const { stdout } = await machine.run('journalctl', ...asked).catch(() => ({ stdout: '' }));
  const line = stdout
    .trim()
    .split('\n')
    .findLast(
      (text) => text !== '' && !/^(Started|Stopped|Starting|sluice-node\.service)/.test(text),
    );
  if (line === undefined) return 'it has said nothing.';
  return `it said ${JSON.stringify(line.slice(0, 300))}.`;
}

/** Asks a URL of this machine. @returns whether it answers 200 */
export async function answersWell(url: string): Promise<boolean> {
  try {
    return (await fetch(url, { signal: AbortSignal.timeout(2000) })).ok;
  } catch {
    return false;
  }
}
