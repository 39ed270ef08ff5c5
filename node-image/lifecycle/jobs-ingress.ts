import { networkInterfaces } from 'node:os';
import type { FastifyPluginAsync } from 'fastify';
import type { Logger } from 'pino';
import type { LinkPath } from '../api/cluster/link-requests';
import { ingressService } from '../api/jobs/ingress-service';
import { whipLinkPath } from '../api/jobs/ingress-whip-link';
import { whipRoutes } from '../api/jobs/ingress-whip-routes';
import { listenErrorOf } from '../api/listen-error';
import type { TwirpService } from '../api/twirp';
import type { LinkClient } from '../cluster/link/link';
import type { SharedRedis } from '../cluster/redis/shared-redis';
import type { RoomRoutes } from '../cluster/room-routes';
import type { SluiceConfig } from '../contract';
import { IngressControl } from '../jobs/ingress/ingress-control';
import { IngressRuns } from '../jobs/ingress/ingress-runs';
import type { IngressStore } from '../jobs/ingress/ingress-store';
import { MemoryIngressStore } from '../jobs/ingress/memory-ingress-store';
import { RedisIngressStore } from '../jobs/ingress/redis-ingress-store';
import { RtmpIngress, rtmpIngressOf } from '../jobs/ingress/rtmp/rtmp-ingress';
import { RtmpServer, type RtmpServerOptions } from '../jobs/ingress/rtmp/rtmp-server';
import { RoutedWhip } from '../jobs/ingress/whip/routed-whip';
import type { WhipHost } from '../jobs/ingress/whip/whip-host';
import { WhipSessions } from '../jobs/ingress/whip/whip-sessions';
import type { RoomControl } from '../room/room-control';
import type { Closers } from './closers';
import { withoutMissingLoopback } from './listen-addresses';
import type { MediaPlane } from './media-plane';

/** What clients and applications reach of Ingresses. */
export interface IngressEntry {
  readonly service: TwirpService;
  readonly routes: readonly FastifyPluginAsync[];
}

interface OfNode {
  readonly config: SluiceConfig;
  readonly nodeId: string;
  readonly plane: MediaPlane;
  readonly log: Logger;
  readonly closers: Closers;
}

/** Ingresses of a Single Node: all of them, in memory. @throws ListenError */
export async function singleIngress(node: OfNode): Promise<IngressEntry> {
  const store = new MemoryIngressStore();
  node.closers.add(() => store.close());
  const { whip, rtmp } = hostIngress(node, store);
  const { config, plane, log, closers } = node;
  await listenForRtmp({
    ...{ config, log, closers },
    publish: async (key, session) => {
      const info = await rtmpIngressOf(store, key);
      return info && rtmp.take(info, () => session.close());
    },
  });
  return entryOf({ config, store, whip, control: plane.control, log });
}

/** What a Media Node takes of Ingresses on its node link. */
export function mediaIngress(node: OfNode & { readonly shared: SharedRedis }): LinkPath[] {
  const { whip } = hostIngress(node, new RedisIngressStore(node.shared));
  return [whipLinkPath(whip)];
}

/** Ingresses of a cluster, on a Master Node: senders are passed on to the nodes of their Rooms. */
export function masterIngress(options: {
  readonly config: SluiceConfig;
  readonly shared: SharedRedis;
  readonly routes: RoomRoutes;
  readonly link: LinkClient;
  readonly control: RoomControl;
  readonly log: Logger;
}): IngressEntry {
  const { config, shared, routes, link, control, log } = options;
  const store = new RedisIngressStore(shared);
  const whip = new RoutedWhip({ routes, link, log });
  return entryOf({ config, store, whip, control, log });
}

/** Takes senders on a node that has Rooms. */
function hostIngress({ config, nodeId, plane, log, closers }: OfNode, store: IngressStore) {
  const { rooms, ledger, webhooks } = plane;
  const { cpu_cost: costs } = config.ingress;
  const runs = new IngressRuns({
    store,
    ledger,
    idleRatio: costs.min_idle_ratio,
    observer: webhooks,
    log,
  });
  closers.add(() => runs.close());
  const whip = new WhipSessions({
    nodeId,
    store,
    runs,
    rooms,
    cpus: costs.whip_bypass_transcoding_cpu_cost,
    autoCreate: config.room.auto_create,
    log,
  });
  const rtmp = new RtmpIngress({ nodeId, runs, rooms, cpus: costs.rtmp_cpu_cost, log });
  return { whip, rtmp };
}

/** Takes encoders, where the configuration says so. @throws ListenError */
async function listenForRtmp(options: {
  readonly config: SluiceConfig;
  readonly publish: RtmpServerOptions['publish'];
  readonly log: Logger;
  readonly closers: Closers;
}): Promise<void> {
  const { config, publish, log, closers } = options;
  const { rtmp_port: port } = config.ingress;
  if (port === 0) return;
  const addresses = withoutMissingLoopback(config.bind_addresses, networkInterfaces());
  const server = await RtmpServer.listen({ addresses, port, publish, log }).catch(
    (error: unknown) => {
      const keys = { portKey: 'ingress.rtmp_port', addressKey: 'bind_addresses' };
      throw listenErrorOf(error, { address: addresses.join(', '), port, ...keys });
    },
  );
  closers.add(() => server.close());
}

function entryOf(options: {
  readonly config: SluiceConfig;
  readonly store: IngressStore;
  readonly whip: WhipHost;
  readonly control: RoomControl;
  readonly log: Logger;
}): IngressEntry {
  const { config, store, whip, control, log } = options;
  const { rtmp_base_url: rtmpBaseUrl, whip_base_url: whipBaseUrl } = config.ingress;
  const ingresses = new IngressControl({ store, rooms: control, rtmpBaseUrl, whipBaseUrl, log });
  return {
    service: ingressService(ingresses),
    routes: [whipRoutes({ store, host: whip, baseUrl: whipBaseUrl, log })],
  };
}
