import { createHash } from 'node:crypto';
import type { MessageBus } from '../../../node-image/jobs/livekit/psrpc/bus';

/** psrpc within a process: each message is heard later than it is sent. */
export class MemoryBus implements MessageBus {
  readonly #listeners = new Map<string, Set<(bytes: Buffer) => void>>();
  readonly #taken = new Set<string>();

  async publish(channel: string, bytes: Buffer): Promise<void> {
    for (const listener of this.#listeners.get(channel) ?? []) {
      setImmediate(() => listener(bytes));
    }
  }

  listen(channel: string, listener: (bytes: Buffer) => void): () => void {
    const listeners = this.#listeners.get(channel) ?? new Set();
    this.#listeners.set(channel, listeners.add(listener));
    return () => listeners.delete(listener);
  }

  async takes(bytes: Buffer): Promise<boolean> {
    const key = createHash('sha256').update(bytes).digest('hex');
    return !this.#taken.has(key) && this.#taken.add(key) !== undefined;
  }

  /** Channels that somebody listens to. */
  get channels(): string[] {
    return [...this.#listeners].filter(([, all]) => all.size > 0).map(([channel]) => channel);
  }
}
