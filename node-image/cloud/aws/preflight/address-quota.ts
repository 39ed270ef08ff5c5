import { DescribeAddressesCommand } from '@aws-sdk/client-ec2';
import { type Finding, findingsOf } from '../../../findings/finding';
import { type Asked, ask, uncheckedBy } from './ask';
import type { Check } from './context';
import { howToRaise, PERMISSION, type Quota, quotaOf } from './quota';

const TITLE = 'Elastic IP addresses';
const QUOTA: Quota = { code: 'L-0263D0A3', name: 'EC2-VPC Elastic IPs' };

export const checkAddressQuota: Check = async ({ question, clients }) => {
  const needed = question.staticAddresses;
  if (needed === 0) return [findingsOf(TITLE).ok('none are needed')];
  const [used, limit] = await Promise.all([
    ask(async () => {
      const { Addresses = [] } = await clients.ec2.send(new DescribeAddressesCommand({}));
      return Addresses.length;
    }),
    quotaOf(clients.quotas, QUOTA),
  ]);
  return [judgeAddresses(needed, used, limit)];
};

export function judgeAddresses(needed: number, used: Asked<number>, limit: Asked<number>): Finding {
  if (!('answer' in limit)) return uncheckedBy(TITLE, limit, PERMISSION);
  if (!('answer' in used)) return uncheckedBy(TITLE, used, 'ec2:DescribeAddresses');
  const found = `${needed} needed, the quota is ${limit.answer}, ${used.answer} taken`;
  const { ok, failed } = findingsOf(TITLE);
  if (needed + used.answer <= limit.answer) return ok(found);
  return failed(
    found,
    `${howToRaise(QUOTA, needed + used.answer)}; or give back what nobody uses: aws ec2 release-address.`,
  );
}
