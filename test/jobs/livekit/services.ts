import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { until } from '../../support/wait';

/** What a stand-in for LiveKit's services has told. */
export interface Told {
  readonly event: string;
  readonly id?: string;
  readonly code?: string;
  readonly [key: string]: unknown;
}

/**
 * A livekit/egress and a livekit/ingress service as Redis sees them: a program with LiveKit's own
 * libraries, test/support/livekit-services.
 */
export class LiveKitServices {
  readonly told: Told[] = [];
  readonly #child: ChildProcess;
  #log = '';

  private constructor(name: string, redisPort: number) {
    const program = process.env['LIVEKIT_SERVICES_BIN'];
    if (program === undefined) {
      throw new Error('LIVEKIT_SERVICES_BIN is not set: run this test by `npm test -- --slow`');
    }
    this.#child = spawn(program, {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, NAME: name, REDIS_ADDRESS: `127.0.0.1:${redisPort}` },
    });
    const lines = createInterface({ input: this.#child.stdout ?? process.stdin });
    lines.on('line', (line) => {
      this.#log += `${line}\n`;
      if (line.startsWith('{')) this.told.push(JSON.parse(line) as Told);
    });
    this.#child.stderr?.on('data', (chunk: Buffer) => {
      this.#log += chunk.toString();
    });
  }

  static async start(name: string, redisPort: number): Promise<LiveKitServices> {
    const services = new LiveKitServices(name, redisPort);
    await services.next('ready');
    return services;
  }

  do(command: Readonly<Record<string, string>>): void {
    this.#child.stdin?.write(`${JSON.stringify(command)}\n`);
  }

  /** The first that it tells of this event and that fits, before or after now. */
  async next(event: string, fits: (told: Told) => boolean = () => true): Promise<Told> {
    const found = await until(
      `the services to tell "${event}"`,
      () => this.told.find((one) => one.event === event && fits(one)),
      { explain: () => this.#log },
    );
    return found as Told;
  }

  get log(): string {
    return this.#log;
  }

  /** Dead at once, as with its machine. Idempotent. */
  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.kill('SIGKILL');
    await ended;
  }
}
