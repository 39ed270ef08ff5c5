import { networkInterfaces } from 'node:os';
import { ListRoomsRequest } from '@livekit/protocol';
import { adminRoutes } from '../api/cluster/admin-routes';
import { RoutedRoomControl } from '../api/cluster/routed-room-control';
import { HttpServer } from '../api/http-server';
import { jobAdminRoutes } from '../api/jobs/job-admin-routes';
import { roomService } from '../api/room-service';
import { TokenVerifier } from '../api/tokens';
import { twirpRoutes } from '../api/twirp-routes';
import { unimplementedServices } from '../api/unimplemented-services';
import { ClusterAdmin } from '../cluster/cluster-admin';
import type { Controller } from '../cluster/controller';
import { RoomRouter } from '../cluster/room-router';
import { UnplacedRooms } from '../cluster/unplaced-rooms';
import { EntryEndpoint } from '../signaling/entry/entry-endpoint';
import { watchController, watchEntry, watchSeat } from '../telemetry/cluster-metrics';
import { Metrics } from '../telemetry/metrics';
import { NodeLoadMeter } from '../telemetry/node-load';
import { agentEntry, knownKinds } from './agents';
import { announcedConfig } from './announced-config';
import { joinCluster, placementBy } from './cluster-parts';
import { consoleRoutes } from './console-page';
import { Health } from './health';
import { masterJobs } from './jobs-core';
import { egressEntry, specSealer } from './jobs-egress';
import { masterIngress, sharedIngresses } from './jobs-ingress';
import { officialServices } from './jobs-official';
import { joinRoutes } from './join-routes';
import { keysAndConfigRoutes } from './keys-and-config';
import { withoutMissingLoopback } from './listen-addresses';
import { startWebhooks } from './media-plane';
import { startMetricsServer } from './metrics-endpoint';
import { endDuplicate, nodeIdentity } from './node-seat';
import { SentinelCare } from './own-machines/sentinel-care';
import type { NodeOptions, RunningNode } from './running-node';
import { Seat } from './seat';
import { sizeLimits } from './settings';
import { joinGate } from './signaling-parts';
import { startController } from './start-controller';
import { type NodeStart, startNode } from './start-node';
import { startTurnEntry } from './start-turn-entry';
import { watchOsLimits } from './watch-os-limits';

/** A master that stops sends its clients to the others over so long, ms. */
const LEAVE_MS = 3000;

/**
 * Starts a Master Node: clients and the server API come here, and are passed on to the Media Node
 * of each Room.
 *
 * @throws ListenError with a sentence that says what to do.
 */
export const startMasterNode = (options: NodeOptions): Promise<RunningNode> =>
  startNode(options, start);

async function start(node: NodeStart): Promise<Pick<RunningNode, 'port' | 'stop'>> {
  const { nodeId, log, closers } = node;
  const parts = await joinCluster(node.config, log, closers);
  const { registry, watch, keys, link } = parts;
  const { config, version } = await announcedConfig({ ...node, registry, keys });
  const choose = placementBy(config);
  const metrics = new Metrics({ nodeId });
  const unplaced = new UnplacedRooms();
  const routes = new RoomRouter({ registry, watch, link, choose, unplaced, log });
  const tokens = new TokenVerifier({ keys });
  const gate = joinGate(
    config,
    tokens,
    (reason) => metrics.operation('join_limit', reason),
    watchOsLimits(metrics, 0, log),
  );
  const entry = new EntryEndpoint({
    gate,
    routes,
    link,
    autoCreate: config.room.auto_create,
    metrics,
    log,
  });
  const control = new RoutedRoomControl({
    routes,
    link,
    timeoutMs: config.api.execution_timeout,
    log,
  });
  const ingresses = sharedIngresses(parts.shared);
  let controller: Controller | undefined;
  const webhooks = startWebhooks(config, keys, metrics, log);
  closers.add(() => webhooks.close());
  const leads = () => controller?.leads ?? false;
  const official = officialServices({
    ...{ config, shared: parts.shared, jobs: parts.jobs, ingresses, webhooks, leads, log, closers },
  });
  const sealer = specSealer(config);
  const desk = masterJobs({
    ...{ config, parts, webhooks, ingresses, store: parts.jobs, leads, log, closers },
    metrics: metrics.registry,
    ...{ official, sealer },
  });
  const egress = egressEntry({
    ...{ config, dispatcher: desk.dispatcher, store: parts.jobs, control, keys },
    sealer,
    official: official?.egress,
  });
  const agents = agentEntry({
    ...{ config, nodeId, registry, jobs: parts.jobs, gate, tokens, keys, control, log, closers },
    kinds: knownKinds({ registry, log, closers }),
    metrics: metrics.registry,
  });
  const admin = new ClusterAdmin({
    registry,
    nodeId,
    choose,
    drain: config.sluice.drain,
    listRooms: () => control.listRooms(new ListRoomsRequest()),
    isAlive: async ({ record }) => (await watch.suspect(record.id)) !== 'dead',
  });

  const health = new Health({ checks: {} });
  let http: HttpServer | undefined;
  const stop = async (): Promise<void> => {
    // At once: the load balancer is to send nobody here any more, those who leave least of all. Who
    // is refused a connection is sent to another master; who is refused by an answer joins anew.
    health.fail('this node stops');
    http?.stopListening();
    await Promise.all([
      entry.close({ overMs: LEAVE_MS }),
      agents.endpoint.close({ overMs: LEAVE_MS }),
    ]);
    await closers.close();
  };
  const meter = await NodeLoadMeter.start({
    scope: config.sluice.load_scope,
    ledger: config.sluice.ledger,
    limit: { num_tracks: 0, bytes_per_sec: 0 },
    workers: 1,
    log,
  });
  closers.add(() => meter.close());
  const seat = new Seat({
    registry,
    identity: nodeIdentity(nodeId, config),
    configVersion: version,
    load: () => ({
      ...meter.load,
      refusedCpus: desk.refused.cpus,
      unplacedRooms: unplaced.count,
      agents: agents.load(),
    }),
    onDuplicate: endDuplicate(log, closers),
    // Its machine starts it again.
    onRestart: () => void stop(),
    log,
  });
  closers.add(() => seat.close());
  watchSeat(metrics.registry, seat);
  watchEntry(metrics.registry, entry);
  await watch.start();
  await startTurnEntry({ config, watch, metrics: metrics.registry, closers, log });
  await seat.take();

  closers.add(() => health.close());
  const bindAddresses = withoutMissingLoopback(config.bind_addresses, networkInterfaces());
  const ingress = await masterIngress({
    ...{ config, store: ingresses, dispatcher: desk.dispatcher, control },
    ...{ routes, link, watch, log, closers },
    official: official?.ingress,
  });
  const server = new HttpServer({
    bindAddresses,
    port: config.port,
    maxBodyBytes: config.limit.max_api_request_body_size,
    health: () => health.report(),
    validate: (request) => entry.validate(request),
    upgrade: (request, socket, head) => entry.upgrade(request, socket, head),
    upgradeAgent: agents.endpoint.upgrade,
    routes: [
      twirpRoutes({
        services: [
          roomService({ rooms: control, limits: sizeLimits(config), egress: egress.starter }),
          egress.service,
          ingress.service,
          agents.service,
          ...unimplementedServices(),
        ],
        tokens,
        log,
        observe: (report) => metrics.twirpRequest(report),
      }),
      adminRoutes({ admin, tokens, log }),
      jobAdminRoutes({ ...desk, config, tokens, log }),
      agents.routes,
      keysAndConfigRoutes({
        config,
        load: node.load,
        nodeId,
        registry,
        sharedKeys: parts.sharedKeys,
        keys,
        lasting: true,
        tokens,
        log,
      }),
      ...joinRoutes({ config, nodeId, registry, sentinels: parts.sentinels, tokens, log }),
      ...ingress.routes,
      ...(node.console ? [consoleRoutes(config)] : []),
    ],
    log,
  });
  http = server;
  closers.add(() => server.close());
  await startMetricsServer({ config, registry: metrics.registry, bindAddresses, log, closers });
  const care = SentinelCare.start({ config, nodeId, registry, log });
  closers.add(() => care?.close());
  const { reaper } = desk;
  controller = await startController({ config, nodeId, parts, reaper, log, closers });
  watchController(metrics.registry, controller);
  await server.listen();
  await seat.serve();
  closers.add(() => entry.close());
  log.info({ port: server.port }, 'serving');

  return { port: server.port, stop };
}
