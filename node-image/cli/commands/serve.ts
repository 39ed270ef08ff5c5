import type { Command } from 'commander';
import { type NodeCommandOptions, nodeCommand } from '../../lifecycle/node-command';
import { examples } from '../command';
import type { CliIo } from '../io';

export function serveCommand(io: CliIo, serve: NodeCommandOptions['serve']): Command {
  return nodeCommand({
    name: 'serve',
    env: io.env,
    serve,
    print: (text) => io.print(text),
    printError: (text) => io.printError(text),
  })
    .summary('run one node: a Single Node, a Master Node or a Media Node')
    .addHelpText(
      'after',
      examples(
        'sluice serve --dev',
        'sluice serve --config sluice.yaml',
        'sluice serve --config sluice.yaml --role media',
        'sluice serve --config sluice.yaml ports',
      ),
    );
}
