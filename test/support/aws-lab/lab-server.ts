import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePortRange } from '../ports';
import { until, within } from '../wait';

export const REGION = 'eu-west-1';
export const ACCOUNT = '123456789012';

/** moto with what is in aws_lab, in a process of its own that ends with the test's. */
export class LabServer {
  readonly port: number;
  readonly #child: ChildProcess;
  readonly #folder: string;
  #log = '';
  #ended = false;

  private constructor(port: number, python: string) {
    this.port = port;
    // A working folder of its own: nothing may be read from the project by chance.
    this.#folder = mkdtempSync(join(tmpdir(), 'sluice-aws-lab-'));
    this.#child = spawn(python, ['-W', 'ignore', '-m', 'aws_lab', `${port}`], {
      cwd: this.#folder,
      // Its standard input ends with this process, and it then ends too.
      stdio: ['pipe', 'pipe', 'pipe'],
      env: {
        PATH: process.env['PATH'],
        HOME: this.#folder,
        PYTHONPATH: __dirname,
        PYTHONDONTWRITEBYTECODE: '1',
        AWS_REGION: REGION,
      },
    });
    const keep = (chunk: Buffer): void => {
      this.#log += chunk.toString();
    };
    this.#child.stdout?.on('data', keep);
    this.#child.stderr?.on('data', keep);
    this.#child.once('error', ({ message }) => keep(Buffer.from(message)));
    this.#child.once('exit', () => {
      this.#ended = true;
    });
  }

  /** @throws Error with its log when it does not serve. */
  static async start(): Promise<LabServer> {
    const python = process.env['AWS_LAB_PYTHON'];
    if (python === undefined) {
      throw new Error(
        'AWS_LAB_PYTHON is not set: run the tests by npm, which brings the local AWS',
      );
    }
    const server = new LabServer(await freePortRange(1), python);
    await until(
      'the local AWS to serve',
      () => {
        if (server.#ended) throw new Error(`the local AWS ended\n${server.#log}`);
        return server.#log.includes('serving\n');
      },
      { timeoutMs: 60_000, explain: () => server.#log },
    );
    return server;
  }

  /** By name: with an address, moto takes template URLs for no bucket's. */
  get url(): string {
    return `http://localhost:${this.port}`;
  }

  /** What it wrote: errors of its own. */
  get log(): string {
    return this.#log;
  }

  /** One of the calls that only a lab has. @throws Error where it is refused. */
  async control(path: string, given: unknown): Promise<void> {
    const answer = await fetch(`${this.url}/lab/${path}`, {
      method: 'POST',
      body: JSON.stringify(given),
    });
    if (!answer.ok) throw new Error(`/lab/${path} answered ${answer.status}`);
  }

  /** Idempotent. */
  async close(): Promise<void> {
    if (!this.#ended) {
      const exit = new Promise((resolve) => this.#child.once('exit', resolve));
      this.#child.stdin?.end();
      await within('the local AWS to end', exit);
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
