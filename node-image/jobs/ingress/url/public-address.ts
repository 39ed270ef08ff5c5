import { lookup } from 'node:dns/promises';
import ipaddr from 'ipaddr.js';
import { RoomError } from '../../../room/errors';

/** A host that may not be asked, or is not there. */
export class HostRefusedError extends Error {
  override readonly name = 'HostRefusedError';
}

/** Whether an address is one of the Internet, and not of this machine or a network around it. */
export function isPublicAddress(text: string): boolean {
  if (!ipaddr.isValid(text)) return false;
  // An IPv4 address that is written as IPv6 is what it is.
  return ipaddr.process(text).range() === 'unicast';
}

/**
 * The address to connect to for a host.
 *
 * @param allowsPrivate - private and local addresses too
 * @throws HostRefusedError where one of its addresses is not public, or it has none.
 */
export async function addressOf(host: string, allowsPrivate: boolean): Promise<string> {
  const name = host.replace(/^\[|\]$/g, '');
  const found = await lookup(name, { all: true }).catch((error: unknown) => {
    throw new HostRefusedError(`the host ${name} is not found`, { cause: error });
  });
  const refused = found.find(({ address }) => !isPublicAddress(address));
  if (refused !== undefined && !allowsPrivate) {
    throw new HostRefusedError(
      `the host ${name} is ${refused.address}, which is no public address; ` +
        'ingress.allow_private_urls allows those',
    );
  }
  const [first] = found;
  if (first === undefined) throw new HostRefusedError(`the host ${name} has no address`);
  return first.address;
}

/** @throws RoomError for a URL that may not be pulled. */
export async function checkPulledUrl(url: string, allowsPrivate: boolean): Promise<void> {
  const { hostname, protocol, searchParams } = new URL(url);
  if (protocol === 'srt:' && !['', 'caller'].includes(searchParams.get('mode') ?? '')) {
    throw new RoomError(
      'invalid_argument',
      'invalid ingress: the mode of an SRT URL can be nothing but caller',
    );
  }
  try {
    await addressOf(hostname, allowsPrivate);
  } catch (error) {
    if (!(error instanceof HostRefusedError)) throw error;
    throw new RoomError('invalid_argument', `invalid ingress: ${error.message}`);
  }
}
