import type { Command } from 'commander';
import type { RemoveResult } from '../../cluster/admin-views';
import { asJson, examples, newCommand } from '../command';
import { addConnectionOptions, type ConnectionOptions, clientOf } from '../connection';
import type { CliIo } from '../io';
import { printable } from '../table';
import { counted } from '../words';

/** So many Rooms are named; of the others only the number is told. */
const NAMED_ROOMS = 10;

interface RemoveOptions extends ConnectionOptions {
  readonly force?: boolean;
  readonly reason?: string;
}

export function removeCommand(io: CliIo): Command {
  return addConnectionOptions(newCommand('remove', io))
    .description('take a node out at once; clients find their way to another one')
    .argument('<node>', 'id of the node, the start of it, or the name of its machine')
    .option('--force', 'also where that ends Rooms; without it, what it would end is said')
    .option('--reason <text>', 'for the audit')
    .addHelpText(
      'after',
      `${examples(
        'sluice remove ND_7kQpXw2mRt4s           # a node that is gone or empty',
        'sluice remove ND_7kQpXw2mRt4s --force   # whatever runs on it',
      )}\nA node that is to leave without anybody noticing is drained: sluice drain NODE --wait\n`,
    )
    .action(async (node: string, { force = false, reason, ...options }: RemoveOptions) => {
      const result = await clientOf(options, io).remove(node, {
        force,
        ...(reason !== undefined && { reason }),
      });
      io.print(options.json === true ? asJson(result) : inWords(result));
    });
}

function inWords({ lost, message }: RemoveResult): string {
  const { rooms, participants } = lost;
  if (rooms.length === 0) {
    return `${printable(message)}\nNothing is lost: it hosted no Room.\n`;
  }
  const named = rooms.slice(0, NAMED_ROOMS).join(', ');
  const more = rooms.length > NAMED_ROOMS ? ` and ${rooms.length - NAMED_ROOMS} more` : '';
  return `${printable(message)}\nInterrupted: ${counted(rooms.length, 'Room')} with ${counted(
    participants,
    'participant',
  )}: ${printable(named)}${more}\n`;
}
