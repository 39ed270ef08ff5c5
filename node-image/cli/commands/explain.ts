import { type Command, Option } from 'commander';
import { explanationInLines } from '../../cluster/explain';
import { agentExplanationInLines } from '../../jobs/agents/agent-explain';
import { EGRESS_TYPES, INGRESS_TYPES } from '../../jobs/placement/job-costs';
import { jobExplanationInLines } from '../../jobs/placement/job-explain';
import type { PlacedKind } from '../../jobs/placement/job-placement';
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
  return newCommand('explain', io)
    .description('say why something is as it is')
    .addCommand(room)
    .addCommand(jobCommand(io, 'egress', EGRESS_TYPES, 'room-composite'))
    .addCommand(jobCommand(io, 'ingress', INGRESS_TYPES, 'rtmp'))
    .addCommand(agentCommand(io));
}

interface AgentOptions extends ConnectionOptions {
  readonly room: string;
  readonly agent?: string;
}

function agentCommand(io: CliIo): Command {
  return addConnectionOptions(newCommand('agent', io))
    .description('say which worker would get the job of an agent now, and why not the others')
    .requiredOption('--room <name>', 'name of the Room; it need not exist')
    .option('--agent <name>', 'name of the agent; "": workers without a name')
    .addHelpText('after', examples('sluice explain agent --room demo --agent greeter'))
    .action(async ({ room, agent, ...options }: AgentOptions) => {
      const view = await clientOf(options, io).explainAgent(room, agent);
      const lines = agentExplanationInLines(view).map((line) => `${printable(line)}\n`);
      io.print(options.json === true ? asJson(view) : lines.join(''));
    });
}

function jobCommand(io: CliIo, kind: PlacedKind, types: readonly string[], usual: string): Command {
  return addConnectionOptions(newCommand(kind, io))
    .description(
      `say where an ${kind === 'egress' ? 'Egress' : 'Ingress'} would go now, and why not elsewhere`,
    )
    .addOption(new Option('--type <type>', 'what kind of it').choices(types).default(usual))
    .addHelpText('after', examples(`sluice explain ${kind} --type ${types.at(-1)}`))
    .action(async ({ type, ...options }: ConnectionOptions & { readonly type: string }) => {
      const view = await clientOf(options, io).explainJob(kind, type);
      const lines = jobExplanationInLines(view).map((line) => `${printable(line)}\n`);
      io.print(options.json === true ? asJson(view) : lines.join(''));
    });
}
