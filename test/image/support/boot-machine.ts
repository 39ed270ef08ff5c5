import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import { type BootOptions, boot } from '../../../node-image/lifecycle/boot/boot';
import type { BootPlanInput } from '../../../node-image/lifecycle/boot/boot-plan';
import { Machine, type Ran } from '../../../node-image/lifecycle/boot/machine';

/** A machine whose files are in a folder of its own, and whose programs are the test's. */
export class BootMachine {
  readonly root: string;
  readonly machine: Machine;
  /** Each program that was run, with its arguments. */
  readonly ran: string[] = [];
  readonly said: string[] = [];
  /** Answers of programs; the others end with 0. */
  answer: (command: string) => Partial<Ran> | undefined = () => undefined;

  constructor(t: TestContext) {
    this.root = mkdtempSync(join(tmpdir(), 'sluice-boot-'));
    t.after(() => rmSync(this.root, { recursive: true, force: true }));
    this.machine = new Machine({
      root: this.root,
      chown: false,
      run: async (program, args) => {
        const command = [program, ...args].join(' ');
        this.ran.push(command);
        return { code: 0, stdout: '', stderr: '', ...this.answer(command) };
      },
    });
  }

  write(path: string, content: string, mode = 0o644): void {
    mkdirSync(dirname(join(this.root, path)), { recursive: true });
    writeFileSync(join(this.root, path), content, { mode });
  }

  plan(plan: BootPlanInput): void {
    this.write('/etc/sluice/boot.json', JSON.stringify(plan));
  }

  read(path: string): string {
    return readFileSync(join(this.root, path), 'utf8');
  }

  mode(path: string): number {
    return statSync(join(this.root, path)).mode & 0o777;
  }

  boot(options: Partial<BootOptions> = {}): Promise<void> {
    return boot({
      machine: this.machine,
      say: (line) => this.said.push(line),
      patience: { retries: 2, minMs: 1 },
      waitMs: 200,
      interfaces: {
        ens5: [
          {
            address: '10.0.0.5',
            netmask: '255.255.255.0',
            family: 'IPv4',
            mac: '02:00:00:00:00:05',
            internal: false,
            cidr: '10.0.0.5/24',
          },
        ],
      },
      ...options,
    });
  }
}
