import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { JobRestartPolicy, ServerInfo } from '@livekit/protocol';
import { answerOnSocket } from '../../../../node-image/api/raw-answer';
import type { Registry } from '../../../../node-image/cluster/registry';
import { AgentDesk } from '../../../../node-image/jobs/agents/agent-desk';
import {
  AgentEndpoint,
  type AgentEndpointOptions,
} from '../../../../node-image/jobs/agents/agent-endpoint';
import { type AgentSpec, NEW_INFO } from '../../../../node-image/jobs/agents/agent-job';
import { AgentWorkers } from '../../../../node-image/jobs/agents/agent-workers';
import { KnownKinds } from '../../../../node-image/jobs/agents/known-kinds';
import type { JobStore } from '../../../../node-image/jobs/job-store';
import { log } from '../../../media/support/media';

/** Which Rooms there are, and whose agents are connected to them. */
export class FakeRooms {
  readonly connectedJobs = new Set<string>();
  readonly participants = new Set<string>();
  isThere = true;

  async connected(): Promise<ReadonlySet<string> | undefined> {
    return this.isThere ? this.connectedJobs : undefined;
  }

  async hasParticipant(_room: string, identity: string): Promise<boolean> {
    return this.participants.has(identity);
  }

  async names(): Promise<ReadonlySet<string>> {
    return new Set(this.isThere ? ['room'] : []);
  }
}

export interface DeskNodeOptions extends Partial<AgentEndpointOptions> {
  readonly owner?: string;
  readonly returnMs?: number;
  readonly sweepMs?: number;
  readonly goneMs?: number;
}

/** A desk of agents with its endpoint, and nothing else of a node. */
export class DeskNode {
  readonly #server: Server;
  readonly #kinds: KnownKinds;

  private constructor(
    readonly desk: AgentDesk,
    readonly endpoint: AgentEndpoint,
    server: Server,
    kinds: KnownKinds,
  ) {
    this.#server = server;
    this.#kinds = kinds;
  }

  static async listen(
    store: JobStore,
    registry: Registry,
    rooms: FakeRooms,
    options: DeskNodeOptions = {},
  ): Promise<DeskNode> {
    const { owner = 'ND_desk', returnMs, sweepMs, goneMs, ...given } = options;
    const kinds = new KnownKinds({ registry, log });
    const desk = new AgentDesk({
      store,
      owner,
      hasOthers: true,
      workers: new AgentWorkers({ targetLoad: 0.7 }),
      kinds,
      rooms,
      mint: async (_key, claims, _seconds, identity) => JSON.stringify({ ...claims, identity }),
      limits: { identity: 256, name: 256, metadata: 1000, attributes: 1000 },
      log,
      ...{ returnMs, sweepMs, goneMs },
    });
    const endpoint = new AgentEndpoint({
      admit: async ({ headers }) =>
        headers.authorization === 'Bearer good'
          ? { apiKey: 'key' }
          : { status: 401, message: 'permissions denied' },
      refuse: (socket, { status, message }) => answerOnSocket(socket, status, message),
      desk,
      serverInfo: new ServerInfo({ version: '1.2.3' }),
      maxMessageBytes: 10_000,
      log,
      ...given,
    });
    const server = createServer();
    server.on('upgrade', (request, socket, head) => void endpoint.upgrade(request, socket, head));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new DeskNode(desk, endpoint, server, kinds);
  }

  get url(): string {
    return `ws://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    await this.endpoint.close();
    this.#kinds.close();
    this.#server.close();
  }
}

let made = 0;

/** A job that waits for a worker. @returns its id */
export async function wantAgent(store: JobStore, spec: Partial<AgentSpec> = {}): Promise<string> {
  const id = `AJ_${++made}`;
  const all: AgentSpec = {
    dispatchId: 'AD_1',
    type: 0,
    agentName: 'agent',
    deployment: '',
    metadata: '',
    attributes: {},
    room: { name: 'room' },
    enableRecording: false,
    enableRedaction: false,
    restartPolicy: JobRestartPolicy.JRP_ON_FAILURE,
    ...spec,
  };
  const info = JSON.stringify(NEW_INFO);
  await store.create({ id, kind: 'agent', room: 'room', spec: JSON.stringify(all), info });
  return id;
}
