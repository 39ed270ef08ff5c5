import {
  type AvailabilityRequest,
  AvailabilityResponse,
  type JobAssignment,
  type JobStatus,
  JobType,
  RegisterWorkerRequest,
  Room,
  ServerMessage,
  SimulateJobRequest,
  UpdateJobStatus,
  UpdateWorkerStatus,
  WorkerMessage,
  WorkerStatus,
} from '@livekit/protocol';
import { AccessToken } from 'livekit-server-sdk';
import { WebSocket } from 'ws';
import type { Signer } from '../../../support/tokens';
import { until } from '../../../support/wait';

/** What a worker answers to an offer; undefined: nothing. */
export type Answer = (request: AvailabilityRequest) => Partial<AvailabilityResponse> | undefined;

export interface FakeWorkerOptions {
  /** @default JT_ROOM */
  readonly type?: JobType;
  /** @default - it has no name */
  readonly agentName?: string;
  /** @default - it takes every job */
  readonly answer?: Answer;
  /** Speaks JSON in place of protobuf. @default false */
  readonly json?: boolean;
}

/** A token that a worker may register with. */
export async function workerToken(signer: Signer, agent = true): Promise<string> {
  const token = new AccessToken(signer.apiKey, signer.apiSecret, { identity: 'worker' });
  token.addGrant({ agent });
  return token.toJwt();
}

/** A worker that speaks the protocol, and runs nothing. */
export class FakeWorker {
  readonly offers: AvailabilityRequest[] = [];
  readonly assignments: JobAssignment[] = [];
  readonly terminations: string[] = [];
  id = '';
  closed: { readonly code: number; readonly reason: string } | undefined;
  answer: Answer;
  readonly #socket: WebSocket;
  readonly #options: FakeWorkerOptions;

  private constructor(socket: WebSocket, options: FakeWorkerOptions) {
    this.#socket = socket;
    this.#options = options;
    this.answer = options.answer ?? (() => ({ available: true }));
    socket.on('message', (data: Buffer, isBinary) => this.#receive(data, isBinary));
    socket.on('close', (code, reason) => {
      this.closed = { code, reason: reason.toString() };
    });
    socket.on('error', () => {});
  }

  /** Connects without registering. @throws Error with the status that it is refused with. */
  static async connect(
    url: string,
    token: string,
    options: FakeWorkerOptions = {},
  ): Promise<FakeWorker> {
    const socket = new WebSocket(`${url}/agent?protocol=1`, {
      headers: { authorization: `Bearer ${token}` },
    });
    const worker = new FakeWorker(socket, options);
    await new Promise<void>((resolve, reject) => {
      socket.once('open', resolve);
      socket.once('unexpected-response', (request, response) => {
        request.destroy();
        reject(new Error(`refused with ${response.statusCode}`));
      });
      socket.once('error', reject);
    });
    return worker;
  }

  /** Connects and registers. */
  static async start(
    server: Signer & { readonly url: string },
    options: FakeWorkerOptions = {},
  ): Promise<FakeWorker> {
    const worker = await FakeWorker.connect(server.url, await workerToken(server), options);
    const { type = JobType.JT_ROOM, agentName = '' } = options;
    worker.send({
      case: 'register',
      value: new RegisterWorkerRequest({ type, agentName, version: '1.0.0' }),
    });
    await until('the worker to be registered', () => worker.id !== '');
    return worker;
  }

  send(message: WorkerMessage['message']): void {
    const encoded = new WorkerMessage({ message });
    this.#socket.send(this.#options.json === true ? encoded.toJsonString() : encoded.toBinary());
  }

  sendRaw(data: Uint8Array | string): void {
    this.#socket.send(data);
  }

  status(load: number, status = WorkerStatus.WS_AVAILABLE): void {
    this.send({ case: 'updateWorker', value: new UpdateWorkerStatus({ status, load }) });
  }

  /** Asks for a job for itself, as tools for developers do. */
  simulates(room: string): void {
    const value = new SimulateJobRequest({ room: new Room({ name: room }) });
    this.send({ case: 'simulateJob', value });
  }

  /** Says how a job goes. */
  says(jobId: string, status: JobStatus, error = ''): void {
    this.send({ case: 'updateJob', value: new UpdateJobStatus({ jobId, status, error }) });
  }

  /** The job that it was given in a Room, now or later. */
  async job(room: string, timeoutMs = 10_000): Promise<JobAssignment> {
    const given = (): JobAssignment | undefined =>
      this.assignments.find(({ job }) => job?.room?.name === room);
    const found = await until(`a job in ${room}`, given, { timeoutMs });
    if (found === undefined) throw new Error(`no job in ${room}`);
    return found;
  }

  /** Ends the connection without a word, as a process that was killed does. */
  kill(): void {
    this.#socket.terminate();
  }

  close(): void {
    this.#socket.close();
  }

  #receive(data: Buffer, isBinary: boolean): void {
    const { message } = isBinary
      ? ServerMessage.fromBinary(data)
      : ServerMessage.fromJsonString(data.toString());
    switch (message.case) {
      case 'register':
        this.id = message.value.workerId;
        return;
      case 'availability': {
        this.offers.push(message.value);
        const answer = this.answer(message.value);
        const jobId = message.value.job?.id ?? '';
        if (answer !== undefined) {
          this.send({
            case: 'availability',
            value: new AvailabilityResponse({ jobId, ...answer }),
          });
        }
        return;
      }
      case 'assignment':
        this.assignments.push(message.value);
        return;
      case 'termination':
        this.terminations.push(message.value.jobId);
        return;
      default:
    }
  }
}
