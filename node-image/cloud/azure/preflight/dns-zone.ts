import { z } from 'zod';
import { delegationOf, judgeDelegation, plainName } from '../../../findings/delegation';
import { findingsOf } from '../../../findings/finding';
import { ask, uncheckedBy } from './ask';
import type { Check } from './context';

const TITLE = 'DNS zone';
const { failed, unchecked } = findingsOf(TITLE);
const ZONE = z.object({ properties: z.object({ nameServers: z.array(z.string()).default([]) }) });

export const checkDnsZone: Check = async ({ question, arm, root, resolveNs }) => {
  const { dnsZone, dnsZoneResourceGroup: group = question.resourceGroup, domain } = question;
  if (dnsZone === undefined) {
    return [
      unchecked(
        'no --dns-zone was given',
        'Point the domain to the address of the entry by hand, after the deployment.',
      ),
    ];
  }
  const name = plainName(dnsZone);
  const wanted = domain === undefined ? name : plainName(domain);
  if (wanted !== name && !wanted.endsWith(`.${name}`)) {
    return [
      failed(
        `${domain} is not in it: it is ${name}`,
        `Give the zone of ${domain}, or a domain that ends with .${name}`,
      ),
    ];
  }
  if (group === undefined) {
    return [
      unchecked('no --dns-zone-resource-group was given', 'Give the resource group of the zone.'),
    ];
  }
  const asked = await ask(() =>
    arm.find(
      ZONE,
      `${root}/resourceGroups/${group}/providers/Microsoft.Network/dnsZones/${name}`,
      '2018-05-01',
    ),
  );
  if (!('answer' in asked)) return [uncheckedBy(TITLE, asked, 'Microsoft.Network/dnsZones/read')];
  if (asked.answer === undefined) {
    return [
      failed(
        `there is no public zone ${name} in the resource group ${group}`,
        'See where it is: az network dns zone list --query "[].[name,resourceGroup]"',
      ),
    ];
  }
  const nameServers = asked.answer.properties.nameServers.map(plainName);
  const delegation = await delegationOf(name, resolveNs);
  return [judgeDelegation(TITLE, 'Azure DNS', { name, nameServers }, delegation)];
};
