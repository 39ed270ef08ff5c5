import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { type WebSocket, WebSocketServer } from 'ws';

/** A WebSocket of an application that is sent sound. */
export interface SoundReceiver {
  readonly url: string;
  /** Of each connection, in their order. */
  readonly connections: Connection[];
  close(): Promise<void>;
}

export interface Connection {
  readonly socket: WebSocket;
  readonly request: IncomingMessage;
  /** Binary frames. */
  readonly sound: Buffer[];
  /** Text frames, with how much sound was there before. */
  readonly texts: { readonly text: string; readonly frames: number }[];
  /** Of the close frame. */
  closedWith?: number;
}

/** @param path - with a query, such as `/?token=x` */
export async function receiveSound(path = '/'): Promise<SoundReceiver> {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  await once(server, 'listening');
  const connections: Connection[] = [];
  server.on('connection', (socket, request) => {
    const connection: Connection = { socket, request, sound: [], texts: [] };
    connections.push(connection);
    socket.on('message', (data: Buffer, isBinary) => {
      if (isBinary) connection.sound.push(data);
      else connection.texts.push({ text: data.toString(), frames: connection.sound.length });
    });
    socket.on('close', (code) => {
      connection.closedWith = code;
    });
  });
  const { port } = server.address() as { port: number };
  return {
    url: `ws://127.0.0.1:${port}${path}`,
    connections,
    close: async () => {
      for (const { socket } of connections) socket.terminate();
      server.close();
      await once(server, 'close');
    },
  };
}

/** One channel of sound with two, 0 (left) or 1 (right), as -1 to 1. */
export function channelOf(sound: readonly Buffer[], channel: 0 | 1): Float64Array {
  const bytes = Buffer.concat(sound);
  return Float64Array.from(
    { length: Math.floor(bytes.length / 4) },
    (_, index) => bytes.readInt16LE(index * 4 + channel * 2) / 32_768,
  );
}

/** 100 ms: what a lost packet breaks is one of them. */
const WINDOW = 4800;

/**
 * How loud a tone is in samples of 48 kHz: its amplitude, 0 to 1, on average.
 *
 * @param hz - its frequency, best a multiple of 10
 */
export function toneOf(samples: Float64Array, hz: number): number {
  const windows = Math.max(1, Math.floor(samples.length / WINDOW));
  let sum = 0;
  for (let at = 0; at < windows; at += 1) {
    sum += amplitudeOf(samples.subarray(at * WINDOW, (at + 1) * WINDOW), hz);
  }
  return sum / windows;
}

/** By the algorithm of Goertzel. */
function amplitudeOf(samples: Float64Array, hz: number): number {
  const factor = 2 * Math.cos((2 * Math.PI * hz) / 48_000);
  let [last, before] = [0, 0];
  for (const sample of samples) [last, before] = [sample + factor * last - before, last];
  const power = last ** 2 + before ** 2 - factor * last * before;
  return (2 * Math.sqrt(Math.max(0, power))) / Math.max(1, samples.length);
}
