import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import tls from 'node:tls';
import { freeTcpPort } from './ports';
import { until } from './wait';

const HOST = '127.0.0.1';
/** What those that ask it from another machine know it by. */
export const AUTHORITY = 'authority.example.com';
/** It would wait up to 15 s before it looks. Of nonces it refuses one in five. */
const IMPATIENT = ['PEBBLE_VA_NOSLEEP=1', 'PEBBLE_WFE_NONCEREJECT=20'];

export interface PebbleOptions {
  /** Where it looks for proofs instead of port 80. */
  readonly httpPort: number;
  /** How long its certificates are valid, s. @default - years */
  readonly validitySeconds?: number;
  /** Names that it issues nothing for. @default none */
  readonly blocked?: readonly string[];
  /** Where it listens. @default - for programs of this machine */
  readonly host?: string;
  /** Starts a program, such as in another network; with its output to be read. @default - here */
  readonly run?: (command: readonly string[]) => ChildProcess;
}

const runHere = ([program = '', ...args]: readonly string[]): ChildProcess =>
  spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });

/**
 * Pebble, the authority for tests of those who make Let's Encrypt's, and the DNS server that comes with
 * it: every name leads to this machine, unless told otherwise.
 */
export class Pebble {
  readonly directoryUrl: string;
  /** PEM: whom to trust to ask it. */
  readonly ca: string;
  readonly #folder: string;
  readonly #dnsUrl: string;
  /** Its interface for tests. */
  readonly managementUrl: string;
  readonly #children: ChildProcess[] = [];
  #log = '';

  private constructor(folder: string, port: number, managementPort: number, dnsUrl: string) {
    this.#folder = folder;
    this.directoryUrl = `https://localhost:${port}/dir`;
    this.managementUrl = `https://localhost:${managementPort}`;
    this.#dnsUrl = dnsUrl;
    const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
    const args =
      'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost,DNS:authority.example.com';
    execFileSync('openssl', [...args.split(' '), '-keyout', key, '-out', cert], {
      stdio: 'ignore',
    });
    this.ca = readFileSync(cert, 'utf8');
  }

  static async start(options: PebbleOptions): Promise<Pebble> {
    const { httpPort, validitySeconds, blocked = [], host = HOST, run = runHere } = options;
    const folder = mkdtempSync(join(tmpdir(), 'sluice-pebble-'));
    const [port, managementPort, dnsPort, dnsManagementPort] = [
      await freeTcpPort(),
      await freeTcpPort(),
      await freeTcpPort(),
      await freeTcpPort(),
    ];
    const pebble = new Pebble(folder, port, managementPort, `http://${HOST}:${dnsManagementPort}`);
    const config = {
      listenAddress: `${host}:${port}`,
      managementListenAddress: `${HOST}:${managementPort}`,
      certificate: join(folder, 'cert.pem'),
      privateKey: join(folder, 'key.pem'),
      httpPort,
      tlsPort: httpPort,
      domainBlocklist: blocked,
      ...(validitySeconds !== undefined && { certificateValidityPeriod: validitySeconds }),
    };
    writeFileSync(join(folder, 'pebble.json'), JSON.stringify({ pebble: config }));
    const dns = `-dns01 ${HOST}:${dnsPort} -management ${HOST}:${dnsManagementPort} -defaultIPv4 ${HOST}`;
    pebble.#spawn(run, [
      'pebble-challtestsrv',
      ...dns.split(' '),
      ...['-http01', '', '-https01', '', '-tlsalpn01', '', '-defaultIPv6', ''],
    ]);
    const flags = ['-config', join(folder, 'pebble.json'), '-dnsserver', `${HOST}:${dnsPort}`];
    pebble.#spawn(run, ['env', ...IMPATIENT, 'pebble', ...flags, '-strict']);
    await until('Pebble to listen', () => pebble.#log.includes('ACME directory available'), {
      explain: () => pebble.#log,
    });
    return pebble;
  }

  /** From now on programs of this process trust it, as one does with NODE_EXTRA_CA_CERTS. */
  trust(): void {
    tls.setDefaultCACertificates([...tls.getCACertificates('default'), this.ca]);
  }

  /** PEM: whom clients trust that trust what it issues. `trust` before. */
  async root(): Promise<string> {
    return (await fetch(`${this.managementUrl}/roots/0`)).text();
  }

  /** Lets its DNS know no address for a name any more. */
  async forget(name: string): Promise<void> {
    await this.#dns('set-servfail', { host: `${name}.` });
  }

  /** Where its DNS has a name lead to from now on. */
  async lead(name: string, address: string): Promise<void> {
    await this.#dns('clear-a', { host: `${name}.` });
    await this.#dns('add-a', { host: `${name}.`, addresses: [address] });
  }

  async remember(name: string): Promise<void> {
    await this.#dns('clear-servfail', { host: `${name}.` });
  }

  /** It answers nobody, with all connections open. @returns ends that. */
  freeze(): () => void {
    const [, pebble] = this.#children;
    pebble?.kill('SIGSTOP');
    return () => void pebble?.kill('SIGCONT');
  }

  /** How often it has gone to see a proof. */
  get validations(): number {
    return this.#log.split('Pulled a task from the Tasks queue').length - 1;
  }

  get log(): string {
    return this.#log;
  }

  /** Idempotent. */
  async close(): Promise<void> {
    for (const child of this.#children.splice(0)) {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      await ended;
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #dns(command: string, body: unknown): Promise<void> {
    const answer = await fetch(`${this.#dnsUrl}/${command}`, {
      method: 'POST',
      body: JSON.stringify(body),
    });
    if (!answer.ok) throw new Error(`${command}: ${await answer.text()}`);
  }

  #spawn(run: (command: readonly string[]) => ChildProcess, command: readonly string[]): void {
    const child = run(command);
    this.#children.push(child);
    process.once('exit', () => child.kill('SIGKILL'));
    child.stdout?.on('data', (chunk: Buffer) => {
      this.#log = (this.#log + chunk).slice(-1_000_000);
    });
  }
}
