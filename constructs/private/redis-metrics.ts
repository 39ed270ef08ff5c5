import { Duration, Token } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';

/**
 * A metric of ElastiCache, the highest of all nodes: they are named after the group, `-001` and on.
 *
 * @param nodes - how many; where that is known at deployment only, the first two count
 */
export function redisMetric(
  replicationGroupId: string,
  nodes: number,
  metricName: string,
  options: cloudwatch.MetricOptions = {},
): cloudwatch.MathExpression {
  const { period = Duration.minutes(1), statistic = 'Maximum', label = metricName } = options;
  const count = Token.isUnresolved(nodes) ? 2 : nodes;
  const usingMetrics: Record<string, cloudwatch.IMetric> = {};
  for (let node = 1; node <= count; node += 1) {
    usingMetrics[`node${node}`] = new cloudwatch.Metric({
      ...options,
      namespace: 'AWS/ElastiCache',
      metricName,
      dimensionsMap: {
        CacheClusterId: `${replicationGroupId}-${String(node).padStart(3, '0')}`,
        CacheNodeId: '0001',
      },
      statistic,
      period,
    });
  }
  return new cloudwatch.MathExpression({
    expression: `MAX([${Object.keys(usingMetrics).join(', ')}])`,
    usingMetrics,
    label,
    period,
    color: options.color,
  });
}
