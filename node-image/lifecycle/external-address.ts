import { STUN_ATTRIBUTE, STUN_TYPE, type StunAddress, stunAddress } from '../net/stun';
import { StunOverUdp } from '../net/stun-exchange';

const DEFAULT_PORT = 3478;

/** How a local address is seen from outside. */
export interface Mapping extends StunAddress {
  /** Port of this machine that was seen as `port`. */
  readonly localPort: number;
}

/**
 * The public IPv4 address that a local one is seen as, asked of a STUN server.
 *
 * Source: RFC 8489 sections 5, 14.2; RFC 8489 section 6.2.1 for asking again.
 *
 * @param server - `host:port`.
 * @throws Error where no answer comes in time.
 */
export async function externalAddress(
  localIp: string,
  server: string,
  timeoutMs = 3000,
): Promise<string> {
  return (await externalMapping(localIp, server, timeoutMs)).address;
}

/** As externalAddress, with the ports. @throws Error where no answer comes in time. */
export async function externalMapping(
  localIp: string,
  server: string,
  timeoutMs = 3000,
): Promise<Mapping> {
  const colon = server.lastIndexOf(':');
  const host = colon < 0 ? server : server.slice(0, colon);
  const port = colon < 0 ? DEFAULT_PORT : Number(server.slice(colon + 1));
  if (!Number.isInteger(port) || port < 1 || port > 65_535) {
    throw new Error(
      `"${server}" is no STUN server; host:port is allowed, with a port of 1 to 65535`,
    );
  }
  const stun = await StunOverUdp.open({ host, port, from: localIp });
  try {
    const answer = await stun.ask({
      request: { type: STUN_TYPE.bindingRequest },
      types: [STUN_TYPE.bindingSuccess],
      timeoutMs,
    });
    const mapped = answer && stunAddress(answer, STUN_ATTRIBUTE.mappedAddress);
    if (mapped === undefined) {
      throw new Error(`no answer from the STUN server ${server} within ${timeoutMs} ms`);
    }
    return { ...mapped, localPort: stun.localPort };
  } finally {
    stun.close();
  }
}
