import { GetHostedZoneCommand, type Route53Client } from '@aws-sdk/client-route-53';
import { delegationOf, judgeDelegation, plainName } from '../../../findings/delegation';
import { type Finding, findingsOf } from '../../../findings/finding';
import { ask, uncheckedBy, unlessMissing } from './ask';
import type { Check } from './context';

const TITLE = 'Hosted zone';
const { failed, unchecked } = findingsOf(TITLE);

export interface ZoneFacts {
  /** Without a dot at its end. */
  readonly name: string;
  readonly isPrivate: boolean;
  /** Those of Route 53. */
  readonly nameServers: readonly string[];
}

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
  return [judgeDelegation(TITLE, 'Route 53', zone, await delegationOf(zone.name, resolveNs))];
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

async function fetchZone(route53: Route53Client, id: string): Promise<ZoneFacts | undefined> {
  const answer = await unlessMissing(['NoSuchHostedZone'], () =>
    route53.send(new GetHostedZoneCommand({ Id: id })),
  );
  return answer === undefined
    ? undefined
    : {
        name: plainName(answer.HostedZone?.Name ?? ''),
        isPrivate: answer.HostedZone?.Config?.PrivateZone === true,
        nameServers: (answer.DelegationSet?.NameServers ?? []).map(plainName),
      };
}
