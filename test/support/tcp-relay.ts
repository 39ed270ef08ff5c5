import { connect, createServer, type Socket } from 'node:net';

/** Stands between a client and a server, so that a test can cut the connection from outside. */
export interface TcpRelay {
  readonly port: number;
  /** Resets every connection that is open now; new ones are accepted. */
  cut(): number;
  /** Neither side hears of the other any more, and nobody is told. */
  freeze(): void;
  close(): Promise<void>;
}

/** Relays TCP from a free port of 127.0.0.1 to `host`:`port`. */
export async function startRelay(host: string, port: number): Promise<TcpRelay> {
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(port, host);
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(from);
      from.on('error', () => undefined);
      from.once('close', () => {
        sockets.delete(from);
        to.destroy();
      });
      from.pipe(to);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const cut = (): number => {
    const count = sockets.size;
    for (const socket of sockets) socket.resetAndDestroy();
    return count;
  };
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    cut,
    freeze: () => {
      for (const socket of sockets) {
        socket.unpipe();
        socket.pause();
      }
    },
    close: async () => {
      cut();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
