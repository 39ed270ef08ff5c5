import { type Finding, findingsOf } from './finding';
import { reasonOf } from './reason';

/** What the DNS says: the zone's name servers, none, or that it cannot be asked. */
export type Delegation =
  | { readonly nameServers: readonly string[] }
  | { readonly unreachable: string };

/** A zone as the service has it that it is to be served by. */
export interface ServedZone {
  /** Without a dot at its end. */
  readonly name: string;
  /** Those of the service. */
  readonly nameServers: readonly string[];
}

/** Asks the DNS. Never rejects. */
export async function delegationOf(
  name: string,
  resolveNs: (name: string) => Promise<readonly string[]>,
): Promise<Delegation> {
  try {
    return { nameServers: await resolveNs(name) };
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    return code === 'ENOTFOUND' || code === 'ENODATA'
      ? { nameServers: [] }
      : { unreachable: reasonOf(error) };
  }
}

/**
 * @param check - title of the finding
 * @param service - who is to serve the zone, such as "Route 53"
 */
export function judgeDelegation(
  check: string,
  service: string,
  zone: ServedZone,
  delegation: Delegation,
): Finding {
  const { ok, failed, warning, unchecked } = findingsOf(check);
  if ('unreachable' in delegation) {
    return unchecked(
      `the DNS does not say who serves ${zone.name}: ${delegation.unreachable}`,
      `See that dig NS ${zone.name} answers with ${zone.nameServers.join(', ')}`,
    );
  }
  const own = new Set(zone.nameServers.map(plainName));
  const there = delegation.nameServers.map(plainName);
  const strange = there.filter((name) => !own.has(name));
  const todo = `Where ${zone.name} is registered, or in the zone above it, write as its name servers: ${zone.nameServers.join(', ')}`;
  if (there.length === 0) {
    return failed(`${zone.name} is not delegated: the DNS has no name servers of it`, todo);
  }
  if (strange.length === there.length) {
    return failed(`${zone.name} is served by others: ${strange.join(', ')}`, todo);
  }
  if (strange.length > 0) {
    return warning(`${zone.name} is served by others too: ${strange.join(', ')}`, todo);
  }
  return ok(`${zone.name}, delegated to ${service}`);
}

/** A name of the DNS in small letters, without a dot at its end. */
export const plainName = (name: string): string => name.toLowerCase().replace(/\.$/, '');
