import { type ChildProcess, spawn } from 'node:child_process';
import {
  inOneLine,
  type ProvisionAnswer,
  type Provisioner,
  type ProvisionRequest,
} from './provisioner';

export interface ExecProvisionerOptions {
  /** sluice.scaling.group_command: the program, and arguments that come before what is asked. */
  readonly command: readonly string[];
  /** sluice.scaling.group_timeout: until it has ended, ms. */
  readonly timeoutMs: number;
  /** sluice.cluster.name */
  readonly clusterName: string;
}

/** "Try again later". Source: sysexits.h, EX_TEMPFAIL. */
const EXIT_NOT_NOW = 75;
/** Of what it writes so much is kept, bytes. */
const MOST_OUTPUT = 4096;
/** Between SIGTERM and SIGKILL where it takes too long, ms. */
const PATIENCE_MS = 2000;
/** A Master Node's own variables hold secrets. */
const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/**
 * Runs a program for machines: `PROGRAM... add COUNT`, or `PROGRAM... remove NODE MACHINE REASON`. No
 * shell reads the arguments.
 */
export class ExecProvisioner implements Provisioner {
  readonly name: string;
  readonly #options: ExecProvisionerOptions;

  constructor(options: ExecProvisionerOptions) {
    this.#options = options;
    this.name = `program ${options.command[0] ?? ''}`;
  }

  ask(request: ProvisionRequest, signal: AbortSignal): Promise<ProvisionAnswer> {
    const [program = '', ...fixed] = this.#options.command;
    const args =
      request.action === 'add' ? ['add', `${request.count}`] : ['remove', ...namesOf(request)];
    const failed = (why: string): ProvisionAnswer => ({ outcome: 'failed', why: inOneLine(why) });
    return new Promise((resolve) => {
      let child: ChildProcess;
      try {
        child = spawn(program, [...fixed, ...args], {
          cwd: '/',
          // A group of its own, so that what it starts ends with it where it takes too long.
          detached: true,
          env: {
            PATH,
            LANG: 'C.UTF-8',
            SLUICE_REQUEST_ID: request.id,
            SLUICE_CLUSTER: this.#options.clusterName,
          },
          stdio: ['ignore', 'pipe', 'pipe'],
        });
      } catch (error) {
        resolve(failed(`it cannot be run: ${String(error)}`));
        return;
      }
      const end = endIn(child, this.#options.timeoutMs, signal);
      let output = '';
      for (const stream of [child.stdout, child.stderr]) {
        stream?.setEncoding('utf8').on('data', (text: string) => {
          if (output.length < MOST_OUTPUT) output += text.slice(0, MOST_OUTPUT);
        });
        stream?.on('error', () => {});
      }
      child.once('error', (error) => {
        end.clear();
        resolve(failed(`it cannot be run: ${error.message}`));
      });
      child.once('exit', (code, killedBy) => {
        end.clear();
        // Where it ends, what it has written last may still be on its way.
        setImmediate(() => {
          // What it has left running may hold them open for ever.
          child.stdout?.destroy();
          child.stderr?.destroy();
          const words = output.trim() === '' ? '' : `: ${inOneLine(output)}`;
          if (end.isLate()) {
            resolve(failed(`it does not end within ${this.#options.timeoutMs / 1000} s${words}`));
          } else if (code === 0) {
            resolve({ outcome: 'done' });
          } else if (code === EXIT_NOT_NOW) {
            resolve({ outcome: 'no', why: `it ends with ${code}${words}` });
          } else {
            resolve(failed(`it ends with ${code ?? killedBy}${words}`));
          }
        });
      });
    });
  }
}

const namesOf = (request: Extract<ProvisionRequest, { action: 'remove' }>): string[] => [
  request.node,
  request.machine,
  request.reason,
];

/** Ends a process, with its group, after so long or when it is asked to. */
function endIn(child: ChildProcess, timeoutMs: number, signal: AbortSignal) {
  let late = false;
  let killing: NodeJS.Timeout | undefined;
  const kill = (how: NodeJS.Signals): void => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, how);
    } catch {
      // It has ended meanwhile.
    }
  };
  const end = (): void => {
    late = true;
    kill('SIGTERM');
    killing ??= setTimeout(() => kill('SIGKILL'), PATIENCE_MS);
  };
  const timer = setTimeout(end, timeoutMs);
  signal.addEventListener('abort', end, { once: true });
  if (signal.aborted) end();
  return {
    isLate: () => late,
    clear: (): void => {
      clearTimeout(timer);
      clearTimeout(killing);
      signal.removeEventListener('abort', end);
    },
  };
}
