import { networkInterfaces } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { controlRequests } from '../api/cluster/control-service';
import { linkRequests } from '../api/cluster/link-requests';
import { HttpServer } from '../api/http-server';
import { listenErrorOf } from '../api/listen-error';
import { answerOnSocket } from '../api/raw-answer';
import { TokenVerifier } from '../api/tokens';
import { HostedRooms } from '../cluster/hosted-rooms';
import { LinkServer } from '../cluster/link/link-server';
import { StrayRooms } from '../cluster/stray-rooms';
import { LinkDoor, linkGate } from '../signaling/link-door';
import { watchSeat } from '../telemetry/cluster-metrics';
import { knownKinds, roomDispatcher } from './agents';
import { ownAgents } from './agents-own';
import { announcedConfig } from './announced-config';
import { joinCluster, placementBy } from './cluster-parts';
import { drainableRooms } from './drainable-rooms';
import { hostJobs, roomElsewhere } from './jobs-core';
import { roomEgress, specSealer } from './jobs-egress';
import { hostIngress, mediaIngress, sharedIngresses } from './jobs-ingress';
import { recordedRooms, roomOpener } from './jobs-taps';
import { withoutMissingLoopback } from './listen-addresses';
import { liveKitUnits } from './livekit-units';
import { mediaHealth } from './media-health';
import { startMediaPlane } from './media-plane';
import { startMetricsServer } from './metrics-endpoint';
import { nodeLinkAddress } from './node-link-address';
import { endDuplicate, nodeIdentity } from './node-seat';
import { RecorderDoor } from './recorder-door';
import { RegistryOwnership } from './registry-ownership';
import { RelayPeers } from './relay-peers';
import { RelayUse } from './relay-use';
import { sendAwayFromRelays } from './relay-watch';
import { RoomMover } from './room-mover';
import { roomPaths } from './room-paths';
import type { NodeOptions, RunningNode } from './running-node';
import { Seat } from './seat';
import { lengthLimits, roomSignaling } from './signaling-parts';
import { type NodeStart, startNode } from './start-node';
import { turnTlsAddress } from './start-turn';
import { stopByDrain } from './stop-by-drain';
import { PROGRAM_VERSION } from './version';
import { watchOsLimits } from './watch-os-limits';

/**
 * Starts a Media Node: it hosts Rooms, and is reached by clients' media and over the node link.
 *
 * @throws ListenError, MediaListenError, CoturnError with a sentence that says what to do.
 */
export const startMediaNode = (options: NodeOptions): Promise<RunningNode> =>
  startNode(options, start);

async function start(node: NodeStart): Promise<Pick<RunningNode, 'port' | 'stop'>> {
  const { nodeId, log, closers } = node;
  const parts = await joinCluster(node.config, log, closers);
  const { registry, watch, keys, link } = parts;
  const { config, version } = await announcedConfig({ ...node, registry, keys });
  const { sluice } = config;
  const choose = placementBy(config);
  const hosted = new HostedRooms({ registry, nodeId, log });
  const ownership = new RegistryOwnership({ hosted, outlivesNode: true, log });
  const kinds = knownKinds({ registry, log, closers });
  const sealer = specSealer(config);
  const observers = [
    roomDispatcher({
      ...{ config, registry, jobs: parts.jobs, kinds, log, closers },
      rooms: () => plane.rooms,
    }),
    roomEgress({ config, store: parts.jobs, sealer, rooms: () => plane.rooms, log, closers }),
  ];
  const plane = await startMediaPlane({
    ...{ config, nodeId, keys, ownership, observers, log, closers },
    sealEgress: (room, wanted) => sealer.sealRoom(room, wanted),
  });
  const { rooms, metrics, pool, turn } = plane;

  const descriptors = watchOsLimits(metrics, sluice.workers, log);
  const tokens = new TokenVerifier({ keys });
  const recorders = new RecorderDoor({ config, parts, tokens, metrics, descriptors, log });
  closers.add(() => recorders.close());
  const gate = linkGate({
    tokens,
    lengths: lengthLimits(config.limit),
    pendingHandshakes: sluice.pending_handshakes,
    observe: (reason) => metrics.operation('join_limit', reason),
    isOutOfDescriptors: () => descriptors.isFull(),
  });
  const signal = roomSignaling({ config, plane, gate, keys, log });
  closers.add(() => signal.close());

  const { webhooks } = plane;
  const address = nodeLinkAddress(sluice.node_link.address, networkInterfaces());
  const ingresses = sharedIngresses(parts.shared);
  const ingressHost = hostIngress({ config, nodeId, plane, log, closers }, ingresses);
  const hostedJobs = hostJobs({
    ...{ config, nodeId, plane, webhooks, ingresses, store: parts.jobs, log, closers },
    ingress: ingressHost,
    state: () => seat.state,
    canMove: roomElsewhere(parts, config, nodeId),
    egress: {
      ...{ sealer, keys, wsUrl: () => recorders.url() },
      openRoom: roomOpener({
        ...{ nodeId, rooms, pool, log },
        cluster: { registry, watch, link, ip: address },
      }),
    },
  });
  const own = ownAgents({
    ...{ config, plane, log, closers },
    state: () => seat.state,
  });
  const services = liveKitUnits({ config, state: () => seat.state, log, closers });
  const ingress = mediaIngress(ingressHost, rooms, log);
  const door = new LinkDoor({ endpoint: signal.endpoint, log });
  const server = await LinkServer.listen({
    secret: sluice.cluster.secret,
    previousSecret: sluice.cluster.previous_secret,
    clusterName: sluice.cluster.name,
    address,
    port: sluice.node_link.port,
    nodeId,
    version: PROGRAM_VERSION,
    handlers: {
      request: linkRequests(
        [
          controlRequests({ control: plane.control, log }),
          ...roomPaths({ rooms, hosted }),
          recordedRooms({ rooms, ip: address, log, closers }),
          ingress.path,
          hostedJobs.path,
          door.path,
        ],
        log,
      ),
      upgrade: ingress.upgrade(door.upgrade),
    },
    log,
  }).catch((error: unknown) => {
    const { port } = sluice.node_link;
    const keys = { portKey: 'sluice.node_link.port', addressKey: 'sluice.node_link.address' };
    throw listenErrorOf(error, { address, port, ...keys });
  });
  closers.add(() => server.close());

  const relayedBy = sendAwayFromRelays({ watch, rooms, nodeId, log });
  const relays = new RelayUse({ watch, nodeId, allocations: () => turn.allocations() });
  const peers = new RelayPeers({ watch, turn, nodeId, mediaAddresses: plane.addresses });
  const mover = new RoomMover({
    ...{ nodeId, rooms, hosted, registry, watch, link, choose, log },
    beforeMove: (room) => ingressHost.rtmp.atKeyFrames(room),
  });
  const seat = new Seat({
    registry,
    identity: {
      ...nodeIdentity(nodeId, config),
      link: { host: address, port: server.port },
      mediaAddresses: plane.addresses,
      relay: turn.relay,
      get turnTls() {
        return peers.isReady ? turnTlsAddress(config, address) : undefined;
      },
    },
    configVersion: version,
    load: () => ({ ...hostedJobs.load(), relayedBy: relayedBy() }),
    hosted,
    drainable: {
      ...drainableRooms({ rooms, mover, hosted, relays: () => relays.left }),
      jobs: services.drainable(own.drainable(hostedJobs.drainable)),
    },
    onSuperseded: (placement) => {
      const { room, nodeId: owner } = placement;
      if (mover.isMoving(room) || mover.finish(placement)) {
        return;
      }
      if (hosted.loses(placement)) {
        log.warn(
          { room, owner },
          'another node hosts this Room by now: its clients are sent there',
        );
        rooms.stepBack(room);
      }
    },
    onDuplicate: endDuplicate(log, closers),
    // Its machine starts it again.
    onRestart: () => void closers.close(),
    log,
  });
  closers.add(() => seat.close());
  watchSeat(metrics.registry, seat);
  const strays = new StrayRooms({
    nodeId,
    registry,
    hosted,
    exists: (room) => rooms.has(room),
    log,
  });
  closers.add(() => strays.close());
  await watch.start();
  await seat.take();

  const health = mediaHealth(plane, seat);
  closers.add(() => health.close());
  const bindAddresses = withoutMissingLoopback(config.bind_addresses, networkInterfaces());
  const http = new HttpServer({
    bindAddresses,
    port: config.port,
    health: () => health.report(),
    // Clients come through the Master Nodes.
    validate: async () => ({ status: 404, text: '404 page not found\n' }),
    upgrade: (_request, socket) => answerOnSocket(socket, 404, '404 page not found\n'),
    log,
  });
  closers.add(() => http.close());
  await startMetricsServer({ config, registry: metrics.registry, bindAddresses, log, closers });
  await http.listen();
  await sleep(peers.knownInMs);
  await seat.serve();
  health.check();
  own.start();
  services.start();
  closers.add(() => rooms.close());
  // Before the Rooms that they record.
  closers.add(() => hostedJobs.host.close());
  log.info(
    { link: `${address}:${server.port}`, port: http.port, workers: pool.workers.length },
    'serving',
  );
  const { close } = closers;
  return {
    port: http.port,
    stop: stopByDrain({ registry, seat, drain: sluice.drain, close, log }),
  };
}
