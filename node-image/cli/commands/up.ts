import type { Command } from 'commander';
import { EXIT_USAGE } from '../../lifecycle/exit-codes';
import { countArgument, examples, newCommand } from '../command';
import { CliError, type CliIo } from '../io';

/** What the local cluster is to be. */
export interface UpOptions {
  /** Of the Master Node, for clients. @default - LIVEKIT_PORT, or else 7880 */
  readonly port?: number | undefined;
  /** Media Nodes at first, at least and at most. */
  readonly nodes: { readonly initial: number; readonly min: number; readonly max: number };
}

const DEFAULTS = { initial: 2, min: 1, max: 4 };

export function upCommand(
  io: CliIo,
  up: (options: UpOptions) => Promise<number>,
  setExitCode: (code: number) => void,
): Command {
  return newCommand('up', io)
    .description('run an elastic cluster on this computer: Redis, a master, Media Nodes')
    .option('--port <port>', 'of the master, for clients; also LIVEKIT_PORT', countArgument)
    .option('--nodes <count>', 'Media Nodes at first', countArgument, DEFAULTS.initial)
    .option('--min-nodes <count>', 'Media Nodes at least', countArgument, DEFAULTS.min)
    .option('--max-nodes <count>', 'Media Nodes at most', countArgument, DEFAULTS.max)
    .addHelpText(
      'after',
      `
For development: its key is devkey, its secret is secret, and it listens on loopback only. Ctrl-C
stops all of it.
${examples('sluice up', 'sluice up --nodes 1 --max-nodes 3', 'sluice nodes --dev     # in another window')}`,
    )
    .action(
      async (options: { port?: number; nodes: number; minNodes: number; maxNodes: number }) => {
        const { port, nodes: initial, minNodes: min, maxNodes: max } = options;
        if (port !== undefined && port > 65535) {
          throw new CliError(EXIT_USAGE, `--port is given as ${port}; allowed is 1 to 65535.`);
        }
        if (min > initial || initial > max) {
          throw new CliError(
            EXIT_USAGE,
            `--min-nodes ${min}, --nodes ${initial} and --max-nodes ${max} do not go together: each must be the one before or more.`,
          );
        }
        setExitCode(await up({ port, nodes: { initial, min, max } }));
      },
    );
}
