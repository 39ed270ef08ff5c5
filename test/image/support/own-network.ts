import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { Container } from './container';
import { LayeredRoot } from './layered-root';

const NETWORK = '10.0.0';
const FIRST = 5;
const SWITCH = 'lan0';

/** An own machine of a test: it has booted, and is called by its name. */
export interface OwnMachine {
  readonly container: Container;
  readonly address: string;
  /** Runs a shell command as its administrator would. */
  sh(command: string): { status: number | null; output: string };
}

/** Machines in containers on one network, which the first of them is the switch of. */
export class OwnNetwork {
  readonly #installed: string;
  readonly #roots: LayeredRoot[] = [];
  readonly #machines: OwnMachine[] = [];

  /** @param installed - a root on which install.sh has been run; it stays as it is */
  constructor(installed: string) {
    this.#installed = installed;
  }

  /** @param replaces - has its name and address, and no cable until `plugIn`. @default none */
  async boot(name: string, replaces?: OwnMachine): Promise<OwnMachine> {
    const root = new LayeredRoot(this.#installed);
    this.#roots.push(root);
    root.write('etc/hostname', `${name}\n`);
    // Without one it would be the first boot of a system, which enables all services there are.
    const machineId = randomBytes(16).toString('hex');
    root.write('etc/machine-id', `${machineId}\n`);
    const container = await Container.boot(root.path, root.command);
    const address = replaces?.address ?? `${NETWORK}.${this.#machines.length + FIRST}`;
    const machine: OwnMachine = {
      container,
      address,
      sh: (command) => container.run('sh', '-c', command),
    };
    this.#machines.push(machine);
    if (replaces === undefined) this.plugIn(machine);
    return machine;
  }

  /** Connects a machine to the others. */
  plugIn(machine: OwnMachine): void {
    const { container, address } = machine;
    const [first] = this.#machines;
    const inside = ({ pid }: Container, ...command: string[]) =>
      execFileSync('nsenter', ['-t', `${pid}`, '-n', '--', ...command], { stdio: 'pipe' });
    if (first === undefined || first.container === container) {
      inside(container, 'ip', 'link', 'add', SWITCH, 'type', 'bridge');
      inside(container, 'ip', 'address', 'add', `${address}/24`, 'dev', SWITCH);
      inside(container, 'ip', 'link', 'set', SWITCH, 'up');
      return;
    }
    const cable = `cable${this.#machines.indexOf(machine)}`;
    const peer = ['peer', 'name', 'eth0', 'netns', `${container.pid}`];
    inside(first.container, 'ip', 'link', 'add', cable, 'type', 'veth', ...peer);
    inside(first.container, 'ip', 'link', 'set', cable, 'master', SWITCH, 'up');
    inside(container, 'ip', 'address', 'add', `${address}/24`, 'dev', 'eth0');
    inside(container, 'ip', 'link', 'set', 'eth0', 'up');
    // Another card may have had the address before; others find out within a minute by themselves.
    inside(first.container, 'ip', 'neighbour', 'flush', 'dev', SWITCH);
  }

  /** Ends all machines at once, as a drain may take long. Idempotent. */
  async cutPower(): Promise<void> {
    for (const { container } of this.#machines) await container.cutPower();
    for (const root of this.#roots) root.remove();
    this.#machines.length = 0;
    this.#roots.length = 0;
  }
}
