import { Token } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';
import type { MultiNodeClusterOptions } from '../cluster';
import { Problems } from './validation';

/** Whether the number of Master Nodes fits the kind of cluster. */
export function checkMasters(
  scope: IConstruct,
  { masterNodes }: MultiNodeClusterOptions,
  kind: 'one' | 'several',
): void {
  const problems = new Problems(scope);
  const count = masterNodes?.count;
  const fits =
    count === undefined || Token.isUnresolved(count) || (count === 1) === (kind === 'one');
  problems.check(fits, {
    what: 'masterNodes.count',
    given: String(count),
    allowed: kind === 'one' ? '1 in an ElasticCluster' : '2 or more in a HighAvailabilityCluster',
    fix:
      kind === 'one'
        ? 'leave it out, or use a HighAvailabilityCluster'
        : 'leave it out for 3, or use an ElasticCluster',
  });
  problems.report();
}
