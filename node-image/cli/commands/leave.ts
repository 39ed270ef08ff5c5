import type { Command } from 'commander';
import { newCommand } from '../command';
import type { CliIo } from '../io';
import { onThisMachine } from './own-machine';

export function leaveCommand(io: CliIo): Command {
  return newCommand('leave', io)
    .description('take this machine out of its cluster; Sluice stays installed')
    .option('--force', 'also where it is the only Master Node, and the cluster ends with it')
    .addHelpText(
      'after',
      `
Run as root, on the machine itself. A Media Node drains first, as sluice.drain says. Its secrets and
its configuration are deleted here; those of the cluster stay as they are.
`,
    )
    .action(async ({ force = false }: { force?: boolean }) => {
      const { leave } = await import('../../lifecycle/own-machines/leave.js');
      await onThisMachine(({ machine, facts }) =>
        leave({ machine, facts, force, say: (line) => io.print(`leave: ${line}\n`) }),
      );
    });
}
