import { createSocket } from 'node:dgram';
import { statfs } from 'node:fs/promises';
import { createServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import { BootError, reasonOf } from '../boot/boot-error';
import type { Machine } from '../boot/machine';
import type { Interfaces } from '../listen-addresses';
import { INSTALLED } from './own-files';

/** A port that a service of the node is going to listen on. */
export interface WantedPort {
  readonly protocol: 'tcp' | 'udp';
  readonly port: number;
  /** For people. */
  readonly what: string;
}

/** What is asked of the machine itself, so that tests need none. */
export interface MachineFacts {
  /** 0 is root. */
  readonly uid: number;
  readonly interfaces: Interfaces;
  readonly hostName: string;
  /** Free space where a path is, MB. */
  freeMb(path: string): Promise<number>;
  /** @returns why it cannot be listened on; undefined: it can */
  portProblem(port: WantedPort): Promise<string | undefined>;
}

/** Logs, Redis, and what a node writes. */
const NEEDED_MB = 300;
const NODE_UNIT = 'sluice-node.service';

/**
 * What has to be true of a machine before anything on it is changed.
 *
 * @throws BootError with one sentence that says what to do.
 */
export async function checkMachine(options: {
  readonly machine: Machine;
  readonly facts: MachineFacts;
  readonly ports: readonly WantedPort[];
}): Promise<void> {
  const { machine, facts, ports } = options;
  if (facts.uid !== 0) {
    throw new BootError('This needs root: run it with sudo.');
  }
  if (!(await machine.exists(INSTALLED))) {
    throw new BootError(
      'Sluice is not installed on this machine: run node-image/image/install.sh of it first (Debian 12 or 13, or Ubuntu 24.04).',
    );
  }
  if (!(await machine.exists('/run/systemd/system'))) {
    throw new BootError(
      'systemd does not run on this machine, and it runs the services of a node: take a machine, or a container, that has booted with it.',
    );
  }
  for (const path of ['/etc', '/var']) {
    const free = await facts.freeMb(path);
    if (free < NEEDED_MB) {
      throw new BootError(
        `There are ${free} MB free for ${path}, and ${NEEDED_MB} are needed: free some, and run this again.`,
      );
    }
  }
  // A node that runs here has them itself.
  const { code } = await machine.run('systemctl', 'is-active', '--quiet', NODE_UNIT);
  if (code === 0) return;
  for (const wanted of ports) {
    const problem = await facts.portProblem(wanted);
    if (problem === undefined) continue;
    const { protocol, port, what } = wanted;
    const holder = await holderOf(machine, wanted);
    throw new BootError(
      `Port ${port}/${protocol} (${what}) cannot be listened on: ${problem}${holder}; stop what has it, and run this again.`,
    );
  }
}

/** Which program has a port, as far as `ss` says: ` by "nginx"`. */
async function holderOf(machine: Machine, { protocol, port }: WantedPort): Promise<string> {
  const flag = protocol === 'tcp' ? '-Hltnp' : '-Hlunp';
  const { stdout } = await machine
    .run('ss', flag, `sport = :${port}`)
    .catch(() => ({ stdout: '' }));
  const [, name] = /users:\(\("([^"]+)"/.exec(stdout) ?? [];
  return name === undefined ? '' : ` (${name} has it)`;
}

/** Of the machine that this runs on. */
export function realFacts(hostName: string): MachineFacts {
  return {
    uid: process.getuid?.() ?? 0,
    interfaces: networkInterfaces(),
    hostName,
    freeMb: async (path) => {
      const { bavail, bsize } = await statfs(path);
      return Math.floor((bavail * bsize) / (1 << 20));
    },
    portProblem: ({ protocol, port }) => (protocol === 'tcp' ? tryTcp(port) : tryUdp(port)),
  };
}

function tryTcp(port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error) => resolve(wordsOf(error)));
    server.listen(port, () => server.close(() => resolve(undefined)));
  });
}

function tryUdp(port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = createSocket('udp4');
    socket.once('error', (error) => {
      socket.close();
      resolve(wordsOf(error));
    });
    socket.bind(port, () => socket.close(() => resolve(undefined)));
  });
}

const wordsOf = (error: Error): string =>
  'code' in error && error.code === 'EADDRINUSE' ? 'it is taken' : reasonOf(error);
