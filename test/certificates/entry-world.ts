import type { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect, type LookupFunction } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { type WebSocket, WebSocketServer } from 'ws';
import { CertificateKeeper } from '../../node-image/certificates/certificate-keeper';
import type { CertificateStatus } from '../../node-image/certificates/certificate-status';
import { type CertificateStore, FileStore } from '../../node-image/certificates/certificate-store';
import { ChallengeServer } from '../../node-image/certificates/challenge-server';
import { EntryTls } from '../../node-image/certificates/entry-tls';
import { HaproxyCertificate } from '../../node-image/certificates/haproxy-certificate';
import { Proofs } from '../../node-image/certificates/proofs';
import { whyNotReached } from '../../node-image/certificates/reachability';
import { certificateSettings } from '../../node-image/certificates/settings';
import { standInCertificate } from '../../node-image/certificates/stand-in';
import { HaproxySocket } from '../../node-image/lifecycle/haproxy-socket';
import { TestHaproxy } from '../support/haproxy';
import { freePortRange } from '../support/ports';

export const DOMAIN = 'meet.example.com';
const LOOK_MS = 100;

/** A log that is kept. */
export class KeptLog {
  readonly lines: string[] = [];
  readonly #keep = (first: unknown, text?: string): void => {
    this.lines.push(typeof first === 'string' ? first : (text ?? ''));
  };
  readonly info = this.#keep;
  readonly warn = this.#keep;
  readonly error = this.#keep;
}

export interface EntryMachineOptions {
  readonly directoryUrl: string;
  /** Where proofs are asked for: what the authority and this machine know as port 80. */
  readonly proofPort: number;
  /** What stands for port 80 on this machine. @default proofPort */
  readonly plainPort?: number;
  readonly domain?: string;
  /** @default - a file of its own */
  readonly store?: (local: CertificateStore) => CertificateStore;
  /** Added to the clock, ms. */
  readonly clock?: { aheadMs: number };
  /** How the machine finds its own name. @default - 127.0.0.1 */
  readonly lookup?: LookupFunction;
}

/** A machine with an entry: HAProxy, what answers proofs, what looks after the certificate. */
export class EntryMachine {
  readonly haproxy: TestHaproxy;
  readonly log = new KeptLog();
  readonly stateFile: string;
  readonly certificateFile: string;
  status: CertificateStatus | undefined;
  readonly #options: EntryMachineOptions;
  readonly #socket: string;
  readonly #web: Server;
  #closers: (() => Promise<void>)[] = [];

  private constructor(options: EntryMachineOptions, haproxy: TestHaproxy, web: Server) {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-entry-'));
    this.#options = options;
    this.haproxy = haproxy;
    this.stateFile = join(folder, 'state.json');
    this.certificateFile = join(folder, 'entry.pem');
    this.#socket = join(folder, 'challenges.sock');
    this.#web = web;
  }

  /** As after `sluice boot`: HAProxy runs with a certificate that stands in. */
  static async boot(t: TestContext, options: EntryMachineOptions): Promise<EntryMachine> {
    const web = createServer((_request, response) => void response.end('the node'));
    new WebSocketServer({ server: web }).on('connection', (socket) => {
      socket.on('message', (data) => socket.send(data));
    });
    await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve));
    const machine = new EntryMachine(options, await TestHaproxy.make(), web);
    t.after(() => machine.close());
    writeFileSync(machine.certificateFile, await standInCertificate(options.domain ?? DOMAIN));
    await machine.startHaproxy();
    return machine;
  }

  startHaproxy(): Promise<void> {
    const { plainPort = this.#options.proofPort } = this.#options;
    return this.haproxy.start(
      {
        masters: [`127.0.0.1:${(this.#web.address() as AddressInfo).port}`],
        certificate: this.certificateFile,
        challenges: this.#socket,
        redirect: true,
      },
      plainPort,
    );
  }

  /** As sluice-certificates.service does. */
  async startKeeper(): Promise<void> {
    const { directoryUrl, domain = DOMAIN, clock = { aheadMs: 0 } } = this.#options;
    const { proofPort, store: makeStore = (local: CertificateStore) => local } = this.#options;
    const { lookup = toThisMachine } = this.#options;
    const asked = { domain, terms_agreed: true, email: 'ops@example.com' };
    const settings = { ...certificateSettings.parse(asked), directory_url: directoryUrl };
    const store = makeStore(new FileStore({ file: this.stateFile, directory: directoryUrl }));
    const proofs = new Proofs(store);
    const server = await ChallengeServer.listen({
      socket: this.#socket,
      answer: (token) => proofs.answer(token),
    });
    const admin = new HaproxySocket(this.haproxy.adminSocket);
    const haproxy = new HaproxyCertificate({ admin, file: this.certificateFile });
    const keeper = new CertificateKeeper({
      settings,
      store,
      tls: new EntryTls({ file: this.certificateFile, domain, haproxy, log: this.log }),
      tell: async (status) => {
        this.status = status;
      },
      log: this.log,
      reach: (options) => whyNotReached({ ...options, port: proofPort, lookup }),
      lookMs: LOOK_MS,
      now: () => Date.now() + clock.aheadMs,
    });
    this.#closers = [() => store.close(), () => server.close(), () => keeper.close()];
    void keeper.look();
  }

  async stopKeeper(): Promise<void> {
    for (const close of this.#closers.splice(0).reverse()) await close();
  }

  /** What a client is given. */
  async served(): Promise<X509Certificate> {
    const socket = await this.connect();
    const certificate = socket.getPeerX509Certificate();
    socket.destroy();
    if (certificate === undefined) throw new Error('no certificate');
    return certificate;
  }

  /** @param ca - whom the client trusts; none: anybody */
  connect(ca?: string): Promise<TLSSocket> {
    const { domain = DOMAIN } = this.#options;
    return new Promise((resolve, reject) => {
      const socket = connectTls(
        {
          host: '127.0.0.1',
          port: this.haproxy.port,
          servername: domain,
          rejectUnauthorized: ca !== undefined,
          ...(ca !== undefined && { ca }),
        },
        () => resolve(socket),
      );
      socket.once('error', reject);
    });
  }

  get pem(): string {
    return readFileSync(this.certificateFile, 'utf8');
  }

  mode(file: string): number {
    return statSync(file).mode & 0o777;
  }

  async close(): Promise<void> {
    await this.stopKeeper();
    await this.haproxy.close();
    this.#web.closeAllConnections();
    await new Promise((resolve) => this.#web.close(resolve));
    rmSync(join(this.stateFile, '..'), { recursive: true, force: true });
  }
}

/**
 * For what is to stand for port 80 in several tests: none that the system gives to connections by
 * itself, which would take it in between.
 */
export const freeProofPort = (): Promise<number> => freePortRange(1);

export const toThisMachine: LookupFunction = (_name, options, done) => {
  if (options.all === true) done(null, [{ address: '127.0.0.1', family: 4 }]);
  else done(null, '127.0.0.1', 4);
};

/** An answer of plain HTTP, word by word. */
export const askPlain = (port: number, path: string): Promise<string> =>
  new Promise((resolve, reject) => {
    let answer = '';
    const socket = connect(port, '127.0.0.1', () =>
      socket.write(`GET ${path} HTTP/1.1\r\nHost: ${DOMAIN}\r\nConnection: close\r\n\r\n`),
    );
    socket.setEncoding('utf8');
    socket.on('data', (text: string) => {
      answer += text;
    });
    socket.once('end', () => resolve(answer));
    socket.once('error', reject);
  });

/** Sends a word, and waits for it to come back. */
export const echo = (socket: WebSocket, word: string): Promise<string> =>
  new Promise((resolve, reject) => {
    socket.once('message', (data) => resolve(String(data)));
    socket.once('close', () => reject(new Error('the WebSocket was closed')));
    socket.send(word);
  });
