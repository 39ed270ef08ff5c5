import type { Command } from 'commander';
import { explanationInLines } from '../../cluster/explain';
import { asJson, examples, newCommand } from '../command';
import { addConnectionOptions, type ConnectionOptions, clientOf } from '../connection';
import type { CliIo } from '../io';
import { printable } from '../table';

export function explainCommand(io: CliIo): Command {
  const room = addConnectionOptions(newCommand('room', io))
    .description('say where a Room is, where it would be placed now, and why not elsewhere')
    .argument('<name>', 'name of the Room; it need not exist')
    .addHelpText('after', examples('sluice explain room demo'))
    .action(async (name: string, options: ConnectionOptions) => {
      const view = await clientOf(options, io).explain(name);
      const lines = (): string[] => explanationInLines(view).map((line) => `${printable(line)}\n`);
      io.print(options.json === true ? asJson(view) : lines().join(''));
    });
  return newCommand('explain', io).description('say why something is as it is').addCommand(room);
}
