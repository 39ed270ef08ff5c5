/** What people carry from a Master Node to a new machine. */
export interface JoinTokenText {
  readonly id: string;
  readonly secret: string;
  /** X25519, base64url: of the cluster that the token is of. */
  readonly publicKey: string;
}

const PREFIX = 'sluice-join-1';
const SHAPE = /^sluice-join-1\.([0-9A-Za-z]{12})\.([0-9A-Za-z]{43})\.([\w-]{43})$/;

export const writeJoinToken = ({ id, secret, publicKey }: JoinTokenText): string =>
  [PREFIX, id, secret, publicKey].join('.');

/** @returns undefined where it is none: cut off, or something else. */
export function readJoinToken(text: string): JoinTokenText | undefined {
  const [, id, secret, publicKey] = SHAPE.exec(text.trim()) ?? [];
  if (id === undefined || secret === undefined || publicKey === undefined) return undefined;
  return { id, secret, publicKey };
}
