import type { Command } from 'commander';
import { asJson, examples, newCommand } from '../command';
import { addConnectionOptions, type ConnectionOptions, clientOf } from '../connection';
import type { CliIo } from '../io';
import { tableOf } from '../table';

export function roomsCommand(io: CliIo): Command {
  return addConnectionOptions(newCommand('rooms', io))
    .description('list the Rooms, with the nodes that host them')
    .option('--node <node>', 'only those on this node')
    .addHelpText('after', examples('sluice rooms', 'sluice rooms --node ND_7kQpXw2mRt4s --json'))
    .action(async (options: ConnectionOptions & { node?: string }) => {
      const client = clientOf(options, io);
      const wanted = options.node === undefined ? undefined : (await client.node(options.node)).id;
      const rooms = (await client.rooms())
        .filter(({ nodeId }) => wanted === undefined || nodeId === wanted)
        .sort((one, other) => (one.name < other.name ? -1 : 1));
      if (options.json === true) {
        io.print(asJson({ rooms }));
      } else if (rooms.length === 0) {
        io.print(wanted === undefined ? 'There are no Rooms.\n' : `${wanted} hosts no Room.\n`);
      } else {
        io.print(
          tableOf(
            [
              { title: 'Room' },
              { title: 'Node' },
              { title: 'Sid' },
              { title: 'Participants', align: 'right' },
              { title: 'Publishers', align: 'right' },
              { title: 'Moved from' },
            ],
            rooms.map(({ name, nodeId, sid, participants, publishers, movedFrom }) => [
              name,
              nodeId,
              sid ?? '?',
              String(participants ?? '?'),
              String(publishers ?? '?'),
              movedFrom ?? '',
            ]),
            io.columns,
          ),
        );
      }
    });
}
