import type { Command } from 'commander';
import { asJson, countArgument, examples, newCommand } from '../command';
import { addConnectionOptions, type ConnectionOptions, clientOf } from '../connection';
import type { CliIo } from '../io';
import { tableOf } from '../table';
import { momentInWords } from '../words';

export function auditCommand(io: CliIo): Command {
  return addConnectionOptions(newCommand('audit', io))
    .description('what was decided in the cluster, when, by which node and why; the newest last')
    .option('--limit <count>', 'the newest so many', countArgument, 50)
    .addHelpText('after', examples('sluice audit --limit 20'))
    .action(async (options: ConnectionOptions & { limit: number }) => {
      const entries = await clientOf(options, io).audit(options.limit);
      if (options.json === true) {
        io.print(asJson({ entries }));
      } else if (entries.length === 0) {
        io.print('Nothing was decided yet.\n');
      } else {
        io.print(
          tableOf(
            [{ title: 'When' }, { title: 'Node' }, { title: 'What' }],
            [...entries].reverse().map(({ atMs, by, text }) => [momentInWords(atMs), by, text]),
            io.columns,
          ),
        );
      }
    });
}
