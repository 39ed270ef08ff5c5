import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import { answerJson, bodyOf, type LinkPath, urlOf } from '../api/cluster/link-requests';
import type { LinkClient } from '../cluster/link/link';
import type { NodeWatch } from '../cluster/node-watch';
import type { Registry } from '../cluster/registry';
import { openRemoteRoom } from '../jobs/egress/tracks/remote-room';
import type { WorkerPool } from '../media/worker-pool';
import type { LocalRooms } from '../room/local-rooms';
import { pipeEndSchema } from '../room/tap-messages';
import { TapSessions, type TapSessionsOptions, TooManySessionsError } from '../room/tap-sessions';
import type { TappedRoom } from '../room/tapped-room';
import type { Closers } from './closers';

const MAX_BODY_BYTES = 16 * 1024;

/** Finds a Room that is to be recorded, wherever it is. undefined: there is none now. */
export type OpenRoom = (room: string) => Promise<TappedRoom | undefined>;

export interface RoomOpenerOptions {
  readonly nodeId: string;
  readonly rooms: Pick<LocalRooms, 'get'>;
  readonly pool: WorkerPool;
  /** Of a cluster; a Single Node has all Rooms itself. */
  readonly cluster?:
    | {
        readonly registry: Pick<Registry, 'room'>;
        readonly watch: Pick<NodeWatch, 'node'>;
        readonly link: LinkClient;
        /** Where other nodes of the cluster reach this one. */
        readonly ip: string;
      }
    | undefined;
  readonly log: Logger;
}

/** How jobs of this node get at Rooms, its own and those of other nodes. */
export function roomOpener(options: RoomOpenerOptions): OpenRoom {
  const { nodeId, rooms, pool, cluster, log } = options;
  return async (name) => {
    const room = rooms.get(name);
    if (room !== undefined || cluster === undefined) {
      return room?.taps.open();
    }
    const placement = await cluster.registry.room(name);
    const address = placement && cluster.watch.node(placement.nodeId)?.record.link;
    if (placement === undefined || placement.nodeId === nodeId || address === undefined) {
      return undefined;
    }
    const { link, ip } = cluster;
    return openRemoteRoom({ room: name, address, link, ip, pool, log });
  };
}

/** Lets other nodes record Rooms of this one. */
export function recordedRooms({
  closers,
  ...options
}: TapSessionsOptions & { readonly closers: Closers }): LinkPath {
  const sessions = new TapSessions(options);
  closers.add(() => sessions.close());
  return tapPaths(sessions);
}

/**
 * What a Media Node answers to those who record its Rooms:
 * `POST /taps/<room>` opens a session, `GET /taps/<room>/<session>` tells what is new,
 * `POST /taps/<room>/<session>/<track sid>` takes a track, `DELETE …/<id>` lets go of it,
 * `DELETE /taps/<room>/<session>` ends it.
 */
export function tapPaths(sessions: TapSessions): LinkPath {
  return {
    prefix: '/taps/',
    handle: async (request, response) => {
      const { pathname, searchParams } = urlOf(request);
      const parts = pathname.slice('/taps/'.length).split('/').map(decodeURIComponent);
      const [room = '', session, track] = parts;
      if (session === undefined) {
        await open(sessions, room, request, response);
      } else if (track !== undefined && request.method === 'POST') {
        answer(response, await sessions.take(session, track));
      } else if (request.method === 'GET') {
        answer(response, sessions.news(session, Number(searchParams.get('after'))));
      } else if (request.method === 'DELETE') {
        if (track === undefined) sessions.end(session);
        else sessions.release(session, track);
        answerJson(response, 200, {});
      } else {
        answerJson(response, 405, { code: 'method', message: 'GET, POST or DELETE' });
      }
    },
  };
}

async function open(
  sessions: TapSessions,
  room: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const far = pipeEndSchema.safeParse(readJson(await bodyOf(request, MAX_BODY_BYTES)));
  if (!far.success) {
    answerJson(response, 400, { code: 'invalid', message: far.error.message });
    return;
  }
  try {
    answer(response, await sessions.open(room, far.data));
  } catch (error) {
    if (!(error instanceof TooManySessionsError)) {
      throw error;
    }
    answerJson(response, 503, { code: 'unavailable', message: error.message });
  }
}

function answer(response: ServerResponse, value: unknown): void {
  if (value === undefined) {
    answerJson(response, 404, { code: 'not_found', message: 'it is not here, or is over' });
  } else {
    answerJson(response, 200, value);
  }
}

function readJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
}
