import { lookup } from 'node:dns/promises';
import { networkInterfaces } from 'node:os';
import ipaddr from 'ipaddr.js';
import { HostRefusedError } from '../../../net/guarded-proxy';
import { RoomError } from '../../../room/errors';

/**
 * What every machine of a cloud reaches although it looks public: Azure's wire server gives machines
 * their certificates. Source: Microsoft Learn, "What is IP address 168.63.129.16?"
 */
const OF_CLOUDS: readonly string[] = ['168.63.129.16'];

/**
 * Whether an address is one of the Internet, and not of this machine or a network around it.
 *
 * @param own - addresses of this machine: its firewall does not look at what comes from itself.
 *   @default those of its interfaces
 */
export function isPublicAddress(text: string, own: readonly string[] = ownAddresses()): boolean {
  if (!ipaddr.isValid(text)) return false;
  // An IPv4 address that is written as IPv6 is what it is.
  const address = ipaddr.process(text);
  return address.range() === 'unicast' && ![...OF_CLOUDS, ...own].includes(address.toString());
}

const ownAddresses = (): string[] =>
  Object.values(networkInterfaces())
    .flatMap((addresses = []) => addresses)
    .map(({ address }) => ipaddr.process(address.replace(/%.*$/, '')).toString());

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

/** What an SRT URL may say of its connection: others are about this machine, and its memory. */
const SRT_KEYS = ['mode', 'passphrase', 'pbkeylen', 'streamid', 'latency', 'pkt_size'];

/** @throws RoomError for a URL that may not be pulled. */
export async function checkPulledUrl(url: string, allowsPrivate: boolean): Promise<void> {
  const { hostname, protocol, searchParams } = new URL(url);
  if (protocol === 'srt:') checkSrt(searchParams);
  try {
    await addressOf(hostname, allowsPrivate);
  } catch (error) {
    if (!(error instanceof HostRefusedError)) throw error;
    throw new RoomError('invalid_argument', `invalid ingress: ${error.message}`);
  }
}

function checkSrt(asked: URLSearchParams): void {
  if (!['', 'caller'].includes(asked.get('mode') ?? '')) {
    throw new RoomError(
      'invalid_argument',
      'invalid ingress: the mode of an SRT URL can be nothing but caller',
    );
  }
  const other = [...asked.keys()].find((key) => !SRT_KEYS.includes(key));
  if (other !== undefined) {
    throw new RoomError(
      'invalid_argument',
      `invalid ingress: an SRT URL says "${other.slice(0, 40)}"; allowed are ${SRT_KEYS.join(', ')}`,
    );
  }
}
