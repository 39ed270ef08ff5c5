import { isIPv4 } from 'node:net';
import type { Logger } from 'pino';
import type { SluiceConfig } from '../contract';
import { externalAddress } from './external-address';
import type { ListenAddress } from './listen-addresses';

/** Asked where the configuration names none. */
export const PUBLIC_STUN_SERVERS = ['stun.l.google.com:19302', 'global.stun.twilio.com:3478'];

/**
 * The public addresses of local ones, where `rtc.use_external_ip` asks for them.
 *
 * A machine that reaches no STUN server keeps its own addresses, with a warning: it may still serve
 * its own network, and a node that does not start serves nobody.
 */
export async function findExternalAddresses(
  rtc: SluiceConfig['rtc'],
  local: readonly ListenAddress[],
  log: Logger,
): Promise<Map<string, string>> {
  if (!rtc.use_external_ip) {
    return new Map();
  }
  const servers = rtc.stun_servers.length > 0 ? rtc.stun_servers : PUBLIC_STUN_SERVERS;
  const found = await Promise.all(
    local
      .filter(({ ip }) => isIPv4(ip))
      .map(async ({ ip }) => {
        try {
          return [
            ip,
            await Promise.any(servers.map((server) => externalAddress(ip, server))),
          ] as const;
        } catch {
          log.warn(
            { address: ip, servers },
            'rtc.use_external_ip: no STUN server answered, so clients are told the local address; ' +
              'set rtc.node_ip to the public address, or rtc.stun_servers to servers that can be reached',
          );
          return undefined;
        }
      }),
  );
  return new Map(found.filter((entry) => entry !== undefined));
}
