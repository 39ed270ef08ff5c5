import { Aws, Stack } from 'aws-cdk-lib';
import type * as elbv2 from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as s3 from 'aws-cdk-lib/aws-s3';

/**
 * Has a Network Load Balancer write access logs (of TLS connections, no others).
 *
 * The load balancer's own `logAccessLogs()` takes no stack that does not know its region. Source: the
 * bucket policy in the guide to Network Load Balancers, "Access logs".
 */
export function logAccesses(
  loadBalancer: elbv2.NetworkLoadBalancer,
  bucket: s3.IBucket,
  prefix = '',
): void {
  const delivery = new iam.ServicePrincipal('delivery.logs.amazonaws.com');
  const conditions = {
    StringEquals: { 'aws:SourceAccount': Aws.ACCOUNT_ID },
    ArnLike: {
      'aws:SourceArn': Stack.of(loadBalancer).formatArn({ service: 'logs', resource: '*' }),
    },
  };
  const folder = prefix === '' ? '' : `${prefix}/`;
  const added = [
    bucket.addToResourcePolicy(
      new iam.PolicyStatement({
        actions: ['s3:PutObject'],
        principals: [delivery],
        resources: [bucket.arnForObjects(`${folder}AWSLogs/${Aws.ACCOUNT_ID}/*`)],
        conditions: {
          ...conditions,
          StringEquals: { ...conditions.StringEquals, 's3:x-amz-acl': 'bucket-owner-full-control' },
        },
      }),
    ),
    bucket.addToResourcePolicy(
      new iam.PolicyStatement({
        actions: ['s3:GetBucketAcl', 's3:ListBucket'],
        principals: [delivery],
        resources: [bucket.bucketArn],
        conditions,
      }),
    ),
  ];
  loadBalancer.setAttribute('access_logs.s3.enabled', 'true');
  loadBalancer.setAttribute('access_logs.s3.bucket', bucket.bucketName);
  loadBalancer.setAttribute('access_logs.s3.prefix', prefix);
  // It is refused before it may write there.
  for (const { policyDependable } of added) {
    if (policyDependable !== undefined) loadBalancer.node.addDependency(policyDependable);
  }
}
