import { z } from 'zod';
import { type Finding, findingsOf } from '../../../findings/finding';
import { ask, uncheckedBy } from './ask';
import { type Check, isHere } from './context';

const TITLE = 'Public address of the entry';
const ADDRESS = z.object({
  location: z.string(),
  sku: z.object({ name: z.string() }).optional(),
  properties: z.object({
    ipAddress: z.string().optional(),
    publicIPAllocationMethod: z.string(),
    publicIPAddressVersion: z.string().default('IPv4'),
    ipConfiguration: z.object({ id: z.string() }).optional(),
  }),
});

/** Source: REST reference, "Public IP Addresses - Get"; "Public IP addresses", SKU. */
export const checkPublicAddress: Check = async ({ question, arm, caller }) => {
  const id = question.publicAddress;
  if (id === undefined) return [];
  const { ok, failed, warning } = findingsOf(TITLE);
  const asked = await ask(() => arm.find(ADDRESS, id, '2024-05-01'));
  if (!('answer' in asked)) {
    return [uncheckedBy(TITLE, asked, 'Microsoft.Network/publicIPAddresses/read')];
  }
  if (asked.answer === undefined) {
    return [failed(`there is no ${id}`, 'See its id: az network public-ip list --query "[].id"')];
  }
  const { location, sku, properties } = asked.answer;
  const sort = [
    sku?.name ?? 'Basic',
    properties.publicIPAllocationMethod,
    properties.publicIPAddressVersion,
  ];
  const findings: Finding[] = [];
  if (sort.join() !== 'Standard,Static,IPv4') {
    findings.push(
      failed(
        `it is ${sort.join(', ')}; it has to be Standard, Static, IPv4`,
        'Make one: az network public-ip create --sku Standard --allocation-method Static --version IPv4 --zone 1 2 3',
      ),
    );
  }
  if (!isHere(location, caller)) {
    findings.push(failed(`it is in ${location}`, 'Give one of the region of the stack.'));
  }
  const owner = properties.ipConfiguration?.id;
  if (owner !== undefined) {
    findings.push(
      warning(
        `it is in use: ${owner}`,
        'That is right where it is this stack; else take it away from there first.',
      ),
    );
  }
  return findings.length > 0 ? findings : [ok(`${properties.ipAddress ?? id}, ${sort.join(', ')}`)];
};
