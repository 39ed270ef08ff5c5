import type { IngressInfo } from '@livekit/protocol';
import type { Logger } from 'pino';
import { type LinkClient, LinkError } from '../../../cluster/link/link';
import type { RoomRoutes } from '../../../cluster/room-routes';
import { RtmpError } from './chunk-reader';
import type { TagSink } from './rtmp-session';
import { TagSender } from './tag-stream';

/** Where Media Nodes take what encoders send to Master Nodes, on the node link: then the id of an Ingress. */
export const RTMP_LINK_PREFIX = '/ingress/rtmp/';
/** As in `api/cluster/link-requests`: the Room is not this node's. */
const ELSEWHERE = 421;
const ATTEMPTS = 3;
const TIMEOUT_MS = 5000;

export interface RoutedRtmpOptions {
  readonly routes: RoomRoutes;
  readonly link: LinkClient;
  readonly log: Pick<Logger, 'info'>;
}

/** On a Master Node: passes what encoders send on to the nodes that their Rooms are on. */
export class RoutedRtmp {
  readonly #options: RoutedRtmpOptions;

  constructor(options: RoutedRtmpOptions) {
    this.#options = options;
  }

  /**
   * @param hangUp - closes the connection of the sender
   * @throws RtmpError, NoRouteError where no node takes it.
   */
  async take({ ingressId, roomName }: IngressInfo, hangUp: () => void): Promise<TagSink> {
    const { routes, link, log } = this.#options;
    for (let attempt = 1; ; attempt += 1) {
      const target = await routes.findOrPlace(roomName);
      try {
        const answer = await link.upgrade(target.link, {
          path: `${RTMP_LINK_PREFIX}${ingressId}`,
          rawHeaders: ['Host', 'node', 'Connection', 'Upgrade', 'Upgrade', 'websocket'],
          timeoutMs: TIMEOUT_MS,
        });
        if ('socket' in answer) return new TagSender(answer.socket, hangUp);
        if (answer.status !== ELSEWHERE) {
          throw new RtmpError(answer.body.toString().slice(0, 200));
        }
        await routes.failed(roomName, target, 'elsewhere');
      } catch (error) {
        if (!(error instanceof LinkError)) throw error;
        log.info({ err: error, node: target.nodeId }, 'a node did not take an RTMP sender');
        await routes.failed(roomName, target, error);
      }
      if (attempt === ATTEMPTS) {
        throw new RtmpError('the Media Node of the Room could not be reached');
      }
    }
  }
}
