import type { Command } from 'commander';
import { exitCodeOf } from '../lifecycle/cli';
import { withBareFlags } from '../lifecycle/config/options';
import { EXIT_OK } from '../lifecycle/exit-codes';
import type { NodeCommandOptions } from '../lifecycle/node-command';
import { cliErrorOf, examples, newCommand } from './command';
import { agentCommand, type RunAgent } from './commands/agent';
import { auditCommand } from './commands/audit';
import { backupCommand } from './commands/backup';
import { bootCommand } from './commands/boot';
import { certificatesCommand } from './commands/certificates';
import { configCommand } from './commands/config';
import { doctorCommand, type RunDoctor } from './commands/doctor';
import { drainCommand } from './commands/drain';
import { explainCommand } from './commands/explain';
import { initCommand } from './commands/init';
import { joinCommand } from './commands/join';
import { keysCommand } from './commands/keys';
import { leaveCommand } from './commands/leave';
import { nodesCommand } from './commands/nodes';
import { planCommand, type RunCalibration } from './commands/plan';
import { preflightCommand, type RunPreflight, type RunPreflightAzure } from './commands/preflight';
import { registryLoginCommand } from './commands/registry-login';
import { removeCommand } from './commands/remove';
import { restoreCommand } from './commands/restore';
import { roomsCommand } from './commands/rooms';
import { serveCommand } from './commands/serve';
import { tokenCommand } from './commands/token';
import { undrainCommand } from './commands/undrain';
import { type UpOptions, upCommand } from './commands/up';
import type { CliIo } from './io';

export interface SluiceOptions {
  /** What follows the name of the program, as in process.argv.slice(2). */
  readonly argv: readonly string[];
  readonly io: CliIo;
  readonly version: string;
  /** Starts a node; the program goes on until this is settled. */
  readonly serve: NodeCommandOptions['serve'];
  /** Runs a cluster on this computer. @returns its exit code. */
  readonly up: (options: UpOptions) => Promise<number>;
  /** Runs beside a node on a machine of a cloud, until the process is told to stop. */
  readonly agent: RunAgent;
  /** Looks at an account of AWS before a deployment. */
  readonly preflight: RunPreflight;
  /** Looks at a subscription of Azure before a deployment. */
  readonly preflightAzure: RunPreflightAzure;
  /** Looks at this machine. */
  readonly doctor: RunDoctor;
  /** Measures what a packet costs on this machine. */
  readonly calibrate: RunCalibration;
}

const HELP = `
Where the cluster is: --url, or SLUICE_URL, or LIVEKIT_URL, or else http://127.0.0.1:7880. Any Master
Node will do, and any load balancer before them. As whom: LIVEKIT_API_KEY and LIVEKIT_API_SECRET, or
--dev for a cluster for development on this machine.

Exit codes: 0 done; 1 not done, or not as it should; 2 wrong use; 3 the cluster is not reached.`;

/**
 * The command line of Sluice: runs nodes and clusters, and asks running ones.
 *
 * @returns the exit code: 0 done, 1 failed, 2 wrong use, 3 the cluster is not reached.
 */
export async function runSluice(options: SluiceOptions): Promise<number> {
  const { argv, io } = options;
  let exitCode = EXIT_OK;
  const program = buildProgram(options, (code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync(withBareFlags(argv), { from: 'user' });
    return exitCode;
  } catch (error) {
    const refused = cliErrorOf(error);
    if (refused !== undefined) {
      io.printError(`${refused.message}\n`);
      return refused.exitCode;
    }
    return exitCodeOf(error, (text) => io.printError(text));
  }
}

function buildProgram(
  { io, version, serve, up, agent, preflight, preflightAzure, doctor, calibrate }: SluiceOptions,
  setExitCode: (code: number) => void,
): Command {
  const program = newCommand('sluice', io)
    .description('Runs WebRTC clusters that speak the LiveKit protocol, and looks after them.')
    .version(version, '--version', 'print the version')
    // `sluice token` and the commands below it have options of the same names.
    .enablePositionalOptions()
    .addHelpText('after', HELP)
    .addHelpText(
      'after',
      examples(
        'sluice up                                       # a cluster on this computer',
        'sluice nodes --dev',
        'sluice token --dev --room demo --identity ada',
        'sluice drain ND_7kQpXw2mRt4s --wait',
      ),
    );
  program.commandsGroup('Run:');
  program.addCommand(upCommand(io, up, setExitCode));
  program.addCommand(serveCommand(io, serve));
  program.addCommand(initCommand(io));
  program.addCommand(joinCommand(io));
  program.addCommand(leaveCommand(io));
  program.addCommand(bootCommand(io));
  program.addCommand(agentCommand(io, agent));
  program.addCommand(certificatesCommand(io));
  program.commandsGroup('Look:');
  program.addCommand(nodesCommand(io));
  program.addCommand(roomsCommand(io));
  program.addCommand(explainCommand(io));
  program.addCommand(auditCommand(io));
  const runs = { aws: preflight, azure: preflightAzure };
  program.addCommand(preflightCommand(io, runs, setExitCode));
  program.addCommand(doctorCommand(io, doctor, setExitCode));
  program.addCommand(planCommand(io, calibrate, setExitCode));
  program.commandsGroup('Change:');
  program.addCommand(drainCommand(io, setExitCode));
  program.addCommand(undrainCommand(io));
  program.addCommand(removeCommand(io));
  program.addCommand(keysCommand(io));
  program.addCommand(configCommand(io));
  program.commandsGroup('Keep:');
  program.addCommand(backupCommand(io));
  program.addCommand(restoreCommand(io));
  program.commandsGroup('Make:');
  program.addCommand(tokenCommand(io));
  program.addCommand(registryLoginCommand(io));
  return program;
}
