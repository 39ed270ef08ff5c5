import { AccessToken, type AccessTokenOptions, type VideoGrant } from 'livekit-server-sdk';

/** What signs a token: a `TestServer` fits. */
export interface Signer {
  readonly apiKey: string;
  readonly apiSecret: string;
}

export interface TokenOptions extends AccessTokenOptions {
  /** Over the default, which is to join `room` and nothing said of the rest. */
  readonly grant?: VideoGrant;
  /** Rooms to create with these settings. */
  readonly roomConfig?: AccessToken['roomConfig'];
}

/** A token that lets `identity` join `room`. */
export function joinToken(
  signer: Signer,
  room: string,
  identity: string,
  options: TokenOptions = {},
): Promise<string> {
  const { grant, roomConfig, ...rest } = options;
  const token = new AccessToken(signer.apiKey, signer.apiSecret, { identity, ...rest });
  token.addGrant({ roomJoin: true, room, ...grant });
  if (roomConfig) token.roomConfig = roomConfig;
  return token.toJwt();
}
