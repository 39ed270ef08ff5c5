import { connect } from 'node:tls';
import type { TurnTransport } from '../../lifecycle/support/turn-client';

/** STUN messages follow each other, each with its length. Source: RFC 5389, section 7.2.2. */
const HEADER = 20;

/** TURN over TLS, whatever certificate there is. @throws Error where there is nobody. */
export function turnOverTls(host: string, port: number): Promise<TurnTransport> {
  return new Promise((resolve, reject) => {
    const listeners = new Set<(message: Buffer) => void>();
    let rest = Buffer.alloc(0);
    const socket = connect({ host, port, rejectUnauthorized: false }, () => {
      resolve({
        send: (message) => void socket.write(message),
        onMessage: (listener) => {
          listeners.add(listener);
          return () => listeners.delete(listener);
        },
        close: () => socket.destroy(),
      });
    });
    socket.on('error', reject);
    socket.on('data', (data) => {
      rest = Buffer.concat([rest, data]);
      while (rest.length >= HEADER && rest.length >= HEADER + rest.readUInt16BE(2)) {
        const end = HEADER + rest.readUInt16BE(2);
        const message = rest.subarray(0, end);
        rest = rest.subarray(end);
        for (const listener of [...listeners]) listener(message);
      }
    });
  });
}
