import { ICEServer } from '@livekit/protocol';
import type { Logger } from 'pino';
import { z } from 'zod';
import { type LinkAnswer, type LinkClient, LinkError } from '../../../cluster/link/link';
import { NoRouteError, type RoomRoutes, type RouteTarget } from '../../../cluster/room-routes';
import {
  nodeOfResource,
  type WhipAnswer,
  WhipError,
  type WhipHost,
  type WhipOffer,
  type WhipPatch,
  type WhipRestart,
} from './whip-host';

/** Where Media Nodes take what Master Nodes pass on of WHIP, on the node link. */
export const WHIP_LINK_PREFIX = '/ingress/whip/';
/** As in `api/cluster/link-requests`: the Room is not this node's. */
const ELSEWHERE = 421;

/** So often another node is tried: the first may be dead, then the Room moves. */
const ATTEMPTS = 3;
/** Of one node, in ms: longer than it gives itself. */
const TIMEOUT_MS = 6000;

export const whipOfferSchema = z.object({
  ingressId: z.string().min(1).max(64),
  room: z.string(),
  offer: z.string(),
  userAgent: z.string(),
});
export const whipPatchSchema = z.object({
  fragment: z.string(),
  ifMatch: z.string().optional(),
});
const iceServerSchema = z
  .object({ urls: z.array(z.string()), username: z.string(), credential: z.string() })
  .transform((value) => new ICEServer(value));
const answerSchema = z.object({
  resourceId: z.string(),
  answer: z.string(),
  etag: z.string(),
  iceServers: z.array(iceServerSchema),
});
const restartSchema = z.object({ fragment: z.string(), etag: z.string() });
const errorSchema = z.object({ message: z.string(), retryAfterSeconds: z.number().optional() });

export interface RoutedWhipOptions {
  readonly routes: RoomRoutes;
  readonly link: LinkClient;
  readonly log: Pick<Logger, 'info'>;
}

/** On a Master Node: passes each sender's requests on to the node that its Room is on. */
export class RoutedWhip implements WhipHost {
  readonly #options: RoutedWhipOptions;

  constructor(options: RoutedWhipOptions) {
    this.#options = options;
  }

  async publish(offer: WhipOffer): Promise<WhipAnswer> {
    const { routes, log } = this.#options;
    for (let attempt = 1; ; attempt += 1) {
      const target = await routes.findOrPlace(offer.room).catch(unplaced);
      try {
        const answer = await this.#post(target, 'publish', offer);
        if (answer.status !== ELSEWHERE) {
          return answerSchema.parse(bodyOf(answer));
        }
        await routes.failed(offer.room, target, 'elsewhere');
      } catch (error) {
        if (!(error instanceof LinkError)) throw error;
        log.info({ err: error, node: target.nodeId }, 'a node did not take a WHIP sender');
        await routes.failed(offer.room, target, error);
      }
      if (attempt === ATTEMPTS) {
        throw new WhipError(503, 'the Media Node of the Room could not be reached, try again', 2);
      }
    }
  }

  async patch(resourceId: string, patch: WhipPatch): Promise<WhipRestart | undefined> {
    const answer = await this.#toItsNode(resourceId, 'patch', patch);
    return answer.status === 204 ? undefined : restartSchema.parse(bodyOf(answer));
  }

  async end(resourceId: string): Promise<void> {
    bodyOf(await this.#toItsNode(resourceId, 'end', {}));
  }

  async #toItsNode(resourceId: string, call: string, body: object): Promise<LinkAnswer> {
    const nodeId = nodeOfResource(resourceId);
    const target = this.#options.routes.all().find((one) => one.nodeId === nodeId);
    if (target === undefined) {
      throw new WhipError(404, 'there is no such session any more');
    }
    try {
      return await this.#post(target, `${call}/${resourceId}`, body);
    } catch (error) {
      if (!(error instanceof LinkError)) throw error;
      throw new WhipError(503, 'the Media Node of the session could not be reached, try again', 2);
    }
  }

  #post({ link }: RouteTarget, path: string, body: object): Promise<LinkAnswer> {
    return this.#options.link.request(link, {
      method: 'POST',
      path: `${WHIP_LINK_PREFIX}${path}`,
      headers: { 'content-type': 'application/json' },
      body: Buffer.from(JSON.stringify(body)),
      timeoutMs: TIMEOUT_MS,
    });
  }
}

/** @throws WhipError as the node answered. */
function bodyOf({ status, body }: LinkAnswer): unknown {
  const value = status === 204 ? {} : jsonOf(body);
  if (status < 300) {
    return value;
  }
  const refused = errorSchema.safeParse(value);
  throw refused.success
    ? new WhipError(status, refused.data.message, refused.data.retryAfterSeconds)
    : new WhipError(502, 'the Media Node of the Room answered oddly');
}

function jsonOf(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString());
  } catch {
    return undefined;
  }
}

function unplaced(error: unknown): never {
  throw error instanceof NoRouteError
    ? new WhipError(503, error.message, error.retryAfterSeconds)
    : error;
}
