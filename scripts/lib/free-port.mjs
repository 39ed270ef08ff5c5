/** A TCP port for a node for development. */
import { once } from 'node:events';
import net from 'node:net';

/**
 * @param {number} wanted
 * @returns {Promise<number>} the wanted port where nobody on this machine listens there, else a free one
 */
export async function portOrFree(wanted) {
  return (await listened(wanted)) ?? (await listened(0)) ?? 0;
}

/** @param {number} port */
async function listened(port) {
  const server = net.createServer().listen({ port, host: '127.0.0.1', exclusive: true });
  try {
    await once(server, 'listening');
    return /** @type {net.AddressInfo} */ (server.address()).port;
  } catch {
    return undefined;
  } finally {
    server.close();
  }
}
