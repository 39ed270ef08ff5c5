import { connect, createServer, type Socket } from 'node:net';
import { HOST } from './world';

/**
 * A Redis that says of itself what `change` makes of what the real one says. It must not change how
 * long that is.
 */
export async function spoiledRedis(realPort: number, change: (text: string) => string) {
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const real = connect(realPort, HOST);
    for (const [socket, other] of [
      [client, real],
      [real, client],
    ] as const) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => other.destroy());
    }
    client.on('data', (data) => real.write(data));
    real.on('data', (data) => client.write(change(data.toString('latin1')), 'latin1'));
  });
  await new Promise<void>((resolve) => server.listen(0, HOST, resolve));
  const bound = server.address();
  return {
    port: typeof bound === 'object' && bound !== null ? bound.port : 0,
    close: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}
