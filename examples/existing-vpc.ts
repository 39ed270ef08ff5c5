/**
 * A cluster in a VPC that exists, with what else exists there: Redis, a certificate, security
 * groups, a key. In a project of your own the import is from '@sluice/constructs'.
 */
import { Stack, type StackProps } from 'aws-cdk-lib';
import * as acm from 'aws-cdk-lib/aws-certificatemanager';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as route53 from 'aws-cdk-lib/aws-route53';
import * as sm from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';
import { Domain, HighAvailabilityCluster, Network, RedisStore, Turn } from '../constructs/index';

/** What exists, by its ids: here of an account that is made up. */
const ARN =
  'arn:aws:acm:eu-central-1:111122223333:certificate/11111111-2222-3333-4444-555555555555';

export class ExistingVpcStack extends Stack {
  constructor(scope: Construct, id: string, props: StackProps = {}) {
    super(scope, id, props);
    // `ec2.Vpc.fromLookup()` does the same with a look-up. The addresses of the VPC are told to TURN.
    const vpc = ec2.Vpc.fromVpcAttributes(this, 'Vpc', {
      vpcId: 'vpc-0123456789abcdef0',
      vpcCidrBlock: '10.20.0.0/16',
      availabilityZones: ['eu-central-1a', 'eu-central-1b'],
      publicSubnetIds: ['subnet-0aaaaaaaaaaaaaaa0', 'subnet-0aaaaaaaaaaaaaaa1'],
      publicSubnetRouteTableIds: ['rtb-0aaaaaaaaaaaaaaa0', 'rtb-0aaaaaaaaaaaaaaa1'],
      privateSubnetIds: ['subnet-0bbbbbbbbbbbbbbb0', 'subnet-0bbbbbbbbbbbbbbb1'],
      privateSubnetRouteTableIds: ['rtb-0bbbbbbbbbbbbbbb0', 'rtb-0bbbbbbbbbbbbbbb1'],
    });
    const zone = route53.HostedZone.fromHostedZoneAttributes(this, 'HostedZone', {
      hostedZoneId: 'Z0123456789ABCDEFGHIJ',
      zoneName: 'example.com',
    });
    const redis = RedisStore.fromRedisStoreAttributes(this, 'Redis', {
      host: 'redis.internal.example.com',
      port: 6380,
      authSecret: sm.Secret.fromSecretNameV2(this, 'RedisPassword', 'redis/sluice'),
      securityGroups: [
        ec2.SecurityGroup.fromSecurityGroupId(this, 'RedisGroup', 'sg-0cccccccccccccccc'),
      ],
    });

    new HighAvailabilityCluster(this, 'Meet', {
      // Master Nodes go into the private subnets by themselves, Media Nodes into the public ones.
      network: new Network(this, 'Network', { vpc }),
      redis,
      domain: Domain.certificate(
        'meet.example.com',
        acm.Certificate.fromCertificateArn(this, 'Certificate', ARN),
        { zone },
      ),
      secrets: { apiKey: sm.Secret.fromSecretNameV2(this, 'ApiKey', 'meet/api-key') },
      encryptionKey: kms.Key.fromKeyArn(
        this,
        'Key',
        'arn:aws:kms:eu-central-1:111122223333:key/11111111-2222-3333-4444-555555555555',
      ),
      turn: Turn.none(),
    });
  }
}
