import { CreateRoomRequest, type IngressInfo, type UpdateIngressRequest } from '@livekit/protocol';
import type { FastifyPluginAsync } from 'fastify';
import type { Logger } from 'pino';
import type { LinkPath } from '../api/cluster/link-requests';
import { rtmpLinkUpgrade } from '../api/jobs/ingress-rtmp-link';
import { ingressService } from '../api/jobs/ingress-service';
import { whipLinkPath } from '../api/jobs/ingress-whip-link';
import { whipRoutes } from '../api/jobs/ingress-whip-routes';
import type { TwirpService } from '../api/twirp';
import type { LinkClient, LinkHandlers } from '../cluster/link/link';
import type { SharedRedis } from '../cluster/redis/shared-redis';
import type { RoomRoutes } from '../cluster/room-routes';
import type { SluiceConfig } from '../contract';
import { IngressControl } from '../jobs/ingress/ingress-control';
import { IngressRules, type IngressRulesOptions, urlJob } from '../jobs/ingress/ingress-jobs';
import type { IngressObserver } from '../jobs/ingress/ingress-run';
import { IngressRunner } from '../jobs/ingress/ingress-runner';
import { IngressRuns } from '../jobs/ingress/ingress-runs';
import type { IngressStore } from '../jobs/ingress/ingress-store';
import { MemoryIngressStore } from '../jobs/ingress/memory-ingress-store';
import { PushRunner } from '../jobs/ingress/push-runner';
import { RedisIngressStore } from '../jobs/ingress/redis-ingress-store';
import { RoutedRtmp } from '../jobs/ingress/rtmp/routed-rtmp';
import { RtmpIngress } from '../jobs/ingress/rtmp/rtmp-ingress';
import { checkPulledUrl } from '../jobs/ingress/url/public-address';
import { UrlRunner } from '../jobs/ingress/url/url-runner';
import { RoutedWhip } from '../jobs/ingress/whip/routed-whip';
import type { WhipHost } from '../jobs/ingress/whip/whip-host';
import { WhipSessions } from '../jobs/ingress/whip/whip-sessions';
import type { JobDispatcher } from '../jobs/job-dispatcher';
import type { OfficialIngresses } from '../jobs/livekit/official-ingress';
import type { LocalRooms } from '../room/local-rooms';
import type { RoomControl } from '../room/room-control';
import type { Closers } from './closers';
import type { MediaPlane } from './media-plane';
import { listenForRtmp } from './rtmp-listeners';

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
  /** Runs all of it as jobs. */
  readonly runner: IngressRunner;
  /** Makes a job of each sender. */
  readonly pushes: PushRunner;
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

/** What every node knows of Ingresses that run. */
export const ingressRules = (
  { ingress }: SluiceConfig,
  store: IngressStore,
  observer: IngressObserver,
  log: Logger,
): IngressRules => new IngressRules(rulesOptions(ingress, store, observer, log));

const rulesOptions = (
  { cpu_cost: costs }: SluiceConfig['ingress'],
  store: IngressStore,
  observer: IngressObserver,
  log: Logger,
): IngressRulesOptions => ({
  ...{ store, observer, log },
  costs: {
    url: costs.url_cpu_cost,
    rtmp: costs.rtmp_cpu_cost,
    whip: costs.whip_bypass_transcoding_cpu_cost,
    'transcoded-whip': costs.whip_cpu_cost,
  },
  idleRatio: costs.min_idle_ratio,
});

/** Takes senders, and pulls URLs, on a node that has Rooms. */
export function hostIngress(
  { config, nodeId, plane, log, closers }: OfNode,
  store: IngressStore,
): IngressHost {
  const { rooms, webhooks: observer } = plane;
  const { allow_private_urls: allowsPrivate } = config.ingress;
  const runs = new IngressRuns({ store, observer, log });
  closers.add(() => store.close());
  closers.add(() => runs.close());
  const pushes = new PushRunner(runs);
  const common = { nodeId, store, pushes, rooms, log };
  const whip = new WhipSessions({ ...common, autoCreate: config.room.auto_create });
  const rtmp = new RtmpIngress(common);
  const urls = new UrlRunner({ nodeId, store, runs, rooms, allowsPrivate, log });
  const rules = rulesOptions(config.ingress, store, observer, log);
  const runner = new IngressRunner({ ...rules, urls, pushes });
  return { store, whip, rtmp, runner, pushes };
}

/** Ingresses of a Single Node: all of them are here. @throws ListenError */
export async function singleIngress(
  options: Omit<OfEntry, 'store'> & { readonly host: IngressHost },
): Promise<IngressEntry> {
  const { store, whip, rtmp } = options.host;
  await listenForRtmp({ ...options, store, rtmp });
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
  },
): Promise<IngressEntry> {
  const { routes, link, log } = options;
  await listenForRtmp({ ...options, rtmp: new RoutedRtmp({ routes, link, log }) });
  return entryOf(options, new RoutedWhip({ routes, link, log }));
}

function entryOf(
  { config, official, store, dispatcher, control, log }: OfEntry,
  whip: WhipHost,
): IngressEntry {
  const { rtmp_base_url: rtmpBaseUrl, whip_base_url: whipBaseUrl } = config.ingress;
  const { allow_private_urls: allowsPrivate } = config.ingress;
  const ingresses = new IngressControl({
    ...{ store, rooms: control, rtmpBaseUrl, whipBaseUrl, log },
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
