import { AccessToken, type VideoGrant } from 'livekit-server-sdk';

export interface JoinTokenOptions {
  readonly apiKey: string;
  readonly secret: string;
  readonly room: string;
  readonly identity: string;
  /** Shown to others. @default - the identity */
  readonly name?: string | undefined;
  readonly metadata?: string | undefined;
  readonly attributes?: Readonly<Record<string, string>> | undefined;
  /** Seconds. */
  readonly lifeSeconds: number;
  /** What else it grants, or does not. */
  readonly video?: VideoGrant | undefined;
}

/** Makes a token that joins a Room. */
export async function joinToken(options: JoinTokenOptions): Promise<string> {
  const { apiKey, secret, room, identity, name, metadata, attributes, lifeSeconds } = options;
  const token = new AccessToken(apiKey, secret, {
    identity,
    ttl: lifeSeconds,
    ...(name !== undefined && { name }),
    ...(metadata !== undefined && { metadata }),
    ...(attributes !== undefined && { attributes: { ...attributes } }),
  });
  token.addGrant({ roomJoin: true, room, ...options.video });
  return token.toJwt();
}

/** Of a participant that is hidden and only receives. */
export const RECORDER_GRANTS: VideoGrant = {
  hidden: true,
  recorder: true,
  canPublish: false,
  canPublishData: false,
};
