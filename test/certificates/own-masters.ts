import { type ChildProcess, spawn } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { connect as connectTls } from 'node:tls';
import {
  CERTIFICATE_STATUS_FILE,
  CHALLENGE_SOCKET,
  ENTRY_CERTIFICATE_FILE,
} from '../../node-image/certificates/settings';
import type { Interfaces } from '../../node-image/lifecycle/listen-addresses';
import { entryPlan } from '../../node-image/lifecycle/own-machines/join-master';
import {
  keyFile,
  masterConfig,
  masterPlan,
} from '../../node-image/lifecycle/own-machines/node-files';
import { OWN_FILES } from '../../node-image/lifecycle/own-machines/own-files';
import { BootMachine } from '../image/support/boot-machine';
import { makeNamespace, type NodeNamespace } from '../support/cluster-namespace';
import { AUTHORITY } from '../support/pebble';

const REPOSITORY = join(__dirname, '../..');
/** What stands for the node behind the entry: it says back what a WebSocket says. */
const NODE = `
const { createServer } = require('node:http');
const { WebSocketServer } = require(${JSON.stringify(require.resolve('ws'))});
const server = createServer((_request, response) => response.end('OK'));
new WebSocketServer({ server }).on('connection', (socket) => socket.on('message', (data) => socket.send(String(data))));
server.listen(7880, '127.0.0.1');`;
/** The machine's own files where its programs look for them. */
const ON_MACHINE = `
root=$1; shift
mount -t tmpfs tmpfs /run && mkdir /run/sluice && mount --bind "$root/run/sluice" /run/sluice
mount -t tmpfs tmpfs /var/lib && mkdir /var/lib/sluice && mount --bind "$root/var/lib/sluice" /var/lib/sluice
mount --bind "$root/etc/hosts" /etc/hosts
exec "$@"`;

export interface OwnMasterOptions {
  readonly domain: string;
  readonly directoryUrl: string;
  /** PEM: whom to trust to ask the authority. */
  readonly ca: string;
  /** Private addresses of all; that of this one is the `index`th, and the first has the primary. */
  readonly addresses: readonly string[];
  readonly index: number;
}

/**
 * A Master Node as `sluice init --high-availability --agree-terms` and `sluice join --role master`
 * make it, without systemd: their files, what boot writes of them, and the programs that the units
 * start, with these files, on a network of their own.
 */
export class OwnMaster {
  readonly address: string;
  readonly #options: OwnMasterOptions;
  readonly #machine: BootMachine;
  readonly #namespace: NodeNamespace;
  #children: ChildProcess[] = [];
  #log = '';

  private constructor(options: OwnMasterOptions, machine: BootMachine, namespace: NodeNamespace) {
    this.address = namespace.address;
    this.#options = options;
    this.#machine = machine;
    this.#namespace = namespace;
  }

  static async boot(t: TestContext, options: OwnMasterOptions): Promise<OwnMaster> {
    const { addresses, domain, ca, directoryUrl, index } = options;
    const machine = new BootMachine(t);
    const namespace = await makeNamespace(index + 1);
    const own = new OwnMaster(options, machine, namespace);
    t.after(() => own.close());
    process.once('exit', () => void own.cutPower());
    const { address } = own;
    const sentinels = addresses.map((one) => `${one}:26379`);
    const placed = { machine: `master-${index + 1}`, cluster: 'sluice', address };
    machine.write('/etc/sluice/sluice.yaml', masterConfig({ ...placed, domain, sentinels }));
    machine.write(OWN_FILES.clusterSecret, `${'c'.repeat(64)}\n`, 0o600);
    machine.write(OWN_FILES.apiKey, keyFile({ APItest: 's'.repeat(40) }), 0o600);
    const entry = entryPlan({ kind: 'lets-encrypt', domain, email: 'ops@example.com' });
    const plan = masterPlan(entry, `${addresses[0]}:6379`);
    // The one thing that is another: which authority.
    machine.plan({
      ...plan,
      entry: {
        lets_encrypt: {
          domain,
          terms_agreed: true,
          ...entry.lets_encrypt,
          directory_url: directoryUrl,
        },
      },
    });
    machine.write('/etc/sluice/authority.pem', ca);
    const names = addresses.map((one) => `${one} ${domain}\n`).join('');
    machine.write(
      '/etc/hosts',
      `127.0.0.1 localhost\n${namespace.hostAddress} ${AUTHORITY}\n${names}`,
    );
    mkdirSync(join(machine.root, 'var/lib/sluice/redis'), { recursive: true });
    await machine.boot({ interfaces: interfacesOf(address) });
    return own;
  }

  /** As the units of the machine do, each by its ExecStart. */
  start(): void {
    this.#run('redis-server', '/run/sluice/redis/redis.conf');
    this.#run('redis-server', '/var/lib/sluice/sentinel/sentinel.conf', '--sentinel');
    this.#run('haproxy', '-db', '-f', '/run/sluice/haproxy/haproxy.cfg');
    this.#run(process.execPath, '-e', NODE);
  }

  startCertificates(): void {
    const main = ['--import', 'tsx', join(REPOSITORY, 'node-image/cli/main.ts'), 'certificates'];
    this.#run(process.execPath, ...main);
  }

  /** As when its power is cut. */
  async cutPower(): Promise<void> {
    const children = this.#children.splice(0);
    await Promise.all(
      children.map((child) => {
        if (child.exitCode !== null || child.signalCode !== null) return undefined;
        const ended = new Promise((resolve) => child.once('exit', resolve));
        child.kill('SIGKILL');
        return ended;
      }),
    );
  }

  async close(): Promise<void> {
    await this.cutPower();
    await this.#namespace.close();
  }

  get log(): string {
    return this.#log;
  }

  get orders(): number {
    return this.#log.split('ordering a certificate').length - 1;
  }

  /** Whether it says that clients have it. */
  get isGiven(): boolean {
    const file = join(this.#machine.root, CERTIFICATE_STATUS_FILE);
    return existsSync(file) && /"given"/.test(readFileSync(file, 'utf8'));
  }

  /** Whether it answers who comes for a proof. */
  get proves(): boolean {
    return existsSync(join(this.#machine.root, CHALLENGE_SOCKET));
  }

  /** Of the file that HAProxy starts with. */
  get kept(): string {
    return new X509Certificate(this.#machine.read(ENTRY_CERTIFICATE_FILE)).fingerprint;
  }

  /** What a client is given that trusts the authority; rejects where it would not come in. */
  served(ca: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const { domain: servername } = this.#options;
      const socket = connectTls({ host: this.address, port: 443, servername, ca }, () => {
        resolve(socket.getPeerX509Certificate()?.fingerprint ?? '');
        socket.destroy();
      });
      socket.once('error', reject);
    });
  }

  #run(...command: readonly string[]): void {
    const [enter = '', ...prefix] = this.#namespace.prefix;
    const { root } = this.#machine;
    const inside = [
      'unshare',
      '-m',
      '--propagation',
      'private',
      'sh',
      '-euc',
      ON_MACHINE,
      'on-machine',
    ];
    const child = spawn(enter, [...prefix, '--', ...inside, root, ...command], {
      cwd: REPOSITORY,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, NODE_EXTRA_CA_CERTS: join(root, 'etc/sluice/authority.pem') },
    });
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        this.#log += chunk.toString();
      });
    }
    this.#children.push(child);
  }
}

/** For a test that has not made them yet. @param index - as of the machine */
export const masterAddress = (index: number): string => `10.88.${index + 1}.2`;

const interfacesOf = (address: string): Interfaces => ({
  eth0: [
    {
      address,
      netmask: '255.255.255.252',
      family: 'IPv4',
      mac: '02:00:00:00:00:05',
      internal: false,
      cidr: `${address}/30`,
    },
  ],
});
