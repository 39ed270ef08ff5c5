import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  JobType,
  type RegisterWorkerRequest,
  RegisterWorkerResponse,
  type ServerInfo,
  type WorkerMessage,
  WorkerPong,
} from '@livekit/protocol';
import type { Logger } from 'pino';
import { WebSocketServer } from 'ws';
import { newId } from '../../room/ids';
import type { AgentDesk } from './agent-desk';
import { AgentWorker } from './agent-worker';
import { WorkerSocket } from './worker-socket';

/** How long a worker may take to register, in ms. Source: livekit-server, pkg/agent/worker.go. */
const REGISTER_MS = 10_000;
/** Connections that have not registered, of all workers together. */
const MAX_STRANGERS = 200;
/** Workers with the same API key, on this node. */
const MAX_WORKERS_BY_KEY = 1000;
/** Of names and versions, in bytes. */
const MAX_NAME_BYTES = 256;
/** Source: RFC 6455 7.4.1. */
const POLICY_VIOLATION = 1008;
const TRY_AGAIN_LATER = 1013;

/** Who may connect as a worker, or why somebody may not. */
export type Admission =
  | { readonly apiKey: string }
  | {
      readonly status: number;
      readonly message: string;
      readonly retryAfterSeconds?: number | undefined;
    };

export interface AgentEndpointOptions {
  /** Looks at a handshake. It does not reject. */
  readonly admit: (request: IncomingMessage) => Promise<Admission>;
  /** Answers a handshake that is refused. */
  readonly refuse: (socket: Duplex, refusal: Exclude<Admission, { apiKey: string }>) => void;
  readonly desk: AgentDesk;
  readonly serverInfo: ServerInfo;
  /** `limit.agent_signal_message_size_limit`, bytes; 0: no limit. */
  readonly maxMessageBytes: number;
  readonly log: Logger;
  /** @default 10000 */
  readonly registerMs?: number | undefined;
  /** @default 10000 */
  readonly availabilityMs?: number | undefined;
  /** @default 1000 */
  readonly maxWorkersByKey?: number | undefined;
}

interface Connection {
  readonly socket: WorkerSocket;
  readonly apiKey: string;
  worker: AgentWorker | undefined;
}

/** The WebSocket endpoint `/agent`: workers register here, and are given jobs. */
export class AgentEndpoint {
  readonly #options: AgentEndpointOptions;
  readonly #server: WebSocketServer;
  readonly #connections = new Set<Connection>();
  #closing: Promise<void> | undefined;

  constructor(options: AgentEndpointOptions) {
    this.#options = options;
    this.#server = new WebSocketServer({
      noServer: true,
      maxPayload: options.maxMessageBytes,
      perMessageDeflate: false,
    });
  }

  /** Takes a handshake. Refusals are HTTP answers; nothing is thrown. */
  readonly upgrade = async (
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
  ): Promise<void> => {
    const admission = await this.#options.admit(request);
    const refusal = 'apiKey' in admission ? this.#tooMany(admission.apiKey) : admission;
    if (refusal !== undefined || !('apiKey' in admission)) {
      this.#options.refuse(socket, refusal ?? { status: 500, message: 'internal error' });
      return;
    }
    if (socket.destroyed) return;
    this.#server.handleUpgrade(request, socket, head, (accepted) => {
      const connection: Connection = {
        apiKey: admission.apiKey,
        worker: undefined,
        socket: new WorkerSocket(accepted, {
          message: (message) => this.#receive(connection, message),
          closed: () => this.#closed(connection),
        }),
      };
      this.#connections.add(connection);
      setTimeout(() => {
        if (connection.worker === undefined) {
          connection.socket.close(POLICY_VIOLATION, 'not registered in time');
        }
      }, this.#options.registerMs ?? REGISTER_MS).unref();
    });
  };

  /**
   * Sends the workers away, one after the other, so that they come to the other Master Nodes by and by.
   * Agents go on meanwhile. Idempotent.
   *
   * @param overMs - @default 0
   */
  close({ overMs = 0 }: { readonly overMs?: number } = {}): Promise<void> {
    this.#closing ??= this.#close(overMs);
    return this.#closing;
  }

  async #close(overMs: number): Promise<void> {
    const connections = [...this.#connections];
    for (const [index, { socket }] of connections.entries()) {
      if (index > 0 && overMs > 0) await sleep(overMs / connections.length);
      socket.close();
    }
    this.#server.close();
    await this.#options.desk.close();
  }

  #tooMany(apiKey: string): Exclude<Admission, { apiKey: string }> | undefined {
    const all = [...this.#connections];
    const { maxWorkersByKey = MAX_WORKERS_BY_KEY } = this.#options;
    if (this.#closing !== undefined) {
      return { status: 503, message: 'the node is stopping, try again', retryAfterSeconds: 1 };
    }
    if (all.filter(({ worker }) => worker === undefined).length >= MAX_STRANGERS) {
      return {
        status: 503,
        message: 'too many workers register at this moment, try again in a second',
        retryAfterSeconds: 1,
      };
    }
    return all.filter((one) => one.apiKey === apiKey).length >= maxWorkersByKey
      ? {
          status: 429,
          message: `${maxWorkersByKey} workers are connected with this API key, which is as many as may be`,
          retryAfterSeconds: 10,
        }
      : undefined;
  }

  #receive(connection: Connection, { message }: WorkerMessage): void {
    const { desk } = this.#options;
    const { worker, socket } = connection;
    if (worker === undefined) {
      if (message.case === 'register') this.#register(connection, message.value);
      else socket.close(POLICY_VIOLATION, 'the first message has to be "register"');
      return;
    }
    switch (message.case) {
      case 'availability':
        worker.answered(message.value);
        return;
      case 'updateWorker':
        worker.update(message.value);
        return;
      case 'updateJob':
        void desk.reports.jobUpdated(worker, message.value);
        return;
      case 'migrateJob':
        void desk.reports.migrated(worker, message.value);
        return;
      case 'simulateJob':
        void desk.simulate(worker, message.value);
        return;
      case 'ping':
        socket.send({
          case: 'pong',
          value: new WorkerPong({
            lastTimestamp: message.value.timestamp,
            timestamp: BigInt(Date.now()),
          }),
        });
        return;
      default:
        // A second "register".
        return;
    }
  }

  #register(connection: Connection, request: RegisterWorkerRequest): void {
    const { desk, serverInfo, log, availabilityMs } = this.#options;
    const { socket, apiKey } = connection;
    const wrong = wrongIn(request);
    if (wrong !== undefined || this.#closing !== undefined) {
      log.info({ wrong }, 'a worker cannot register');
      socket.close(wrong === undefined ? TRY_AGAIN_LATER : POLICY_VIOLATION, wrong ?? 'stopping');
      return;
    }
    const { type, agentName, deployment, version } = request;
    const worker = new AgentWorker({
      id: newId('AW_'),
      apiKey,
      type,
      agentName,
      deployment,
      permissions: request.allowedPermissions,
      send: (message) => socket.send(message),
      availabilityMs,
    });
    connection.worker = worker;
    const workerId = worker.options.id;
    socket.send({
      case: 'register',
      value: new RegisterWorkerResponse({ workerId, serverInfo }),
    });
    log.info({ worker: workerId, agentName, type: JobType[type], version }, 'a worker is here');
    desk.workerCame(worker);
  }

  #closed(connection: Connection): void {
    this.#connections.delete(connection);
    const { worker } = connection;
    if (worker === undefined) return;
    this.#options.log.info({ worker: worker.options.id }, 'a worker is gone');
    this.#options.desk.workerGone(worker);
  }
}

/** @returns what is wrong, short enough to be a reason of a close; undefined: nothing is. */
function wrongIn(request: RegisterWorkerRequest): string | undefined {
  const { type, agentName, version, namespace = '', deployment } = request;
  if (JobType[type] === undefined) return `the type ${type} is none of a job`;
  const named = { agent_name: agentName, version, namespace, deployment };
  const long = Object.entries(named).find(([, text]) => Buffer.byteLength(text) > MAX_NAME_BYTES);
  return (
    long && `${long[0]} has ${Buffer.byteLength(long[1])} bytes; ${MAX_NAME_BYTES} are allowed`
  );
}
