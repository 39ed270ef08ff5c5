import { connect, createServer, type Socket } from 'node:net';
import { resetSocket } from './cluster-reset';

/** What clients of a test cluster connect to: it passes each connection to a server that takes it. */
export interface ClusterEntry {
  readonly port: number;
  /** Connections that are open through it now. */
  readonly connections: number;
  /** Takes a server out, or in again: new connections do not go there. */
  setServing(port: number, serving: boolean): void;
  add(port: number): void;
  /** Idempotent. */
  close(): Promise<void>;
}

const HOST = '127.0.0.1';

/**
 * A load balancer of TCP connections, as the clouds have them: in turn to each server that serves;
 * where one does not accept, to the next. What one side does to a connection, the other one sees:
 * an end is an end, a reset is a reset.
 */
export async function startEntry(ports: readonly number[] = []): Promise<ClusterEntry> {
  const serving = new Map(ports.map((port) => [port, true]));
  const sockets = new Set<Socket>();
  let turn = 0;

  const candidates = (): number[] => {
    const open = [...serving].filter(([, serves]) => serves).map(([port]) => port);
    const start = open.length === 0 ? 0 : turn++ % open.length;
    return [...open.slice(start), ...open.slice(0, start)];
  };
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (client) => {
    sockets.add(client);
    client.setNoDelay(true);
    // Until it is joined to a server, there is nobody to tell.
    client.on('error', () => undefined);
    client.once('close', () => sockets.delete(client));
    void firstThatAccepts(candidates()).then((upstream) => {
      if (upstream === undefined || client.destroyed) {
        upstream?.destroy();
        resetSocket(client);
        return;
      }
      sockets.add(upstream);
      upstream.once('close', () => sockets.delete(upstream));
      joinSockets(client, upstream);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, HOST, resolve));
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    get connections() {
      return Math.floor(sockets.size / 2);
    },
    setServing: (port, serves) => serving.set(port, serves),
    add: (port) => serving.set(port, true),
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

async function firstThatAccepts(ports: readonly number[]): Promise<Socket | undefined> {
  for (const port of ports) {
    const socket = await new Promise<Socket | undefined>((resolve) => {
      const trying = connect({ port, host: HOST, allowHalfOpen: true, noDelay: true });
      trying.once('error', () => resolve(undefined));
      trying.once('connect', () => resolve(trying));
    });
    if (socket !== undefined) return socket;
  }
  return undefined;
}

function joinSockets(client: Socket, upstream: Socket): void {
  for (const [from, to] of [
    [client, upstream],
    [upstream, client],
  ] as const) {
    from.on('error', () => resetSocket(to));
    from.once('close', () => to.destroy());
    from.pipe(to);
  }
}
