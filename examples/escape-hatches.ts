/**
 * What no property is there for: every resource is a public property, and what CloudFormation takes
 * can be set on it.
 */
import { Duration, Stack, type StackProps, Tags } from 'aws-cdk-lib';
import type * as autoscaling from 'aws-cdk-lib/aws-autoscaling';
import * as cloudwatchActions from 'aws-cdk-lib/aws-cloudwatch-actions';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import type * as elasticache from 'aws-cdk-lib/aws-elasticache';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as route53 from 'aws-cdk-lib/aws-route53';
import * as sns from 'aws-cdk-lib/aws-sns';
import type { Construct } from 'constructs';
import {
  ClusterEntry,
  Domain,
  HighAvailabilityCluster,
  NodeSettings,
  RedisStore,
} from '../constructs/index';

export class EscapeHatchesStack extends Stack {
  readonly cluster: HighAvailabilityCluster;

  constructor(scope: Construct, id: string, props: StackProps = {}) {
    super(scope, id, props);
    const zone = route53.HostedZone.fromHostedZoneAttributes(this, 'HostedZone', {
      hostedZoneId: 'Z0123456789ABCDEFGHIJ',
      zoneName: 'example.com',
    });
    this.cluster = new HighAvailabilityCluster(this, 'Meet', {
      domain: Domain.route53('meet.example.com', zone),
      entry: ClusterEntry.loadBalancer({ deletionProtection: true }),
      // Every key of sluice.yaml.
      settings: NodeSettings.fromObject({ room: { empty_timeout: 60 } }),
    });
    const { mediaNodes, masterNodes, redis } = this.cluster;

    // A property of CloudFormation that the construct has not.
    const group = mediaNodes.autoScalingGroup.node.defaultChild as autoscaling.CfnAutoScalingGroup;
    group.addPropertyOverride(
      'AvailabilityZoneDistribution.CapacityDistributionStrategy',
      'balanced-only',
    );
    const template = mediaNodes.launchTemplate.node.defaultChild as ec2.CfnLaunchTemplate;
    template.addPropertyOverride('LaunchTemplateData.CpuOptions', {
      CoreCount: 2,
      ThreadsPerCore: 2,
    });
    if (redis instanceof RedisStore) {
      const replicas = redis.replicationGroup as elasticache.CfnReplicationGroup;
      replicas.notificationTopicArn = new sns.Topic(this, 'RedisEvents').topicArn;
    }

    // Rights, rules and alarms beyond those that the cluster needs.
    mediaNodes.role.addToPrincipalPolicy(
      new iam.PolicyStatement({
        actions: ['s3:PutObject'],
        resources: ['arn:aws:s3:::example-recordings/*'],
      }),
    );
    masterNodes.connections.allowFrom(
      ec2.Peer.ipv4('10.9.0.0/16'),
      ec2.Port.tcp(6789),
      'Prometheus',
    );
    this.cluster.observability.addDashboard();
    const topic = new sns.Topic(this, 'OnCall');
    this.cluster.observability.addAlarms({ actions: [new cloudwatchActions.SnsAction(topic)] });
    this.cluster.metricMediaLoad({ period: Duration.minutes(5) });

    // Tags of all, machines too; a permissions boundary for all roles.
    Tags.of(this).add('team', 'video');
    iam.PermissionsBoundary.of(this).apply(
      iam.ManagedPolicy.fromManagedPolicyName(this, 'Boundary', 'team-boundary'),
    );
  }
}
