import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { SignalRequest, SignalResponse } from '@livekit/protocol';
import { WebSocket } from 'ws';
import { answersIceCheck, type IceCandidate, iceOf } from './stun';

const STEP_MS = 5000;
const CHECK_MS = 3000;
const REFUSAL_BYTES = 200;

/** A call through a node did not work. The text says at which step, for people. */
export class TestCallError extends Error {
  override readonly name = 'TestCallError';
}

export interface TestCallOptions {
  /** ws://host:port of the node. */
  readonly url: string;
  /** Joins a Room; may subscribe. */
  readonly token: string;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** How to reach it where that is not plain TCP. */
  readonly connection?: (() => Duplex) | undefined;
  /** Of each step, ms. @default 5000 */
  readonly stepMs?: number | undefined;
}

/**
 * Makes a call: joins a Room as a client does, is offered a connection, and has a media port answer
 * its connectivity check. Nothing is published, nothing is received.
 *
 * @returns the media port that answered.
 * @throws TestCallError
 */
export async function testCall(options: TestCallOptions): Promise<IceCandidate> {
  const { url, token, headers = {}, connection, stepMs = STEP_MS } = options;
  const target = new URL('/rtc', url);
  target.search = '?protocol=15&sdk=js&auto_subscribe=1';
  const socket = new WebSocket(target, {
    headers: { ...headers, authorization: `Bearer ${token}` },
    handshakeTimeout: stepMs,
    ...(connection === undefined ? {} : { createConnection: connection }),
  });
  try {
    const sdp = await offerOf(socket, stepMs);
    return await mediaAnswers(sdp);
  } finally {
    leave(socket);
  }
}

/** The first description that the node offers, after it has let the client in. */
function offerOf(socket: WebSocket, stepMs: number): Promise<string> {
  return new Promise((resolve, reject) => {
    let step = 'the join was not answered';
    const fail = (why: string): void => {
      clearTimeout(timer);
      reject(new TestCallError(why));
    };
    const timer = setTimeout(() => fail(`${step} within ${stepMs} ms`), 2 * stepMs);
    socket.on('error', (error) => fail(`the node is not reached: ${error.message}`));
    socket.on('close', (code) => fail(`the node broke off (${code}): ${step}`));
    socket.on('unexpected-response', (_request, response) => {
      void refusalOf(response).then((text) => fail(`the join was refused: ${text}`));
    });
    socket.on('message', (data: Buffer) => {
      const { message } = SignalResponse.fromBinary(data);
      if (message.case === 'join') step = 'the join was answered, and no media was offered';
      if (message.case === 'leave') fail('the node sent the client away');
      if (message.case === 'offer') {
        clearTimeout(timer);
        resolve(message.value.sdp);
      }
    });
  });
}

async function refusalOf(response: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of response) text = `${text}${String(chunk)}`.slice(0, REFUSAL_BYTES);
  return `${response.statusCode} ${text.trim()}`;
}

/** @throws TestCallError where no media port answers. */
async function mediaAnswers(sdp: string): Promise<IceCandidate> {
  const ice = iceOf(sdp);
  if (ice === undefined || ice.candidates.length === 0) {
    throw new TestCallError('the node offers no address for media');
  }
  const answers = await Promise.all(
    ice.candidates.map(async (one) => ((await answersIceCheck(one, ice, CHECK_MS)) ? [one] : [])),
  );
  const [first] = answers.flat();
  if (first === undefined) {
    const tried = ice.candidates.map(
      ({ protocol, address, port }) => `${protocol} ${address}:${port}`,
    );
    throw new TestCallError(`no media port answers: ${tried.join(', ')}`);
  }
  return first;
}

function leave(socket: WebSocket): void {
  // Whatever comes from here on changes nothing.
  socket.removeAllListeners();
  socket.on('error', () => undefined);
  if (socket.readyState !== WebSocket.OPEN) {
    socket.terminate();
    return;
  }
  const request = new SignalRequest({ message: { case: 'leave', value: {} } });
  socket.send(request.toBinary(), () => socket.close());
  setTimeout(() => socket.terminate(), CHECK_MS).unref();
}
