import { randomUUID } from 'node:crypto';
import {
  DataPacket,
  DataPacket_Kind,
  type PerformRpcRequest,
  RpcRequest,
  type RpcResponse,
} from '@livekit/protocol';
import { RoomError, type RoomErrorCode } from '../errors';
import type { RpcAnswers } from './data-packets';
import type { DataPeer } from './data-peer';

const ackTimeoutMs = 2_000;
const defaultResponseTimeoutMs = 10_000;
const maxPayloadBytes = 15 * 1024;
const rpcVersion = 1;

interface RpcFailure {
  readonly rpcCode: number;
  readonly message: string;
  readonly code: RoomErrorCode;
}

/** Source: livekit/protocol utils/data_channel_rpc.go. */
const failures = {
  connectionTimeout: { rpcCode: 1501, message: 'Connection timeout', code: 'deadline_exceeded' },
  responseTimeout: { rpcCode: 1502, message: 'Response timeout', code: 'deadline_exceeded' },
  disconnected: { rpcCode: 1503, message: 'Recipient disconnected', code: 'unavailable' },
  sendFailed: { rpcCode: 1505, message: 'Failed to send', code: 'internal' },
  requestTooLarge: {
    rpcCode: 1402,
    message: 'Request payload too large',
    code: 'invalid_argument',
  },
  unsupportedVersion: { rpcCode: 1404, message: 'Unsupported RPC version', code: 'unimplemented' },
} as const satisfies Record<string, RpcFailure>;

const codesOfAnswers: Readonly<Record<number, RoomErrorCode>> = {
  1400: 'invalid_argument',
  1401: 'not_found',
  1402: 'invalid_argument',
  1403: 'unimplemented',
  1404: 'unimplemented',
  1501: 'deadline_exceeded',
  1502: 'deadline_exceeded',
  1503: 'unavailable',
};

interface Call {
  readonly peerSid: string;
  readonly ackTimer: NodeJS.Timeout;
  readonly responseTimer: NodeJS.Timeout;
  readonly resolve: (payload: string) => void;
  readonly reject: (error: RoomError) => void;
}

export interface RpcCallerOptions<Peer> {
  /** Sends a reliable packet to one participant. */
  readonly send: (peer: Peer, bytes: Uint8Array) => void;
  /** @default a random UUID */
  readonly newId?: () => string;
}

/** Calls methods of participants on behalf of the server API. */
export class RpcCaller<Peer extends DataPeer> implements RpcAnswers {
  readonly #options: RpcCallerOptions<Peer>;
  readonly #calls = new Map<string, Call>();

  constructor(options: RpcCallerOptions<Peer>) {
    this.#options = options;
  }

  /**
   * @param roundTripMs taken off the time that the participant is told it has. @default 0
   * @returns the payload that the method returned
   * @throws RoomError with `rpc_code`, `rpc_message` and `rpc_data` in its meta
   */
  perform(peer: Peer, request: PerformRpcRequest, roundTripMs = 0): Promise<string> {
    if (Buffer.byteLength(request.payload) > maxPayloadBytes) {
      return Promise.reject(rpcError(failures.requestTooLarge));
    }
    const timeoutMs = request.responseTimeoutMs || defaultResponseTimeoutMs;
    const id = (this.#options.newId ?? randomUUID)();
    return new Promise((resolve, reject) => {
      this.#calls.set(id, {
        peerSid: peer.sid,
        ackTimer: this.#failAfter(id, ackTimeoutMs, failures.connectionTimeout),
        responseTimer: this.#failAfter(id, timeoutMs, failures.responseTimeout),
        resolve,
        reject,
      });
      try {
        const remainingMs = Math.max(0, Math.round(timeoutMs - roundTripMs));
        this.#options.send(peer, serializeCall(id, request, remainingMs));
      } catch {
        this.#end(id)?.reject(rpcError(failures.sendFailed));
      }
    });
  }

  acknowledged(from: DataPeer, requestId: string): boolean {
    const call = this.#callTo(from, requestId);
    clearTimeout(call?.ackTimer);
    return call !== undefined;
  }

  responded(from: DataPeer, response: RpcResponse): boolean {
    const call = this.#callTo(from, response.requestId);
    if (call === undefined) {
      return false;
    }
    this.#end(response.requestId);
    const answer = response.value;
    switch (answer.case) {
      case 'payload':
        call.resolve(answer.value);
        break;
      case 'error': {
        const { code: rpcCode, message, data } = answer.value;
        const code = codesOfAnswers[rpcCode] ?? 'internal';
        call.reject(rpcError({ rpcCode, message, code }, data));
        break;
      }
      default:
        call.reject(rpcError(failures.unsupportedVersion));
    }
    return true;
  }

  /** Fails the calls to a participant that has left. */
  peerLeft(peer: Pick<DataPeer, 'sid'>): void {
    for (const [id, call] of this.#calls) {
      if (call.peerSid === peer.sid) {
        this.#end(id)?.reject(rpcError(failures.disconnected));
      }
    }
  }

  close(): void {
    for (const id of [...this.#calls.keys()]) {
      this.#end(id)?.reject(rpcError(failures.disconnected));
    }
  }

  #callTo(peer: DataPeer, id: string): Call | undefined {
    const call = this.#calls.get(id);
    return call?.peerSid === peer.sid ? call : undefined;
  }

  #failAfter(id: string, ms: number, failure: RpcFailure): NodeJS.Timeout {
    // What setTimeout takes at most; about 25 days.
    const delay = Math.min(ms, 2 ** 31 - 1);
    return setTimeout(() => this.#end(id)?.reject(rpcError(failure)), delay).unref();
  }

  #end(id: string): Call | undefined {
    const call = this.#calls.get(id);
    this.#calls.delete(id);
    clearTimeout(call?.ackTimer);
    clearTimeout(call?.responseTimer);
    return call;
  }
}

function serializeCall(id: string, request: PerformRpcRequest, timeoutMs: number): Uint8Array {
  return new DataPacket({
    kind: DataPacket_Kind.RELIABLE,
    // The participant answers to this name. No participant has it; the id tells us.
    participantIdentity: id,
    value: {
      case: 'rpcRequest',
      value: new RpcRequest({
        id,
        method: request.method,
        payload: request.payload,
        responseTimeoutMs: timeoutMs,
        version: rpcVersion,
      }),
    },
  }).toBinary();
}

function rpcError(failure: RpcFailure, data = ''): RoomError {
  const { rpcCode, message, code } = failure;
  const text = `RpcError ${rpcCode}: ${message}${data === '' ? '' : `: ${data}`}`;
  return new RoomError(code, text, {
    rpc_code: String(rpcCode),
    rpc_message: message,
    rpc_data: data,
  });
}
