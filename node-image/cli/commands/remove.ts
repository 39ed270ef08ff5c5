import type { Command } from 'commander';
import { type AdminClient, AdminClientError } from '../../api/cluster/admin-client';
import type { NodeView, RemoveResult } from '../../cluster/admin-views';
import { EXIT_FAILED } from '../../lifecycle/exit-codes';
import { asJson, durationArgument, examples, newCommand } from '../command';
import { addConnectionOptions, type ConnectionOptions, clientOf } from '../connection';
import { waitForDrain } from '../drain-wait';
import { CliError, type CliIo } from '../io';
import { printable } from '../table';
import { counted } from '../words';

/** So many Rooms are named; of the others only the number is told. */
const NAMED_ROOMS = 10;

interface RemoveOptions extends ConnectionOptions {
  readonly force?: boolean;
  readonly reason?: string;
  readonly patience?: number;
  readonly deadline?: number;
}

export function removeCommand(io: CliIo): Command {
  return addConnectionOptions(newCommand('remove', io))
    .description('take a node out of the cluster: one that lives is drained first')
    .argument('<node>', 'id of the node, the start of it, or the name of its machine')
    .option('--force', 'at once: a node that is gone, or whatever runs on it')
    .option('--patience <time>', 'how long Rooms may end by themselves', durationArgument)
    .option('--deadline <time>', 'how long the drain may take in all', durationArgument)
    .option('--reason <text>', 'for the audit')
    .addHelpText(
      'after',
      `${examples(
        'sluice remove media-3                   # drains it, and takes it out when it is empty',
        'sluice remove media-3 --patience 0      # moves its Rooms at once',
        'sluice remove media-3 --force           # its machine is gone, or is to end now',
      )}
What its machine knows stays valid, as all nodes share it: the secret of the cluster, the API keys
and the password of Redis. sluice leave on the machine deletes them there.
`,
    )
    .action(async (wanted: string, options: RemoveOptions) => {
      const client = clientOf(options, io);
      const { force = false, reason } = options;
      const id = force ? wanted : await emptied(client, wanted, options, io);
      const result = await client
        .remove(id, { force, ...(reason !== undefined && { reason }) })
        .catch((error: unknown) => goneMeanwhile(error, id, wanted));
      io.print(options.json === true ? asJson(result) : inWords(result));
    });
}

/**
 * Drains a node that lives, and waits until it is empty.
 *
 * @returns its id
 */
async function emptied(
  client: AdminClient,
  wanted: string,
  { patience, deadline, reason = 'sluice remove' }: RemoveOptions,
  io: CliIo,
): Promise<string> {
  const node = await client.node(wanted);
  if (!hasToBeDrained(node)) return node.id;
  const { nodeId, order } = await client.drain(node.id, { patience, deadline, reason });
  const { outcome } = await waitForDrain({ client, nodeId, order, io });
  if (outcome === 'drained' || outcome === 'forced') return nodeId;
  const texts = {
    cancelled: `The drain of ${nodeId} was cancelled, so it stays: run this again if it is to leave.`,
    overdue: `${nodeId} is not empty at its deadline, and keeps its Rooms: it goes on draining. sluice remove ${nodeId} --force ends them.`,
    lost: `${nodeId} has gone away with Rooms on it, which are placed anew as clients come back.`,
  };
  throw new CliError(EXIT_FAILED, texts[outcome]);
}

/** A process that was told to end has taken its record along once it was empty. */
function goneMeanwhile(error: unknown, nodeId: string, wanted: string): RemoveResult {
  const isGone = error instanceof AdminClientError && error.code === 'not_found';
  if (!isGone || nodeId === wanted) throw error;
  const lost = { rooms: [], participants: 0 };
  return { nodeId, outcome: 'forgotten', lost, message: `${nodeId} has ended by itself.` };
}

/** What says nothing any more, or is a Master Node, is for the server to judge. */
const hasToBeDrained = ({ record, stale, state }: NodeView): boolean =>
  !stale && record.role !== 'master' && state !== 'drained';

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
