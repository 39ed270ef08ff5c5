import type { Command } from 'commander';
import { asJson, examples, newCommand } from '../command';
import { addConnectionOptions, type ConnectionOptions, clientOf } from '../connection';
import type { CliIo } from '../io';
import { printable } from '../table';

export function undrainCommand(io: CliIo): Command {
  return addConnectionOptions(newCommand('undrain', io))
    .description('cancel a drain: the node takes new Rooms again')
    .argument('<node>', 'id of the node, the start of it, or the name of its machine')
    .option('--reason <text>', 'for the audit')
    .addHelpText('after', examples('sluice undrain ND_7kQpXw2mRt4s'))
    .action(
      async (node: string, { reason, ...options }: ConnectionOptions & { reason?: string }) => {
        const result = await clientOf(options, io).undrain(
          node,
          reason === undefined ? {} : { reason },
        );
        if (options.json === true) {
          io.print(asJson(result));
        } else if (result.order === undefined) {
          io.print(`${result.nodeId} does not drain: nothing to cancel.\n`);
        } else {
          io.print(
            printable(`${result.nodeId} drains no more (it did because: ${result.order.reason}).`) +
              '\n',
          );
        }
      },
    );
}
