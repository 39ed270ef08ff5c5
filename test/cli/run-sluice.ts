import type { CliIo } from '../../node-image/cli/io';
import { runSluice, type SluiceOptions } from '../../node-image/cli/program';

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly files?: Readonly<Record<string, string>>;
  readonly isTerminal?: boolean;
  readonly columns?: number;
  /** Told before each wait; what it does, happens meanwhile. */
  readonly onSleep?: (ms: number) => void;
  readonly serve?: SluiceOptions['serve'];
  readonly up?: SluiceOptions['up'];
  readonly agent?: SluiceOptions['agent'];
  readonly preflight?: SluiceOptions['preflight'];
  readonly preflightAzure?: SluiceOptions['preflightAzure'];
  readonly doctor?: SluiceOptions['doctor'];
  readonly calibrate?: SluiceOptions['calibrate'];
}

export interface Ran {
  readonly code: number;
  readonly output: string;
  readonly errors: string;
}

/** Runs `sluice` in this process; waiting takes no time, but its clock goes on. */
export async function sluice(argv: readonly string[], options: RunOptions = {}): Promise<Ran> {
  let output = '';
  let errors = '';
  let nowMs = 1_000_000;
  const { env = {}, files = {}, isTerminal = false, columns = 100, onSleep = () => {} } = options;
  const io: CliIo = {
    env,
    print: (text) => {
      output += text;
    },
    printError: (text) => {
      errors += text;
    },
    readFile: async (path) => {
      const text = files[path];
      if (text === undefined) {
        const error = new Error(`ENOENT: no such file or directory, open '${path}'`);
        throw Object.assign(error, { code: 'ENOENT' });
      }
      return text;
    },
    sleep: async (ms) => {
      nowMs += ms;
      onSleep(ms);
      // What was to happen meanwhile may be asynchronous.
      await new Promise((resolve) => setImmediate(resolve));
    },
    now: () => nowMs,
    isTerminal,
    columns,
  };
  const code = await runSluice({
    argv,
    io,
    version: '1.2.3',
    serve: options.serve ?? (async () => {}),
    up: options.up ?? (async () => 0),
    agent: options.agent ?? (async () => {}),
    preflight: options.preflight ?? (async () => ({ caller: undefined, findings: [] })),
    preflightAzure: options.preflightAzure ?? (async () => ({ caller: undefined, findings: [] })),
    doctor: options.doctor ?? (async () => ({ isRunning: false, findings: [] })),
    calibrate:
      options.calibrate ??
      (async () => ({ processor: 'test', cores: 2, microsecondsPerPacket: 10 })),
  });
  return { code, output, errors };
}
