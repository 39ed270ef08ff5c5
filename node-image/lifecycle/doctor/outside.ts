import { isIPv4 } from 'node:net';
import type { SluiceConfig } from '../../contract';
import { externalMapping, type Mapping } from '../external-address';
import { PUBLIC_STUN_SERVERS } from '../find-external-addresses';
import { type Interfaces, listenAddresses } from '../listen-addresses';

const ANSWER_MS = 3000;

/** How the internet sees one local IPv4 address. */
export interface Outside {
  readonly ip: string;
  /** undefined where no STUN server answered. */
  readonly seenAs: Mapping | undefined;
}

/** Asks STUN servers for each IPv4 address that media would be received on. Never rejects. */
export async function askOutside(
  { rtc }: Pick<SluiceConfig, 'rtc'>,
  interfaces: Interfaces,
): Promise<readonly Outside[]> {
  const servers = rtc.stun_servers.length > 0 ? rtc.stun_servers : PUBLIC_STUN_SERVERS;
  const own = listenAddresses(rtc, interfaces).filter(({ ip }) => isIPv4(ip));
  return Promise.all(
    own.map(async ({ ip }) => {
      const asked = servers.map((server) => externalMapping(ip, server, ANSWER_MS));
      return { ip, seenAs: await Promise.any(asked).catch(() => undefined) };
    }),
  );
}
