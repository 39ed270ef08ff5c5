import type { Grants } from '../room/grants';
import type { JoinQuery } from './join-query';

/** Why a client may not join, as the HTTP status and text that LiveKit gives. */
export class JoinError extends Error {
  override readonly name = 'JoinError';

  constructor(
    readonly status: number,
    message: string,
    readonly retryAfterSeconds?: number,
  ) {
    super(message);
  }
}

export interface JoinLengths {
  /** Bytes; 0 sets no limit. */
  readonly identity: number;
  readonly roomName: number;
}

/** A client that may join, and as whom. */
export interface AllowedJoin {
  readonly room: string;
  readonly grants: Grants;
}

const denied = (): JoinError => new JoinError(401, 'permissions denied');
const noAccess = (): JoinError => new JoinError(401, 'no permissions to access the room');

/**
 * What a token lets its bearer join, by what the query asks.
 *
 * Source: livekit-server, ValidateConnectRequest, for the order of checks and their statuses.
 *
 * @throws JoinError
 */
export function allowedJoin(
  grants: Grants | undefined,
  query: JoinQuery,
  lengths: JoinLengths,
): AllowedJoin {
  if (grants === undefined || !grants.hasVideoClaim) {
    throw noAccess();
  }
  if (!grants.video.roomJoin) {
    throw denied();
  }
  if (grants.identity === '') {
    throw new JoinError(400, 'identity cannot be empty');
  }
  if (lengths.identity > 0 && Buffer.byteLength(grants.identity) > lengths.identity) {
    throw new JoinError(
      400,
      `participant identity length exceeds limits: max length ${lengths.identity}`,
    );
  }
  const room = grants.video.room || query.room;
  if (room === '') {
    throw new JoinError(400, 'no room name');
  }
  if (lengths.roomName > 0 && Buffer.byteLength(room) > lengths.roomName) {
    throw new JoinError(400, `room name length exceeds limits: max length ${lengths.roomName}`);
  }
  return { room, grants: adjusted(grants, query) };
}

function adjusted(grants: Grants, query: JoinQuery): Grants {
  const hasAttributes = Object.keys(query.attributes).length > 0;
  if (hasAttributes && grants.video.canUpdateOwnMetadata !== true) {
    throw noAccess();
  }
  const withAttributes = hasAttributes
    ? { ...grants, attributes: { ...grants.attributes, ...query.attributes } }
    : grants;
  if (query.publish === '') {
    return withAttributes;
  }
  if (grants.video.canPublish === false) {
    throw noAccess();
  }
  return {
    ...withAttributes,
    identity: `${grants.identity}#${query.publish}`,
    video: { ...grants.video, canSubscribe: false },
  };
}
