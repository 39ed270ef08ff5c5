import { connect, createServer, type Socket } from 'node:net';
import { sleep } from '../../../support/wait';

/** A server as it is for clients that are far away. */
export interface FarEntry {
  readonly port: number;
  close(): Promise<void>;
}

/**
 * Relays TCP from a free port of 127.0.0.1 to `port`, each way half a round trip later. What connecting
 * takes, another round trip, is added before the first bytes.
 */
export async function startFarEntry(options: {
  readonly port: number;
  readonly roundTripMs: number;
}): Promise<FarEntry> {
  const { port, roundTripMs } = options;
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    const upstream = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
    const openMs = performance.now() + roundTripMs;
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(from);
      let before = Promise.resolve();
      const later = (work: () => void): void => {
        const dueMs = Math.max(openMs, performance.now()) + roundTripMs / 2;
        // One after the other: nothing overtakes.
        before = before.then(() => sleep(Math.max(0, dueMs - performance.now()))).then(work);
      };
      from.on('data', (chunk) =>
        later(() => {
          if (to.writable) to.write(chunk);
        }),
      );
      from.on('end', () =>
        later(() => {
          to.end();
        }),
      );
      from.on('error', () =>
        later(() => {
          to.destroy();
        }),
      );
      from.once('close', () => sockets.delete(from));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
