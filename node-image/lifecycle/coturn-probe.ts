import { createSocket } from 'node:dgram';
import { createServer, isIPv6 } from 'node:net';

/** A STUN Binding request. Source: RFC 5389, section 6. */
const BINDING_REQUEST = Buffer.from('000100002112a442736c756963652d70726f6265', 'hex');

/** Whether a STUN server answers at this UDP address within the time. */
export function answersStun(address: string, port: number, timeoutMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4');
    const finish = (answered: boolean): void => {
      clearTimeout(timer);
      socket.removeAllListeners();
      socket.on('error', () => undefined);
      socket.close();
      resolve(answered);
    };
    const timer = setTimeout(() => finish(false), timeoutMs);
    socket.once('message', (message) => finish(message.subarray(0, 2).equals(Buffer.of(1, 1))));
    socket.once('error', () => finish(false));
    socket.send(BINDING_REQUEST, port, address, (error) => {
      if (error) finish(false);
    });
  });
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
