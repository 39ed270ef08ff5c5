import { createSocket } from 'node:dgram';
import { createServer, isIPv6 } from 'node:net';
import { STUN_TYPE } from '../net/stun';
import { askStunOverUdp } from '../net/stun-exchange';

/** Whether a STUN server answers at this UDP address within the time. */
export async function answersStun(host: string, port: number, timeoutMs: number): Promise<boolean> {
  const request = { type: STUN_TYPE.bindingRequest };
  const types = [STUN_TYPE.bindingSuccess];
  try {
    return (await askStunOverUdp({ host, port, request, types, timeoutMs })) !== undefined;
  } catch {
    // Nothing can be sent there, or the port is closed.
    return false;
  }
}

/**
 * Fails as `listen` fails when a UDP or TCP port is taken. coturn itself would not: it shares its
 * ports, so that a forgotten one would go on taking half of the packets.
 */
export async function requireFreePort(address: string, port: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4');
    socket.once('error', reject);
    socket.bind({ address, port, exclusive: true }, () => socket.close(() => resolve()));
  });
  await new Promise<void>((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen({ host: address, port, exclusive: true }, () => server.close(() => resolve()));
  });
}
