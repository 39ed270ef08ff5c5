import type { Socket } from 'node:net';

/**
 * Resets a connection, as a crash of the other side does. Where it is being ended already, it is only
 * closed: Node.js 24 never ends a process in which a reset met a shutdown.
 */
export function resetSocket(socket: Socket): void {
  if (socket.destroyed || socket.writableEnded || socket.connecting) socket.destroy();
  else socket.resetAndDestroy();
}
