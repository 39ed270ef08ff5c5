import { type ChildProcess, spawn } from 'node:child_process';

/** What an encoder is told of its picture. @default small, without B-frames, a key frame each second */
export interface EncoderOptions {
  /** After those of libx264. @default none */
  readonly video?: readonly string[];
  /** @default 640x360 */
  readonly size?: string;
  /** Of what is sent. @default flv, which is RTMP's */
  readonly format?: 'flv' | 'mpegts';
  /** Starts again whenever it ends, as encoders do that lose their server. @default false */
  readonly again?: boolean;
}

/** What a shell would be told so that ffmpeg sends a test picture and a tone. */
const argumentsOf = (url: string, options: EncoderOptions): string[] => [
  ...['-loglevel', 'error', '-re'],
  ...['-f', 'lavfi', '-i', `testsrc=size=${options.size ?? '640x360'}:rate=25`],
  ...['-f', 'lavfi', '-i', 'sine=frequency=440:sample_rate=44100,volume=4'],
  ...['-c:v', 'libx264', '-preset', 'ultrafast', '-g', '25', '-bf', '0', '-pix_fmt', 'yuv420p'],
  ...(options.video ?? []),
  ...['-c:a', 'aac', '-f', options.format ?? 'flv', url],
];

/** Encoders of a test, real ones. */
export class Encoders {
  readonly #running = new Set<ChildProcess>();
  #closed = false;

  /** Sends to a URL, or to who calls there, by RTMP or SRT. */
  send(url: string, options: EncoderOptions = {}): ChildProcess {
    const encoder = spawn('ffmpeg', argumentsOf(url, options), {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    encoder.stderr.resume();
    this.#running.add(encoder);
    encoder.once('exit', () => {
      this.#running.delete(encoder);
      if (options.again === true && !this.#closed) this.send(url, options);
    });
    return encoder;
  }

  /** Ends all of them, at once. Idempotent. */
  close(): void {
    this.#closed = true;
    for (const encoder of this.#running) encoder.kill('SIGKILL');
  }
}
