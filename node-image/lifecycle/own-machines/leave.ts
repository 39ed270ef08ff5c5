import { BootError } from '../boot/boot-error';
import { BOOT_PLAN_FILE } from '../boot/boot-plan';
import type { Machine } from '../boot/machine';
import { CONFIG_FILE } from '../boot/node-config';
import type { MachineFacts } from './machine-check';
import { stopNode } from './node-start';
import { OWN_FILES, readMembership } from './own-files';

export interface LeaveOptions {
  readonly machine: Machine;
  readonly facts: Pick<MachineFacts, 'uid'>;
  /** A Master Node takes its cluster along: that has to be meant. */
  readonly force: boolean;
  readonly say: (line: string) => void;
}

/**
 * Takes this machine out of its cluster: the node drains and ends, and secrets and configuration go.
 *
 * @throws BootError with one sentence that says what to do.
 */
export async function leave({ machine, facts, force, say }: LeaveOptions): Promise<void> {
  if (facts.uid !== 0) {
    throw new BootError('This needs root: run it with sudo.');
  }
  if (!(await machine.exists(OWN_FILES.membership))) {
    throw new BootError(
      'This machine is of no cluster that sluice init or sluice join has made it part of: there is nothing to leave.',
    );
  }
  const role = await readMembership(machine).then(
    (membership) => membership?.role,
    () => undefined,
  );
  if (role === 'master' && !force) {
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
  if (role === 'master')
    await machine.run('find', '/var/lib/sluice/redis', '-mindepth', '1', '-delete');
  say('this machine has left its cluster; Sluice stays installed');
}
