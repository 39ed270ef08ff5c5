import { networkInterfaces } from 'node:os';
import { CreateRoomRequest, type IngressInfo, type UpdateIngressRequest } from '@livekit/protocol';
import type { FastifyPluginAsync } from 'fastify';
import type { Logger } from 'pino';
import type { LinkPath } from '../api/cluster/link-requests';
import { rtmpLinkUpgrade } from '../api/jobs/ingress-rtmp-link';
import { ingressService } from '../api/jobs/ingress-service';
import { whipLinkPath } from '../api/jobs/ingress-whip-link';
import { whipRoutes } from '../api/jobs/ingress-whip-routes';
import { listenErrorOf } from '../api/listen-error';
import type { TwirpService } from '../api/twirp';
import type { LinkClient, LinkHandlers } from '../cluster/link/link';
import type { NodeWatch } from '../cluster/node-watch';
import type { SharedRedis } from '../cluster/redis/shared-redis';
import type { RoomRoutes } from '../cluster/room-routes';
import type { SluiceConfig } from '../contract';
import { IngressControl } from '../jobs/ingress/ingress-control';
import type { IngressObserver } from '../jobs/ingress/ingress-run';
import { IngressRuns } from '../jobs/ingress/ingress-runs';
import type { IngressStore } from '../jobs/ingress/ingress-store';
import { MemoryIngressStore } from '../jobs/ingress/memory-ingress-store';
import { RedisIngressStore } from '../jobs/ingress/redis-ingress-store';
import { RoutedRtmp } from '../jobs/ingress/rtmp/routed-rtmp';
import { RtmpIngress, rtmpIngressOf } from '../jobs/ingress/rtmp/rtmp-ingress';
import { RtmpServer, type RtmpServerOptions } from '../jobs/ingress/rtmp/rtmp-server';
import { checkPulledUrl } from '../jobs/ingress/url/public-address';
import { UrlRules, type UrlRulesOptions, UrlRunner, urlJob } from '../jobs/ingress/url/url-runner';
import { RoutedWhip } from '../jobs/ingress/whip/routed-whip';
import type { WhipHost } from '../jobs/ingress/whip/whip-host';
import { WhipSessions } from '../jobs/ingress/whip/whip-sessions';
import type { JobDispatcher } from '../jobs/job-dispatcher';
import type { OfficialIngresses } from '../jobs/livekit/official-ingress';
import type { LocalRooms } from '../room/local-rooms';
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

/** What takes media on a node that has Rooms. */
export interface IngressHost {
  readonly store: IngressStore;
  readonly whip: WhipSessions;
  readonly rtmp: RtmpIngress;
  /** Runs the jobs that pull URLs. */
  readonly urls: UrlRunner;
}

/** What starts jobs, and the node that they are started from. */
interface OfEntry {
  readonly config: SluiceConfig;
  /** With `ingress.service: livekit`. @default - nodes take RTMP, and pull URLs */
  readonly official?: OfficialIngresses | undefined;
  readonly store: IngressStore;
  readonly dispatcher: JobDispatcher;
  readonly control: RoomControl;
  readonly log: Logger;
  readonly closers: Closers;
}

export const memoryIngresses = (): IngressStore => new MemoryIngressStore();
export const sharedIngresses = (shared: SharedRedis): IngressStore => new RedisIngressStore(shared);

/** What every node knows of the jobs that pull URLs. */
export const urlRules = (
  { ingress }: SluiceConfig,
  store: IngressStore,
  observer: IngressObserver,
  log: Logger,
): UrlRules => new UrlRules(urlOptions(ingress, store, observer, log));

const urlOptions = (
  { cpu_cost: costs }: SluiceConfig['ingress'],
  store: IngressStore,
  observer: IngressObserver,
  log: Logger,
): UrlRulesOptions => ({
  ...{ store, observer, log },
  cpus: costs.url_cpu_cost,
  idleRatio: costs.min_idle_ratio,
});

/** Takes senders, and pulls URLs, on a node that has Rooms. */
export function hostIngress(
  { config, nodeId, plane, log, closers }: OfNode,
  store: IngressStore,
): IngressHost {
  const { rooms, ledger, webhooks: observer } = plane;
  const { cpu_cost: costs, allow_private_urls: allowsPrivate } = config.ingress;
  const idleRatio = costs.min_idle_ratio;
  const runs = new IngressRuns({ store, ledger, idleRatio, observer, log });
  closers.add(() => store.close());
  closers.add(() => runs.close());
  const common = { nodeId, store, runs, rooms, log };
  const whip = new WhipSessions({
    ...common,
    cpus: costs.whip_bypass_transcoding_cpu_cost,
    autoCreate: config.room.auto_create,
  });
  const rtmp = new RtmpIngress({ ...common, cpus: costs.rtmp_cpu_cost });
  const urls = new UrlRunner({
    ...urlOptions(config.ingress, store, observer, log),
    ...{ nodeId, runs, rooms, allowsPrivate },
  });
  return { store, whip, rtmp, urls };
}

/** Ingresses of a Single Node: all of them are here. @throws ListenError */
export async function singleIngress(
  options: Omit<OfEntry, 'store'> & { readonly host: IngressHost },
): Promise<IngressEntry> {
  const { store, whip, rtmp } = options.host;
  await listenForRtmp(options, store, rtmp);
  return entryOf({ ...options, store }, whip);
}

/** What a Media Node takes of Ingresses on its node link. */
export function mediaIngress(
  { store, whip, rtmp }: IngressHost,
  rooms: LocalRooms,
  log: Logger,
): {
  readonly path: LinkPath;
  /** Of streams; what is none goes on to `otherwise`. */
  readonly upgrade: (otherwise: LinkHandlers['upgrade']) => LinkHandlers['upgrade'];
} {
  return {
    path: whipLinkPath(whip),
    upgrade: (otherwise) => rtmpLinkUpgrade({ store, rtmp, rooms, otherwise, log }),
  };
}

/**
 * Ingresses of a cluster, on a Master Node: senders are passed on to the nodes of their Rooms.
 *
 * @throws ListenError
 */
export async function masterIngress(
  options: OfEntry & {
    readonly routes: RoomRoutes;
    readonly link: LinkClient;
    readonly watch: NodeWatch;
  },
): Promise<IngressEntry> {
  const { store, routes, link, watch, log } = options;
  await listenForRtmp(options, store, new RoutedRtmp({ routes, link, log }));
  const isGone = (nodeId: string): boolean =>
    (watch.registryAgeMs ?? 0) > YOUNG_MS && watch.node(nodeId) === undefined;
  return entryOf(options, new RoutedWhip({ routes, link, log }), isGone);
}

/** A registry that is younger may not know all nodes that live, ms. */
const YOUNG_MS = 10_000;

/** Takes encoders, where the configuration says so. @throws ListenError */
async function listenForRtmp(
  { config, log, closers }: Pick<OfEntry, 'config' | 'log' | 'closers'>,
  store: IngressStore,
  rtmp: Pick<RtmpIngress, 'take'>,
): Promise<void> {
  const { rtmp_port: port } = config.ingress;
  if (port === 0) return;
  const asked = config.ingress.bind_addresses;
  const addressKey = asked.length > 0 ? 'ingress.bind_addresses' : 'bind_addresses';
  const addresses = withoutMissingLoopback(
    asked.length > 0 ? asked : config.bind_addresses,
    networkInterfaces(),
  );
  const publish: RtmpServerOptions['publish'] = async (key, session) => {
    const info = await rtmpIngressOf(store, key);
    return info && rtmp.take(info, () => session.close());
  };
  const server = await RtmpServer.listen({ addresses, port, publish, log }).catch(
    (error: unknown) => {
      const keys = { portKey: 'ingress.rtmp_port', addressKey };
      throw listenErrorOf(error, { address: addresses.join(', '), port, ...keys });
    },
  );
  closers.add(() => server.close());
}

function entryOf(
  { config, official, store, dispatcher, control, log }: OfEntry,
  whip: WhipHost,
  isGone?: (nodeId: string) => boolean,
): IngressEntry {
  const { rtmp_base_url: rtmpBaseUrl, whip_base_url: whipBaseUrl } = config.ingress;
  const { allow_private_urls: allowsPrivate } = config.ingress;
  const ingresses = new IngressControl({
    ...{ store, rooms: control, rtmpBaseUrl, whipBaseUrl, isGone, log },
    ...(official !== undefined && {
      updateRun: (request: UpdateIngressRequest) => official.update(request),
      stopPull: (info: IngressInfo) => official.stop(info),
    }),
    checkUrl: (url) => checkPulledUrl(url, allowsPrivate),
    startPull: async (info) => {
      // The job goes to the node of the Room, so that has to be somewhere.
      await control.createRoom(new CreateRoomRequest({ name: info.roomName }));
      if (official === undefined) await dispatcher.start(urlJob(info));
      else await official.pull(info);
      return (await store.get(info.ingressId))?.info ?? info;
    },
  });
  return {
    service: ingressService(ingresses),
    routes: [whipRoutes({ store, host: whip, baseUrl: whipBaseUrl, log })],
  };
}
