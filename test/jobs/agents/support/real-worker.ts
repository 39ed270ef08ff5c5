import { type ChildProcess, spawn } from 'node:child_process';
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { freeTcpPort } from '../../../support/ports';
import type { Signer } from '../../../support/tokens';
import { until } from '../../../support/wait';

/** Whose agents send back what they are asked. */
export const ECHO_PROGRAM = join(
  __dirname,
  '..',
  '..',
  '..',
  'support',
  'agents-js',
  'echo-agent.mjs',
);

/** A worker of @livekit/agents, whose agents send back what they are asked. */
export class RealWorker {
  readonly #child: ChildProcess;
  #log = '';

  private constructor(child: ChildProcess) {
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        this.#log += chunk.toString();
      });
    }
  }

  /**
   * Resolves when it has registered.
   *
   * @param agentName - empty: it takes what is for workers without a name
   */
  static async start(
    server: Signer & { readonly url: string },
    agentName: string,
  ): Promise<RealWorker> {
    const folder = process.env['AGENTS_JS_FOLDER'];
    if (!folder) throw new Error("run the tests by npm, which brings LiveKit's agents for Node.js");
    // Where its packages are.
    const program = join(folder, 'echo-agent.mjs');
    copyFileSync(ECHO_PROGRAM, program);
    const child = spawn(process.execPath, [program, 'start'], {
      cwd: folder,
      // A group of its own, so that its jobs can be killed with it.
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...process.env,
        LIVEKIT_URL: server.url,
        LIVEKIT_API_KEY: server.apiKey,
        LIVEKIT_API_SECRET: server.apiSecret,
        AGENT_NAME: agentName,
        AGENT_PORT: `${await freeTcpPort()}`,
      },
    });
    const worker = new RealWorker(child);
    await until('the worker to register', () => worker.registrations > 0, {
      timeoutMs: 40_000,
      explain: () => worker.log,
    });
    return worker;
  }

  get log(): string {
    return this.#log;
  }

  /** How often it has registered: again after each loss of its connection. */
  get registrations(): number {
    return this.#log.split('"registered worker"').length - 1;
  }

  /** Asked to end, it refuses jobs, and waits for those that it has. */
  drain(): void {
    this.#child.kill('SIGTERM');
  }

  /** It, and the processes of its jobs, are gone at once. Idempotent. */
  async kill(): Promise<void> {
    const { pid, exitCode, signalCode } = this.#child;
    if (pid === undefined || exitCode !== null || signalCode !== null) return;
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    process.kill(-pid, 'SIGKILL');
    await ended;
  }
}
