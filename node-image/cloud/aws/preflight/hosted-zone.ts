import { GetHostedZoneCommand, type Route53Client } from '@aws-sdk/client-route-53';
import { type Finding, findingsOf } from '../../../findings/finding';
import { reasonOf } from '../../../findings/reason';
import { ask, uncheckedBy, unlessMissing } from './ask';
import type { Check } from './context';

const TITLE = 'Hosted zone';
const { ok, failed, warning, unchecked } = findingsOf(TITLE);

export interface ZoneFacts {
  /** Without a dot at its end. */
  readonly name: string;
  readonly isPrivate: boolean;
  /** Those of Route 53. */
  readonly nameServers: readonly string[];
}

/** What the DNS says: the zone's name servers, none, or that it cannot be asked. */
export type Delegation =
  | { readonly nameServers: readonly string[] }
  | { readonly unreachable: string };

export const checkHostedZone: Check = async ({ question, clients, resolveNs }) => {
  const { zone: id, domain } = question;
  if (id === undefined) {
    return [
      unchecked(
        'no --zone was given',
        'Point the domain to the load balancer by hand, after the deployment.',
      ),
    ];
  }
  const asked = await ask(() => fetchZone(clients.route53, id));
  if (!('answer' in asked)) return [uncheckedBy(TITLE, asked, 'route53:GetHostedZone')];
  const zone = asked.answer;
  const bad = judgeZone(zone, domain);
  if (zone === undefined || bad !== undefined) return bad === undefined ? [] : [bad];
  return [judgeDelegation(zone, await delegationOf(zone.name, resolveNs))];
};

/** @returns what is wrong with it, whatever the DNS says */
export function judgeZone(
  zone: ZoneFacts | undefined,
  domain: string | undefined,
): Finding | undefined {
  if (zone === undefined) {
    return failed('there is none of this id', 'See its id: aws route53 list-hosted-zones');
  }
  if (zone.isPrivate) {
    return failed(
      `${zone.name} is a private zone, which clients never see`,
      `Give the public zone of ${zone.name}: aws route53 list-hosted-zones`,
    );
  }
  const wanted = domain?.toLowerCase();
  if (wanted === undefined || wanted === zone.name || wanted.endsWith(`.${zone.name}`)) {
    return undefined;
  }
  return failed(
    `${domain} is not in it: it is of ${zone.name}`,
    `Give the zone of ${domain}, or a domain that ends with .${zone.name}`,
  );
}

export function judgeDelegation(zone: ZoneFacts, delegation: Delegation): Finding {
  if ('unreachable' in delegation) {
    return unchecked(
      `the DNS does not say who serves ${zone.name}: ${delegation.unreachable}`,
      `See that dig NS ${zone.name} answers with ${zone.nameServers.join(', ')}`,
    );
  }
  const own = new Set(zone.nameServers.map(plain));
  const there = delegation.nameServers.map(plain);
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
  return ok(`${zone.name}, delegated to Route 53`);
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

async function fetchZone(route53: Route53Client, id: string): Promise<ZoneFacts | undefined> {
  const answer = await unlessMissing(['NoSuchHostedZone'], () =>
    route53.send(new GetHostedZoneCommand({ Id: id })),
  );
  return answer === undefined
    ? undefined
    : {
        name: plain(answer.HostedZone?.Name ?? ''),
        isPrivate: answer.HostedZone?.Config?.PrivateZone === true,
        nameServers: (answer.DelegationSet?.NameServers ?? []).map(plain),
      };
}

const plain = (name: string): string => name.toLowerCase().replace(/\.$/, '');
