/**
 * Two clusters in one stack, which share a VPC and nothing else: one for meetings, one for lessons
 * with few large Rooms on machines of Graviton.
 */
import { Duration, Stack, type StackProps } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as route53 from 'aws-cdk-lib/aws-route53';
import type { Construct } from 'constructs';
import { Domain, ElasticCluster, Network, NodeSettings, OnDeadline } from '../constructs/index';

export class TwoClustersStack extends Stack {
  readonly meetings: ElasticCluster;
  readonly lessons: ElasticCluster;

  constructor(scope: Construct, id: string, props: StackProps = {}) {
    super(scope, id, props);
    const network = new Network(this, 'Network', { maxZones: 2 });
    const zone = route53.HostedZone.fromHostedZoneAttributes(this, 'HostedZone', {
      hostedZoneId: 'Z0123456789ABCDEFGHIJ',
      zoneName: 'example.com',
    });
    this.meetings = new ElasticCluster(this, 'Meetings', {
      network,
      domain: Domain.route53('meet.example.com', zone),
      mediaNodes: { maxCapacity: 10, scaling: { headroomRooms: 10 } },
    });
    this.lessons = new ElasticCluster(this, 'Lessons', {
      network,
      domain: Domain.route53('lessons.example.com', zone),
      settings: NodeSettings.fromObject({ room: { max_participants: 200 } }),
      mediaNodes: {
        instanceType: ec2.InstanceType.of(ec2.InstanceClass.C7G, ec2.InstanceSize.XLARGE2),
        // A lesson is never moved: its machine waits for it, up to two hours, and is kept after that.
        drain: {
          patience: Duration.hours(2),
          deadline: Duration.hours(2),
          onDeadline: OnDeadline.RETAIN,
        },
      },
    });
  }
}
