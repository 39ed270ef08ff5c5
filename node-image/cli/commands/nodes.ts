import type { Command } from 'commander';
import type { NodesView, NodeView } from '../../cluster/admin-views';
import { asJson, examples, newCommand } from '../command';
import { addConnectionOptions, type ConnectionOptions, clientOf } from '../connection';
import type { CliIo } from '../io';
import { leftInWords } from '../left';
import { type Column, printable, tableOf } from '../table';
import { percent, rateInWords, spanInWords } from '../words';

const COLUMNS: readonly Column[] = [
  { title: 'Node' },
  { title: 'Role' },
  { title: 'State' },
  { title: 'Rooms', align: 'right' },
  { title: 'Clients', align: 'right' },
  { title: 'CPU', align: 'right' },
  { title: 'Traffic', align: 'right' },
  { title: 'Machine' },
  { title: 'Up' },
];

export function nodesCommand(io: CliIo): Command {
  return addConnectionOptions(newCommand('nodes', io))
    .description('list the nodes of the cluster, with what they carry')
    .addHelpText(
      'after',
      examples(
        'sluice nodes --dev',
        'sluice nodes --json | jq -r \'.nodes[] | select(.state == "draining") | .id\'',
      ),
    )
    .action(async (options: ConnectionOptions) => {
      const view = await clientOf(options, io).nodes();
      io.print(options.json === true ? asJson(view) : nodesInWords(view, io.columns));
    });
}

function nodesInWords({ nodes, nowMs }: NodesView, columns: number): string {
  if (nodes.length === 0) {
    return 'The cluster has no nodes.\n';
  }
  const sorted = [...nodes].sort(
    (one, other) =>
      Number(one.record.role === 'media') - Number(other.record.role === 'media') ||
      (one.id < other.id ? -1 : 1),
  );
  const table = tableOf(
    COLUMNS,
    sorted.map((node) => rowOf(node, nowMs)),
    columns,
  );
  return table + sorted.map((node) => drainInWords(node, nowMs)).join('');
}

function rowOf({ id, state, stale, rooms, record, seenAgoMs }: NodeView, nowMs: number): string[] {
  const { load, role, machineId, startedAtMs } = record;
  return [
    id,
    role,
    stale ? `silent ${spanInWords(seenAgoMs)}` : state,
    role === 'master' ? '' : String(rooms),
    String(load.clients),
    percent(load.cpuLoad),
    rateInWords(load.bytesPerSec),
    machineId,
    spanInWords(nowMs - startedAtMs),
  ];
}

/** A line for a node that drains; empty for others. */
function drainInWords({ id, order, record }: NodeView, nowMs: number): string {
  if (order === undefined) {
    return '';
  }
  const { drain } = record;
  const left = drain === undefined ? '' : `, ${leftInWords(drain).join(', ')} left`;
  const time =
    order.deadlineMs > nowMs
      ? `empty by the deadline in ${spanInWords(order.deadlineMs - nowMs)} (${order.onDeadline})`
      : `past its deadline (${order.onDeadline})`;
  const obstacle = drain === undefined || drain.obstacle === '' ? '' : `; ${drain.obstacle}`;
  return printable(`${id} drains (${order.reason}): ${time}${left}${obstacle}`).concat('\n');
}
