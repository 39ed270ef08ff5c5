import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { within } from '../../support/wait';
import type { RanInRoot } from './debian-root';
import { stateFolder, unitCommand } from './unit-command';

const UNITS = '/usr/local/lib/systemd/system';
/** What systemd gives to a service. */
const ENVIRONMENT = [
  'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  'LANG=C.UTF-8',
];
const LOG_BYTES = 20_000;
/** Namespaces of its own for files, processes and network; they and what runs in them end together. */
const KEEPER = `
root=$1
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount -t tmpfs -o mode=755 tmpfs "$root/run"
ip link set lo up
ip link add eth0 type veth peer name eth1
ip addr add "$2" dev eth0
ip link set eth1 up
ip link set eth0 up
echo up
exec sleep infinity`;

/**
 * A machine whose services are started by what their units say, one by one: where the programs of a
 * root run in an emulator, systemd does not run as the first process.
 */
export class UnitMachine {
  readonly #keeper: ChildProcess;
  readonly #root: string;
  readonly #mostFiles = mostOpenFiles();
  readonly #services = new Map<string, ChildProcess>();
  #pid = 0;
  #log = '';

  private constructor(root: string, address: string) {
    this.#root = root;
    this.#keeper = spawn(
      'unshare',
      [
        ...['-m', '--propagation', 'private', '-n', '-p', '-f', '--kill-child=SIGKILL'],
        ...['sh', '-ec', KEEPER, 'keeper', root, address],
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
  }

  /** @param address - of its network card, with the length of the prefix */
  static async start(root: string, address: string): Promise<UnitMachine> {
    const machine = new UnitMachine(root, address);
    const keeper = machine.#keeper;
    await within('the namespaces of a machine', once(keeper.stdout ?? keeper, 'data'));
    const children = readFileSync(`/proc/${keeper.pid}/task/${keeper.pid}/children`, 'utf8');
    machine.#pid = Number(children.split(' ')[0]);
    return machine;
  }

  /** Before a program of this machine: it then runs in the network of that one. */
  get nearby(): string[] {
    return ['nsenter', '-t', `${this.#pid}`, '-n', '--'];
  }

  /** What its services have said, the end of it. */
  get log(): string {
    return this.#log;
  }

  /** Runs a program in it, as root. */
  run(...command: readonly string[]): RanInRoot {
    const [program = '', ...args] = this.#inside(command);
    const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8' });
    return { status, output: stdout + stderr };
  }

  /** Runs a unit that ends by itself. */
  oneshot(name: string): RanInRoot {
    const [command = []] = unitCommand(this.#unit(name), 'ExecStart', this.#mostFiles);
    return this.run(...command);
  }

  /** Starts what a unit starts, which then runs until the machine ends. */
  startService(name: string): void {
    const text = this.#unit(name);
    const state = stateFolder(text);
    if (state !== undefined) {
      this.run('install', '-d', '-m', '700', state.path);
      this.run('chown', state.owner, state.path);
    }
    for (const before of unitCommand(text, 'ExecStartPre', this.#mostFiles)) {
      const { status, output } = this.run(...before);
      if (status !== 0) throw new Error(`${before.join(' ')} ended with ${status}: ${output}`);
    }
    const [service = []] = unitCommand(text, 'ExecStart', this.#mostFiles);
    const [program = '', ...args] = this.#inside(service);
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#services.set(name, child);
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        this.#log = (this.#log + chunk).slice(-LOG_BYTES);
      });
    }
  }

  isRunning(name: string): boolean {
    const service = this.#services.get(name);
    return service !== undefined && service.exitCode === null && service.signalCode === null;
  }

  /** Ends all that runs in it. Idempotent. */
  async close(): Promise<void> {
    if (this.#keeper.exitCode !== null || this.#keeper.signalCode !== null) return;
    const ended = once(this.#keeper, 'exit');
    process.kill(this.#pid, 'SIGKILL');
    await ended;
  }

  #unit(name: string): string {
    return readFileSync(join(this.#root, UNITS, `sluice-${name}.service`), 'utf8');
  }

  #inside(command: readonly string[]): string[] {
    const enter = ['nsenter', '-t', `${this.#pid}`, '-m', '-n', '-p', '--'];
    return [...enter, 'chroot', this.#root, '/usr/bin/env', '-i', ...ENVIRONMENT, ...command];
  }
}

/** Not more than that may be asked for here, even by root. */
function mostOpenFiles(): number {
  const limit = execFileSync('sh', ['-c', 'ulimit -Hn'], { encoding: 'utf8' }).trim();
  return limit === 'unlimited' ? Number.POSITIVE_INFINITY : Number(limit);
}
