import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { Carried, Line } from './link';
import type { RelayCommand, RelayData, RelayMessage } from './udp-relay-worker';

/** A bad network between clients and a server's UDP port. */
export interface UdpRelay {
  /**
   * Makes the line of this name so from now on; one that was never set is perfect. The one without
   * a name, '', is that of all clients that were assigned none.
   */
  setLine(name: string, line: Line): void;
  /** The clients of these ICE user fragments use the line of this name, from their next check on. */
  assign(name: string, fragments: readonly string[]): void;
  /** What the line has carried so far. */
  carried(name: string): Promise<{ readonly up: Carried; readonly down: Carried }>;
  close(): Promise<void>;
}

/**
 * Relays datagrams between `listen`, where clients send to, and `target`.
 *
 * Lines are told apart by the ICE user fragments of their clients, so that clients are unmodified and
 * each gets its own network.
 *
 * @throws Error when the address cannot be had.
 */
export async function startUdpRelay(options: Omit<RelayData, 'seed'>): Promise<UdpRelay> {
  const workerData: RelayData = { ...options, seed: 20_260_101 };
  const worker = new Worker(join(__dirname, 'udp-relay-worker.ts'), { workerData });
  const waiting = new Map<number, (answer: { up: Carried; down: Carried }) => void>();
  let nextId = 0;
  await new Promise<void>((resolve, reject) => {
    worker.once('error', reject);
    worker.on('message', (message: RelayMessage) => {
      if (message.is === 'ready') resolve();
      else if (message.is === 'failed') reject(new Error(`UDP relay: ${message.why}`));
      else {
        waiting.get(message.id)?.(message);
        waiting.delete(message.id);
      }
    });
  });
  const send = (command: RelayCommand): void => worker.postMessage(command);
  return {
    setLine: (name, line) => send({ do: 'line', name, line }),
    assign: (name, fragments) => send({ do: 'assign', name, fragments }),
    carried: (name) => {
      nextId += 1;
      const id = nextId;
      return new Promise((resolve) => {
        waiting.set(id, resolve);
        send({ do: 'carried', name, id });
      });
    },
    close: async () => {
      await worker.terminate();
    },
  };
}
