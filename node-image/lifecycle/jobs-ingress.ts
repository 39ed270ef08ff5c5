import type { FastifyPluginAsync } from 'fastify';
import type { Logger } from 'pino';
import type { LinkPath } from '../api/cluster/link-requests';
import { ingressService } from '../api/jobs/ingress-service';
import { whipLinkPath } from '../api/jobs/ingress-whip-link';
import { whipRoutes } from '../api/jobs/ingress-whip-routes';
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
import { RoutedWhip } from '../jobs/ingress/whip/routed-whip';
import type { WhipHost } from '../jobs/ingress/whip/whip-host';
import { WhipSessions } from '../jobs/ingress/whip/whip-sessions';
import type { RoomControl } from '../room/room-control';
import type { Closers } from './closers';
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

/** Ingresses of a Single Node: all of them, in memory. */
export function singleIngress(node: OfNode): IngressEntry {
  const store = new MemoryIngressStore();
  node.closers.add(() => store.close());
  const { whip } = hostIngress(node, store);
  const { config, plane, log } = node;
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
function hostIngress(
  { config, nodeId, plane, log, closers }: OfNode,
  store: IngressStore,
): { whip: WhipSessions } {
  const { rooms, ledger, webhooks } = plane;
  const runs = new IngressRuns({ store, ledger, observer: webhooks, log });
  closers.add(() => runs.close());
  const whip = new WhipSessions({
    nodeId,
    store,
    runs,
    rooms,
    cpus: WHIP_CPUS,
    autoCreate: config.room.auto_create,
    log,
  });
  return { whip };
}

/** Of a sender whose media is passed through. */
const WHIP_CPUS = 0.1;

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
