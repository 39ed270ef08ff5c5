import { networkInterfaces } from 'node:os';
import { ServerInfo, ServerInfo_Edition } from '@livekit/protocol';
import type { Logger } from 'pino';
import type { KeySource } from '../api/key-ring';
import { Webhooks } from '../api/webhooks';
import { capacityOf, Ledger, roomCost } from '../cluster/ledger';
import type { NodeLoad } from '../cluster/node-record';
import type { SluiceConfig } from '../contract';
import { WorkerPool } from '../media/worker-pool';
import { LocalRoomControl } from '../room/local-room-control';
import { LocalRooms } from '../room/local-rooms';
import { observeAll } from '../room/observers';
import type { RoomObserver } from '../room/room-observer';
import type { EgressSeal } from '../room/room-options';
import type { RoomOwnership } from '../room/room-ownership';
import { iceServersFor } from '../signaling/ice-servers';
import { LedgerObserver } from '../telemetry/ledger-observer';
import { MediaSampler } from '../telemetry/media-sampler';
import { Metrics } from '../telemetry/metrics';
import { NodeLoadMeter } from '../telemetry/node-load';
import type { Closers } from './closers';
import { derivedSecret } from './derived-secret';
import { findExternalAddresses } from './find-external-addresses';
import { type ListenAddress, listenAddresses } from './listen-addresses';
import {
  ownDataLimits,
  roomDefaults,
  roomPresets,
  roomSettings,
  transportSettings,
} from './settings';
import { type RunningTurn, startTurn, type TurnSecrets } from './start-turn';
import { PROTOCOL, SERVER_VERSION } from './version';

export interface MediaPlaneOptions {
  readonly config: SluiceConfig;
  readonly nodeId: string;
  /** What signs webhooks. */
  readonly keys: KeySource;
  /** Whose the Rooms are. */
  readonly ownership: RoomOwnership;
  /** Told of what happens in Rooms too. @default none */
  readonly observers?: readonly RoomObserver[];
  /** Seals what is to be recorded of Rooms by itself. */
  readonly sealEgress: EgressSeal;
  readonly log: Logger;
  /** What is started is closed by these. */
  readonly closers: Closers;
}

/** What carries Rooms: the workers, TURN, the Rooms themselves, and what watches them. */
export interface MediaPlane {
  readonly pool: WorkerPool;
  readonly turn: RunningTurn;
  /** Where ICE is offered, inner addresses too. */
  readonly addresses: readonly string[];
  readonly metrics: Metrics;
  readonly rooms: LocalRooms;
  readonly control: LocalRoomControl;
  /** Tells applications of what happens here. */
  readonly webhooks: Webhooks;
  /** What this node has promised to Rooms and jobs. */
  readonly ledger: Ledger;
  /** As measured last. */
  readonly load: () => NodeLoad;
  /** What these processes use is covered by the reservations of jobs. */
  readonly meterJobs: (pids: () => readonly number[]) => void;
}

/** @throws MediaListenError, CoturnError, SettingsError with a sentence that says what to do. */
export async function startMediaPlane(options: MediaPlaneOptions): Promise<MediaPlane> {
  const { config, nodeId, keys, ownership, observers = [], sealEgress, log, closers } = options;
  const addresses = await mediaAddresses(config, log);
  const pool = await WorkerPool.create({
    count: config.sluice.workers,
    listen: {
      addresses,
      udpPort: config.rtc.udp_port?.start ?? config.rtc.port_range_start,
      tcpPort: config.rtc.tcp_port,
      exposeInternal: config.rtc.advertise_internal_ip,
    },
    transport: transportSettings(config),
    log,
  });
  closers.add(() => pool.close());

  const turn = await startTurn(config, addresses, log, turnSecrets(config));
  closers.add(() => turn.close());

  const metrics = new Metrics({ nodeId });
  metrics.watchMediaObjects(() => pool.objects.read());
  const webhooks = startWebhooks(config, keys, metrics, log);
  closers.add(() => webhooks.close());

  const meter = await NodeLoadMeter.start({
    scope: config.sluice.load_scope,
    ledger: config.sluice.ledger,
    limit: config.limit,
    workers: config.sluice.workers,
    totals: metrics.totals,
    turnAllocations: () => turn.allocations(),
    log,
  });
  closers.add(() => meter.close());
  const ledger = new Ledger({ capacity: capacityOf(meter.load, config.sluice.ledger) });
  meter.keep(ledger);

  const rooms = new LocalRooms({
    pool,
    ownership,
    settings: roomSettings(config),
    defaults: roomDefaults(config),
    presets: roomPresets(config),
    sealEgress,
    observer: observeAll(
      [metrics, webhooks, new LedgerObserver(ledger, roomCost(config.sluice.ledger)), ...observers],
      log,
    ),
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
  closers.add(() => rooms.close());

  const sampler = new MediaSampler({ rooms, metrics, log });
  closers.add(() => sampler.close());
  const control = new LocalRoomControl(rooms, ownDataLimits(config));
  return {
    addresses: addresses.flatMap(({ ip, announced }) => [
      ip,
      ...(announced === undefined ? [] : [announced]),
    ]),
    pool,
    turn,
    metrics,
    rooms,
    control,
    webhooks,
    ledger,
    load: () => meter.load,
    meterJobs: (pids) => meter.keepJobs(pids),
  };
}

/** A client may be relayed by any node of its cluster. */
function turnSecrets({ sluice }: SluiceConfig): TurnSecrets | undefined {
  const { secret, previous_secret } = sluice.cluster;
  if (sluice.role === 'single') return undefined;
  return {
    secret: derivedSecret(secret, 'turn'),
    ...(previous_secret !== '' && { previousSecret: derivedSecret(previous_secret, 'turn') }),
  };
}

/** What tells the URLs of the configuration of events. */
export function startWebhooks(
  config: SluiceConfig,
  keys: KeySource,
  metrics: Metrics,
  log: Logger,
): Webhooks {
  return new Webhooks({
    urls: config.webhook.urls,
    apiKey: config.webhook.api_key,
    keys,
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
