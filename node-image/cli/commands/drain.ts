import { type Command, Option } from 'commander';
import type { DrainResult } from '../../cluster/admin-views';
import type { OnDeadline } from '../../cluster/node-record';
import { EXIT_FAILED, EXIT_OK } from '../../lifecycle/exit-codes';
import { asJson, durationArgument, examples, newCommand } from '../command';
import { addConnectionOptions, type ConnectionOptions, clientOf } from '../connection';
import { type DrainEnd, type DrainOutcome, waitForDrain } from '../drain-wait';
import type { CliIo } from '../io';
import { jobsLeftInWords } from '../left';
import { printable } from '../table';
import { counted, spanInWords } from '../words';

interface DrainCommandOptions extends ConnectionOptions {
  readonly patience?: number;
  readonly deadline?: number;
  readonly onDeadline?: OnDeadline;
  readonly reason: string;
  readonly wait?: boolean;
}

export function drainCommand(io: CliIo, setExitCode: (code: number) => void): Command {
  return addConnectionOptions(newCommand('drain', io))
    .description('empty a node: it takes no new Rooms, and those it has end or are moved')
    .argument('<node>', 'id of the node, the start of it, or the name of its machine')
    .option('--patience <time>', 'how long Rooms may end by themselves', durationArgument)
    .option('--deadline <time>', 'how long it may take in all', durationArgument)
    .addOption(
      new Option('--on-deadline <what>', 'with what is left then: end it, or wait on').choices([
        'force',
        'keep',
      ]),
    )
    .option('--reason <text>', 'for the audit', 'sluice drain')
    .option('--wait', 'until it is empty, telling how far it is')
    .addHelpText(
      'after',
      `
What is left out is as the configuration of the cluster says (sluice.drain). A node that drains
already obeys the order that ends earlier; asking again never forces anything.

With --wait the exit code is 0 where the node was empty in time, and 1 where Rooms were ended at the
deadline, where it has passed and they are kept, or where the drain was cancelled. Ctrl-C stops the
waiting, not the drain.
${examples(
  'sluice drain ND_7kQpXw2mRt4s --wait',
  'sluice drain ND_7kQpXw2mRt4s --patience 0 --deadline 10m    # move Rooms at once',
  'sluice drain ND_7kQpXw2mRt4s --on-deadline keep --reason "new kernel"',
)}`,
    )
    .action(async (node: string, options: DrainCommandOptions) => {
      const client = clientOf(options, io);
      const { patience, deadline, onDeadline, reason } = options;
      const result = await client.drain(node, { patience, deadline, onDeadline, reason });
      const { nodeId, order } = result;
      if (options.wait !== true) {
        io.print(options.json === true ? asJson(result) : orderInWords(result));
        return;
      }
      if (options.json !== true) {
        io.print(orderInWords(result));
      }
      const end = await waitForDrain({ client, nodeId, order, io });
      io.print(options.json === true ? asJson({ ...result, ...end }) : endInWords(nodeId, end));
      setExitCode(end.outcome === 'drained' ? EXIT_OK : EXIT_FAILED);
    });
}

function orderInWords({ nodeId, order, changed, nowMs }: DrainResult): string {
  const patience = Math.max(0, order.patienceUntilMs - nowMs);
  const what = order.onDeadline === 'force' ? 'ended' : 'kept';
  const head = changed
    ? `${nodeId} drains`
    : `${nodeId} drains already (${order.reason}), and that ends as early`;
  const moved =
    patience === 0 ? 'its Rooms are moved now' : `its Rooms are moved in ${spanInWords(patience)}`;
  const last = `what is left in ${spanInWords(order.deadlineMs - nowMs)} is ${what}`;
  return `${printable(head)}: ${moved}, ${last}.\n`;
}

function endInWords(nodeId: string, end: DrainEnd): string {
  const { outcome, roomsMoved, roomsLeft } = end;
  const left = [counted(roomsLeft, 'Room'), ...jobsLeftInWords(end)].join(', ');
  const moved = roomsMoved > 0 ? `, ${counted(roomsMoved, 'Room was', 'Rooms were')} moved` : '';
  const texts: Readonly<Record<DrainOutcome, string>> = {
    drained: `${nodeId} is empty${moved}.`,
    forced: `${nodeId} is empty, but not in time: what was left at the deadline was ended${moved}.`,
    overdue: `The deadline has passed and ${nodeId} still has ${left}, which it keeps. It goes on draining; sluice remove ${nodeId} --force ends them.`,
    cancelled: `The drain of ${nodeId} was cancelled: it serves again.`,
    lost: `${nodeId} is gone with ${counted(roomsLeft, 'Room')} on it, which are placed anew.`,
  };
  return `${texts[outcome]}\n`;
}
