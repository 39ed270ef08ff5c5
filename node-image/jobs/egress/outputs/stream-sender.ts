import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { nanoid } from 'nanoid';
import type { StreamUrl } from '../stream-url';
import { tiedProgram } from '../tied-program';
import type { Sender, SenderEvents } from './sender';
import { SenderTries } from './sender-tries';

export interface StreamSenderOptions extends SenderEvents {
  readonly url: StreamUrl;
  /** A folder closed to others. */
  readonly folder: string;
  /** ms without a byte taken, while there is something to send, until it counts as gone. @default 15000 */
  readonly silentMs?: number;
  /** ms before the second try; each of the next waits twice as long. @default 1000 */
  readonly firstWaitMs?: number | undefined;
}

/** Bytes that may wait for a receiver: some seconds of the largest stream. */
const MAX_WAITING_BYTES = 16 * 1024 * 1024;
const END_MS = 5000;
const SILENT_MS = 15_000;
const LOOK_MS = 500;
const LAST_LINES = 6;
/** What a decoder says that is started between two key frames: nothing of the receiver. */
const OF_DECODERS = /^\[(?:h264|aac|mpegts) @|Last message repeated/;
/** Where systems keep the certificates they trust: Debian, Amazon Linux. */
const CA_FILES = ['/etc/ssl/certs/ca-certificates.crt', '/etc/pki/tls/certs/ca-bundle.crt'];

/**
 * Sends one MPEG-TS on to one address, by an ffmpeg that copies it. It is slow or gone by itself: the
 * others, and what is recorded, do not notice.
 */
export class StreamSender implements Sender {
  readonly #options: StreamSenderOptions;
  readonly #preset: string;
  #child: ChildProcess | undefined;
  #lines: string[] = [];
  readonly #tries: SenderTries;
  #sending = false;
  #watch: NodeJS.Timeout | undefined;
  #closed = false;
  #done: Promise<unknown> = Promise.resolve();
  #sentBytes = 0;
  /** Something was given to it that it has not said to have sent. */
  #pushed = false;
  #waitingSince = 0;

  constructor(options: StreamSenderOptions) {
    this.#options = options;
    const { folder, url, firstWaitMs } = options;
    this.#tries = new SenderTries({ events: options, firstWaitMs, start: () => this.#start() });
    this.#preset = join(folder, `${nanoid()}.ffpreset`);
    // Its secrets are options of a preset: arguments of processes can be read by everybody.
    const preset = url.options.map(([name, value]) => `${name}=${value}\n`).join('');
    writeFileSync(this.#preset, preset, { mode: 0o600 });
    this.#start();
  }

  push(chunk: Buffer): void {
    const stdin = this.#child?.stdin;
    if (!stdin?.writable) return;
    if (!this.#pushed) this.#waitingSince = performance.now();
    this.#pushed = true;
    if (stdin.writableLength > MAX_WAITING_BYTES) {
      this.#keep('the receiver takes less than is sent');
      this.#child?.kill('SIGKILL');
      return;
    }
    stdin.write(chunk);
  }

  /** Ends it after what it still holds. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#tries.close();
    rmSync(this.#preset, { force: true });
    const child = this.#child;
    if (child === undefined) return;
    child.stdin?.end();
    const force = setTimeout(() => child.kill('SIGKILL'), END_MS);
    await this.#done;
    clearTimeout(force);
  }

  #start(): void {
    const { protocol, target, tls } = this.#options.url;
    this.#lines = [];
    this.#sending = false;
    this.#pushed = false;
    this.#sentBytes = 0;
    this.#tries.begun();
    this.#watch = setInterval(() => this.#look(), LOOK_MS);
    const child = spawn(
      ...tiedProgram('ffmpeg', [
        ...['-hide_banner', '-loglevel', 'error', '-nostats', '-progress', 'pipe:3'],
        ...['-fflags', '+genpts', '-analyzeduration', '2000000', '-f', 'mpegts', '-i', 'pipe:0'],
        ...['-map', '0', '-c', 'copy', '-fpre', this.#preset, ...(tls ? tlsArgs() : [])],
        ...(protocol === 'rtmp'
          ? ['-f', 'flv', '-flvflags', 'no_duration_filesize']
          : ['-f', 'mpegts']),
        target,
      ]),
      {
        env: { PATH: process.env['PATH'] ?? '' },
        stdio: ['pipe', 'ignore', 'pipe', 'pipe'],
      },
    );
    this.#child = child;
    for (const stream of child.stdio) stream?.on('error', () => {});
    if (child.stderr)
      createInterface({ input: child.stderr }).on('line', (line) => this.#keep(line));
    const progress = child.stdio[3];
    if (progress && 'read' in progress)
      progress.on('data', (bytes: Buffer) => this.#progress(bytes));
    this.#done = once(child, 'close').then(
      ([code]) => this.#ended(`ffmpeg ended with ${code ?? 'a signal'}`),
      (error: unknown) => this.#ended(String(error)),
    );
  }

  #progress(bytes: Buffer): void {
    const sizes = [...bytes.toString('latin1').matchAll(/total_size=(\d+)/g)];
    const sent = Number(sizes.at(-1)?.[1] ?? 0);
    if (sent <= this.#sentBytes) return;
    this.#sentBytes = sent;
    this.#pushed = false;
    if (this.#sending) return;
    this.#sending = true;
    this.#options.onSending();
  }

  /** A receiver that takes nothing, and does not close either, is gone too. */
  #look(): void {
    const { silentMs = SILENT_MS } = this.#options;
    const idleMs = performance.now() - this.#waitingSince;
    if (!this.#pushed || idleMs < silentMs) return;
    this.#keep(`the receiver has taken nothing for ${Math.round(idleMs / 1000)} s`);
    this.#child?.kill('SIGKILL');
  }

  #ended(how: string): void {
    clearInterval(this.#watch);
    this.#child = undefined;
    if (this.#closed) return;
    const error = this.#lines.join('; ') || how;
    if (this.#tries.broken(error, this.#sending)) return;
    this.#closed = true;
    rmSync(this.#preset, { force: true });
  }

  #keep(line: string): void {
    if (OF_DECODERS.test(line)) return;
    // What an address answers may repeat the key that it was given.
    const clean = this.#options.url.secrets.reduce(
      (text, value) => text.replaceAll(value, '…'),
      line,
    );
    this.#lines.push(clean.slice(0, 300));
    if (this.#lines.length > LAST_LINES) this.#lines.shift();
  }
}

/** ffmpeg looks at no certificate unless it is told to: keys of streams would go to anybody. */
function tlsArgs(): string[] {
  const files = [process.env['SSL_CERT_FILE'] ?? '', ...CA_FILES];
  const trusted = files.find((file) => file !== '' && existsSync(file));
  return ['-tls_verify', '1', ...(trusted === undefined ? [] : ['-ca_file', trusted])];
}
