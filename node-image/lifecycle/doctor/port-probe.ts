import { createSocket } from 'node:dgram';
import { createServer, isIPv6 } from 'node:net';
import type { NodePort } from './port-list';

/** `denied`: this user may not listen there; `no-address`: this machine has no such address. */
export type PortState = 'free' | 'taken' | 'denied' | 'no-address';

const STATES: Readonly<Record<string, PortState>> = {
  EADDRINUSE: 'taken',
  EACCES: 'denied',
  EADDRNOTAVAIL: 'no-address',
};

/** Listens on a port for a moment. @throws the error of the system where that says nothing of the port */
export async function probePort(
  place: Pick<NodePort, 'protocol' | 'port' | 'address'>,
): Promise<PortState> {
  try {
    await (place.protocol === 'udp' ? bindUdp(place) : listenTcp(place));
    return 'free';
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    const state = STATES[code];
    if (state === undefined) throw error;
    return state;
  }
}

type Place = Pick<NodePort, 'port' | 'address'>;

function bindUdp({ port, address }: Place): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = createSocket(address !== undefined && isIPv6(address) ? 'udp6' : 'udp4');
    socket.once('error', (error) => {
      socket.close();
      reject(error);
    });
    socket.bind({ port, address, exclusive: true }, () => socket.close(() => resolve()));
  });
}

function listenTcp({ port, address }: Place): Promise<void> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once('error', reject);
    server.listen({ port, host: address, exclusive: true }, () => server.close(() => resolve()));
  });
}
