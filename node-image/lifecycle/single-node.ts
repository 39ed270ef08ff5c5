import { randomBytes } from 'node:crypto';
import { networkInterfaces } from 'node:os';
import { ListRoomsRequest } from '@livekit/protocol';
import { adminRoutes } from '../api/cluster/admin-routes';
import { HttpServer } from '../api/http-server';
import { jobAdminRoutes } from '../api/jobs/job-admin-routes';
import { KeyRing } from '../api/key-ring';
import { roomService } from '../api/room-service';
import { TokenVerifier } from '../api/tokens';
import { twirpRoutes } from '../api/twirp-routes';
import { unimplementedServices } from '../api/unimplemented-services';
import { ClusterAdmin } from '../cluster/cluster-admin';
import { HostedRooms } from '../cluster/hosted-rooms';
import { MemoryRegistry } from '../cluster/memory-registry';
import { SharedKeys } from '../cluster/shared-keys';
import { StrayRooms } from '../cluster/stray-rooms';
import type { SluiceConfig } from '../contract';
import { MemoryJobStore } from '../jobs/store/memory-job-store';
import { watchSeat } from '../telemetry/cluster-metrics';
import { agentEntry, knownKinds, roomDispatcher } from './agents';
import { ownAgents } from './agents-own';
import { placementBy } from './cluster-parts';
import { consoleRoutes } from './console-page';
import { drainableRooms } from './drainable-rooms';
import { hostJobs, singleJobs } from './jobs-core';
import { egressEntry, loopbackUrl, memorySealer, roomEgress } from './jobs-egress';
import { hostIngress, memoryIngresses, singleIngress } from './jobs-ingress';
import { singleOfficial } from './jobs-official';
import { roomOpener } from './jobs-taps';
import { followKeyFile, keysAndConfigRoutes } from './keys-and-config';
import { withoutMissingLoopback } from './listen-addresses';
import { mediaHealth } from './media-health';
import { type MediaPlane, startMediaPlane } from './media-plane';
import { startMetricsServer } from './metrics-endpoint';
import { nodeIdentity } from './node-seat';
import { RegistryOwnership } from './registry-ownership';
import type { NodeOptions, RunningNode } from './running-node';
import { Seat } from './seat';
import { sizeLimits } from './settings';
import { joinGate, roomSignaling } from './signaling-parts';
import { type NodeStart, startNode } from './start-node';
import { watchOsLimits } from './watch-os-limits';

/**
 * Starts a node that does everything: media, signaling, server API. What a cluster keeps in Redis
 * it keeps in memory.
 *
 * @throws ListenError, MediaListenError, CoturnError with a sentence that says what to do.
 */
export const startSingleNode = (options: NodeOptions): Promise<RunningNode> =>
  startNode(options, start);

async function start(node: NodeStart): Promise<Pick<RunningNode, 'port' | 'stop'>> {
  const { config, console, load, nodeId, log, closers } = node;
  const registry = new MemoryRegistry();
  closers.add(() => registry.close());
  // Keys that are added while it runs are gone with it, and so is what seals them.
  const clusterSecret = randomBytes(32).toString('hex');
  const sharedKeys = new SharedKeys({ registry, clusterSecret, log });
  closers.add(() => sharedKeys.close());
  const keys = new KeyRing({ configured: config.keys, shared: sharedKeys });
  closers.add(() => keys.close());
  followKeyFile(config, keys, log, closers);
  const takesNew = (): boolean => seat.state === 'serving';
  const hosted = new HostedRooms({ registry, nodeId, placesItself: true, takesNew, log });
  const ownership = new RegistryOwnership({ hosted, outlivesNode: false, log });
  const jobs = new MemoryJobStore();
  closers.add(() => jobs.close());
  const kinds = knownKinds({ registry, log, closers });
  const ofAgents = { config, registry, jobs, kinds, log, closers };
  const sealer = memorySealer();
  const observers = [
    roomDispatcher({ ...ofAgents, rooms: () => plane.rooms }),
    roomEgress({ config, store: jobs, sealer, rooms: () => plane.rooms, log, closers }),
  ];
  const plane = await startMediaPlane({
    ...{ config, nodeId, keys, ownership, observers, log, closers },
    sealEgress: (room, wanted) => sealer.sealRoom(room, wanted),
  });
  const { metrics, rooms, pool, turn } = plane;
  const exists = (room: string): boolean => rooms.has(room);
  const strays = new StrayRooms({ nodeId, registry, hosted, exists, log });
  closers.add(() => strays.close());

  const tokens = new TokenVerifier({ keys });
  const gate = joinGate(
    config,
    tokens,
    (reason) => metrics.operation('join_limit', reason),
    watchOsLimits(metrics, config.sluice.workers, log),
  );
  const signal = roomSignaling({ config, plane, gate, keys, log });
  closers.add(() => signal.close());
  const agents = agentEntry({
    ...{ ...ofAgents, nodeId, gate, tokens, keys },
    ...{ control: plane.control, metrics: metrics.registry },
  });

  const { webhooks } = plane;
  const bindAddresses = withoutMissingLoopback(config.bind_addresses, networkInterfaces());
  const ingresses = memoryIngresses();
  const ingressHost = hostIngress({ config, nodeId, plane, log, closers }, ingresses);
  const hostedJobs = hostJobs({
    ...{ config, nodeId, plane, webhooks, ingresses, store: jobs, log, closers },
    ingress: ingressHost,
    state: () => seat.state,
    egress: {
      ...{ sealer, keys },
      wsUrl: async () => loopbackUrl(http.port, bindAddresses),
      openRoom: roomOpener({ nodeId, rooms, pool, log }),
    },
  });
  const own = ownAgents({
    ...{ config, plane, log, closers },
    state: () => seat.state,
  });
  const official = await singleOfficial({
    ...{ config, jobs, ingresses, webhooks, log, closers },
  });
  const desk = singleJobs({
    ...{ config, webhooks, ingresses, store: jobs, registry, host: hostedJobs.host, log, closers },
    metrics: metrics.registry,
    ...{ official, sealer },
  });
  const { dispatcher } = desk;
  const egress = egressEntry({
    ...{ config, dispatcher, store: jobs, control: plane.control, keys, sealer },
    official: official?.egress,
  });
  const seat = new Seat({
    registry,
    identity: nodeIdentity(nodeId, config),
    configVersion: 0,
    load: () => ({ ...hostedJobs.load(), agents: agents.load() }),
    hosted,
    drainable: drainableRooms({
      rooms,
      hosted,
      relays: () => turn.allocations(),
      mover: { move: async () => 'a Single Node has no other node to move Rooms to' },
    }),
    // Nobody else knows of this registry.
    onDuplicate: () => {},
    onRestart: () => {},
    log,
  });
  closers.add(() => seat.close());
  watchSeat(metrics.registry, seat);
  await seat.take();
  const health = mediaHealth(plane, seat);
  closers.add(() => health.close());

  const ingress = await singleIngress({
    ...{ config, host: ingressHost, dispatcher, control: plane.control, log, closers },
    official: official?.ingress,
  });
  const http = new HttpServer({
    bindAddresses,
    port: config.port,
    maxBodyBytes: config.limit.max_api_request_body_size,
    health: () => health.report(),
    validate: (request) => signal.endpoint.validate(request),
    upgrade: (request, socket, head) => signal.endpoint.upgrade(request, socket, head),
    upgradeAgent: agents.endpoint.upgrade,
    routes: [
      twirpRoutes({
        services: [
          roomService({
            rooms: plane.control,
            limits: sizeLimits(config),
            egress: egress.starter,
          }),
          egress.service,
          ingress.service,
          agents.service,
          ...unimplementedServices(),
        ],
        tokens,
        log,
        observe: (report) => metrics.twirpRequest(report),
      }),
      adminRoutes({ admin: adminOf({ config, nodeId, registry, plane }), tokens, log }),
      jobAdminRoutes({ ...desk, config, tokens, log }),
      agents.routes,
      keysAndConfigRoutes({
        config,
        load,
        nodeId,
        registry,
        sharedKeys,
        keys,
        lasting: false,
        tokens,
        log,
      }),
      ...ingress.routes,
      ...(console ? [consoleRoutes(config)] : []),
    ],
    log,
  });
  closers.add(() => http.close());
  await startMetricsServer({ config, registry: metrics.registry, bindAddresses, log, closers });
  // Last, as only now there is everything that a client may ask for.
  await seat.serve();
  health.check();
  await http.listen();
  own.start();
  // Now the first to be closed, and at once: participants are told while their media still runs.
  closers.add(() => rooms.close());
  // Before the Rooms that they record.
  closers.add(() => hostedJobs.host.close());
  log.info({ port: http.port, workers: pool.workers.length }, 'serving');
  return { port: http.port, stop: closers.close };
}

/** What `sluice` asks of a cluster, of which this node is all there is. */
function adminOf(options: {
  readonly config: SluiceConfig;
  readonly nodeId: string;
  readonly registry: MemoryRegistry;
  readonly plane: MediaPlane;
}): ClusterAdmin {
  const { config, nodeId, registry, plane } = options;
  return new ClusterAdmin({
    registry,
    nodeId,
    choose: placementBy(config),
    drain: config.sluice.drain,
    listRooms: () => plane.control.listRooms(new ListRoomsRequest()),
    isAlive: async () => true,
  });
}
