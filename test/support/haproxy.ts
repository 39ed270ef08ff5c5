import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type HaproxyConfig, renderHaproxyConfig } from '../../node-image/image/haproxy-config';
import { HaproxySocket } from '../../node-image/lifecycle/haproxy-socket';
import { freeTcpPort } from './ports';
import { until } from './wait';

/** HAProxy with the configuration of a machine, for tests. */
export class TestHaproxy {
  readonly port: number;
  readonly adminSocket: string;
  /** PEM file of its self-signed certificate, for localhost. */
  readonly certificate: string;
  readonly #folder: string;
  readonly #uid: number | undefined;
  #log = '';
  #end: (() => Promise<void>) | undefined;

  private constructor(port: number, uid: number | undefined) {
    this.port = port;
    this.#uid = uid;
    this.#folder = mkdtempSync(join(tmpdir(), 'sluice-haproxy-'));
    this.adminSocket = join(this.#folder, 'admin.sock');
    this.certificate = join(this.#folder, 'cert.pem');
    const key = join(this.#folder, 'key.pem');
    const args =
      'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost';
    execFileSync('openssl', [...args.split(' '), '-keyout', key, '-out', this.certificate], {
      stdio: 'ignore',
    });
    writeFileSync(this.#pem(), readFileSync(this.certificate, 'utf8') + readFileSync(key, 'utf8'));
  }

  /**
   * Has its port, socket and certificate; does not run yet.
   *
   * @param port - @default - a free one
   * @param uid - of the user that it goes on as. @default - this one
   */
  static async make(port?: number, uid?: number): Promise<TestHaproxy> {
    return new TestHaproxy(port ?? (await freeTcpPort()), uid);
  }

  /**
   * Starts it, and waits until it answers.
   *
   * @param plainPort - what it is to listen on instead of 80
   * @throws Error with what it says where it does not.
   */
  async start(
    config: Pick<HaproxyConfig, 'masters'> & Partial<HaproxyConfig>,
    plainPort = 80,
  ): Promise<void> {
    const rendered = renderHaproxyConfig({
      port: this.port,
      certificate: this.#pem(),
      redirect: false,
      turn: [],
      adminSocket: this.adminSocket,
      ...config,
    });
    const text = rendered.replace('global\n', `global\n${this.#user()}`);
    const file = join(this.#folder, 'haproxy.cfg');
    // Names of abstract sockets are one for all that runs here.
    writeFileSync(
      file,
      text
        .replaceAll('abns@sluice-http', `abns@sluice-test-${this.port}`)
        .replace(/^( {4}bind :(?:::)?)80( v6only)?$/gm, `$1${plainPort}$2`),
    );
    const child = spawn('haproxy', ['-db', '-f', file], { stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        this.#log += chunk.toString();
      });
    }
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    const kill = (): void => void child.kill('SIGKILL');
    process.once('exit', kill);
    this.#end = async () => {
      kill();
      await ended;
      process.removeListener('exit', kill);
    };
    await until('HAProxy to answer', () => this.ask('show info').then(Boolean, () => false), {
      explain: () => this.#log,
    });
  }

  /** Says a command to it. @returns its answer. */
  ask(command: string): Promise<string> {
    return new HaproxySocket(this.adminSocket).ask([command]);
  }

  /** Ends it at once. Idempotent. */
  async stop(): Promise<void> {
    await this.#end?.();
    this.#end = undefined;
  }

  /** The same, and removes its files. Idempotent. */
  async close(): Promise<void> {
    await this.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #user(): string {
    return this.#uid === undefined ? '' : `    uid ${this.#uid}\n    gid ${this.#uid}\n`;
  }

  #pem(): string {
    return join(this.#folder, 'entry.pem');
  }
}
