import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { ServerInfo, ServerInfo_Edition } from '@livekit/protocol';
import type { FastifyPluginAsync } from 'fastify';
import type { Logger } from 'pino';
import type { Registry as MetricsRegistry } from 'prom-client';
import { agentAdminRoutes } from '../api/jobs/agent-admin-routes';
import { agentDispatchService } from '../api/jobs/agent-dispatch-service';
import type { KeySource } from '../api/key-ring';
import { answerOnSocket } from '../api/raw-answer';
import { TokenMinter } from '../api/token-minter';
import { TokenError, type TokenVerifier } from '../api/tokens';
import type { TwirpService } from '../api/twirp';
import type { AgentLoad } from '../cluster/node-record';
import type { Registry } from '../cluster/registry';
import type { SluiceConfig } from '../contract';
import { AgentDesk } from '../jobs/agents/agent-desk';
import { type Admission, AgentEndpoint } from '../jobs/agents/agent-endpoint';
import { protoJob, readAgentJob } from '../jobs/agents/agent-job';
import type { AgentRooms } from '../jobs/agents/agent-rooms';
import { AgentWorkers } from '../jobs/agents/agent-workers';
import { KnownKinds } from '../jobs/agents/known-kinds';
import { RoomDispatcher } from '../jobs/agents/room-dispatcher';
import type { JobStore } from '../jobs/job-store';
import { RoomError } from '../room/errors';
import type { LocalRooms } from '../room/local-rooms';
import type { RoomControl } from '../room/room-control';
import type { JoinGate } from '../signaling/join-gate';
import { JoinError } from '../signaling/join-validation';
import { AgentMetrics } from '../telemetry/agent-metrics';
import type { Closers } from './closers';
import { sizeLimits } from './settings';
import { PROTOCOL, SERVER_VERSION } from './version';

interface AgentParts {
  readonly config: SluiceConfig;
  readonly registry: Registry;
  readonly jobs: JobStore;
  readonly log: Logger;
  readonly closers: Closers;
}

/** Which kinds of workers there are, known from now on. */
export function knownKinds({
  registry,
  log,
  closers,
}: Omit<AgentParts, 'config' | 'jobs'>): KnownKinds {
  const kinds = new KnownKinds({ registry, log });
  closers.add(() => kinds.close());
  void kinds.look();
  return kinds;
}

/** What makes the jobs of agents on a node that has Rooms: it observes them. */
export function roomDispatcher(
  options: AgentParts & {
    readonly kinds: KnownKinds;
    /** Asked when there are Rooms. */
    readonly rooms: () => LocalRooms;
  },
): RoomDispatcher {
  const { config, kinds, jobs: store, rooms, log, closers } = options;
  const dispatcher = new RoomDispatcher({
    store,
    kinds,
    rooms,
    enableRecording: config.agents.enable_user_data_recording,
    enableRedaction: config.agents.enable_user_data_redaction,
    log,
  });
  closers.add(() => dispatcher.close());
  return dispatcher;
}

/** What workers and applications reach of agents, on a node that they connect to. */
export interface AgentEntry {
  readonly endpoint: AgentEndpoint;
  /** Of the record of the node: the workers that are connected to it. */
  readonly load: () => AgentLoad;
  readonly routes: FastifyPluginAsync;
  readonly service: TwirpService;
}

/** @param options - `control`: of the Rooms, wherever they are */
export function agentEntry(
  options: AgentParts & {
    readonly nodeId: string;
    readonly kinds: KnownKinds;
    readonly gate: JoinGate;
    readonly tokens: TokenVerifier;
    /** What signs the tokens of agents. */
    readonly keys: KeySource;
    readonly control: RoomControl;
    readonly metrics: MetricsRegistry;
  },
): AgentEntry {
  const { config, registry, jobs, nodeId, gate, tokens, keys, control, log, closers } = options;
  const { limit, region, agents, room } = config;
  const minter = new TokenMinter({ keys });
  const workers = new AgentWorkers({ targetLoad: agents.target_load });
  const metrics = new AgentMetrics(options.metrics, () => desk.figures);
  const desk = new AgentDesk({
    store: jobs,
    owner: nodeId,
    hasOthers: config.sluice.role !== 'single',
    workers,
    onOffer: (agentName, answer) => metrics.offered(agentName, answer),
    kinds: options.kinds,
    rooms: agentRooms(control, registry),
    mint: (apiKey, claims, seconds, identity) => minter.mint(apiKey, claims, seconds, identity),
    limits: {
      identity: limit.max_participant_identity_length,
      name: limit.max_participant_name_length,
      metadata: limit.max_metadata_size,
      attributes: limit.max_attributes_size,
    },
    log,
  });
  const endpoint = new AgentEndpoint({
    admit: (request) => admission(request, gate, tokens, log),
    refuse,
    desk,
    serverInfo: new ServerInfo({
      edition: ServerInfo_Edition.Standard,
      version: SERVER_VERSION,
      protocol: PROTOCOL,
      agentProtocol: 1,
      region,
      nodeId,
    }),
    maxMessageBytes: limit.agent_signal_message_size_limit,
    log,
  });
  closers.add(() => endpoint.close());
  const service = agentDispatchService({
    rooms: control,
    jobs: async (name) => {
      const all = await jobs.list({ kind: 'agent', room: name });
      return all.map(readAgentJob).flatMap((one) => (one === undefined ? [] : [protoJob(one)]));
    },
    autoCreate: room.auto_create,
    limits: sizeLimits(config),
  });
  const routes = agentAdminRoutes({
    ...{ control, store: jobs, tokens, log },
    registered: async () => (await registry.snapshot()).nodes,
  });
  return { endpoint, service, load: () => workers.facts, routes };
}

async function admission(
  request: IncomingMessage,
  gate: JoinGate,
  tokens: TokenVerifier,
  log: Logger,
): Promise<Admission> {
  let release: (() => void) | undefined;
  try {
    release = await gate.begin(request);
    const token = await tokens.verifyRequest(request);
    return token?.grants.video.agent === true
      ? { apiKey: token.grants.apiKey }
      : { status: 401, message: 'permissions denied' };
  } catch (error) {
    if (error instanceof TokenError || error instanceof JoinError) {
      const { status, message } = error;
      const after = error instanceof JoinError ? error.retryAfterSeconds : undefined;
      return { status, message, retryAfterSeconds: after };
    }
    log.error({ err: error }, 'the handshake of a worker failed');
    return { status: 500, message: 'internal error' };
  } finally {
    release?.();
  }
}

function refuse(socket: Duplex, refusal: Exclude<Admission, { apiKey: string }>): void {
  const { status, message, retryAfterSeconds } = refusal;
  const headers = retryAfterSeconds === undefined ? {} : { 'Retry-After': `${retryAfterSeconds}` };
  answerOnSocket(socket, status, message, headers);
}

const agentRooms = (control: RoomControl, registry: Registry): AgentRooms => ({
  connected: async (room) => {
    try {
      return new Set((await control.connectedAgents(room)).map(({ id }) => id));
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  },
  hasParticipant: async (room, identity) =>
    (await control.listParticipants(room)).some((one) => one.identity === identity),
  names: async () => new Set((await registry.rooms()).map(({ room }) => room)),
});

const isNotFound = (error: unknown): boolean =>
  error instanceof RoomError && error.code === 'not_found';
