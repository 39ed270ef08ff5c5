import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { until } from '../../support/wait';

/** A machine that boots systemd from a folder, with a network of its own. */
export class Container {
  readonly #process: ChildProcess;
  #output = '';
  #pid = 0;

  private constructor(root: string, through: readonly string[]) {
    const options = ['--register=no', '--keep-unit', '--private-network', '--quiet'];
    const [program = '', ...args] = [...through, 'systemd-nspawn', ...options, '-D', root];
    this.#process = spawn(program, [...args, '-b', '--console=pipe'], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: process.env['PATH'], UNIFIED_CGROUP_HIERARCHY: '0' },
    });
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        this.#output = (this.#output + chunk).slice(-5000);
      });
    }
  }

  /**
   * Resolves when its systemd answers.
   *
   * @param through - a command that runs what follows it, where the root is to be found
   */
  static async boot(root: string, through: readonly string[] = []): Promise<Container> {
    const container = new Container(root, through);
    await until(
      'the container to boot',
      () => {
        container.#pid = container.#findInit() ?? 0;
        return (
          container.#pid !== 0 && container.run('systemctl', 'is-system-running').output !== ''
        );
      },
      { timeoutMs: 60_000, intervalMs: 200, explain: () => container.#output },
    );
    return container;
  }

  /** Of its first process, as this machine counts them. */
  get pid(): number {
    return this.#pid;
  }

  /** Ends it as a machine ends that loses its power. Idempotent. */
  async cutPower(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const ended = new Promise((resolve) => this.#process.once('exit', resolve));
    process.kill(this.#pid, 'SIGKILL');
    await ended;
  }

  /** Runs a program in it. */
  run(...command: readonly string[]): { status: number | null; output: string } {
    const { status, stdout, stderr } = spawnSync(
      'nsenter',
      ['-t', String(this.#pid), '-m', '-p', '-n', '-u', '-i', '-r', '-w', '--', ...command],
      { encoding: 'utf8' },
    );
    return { status, output: (stdout ?? '') + (stderr ?? '') };
  }

  /** Runs a program of this machine in its network. */
  inNetwork(command: readonly string[]): ChildProcess {
    return spawn('nsenter', ['-t', String(this.#pid), '-n', '--', ...command], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
  }

  /** What a unit is: active, inactive, failed. */
  state(unit: string): string {
    return this.run('systemctl', 'is-active', unit).output.trim();
  }

  /** What its services have said. */
  journal(): string {
    return this.run('journalctl', '-u', 'sluice*', '-o', 'cat', '--no-pager', '-n', '80').output;
  }

  /** Shuts it down in order; by force where that does not come to an end. */
  async close(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const ended = new Promise((resolve) => this.#process.once('exit', resolve));
    this.run('systemctl', 'poweroff');
    const timer = setTimeout(() => this.#process.kill('SIGKILL'), 30_000);
    await ended;
    clearTimeout(timer);
  }

  /** The first process of it: the grandchild that systemd-nspawn has made. */
  #findInit(): number | undefined {
    const children = (pid: number): number[] =>
      readdirSync(`/proc/${pid}/task`).flatMap((task) =>
        readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8')
          .split(' ')
          .filter(Boolean)
          .map(Number),
      );
    const { pid } = this.#process;
    if (pid === undefined) return undefined;
    return [...children(pid), ...children(pid).flatMap(children)].find(
      (child) => readFileSync(`/proc/${child}/comm`, 'utf8').trim() === 'systemd',
    );
  }
}
