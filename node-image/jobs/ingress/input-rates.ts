import type { IngressRun } from './ingress-run';

/** Bytes that have come so far, of each kind. */
export interface ReceivedBytes {
  readonly audio: number;
  readonly video: number;
}

export interface InputRatesOptions {
  readonly run: Pick<IngressRun, 'measured'>;
  readonly bytes: () => Promise<ReceivedBytes> | ReceivedBytes;
  /** ms @default 10000 */
  readonly everyMs?: number;
  /** ms @default performance.now */
  readonly now?: () => number;
}

const EVERY_MS = 10_000;

/** Says again and again how much comes in a second, on average since it began. */
export class InputRates {
  readonly #options: InputRatesOptions;
  readonly #timer: NodeJS.Timeout;
  readonly #sinceMs: number;

  constructor(options: InputRatesOptions) {
    const { everyMs = EVERY_MS, now = performance.now.bind(performance) } = options;
    this.#options = options;
    this.#sinceMs = now();
    this.#timer = setInterval(() => void this.#measure(now), everyMs);
  }

  /** Idempotent. */
  close(): void {
    clearInterval(this.#timer);
  }

  async #measure(now: () => number): Promise<void> {
    const { run, bytes } = this.#options;
    try {
      const { audio, video } = await bytes();
      const seconds = Math.max(1, now() - this.#sinceMs) / 1000;
      const rate = (of: number): number => Math.round((of * 8) / seconds);
      run.measured({ audio: rate(audio), video: rate(video) });
    } catch {
      // What is measured may be gone by now: it is not said then.
    }
  }
}
