import { ServerMessage, WorkerMessage } from '@livekit/protocol';
import type { WebSocket } from 'ws';
import { KeptSocket } from '../../net/kept-socket';
import { MessageBudget } from '../../net/message-budget';

/** How often the connection itself is checked, in ms. */
const PING_MS = 5000;
/** Messages a second that a worker may send: a worker of thousands of jobs stays below. */
const PER_SECOND = 500;
/** Source: RFC 6455 7.4.1. */
const GOING_AWAY = 1001;
const POLICY_VIOLATION = 1008;

export interface WorkerSocketEvents {
  message(message: WorkerMessage): void;
  /** The connection is gone, by whomever. Called once. */
  closed(): void;
}

/** One worker's WebSocket: it speaks of jobs, and not too much. */
export class WorkerSocket {
  readonly #socket: KeptSocket;

  constructor(socket: WebSocket, events: WorkerSocketEvents) {
    const budget = new MessageBudget({ perSecond: PER_SECOND, burstSeconds: 1 });
    this.#socket = new KeptSocket(socket, {
      pingMs: PING_MS,
      message: (data, isBinary) => {
        if (!budget.take()) {
          this.close(POLICY_VIOLATION, `more than ${PER_SECOND} messages a second`);
          return;
        }
        const message = decoded(data, isBinary);
        // One bad frame does no harm.
        if (message !== undefined) events.message(message);
      },
      closed: () => events.closed(),
    });
  }

  send(message: ServerMessage['message']): void {
    const encoded = new ServerMessage({ message });
    this.#socket.send({
      get json() {
        return encoded.toJsonString();
      },
      get binary() {
        return encoded.toBinary();
      },
    });
  }

  /** Idempotent. `closed` is told when it is done. */
  close(code = GOING_AWAY, reason = ''): void {
    this.#socket.close(code, reason);
  }
}

function decoded(data: Buffer, isBinary: boolean): WorkerMessage | undefined {
  try {
    return isBinary
      ? WorkerMessage.fromBinary(data)
      : WorkerMessage.fromJsonString(data.toString(), { ignoreUnknownFields: true });
  } catch {
    return undefined;
  }
}
