import { setTimeout as sleep } from 'node:timers/promises';
import { BootError } from '../boot/boot-error';
import { BOOT_PLAN_FILE } from '../boot/boot-plan';
import type { Machine } from '../boot/machine';
import { CONFIG_FILE } from '../boot/node-config';
import { deleteRedisData } from './join-master';
import type { MachineFacts } from './machine-check';
import { stopNode } from './node-start';
import { OWN_FILES, readMembership } from './own-files';
import { type OwnRegistry, ownRegistry } from './own-registry';

export interface LeaveOptions {
  readonly machine: Machine;
  readonly facts: Pick<MachineFacts, 'uid'>;
  /** A Master Node takes its cluster along: that has to be meant. */
  readonly force: boolean;
  readonly say: (line: string) => void;
  /** For tests. */
  readonly registry?: Pick<OwnRegistry, 'ask'> | undefined;
}

/**
 * Takes this machine out of its cluster: the node drains and ends, and secrets and configuration go.
 *
 * @throws BootError with one sentence that says what to do.
 */
export async function leave(options: LeaveOptions): Promise<void> {
  const { machine, facts, force, say, registry = ownRegistry(options.machine) } = options;
  if (facts.uid !== 0) {
    throw new BootError('This needs root: run it with sudo.');
  }
  if (!(await machine.exists(OWN_FILES.membership))) {
    throw new BootError(
      'This machine is of no cluster that sluice init or sluice join has made it part of: there is nothing to leave.',
    );
  }
  const membership = await readMembership(machine).catch(() => undefined);
  const role = membership?.role;
  if (membership?.highAvailability === true) {
    await handOver({ machine, force, say, registry });
  } else if (role === 'master' && !force) {
    throw new BootError(
      'This machine is the Master Node, and its cluster ends with it, API keys and join tokens included: run `sluice leave --force` if that is meant.',
    );
  }
  say('the node of this machine drains; that may take as long as sluice.drain.deadline');
  await stopNode(machine);
  // boot.json first: without it nothing starts any more, whatever becomes of the rest.
  const all = [BOOT_PLAN_FILE, CONFIG_FILE, ...Object.values(OWN_FILES)];
  for (const path of all) await machine.remove(path);
  for (const folder of ['secrets', 'redis', 'haproxy']) {
    await machine.run('find', `/run/sluice/${folder}`, '-type', 'f', '-delete');
  }
  if (role === 'master') await deleteRedisData(machine);
  say('this machine has left its cluster; Sluice stays installed');
}

/** A Redis that becomes the primary has done so by then, ms. */
const HANDED_OVER_MS = 15_000;
const POLL_MS = 500;

/**
 * Has the Redis of another machine be the primary, so that nobody waits for that when this one stops.
 *
 * @throws BootError where too few others are left.
 */
async function handOver({
  machine,
  force,
  say,
  registry,
}: Pick<LeaveOptions, 'machine' | 'force' | 'say'> & {
  readonly registry: Pick<OwnRegistry, 'ask'>;
}): Promise<void> {
  const config = (await machine.read(CONFIG_FILE)) ?? '';
  const seen = await registry
    .ask(async (sentinel) => {
      const others = await sentinel.others();
      return { live: others.filter(({ isDown }) => !isDown).length, at: await sentinel.primary() };
    })
    .catch(() => ({ live: 0, at: undefined }));
  if (seen.live < 2 && !force) {
    const left = seen.live === 0 ? 'no other' : 'one other';
    throw new BootError(
      `This machine is a Master Node, and ${left} is seen: with fewer than two left Redis cannot be taken over by another any more; add one first by \`sluice join --role master\`, or run \`sluice leave --force\`.`,
    );
  }
  const isOwn = seen.at !== undefined && config.includes(`address: ${hostIn(seen.at)}\n`);
  if (seen.live === 0 || !isOwn) return;
  say('another Master Node takes over Redis');
  const deadline = performance.now() + HANDED_OVER_MS;
  await registry.ask((sentinel) => sentinel.failOver()).catch(() => undefined);
  while (performance.now() < deadline) {
    // Where it does not come to that, Sentinel sees to it when this machine has stopped.
    const at = await registry.ask((sentinel) => sentinel.primary()).catch(() => undefined);
    if (at !== undefined && at !== seen.at) return;
    await sleep(POLL_MS);
  }
}

const hostIn = (text: string): string => text.replace(/:\d+$/, '').replace(/^\[|\]$/g, '');
