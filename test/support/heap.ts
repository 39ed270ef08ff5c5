import { once } from 'node:events';
import WebSocket from 'ws';

/** Arguments of Node that let heapInUse look into it. */
export const INSPECTED = ['--inspect=127.0.0.1:0'];

/**
 * What a process of Node holds on to, in bytes: what is left of its heap after garbage is collected.
 *
 * @param log - what it wrote on starting with INSPECTED.
 * @throws Error where the log names no inspector.
 */
export async function heapInUse(log: string): Promise<number> {
  const url = /Debugger listening on (ws:\S+)/.exec(log)?.[1];
  if (url === undefined) throw new Error(`no inspector is named in: ${log}`);
  const socket = new WebSocket(url);
  await once(socket, 'open');
  try {
    await ask(socket, 'HeapProfiler.collectGarbage');
    const { usedSize } = await ask<{ usedSize: number }>(socket, 'Runtime.getHeapUsage');
    return usedSize;
  } finally {
    socket.terminate();
  }
}

/** Source: the Chrome DevTools protocol. One question at a time. */
async function ask<T>(socket: WebSocket, method: string): Promise<T> {
  socket.send(JSON.stringify({ id: 1, method }));
  const [message] = (await once(socket, 'message')) as [Buffer];
  return (JSON.parse(message.toString()) as { result: T }).result;
}
