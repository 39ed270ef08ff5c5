import { availableParallelism, networkInterfaces } from 'node:os';
import { ServerInfo, ServerInfo_Edition } from '@livekit/protocol';
import type { FastifyPluginAsync } from 'fastify';
import type { Logger } from 'pino';
import { HttpServer } from '../api/http-server';
import { listenErrorOf } from '../api/listen-error';
import { roomService } from '../api/room-service';
import { TokenMinter } from '../api/token-minter';
import { TokenVerifier } from '../api/tokens';
import { twirpRoutes } from '../api/twirp-routes';
import { unimplementedServices } from '../api/unimplemented-services';
import { Webhooks } from '../api/webhooks';
import { registerConsole } from '../console/console-routes';
import type { SluiceConfig } from '../contract';
import { WorkerPool } from '../media/worker-pool';
import { newId } from '../room/ids';
import { LocalRoomControl } from '../room/local-room-control';
import { LocalRooms } from '../room/local-rooms';
import { observeAll } from '../room/observers';
import { Simulations } from '../room/simulate';
import { ClientAddresses } from '../signaling/client-address';
import { JoinLimits } from '../signaling/client-limits';
import { iceServersFor } from '../signaling/ice-servers';
import { JoinGate } from '../signaling/join-gate';
import { RtcEndpoint } from '../signaling/rtc-endpoint';
import { Sessions } from '../signaling/sessions';
import { createLog } from '../telemetry/log';
import { MediaSampler } from '../telemetry/media-sampler';
import { Metrics } from '../telemetry/metrics';
import { MetricsServer } from '../telemetry/metrics-server';
import { hasPlaceholderKey } from './config';
import { findExternalAddresses } from './find-external-addresses';
import { Health } from './health';
import { type ListenAddress, listenAddresses, withoutMissingLoopback } from './listen-addresses';
import { roomPresets, roomSettings, transportSettings } from './settings';
import { startTurn } from './start-turn';

/** LiveKit's version whose protocol this speaks: some clients look at it. */
const SERVER_VERSION = '1.13.5';
const PROTOCOL = 17;

export interface SingleNodeOptions {
  readonly config: SluiceConfig;
  /** Serve the web page. */
  readonly console: boolean;
}

/** A running node. */
export interface SingleNode {
  readonly nodeId: string;
  readonly port: number;
  readonly rooms: LocalRooms;
  readonly log: Logger;
  /** Ends it: participants are told, what it started is stopped. Idempotent. */
  close(): Promise<void>;
}

/**
 * Starts a node that does everything: media, signaling, server API.
 *
 * @throws ListenError, MediaListenError, CoturnError with a sentence that says what to do.
 */
export async function startSingleNode({ config, console }: SingleNodeOptions): Promise<SingleNode> {
  const nodeId = newId('ND_');
  const log = createLog({ logging: config.logging, fields: { node_id: nodeId } });
  const closers: (() => void | Promise<void>)[] = [];
  const close = closeAll(closers, log);
  try {
    const addresses = await mediaAddresses(config, log);
    const pool = await WorkerPool.create({
      count: config.sluice.workers || Math.min(availableParallelism(), 64),
      listen: {
        addresses,
        udpPort: config.rtc.udp_port?.start ?? config.rtc.port_range_start,
        tcpPort: config.rtc.tcp_port,
        exposeInternal: config.rtc.advertise_internal_ip,
      },
      transport: transportSettings(config),
      log,
    });
    closers.push(() => pool.close());

    const turn = await startTurn(config, addresses, log);
    closers.push(() => turn.close());

    const metrics = new Metrics({ nodeId });
    metrics.watchMediaObjects(() => pool.objects.read());
    const webhooks = new Webhooks({
      urls: config.webhook.urls,
      apiKey: config.webhook.api_key,
      keys: config.keys,
      includeEvents: config.webhook.filter_params.include_events,
      excludeEvents: config.webhook.filter_params.exclude_events,
      fullRoom: config.room.enable_full_room_in_webhooks,
      delivery: {
        maxDepth: config.webhook.resource_url_notifier.max_depth,
        maxAgeMs: config.webhook.resource_url_notifier.max_age,
      },
      log,
      observe: (outcome) => metrics.operation('webhook', outcome === 'sent' ? undefined : outcome),
    });
    closers.push(() => webhooks.close());

    const rooms = new LocalRooms({
      pool,
      settings: roomSettings(config),
      defaults: {
        emptyTimeout: config.room.empty_timeout,
        departureTimeout: config.room.departure_timeout,
        maxParticipants: config.room.max_participants,
        syncStreams: config.room.sync_streams,
      },
      presets: roomPresets(config),
      observer: observeAll([metrics, webhooks], log),
      log,
      serverInfo: new ServerInfo({
        edition: ServerInfo_Edition.Standard,
        version: SERVER_VERSION,
        protocol: PROTOCOL,
        agentProtocol: 1,
        region: config.region,
        nodeId,
      }),
      iceServers: ({ sid }) =>
        iceServersFor(
          {
            own: turn.server,
            turnServers: config.rtc.turn_servers,
            stunServers: config.rtc.stun_servers,
          },
          { participantSid: sid, nowMs: Date.now() },
        ),
    });

    closers.push(() => rooms.close());

    const sampler = new MediaSampler({ rooms, metrics, log });
    closers.push(() => sampler.close());

    const signal = startSignaling(config, rooms, metrics, log);
    closers.push(() => signal.close());

    const health = new Health({
      checks: {
        media: () => (pool.workers.length > 0 ? undefined : 'no media worker is running'),
        turn: () => turn.problem(),
      },
    });
    closers.push(() => health.close());

    const bindAddresses = withoutMissingLoopback(config.bind_addresses, networkInterfaces());
    const http = new HttpServer({
      bindAddresses,
      port: config.port,
      maxBodyBytes: config.limit.max_api_request_body_size,
      health: () => health.report(),
      validate: (request) => signal.endpoint.validate(request),
      upgrade: (request, socket, head) => signal.endpoint.upgrade(request, socket, head),
      routes: [
        twirpRoutes({
          services: [
            roomService({
              rooms: new LocalRoomControl(rooms, ownDataLimits(config)),
              limits: sizeLimits(config),
            }),
            ...unimplementedServices(),
          ],
          tokens: signal.tokens,
          log,
          observe: (report) => metrics.twirpRequest(report),
        }),
        ...(console ? [consoleRoutes(config)] : []),
      ],
      log,
    });
    closers.push(() => http.close());
    if (config.prometheus.port !== 0) {
      const { port } = config.prometheus;
      const server = await MetricsServer.listen({
        registry: metrics.registry,
        prometheus: config.prometheus,
        addresses: bindAddresses,
        log,
      }).catch((error: unknown) => {
        const address = bindAddresses[0] ?? '';
        throw listenErrorOf(error, { address, port, portKey: 'prometheus.port' });
      });
      closers.push(() => server.close());
    }
    // Last, as only now there is everything that a client may ask for.
    await http.listen();
    // Now the first to be closed, and at once: participants are told while their media still runs.
    closers.push(() => rooms.close());
    log.info({ port: http.port, workers: pool.workers.length }, 'serving');
    return { nodeId, port: http.port, rooms, log, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function mediaAddresses(config: SluiceConfig, log: Logger): Promise<ListenAddress[]> {
  const interfaces = networkInterfaces();
  const local = listenAddresses(config.rtc, interfaces);
  const external = await findExternalAddresses(config.rtc, local, log);
  const addresses = listenAddresses(config.rtc, interfaces, external);
  if (addresses.length === 0) {
    throw new Error(
      'no address is left for media: rtc.interfaces and rtc.ips exclude all that this machine has, ' +
        `${Object.values(interfaces)
          .flatMap((list) => list?.map((one) => one.address))
          .join(', ')}`,
    );
  }
  return addresses;
}

function startSignaling(
  config: SluiceConfig,
  rooms: LocalRooms,
  metrics: Metrics,
  log: Logger,
): { endpoint: RtcEndpoint; tokens: TokenVerifier; close(): void } {
  const { limit, sluice, keys } = config;
  const tokens = new TokenVerifier({ keys });
  const simulations = new Simulations(Date.now);
  const sessions = new Sessions({
    minter: new TokenMinter({ keys }),
    limits: ownDataLimits(config),
    simulations,
    signalMessagesPerSecond: sluice.signal_messages_per_second,
    dataMessagesPerSecond: sluice.data_messages_per_second,
    log,
  });
  const endpoint = new RtcEndpoint({
    gate: new JoinGate({
      tokens,
      addresses: new ClientAddresses({ trustedProxies: sluice.trusted_proxies }),
      limits: new JoinLimits({
        perSecondByAddress: sluice.joins_per_second_by_address,
        perSecondByKey: sluice.joins_per_second_by_key,
        pendingHandshakes: sluice.pending_handshakes,
        observe: (reason) => metrics.operation('join_limit', reason),
      }),
      lengths: {
        identity: limit.max_participant_identity_length,
        roomName: limit.max_room_name_length,
      },
    }),
    rooms,
    sessions,
    simulations,
    autoCreate: config.room.auto_create,
    maxMessageBytes: limit.signal_message_size_limit,
    metrics,
    isNodeFull: () => metrics.totals.exceeds(limit.num_tracks, limit.bytes_per_sec),
    log,
  });
  return {
    endpoint,
    tokens,
    close: () => {
      sessions.close();
      endpoint.close();
    },
  };
}

const ownDataLimits = ({ limit }: SluiceConfig) => ({
  nameLength: limit.max_participant_name_length,
  metadataBytes: limit.max_metadata_size,
  attributesBytes: limit.max_attributes_size,
});

const sizeLimits = ({ limit }: SluiceConfig) => ({
  maxMetadataSize: limit.max_metadata_size,
  maxAttributesSize: limit.max_attributes_size,
  maxRoomNameLength: limit.max_room_name_length,
  maxParticipantNameLength: limit.max_participant_name_length,
});

function consoleRoutes(config: SluiceConfig): FastifyPluginAsync {
  const [key = ['', '']] = Object.entries(config.keys);
  return async (app) => {
    await registerConsole(app, {
      apiKey: key[0],
      apiSecret: key[1],
      development: hasPlaceholderKey(config),
    });
  };
}

/** Closes what was opened, last first, each whatever happens to the others; once. */
function closeAll(
  closers: readonly (() => void | Promise<void>)[],
  log: Logger,
): () => Promise<void> {
  let closing: Promise<void> | undefined;
  const run = async (): Promise<void> => {
    for (const closer of [...closers].reverse()) {
      try {
        await closer();
      } catch (error) {
        log.error({ err: error }, 'closing failed');
      }
    }
  };
  return () => {
    closing ??= run();
    return closing;
  };
}
