import { SERVICE_FILES } from '../boot/own-services';
import type { DoctorSystem } from './context';

/** What the HAProxy of this machine is to do, as its configuration says. */
export interface EntryFacts {
  readonly port: number;
  /** PEM file; undefined where a load balancer has ended TLS. */
  readonly certificate: string | undefined;
  /** Whether who connects has to say first for whom. */
  readonly takesProxyHeader: boolean;
}

/** Reads haproxy.cfg as `sluice boot` writes it. @returns undefined where there is no entry in it */
export function parseEntry(text: string): EntryFacts | undefined {
  const [, section = ''] = /^frontend entry\n((?: {4}.*\n?)*)/m.exec(text) ?? [];
  const [, port, options = ''] = /^ {4}bind :(\d+)(.*)$/m.exec(section) ?? [];
  if (port === undefined) return undefined;
  return {
    port: Number(port),
    certificate: /(?:^|\s)crt (\S+)/.exec(options)?.[1],
    takesProxyHeader: /(?:^|\s)accept-proxy(?:\s|$)/.test(options),
  };
}

/** @returns undefined where there is none, and where this user may not look */
export async function readEntry(system: DoctorSystem): Promise<EntryFacts | undefined> {
  try {
    return parseEntry((await system.read(SERVICE_FILES.haproxy)) ?? '');
  } catch {
    return undefined;
  }
}
