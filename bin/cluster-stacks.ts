/** The three stacks that are shipped: constructs with their defaults, sized by stack parameters. */
import { CfnCondition, CfnOutput, CfnRule, Fn, Stack, type StackProps, Token } from 'aws-cdk-lib';
import * as acm from 'aws-cdk-lib/aws-certificatemanager';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as route53 from 'aws-cdk-lib/aws-route53';
import type { Construct } from 'constructs';
import {
  Domain,
  ElasticCluster,
  HighAvailabilityCluster,
  type ICluster,
  type ISignalingEntry,
  type Jobs,
  type MediaNodesOptions,
  NodeArchitecture,
  type RecordingsStore,
  SignalingEntry,
  SingleNode,
} from '../constructs/index';
import {
  DOMAIN_GROUP,
  mediaNodesParameters,
  StackParameters,
} from '../constructs/private/stack-parameters';
import { jobsOf } from './stack-jobs';

/** One machine with everything. */
export class SingleNodeStack extends Stack {
  constructor(scope: Construct, id: string, props: StackProps = {}) {
    super(scope, id, { description: 'Sluice: WebRTC on a Single Node', ...props });
    const parameters = new StackParameters(this);
    const { domain, isInZone } = domainOf(this, parameters);
    const instanceType = parameters.add('Machine', 'InstanceType', 'Instance type, x86_64', {
      description: 'The machine; media takes CPU first.',
      default: 'c7i.xlarge',
      allowedPattern: '[a-z][a-z0-9-]*\\.[a-z0-9-]+',
      constraintDescription: 'an instance type such as c7i.xlarge',
    });
    const node = new SingleNode(this, 'Sluice', {
      domain,
      instanceType: new ec2.InstanceType(instanceType.valueAsString),
      ...jobs(this),
    });
    tellWhatIsNext(this, node, node.entry, isInZone);
    tellRecordings(this, node);
    new CfnOutput(this, 'MachineGroup', {
      description: 'The Auto Scaling Group of one that brings the machine back',
      value: node.autoScalingGroup.autoScalingGroupName,
    });
  }
}

/** One Master Node, and Media Nodes that come and go. */
export class ElasticStack extends Stack {
  constructor(scope: Construct, id: string, props: StackProps = {}) {
    super(scope, id, { description: 'Sluice: an Elastic WebRTC cluster', ...props });
    const parameters = new StackParameters(this);
    const { domain, isInZone } = domainOf(this, parameters);
    const cluster = new ElasticCluster(this, 'Sluice', {
      domain,
      mediaNodes: { ...mediaNodesOf(parameters), ...jobs(this) },
    });
    tellWhatIsNext(this, cluster, cluster.entry, isInZone);
    tellGroups(this, cluster);
    tellRecordings(this, cluster);
  }
}

/** Several Master Nodes over zones, a Redis that fails over, and Media Nodes that come and go. */
export class HighAvailabilityStack extends Stack {
  constructor(scope: Construct, id: string, props: StackProps = {}) {
    super(scope, id, { description: 'Sluice: a High Availability WebRTC cluster', ...props });
    const parameters = new StackParameters(this);
    const { domain, isInZone } = domainOf(this, parameters);
    const cluster = new HighAvailabilityCluster(this, 'Sluice', {
      domain,
      mediaNodes: { ...mediaNodesOf(parameters), ...jobs(this) },
    });
    tellWhatIsNext(this, cluster, cluster.entry, isInZone);
    tellGroups(this, cluster);
    tellRecordings(this, cluster);
  }
}

/** The domain by parameters: a certificate of ACM, or a hosted zone in which one is made. */
function domainOf(stack: Stack, parameters: StackParameters) {
  const name = parameters.add(DOMAIN_GROUP, 'DomainName', 'Domain name', {
    description: 'The name that clients use, such as meet.example.com.',
    allowedPattern: '([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\\.)+[a-z]{2,63}',
    constraintDescription: 'a host name such as meet.example.com',
  });
  const zoneId = parameters.add(DOMAIN_GROUP, 'HostedZoneId', 'Hosted zone of Route 53', {
    description:
      'The hosted zone of the domain: its record, and without CertificateArn its certificate, are made in it. Empty: you make the record.',
    default: '',
    allowedPattern: '[A-Z0-9]{0,32}',
    constraintDescription: 'the id of a hosted zone such as Z0123456789ABCDEFGHIJ, or nothing',
  });
  const certificateArn = parameters.add(DOMAIN_GROUP, 'CertificateArn', 'Certificate of ACM', {
    description:
      'ARN of the certificate of the domain, of ACM in the same region. Empty: one is made, in HostedZoneId.',
    default: '',
    allowedPattern: '(arn:[a-z-]+:acm:[a-z0-9-]+:[0-9]{12}:certificate/.+)?',
    constraintDescription: 'the ARN of a certificate of ACM, or nothing',
  });
  new CfnRule(stack, 'CertificateOrZone', {
    assertions: [
      {
        assert: Fn.conditionNot(
          Fn.conditionAnd(
            Fn.conditionEquals(zoneId.valueAsString, ''),
            Fn.conditionEquals(certificateArn.valueAsString, ''),
          ),
        ),
        assertDescription: 'Give CertificateArn, or HostedZoneId and a certificate is made in it.',
      },
    ],
  });
  const isInZone = new CfnCondition(stack, 'IsInZone', {
    expression: Fn.conditionNot(Fn.conditionEquals(zoneId.valueAsString, '')),
  });
  const needsCertificate = new CfnCondition(stack, 'NeedsCertificate', {
    expression: Fn.conditionEquals(certificateArn.valueAsString, ''),
  });
  const made = new acm.CfnCertificate(stack, 'Certificate', {
    domainName: name.valueAsString,
    validationMethod: 'DNS',
    domainValidationOptions: [
      { domainName: name.valueAsString, hostedZoneId: zoneId.valueAsString },
    ],
  });
  made.cfnOptions.condition = needsCertificate;
  const arn = Fn.conditionIf(needsCertificate.logicalId, made.ref, certificateArn.valueAsString);
  const certificate = acm.Certificate.fromCertificateArn(stack, 'Given', Token.asString(arn));
  return { domain: Domain.certificate(name.valueAsString, certificate), isInZone };
}

function mediaNodesOf(parameters: StackParameters): MediaNodesOptions {
  const { isArm, targetLoad, headroomRooms, ...sizes } = mediaNodesParameters(parameters);
  return {
    ...sizes,
    architecture: NodeArchitecture.chosenBy(isArm),
    scaling: { targetLoad, headroomRooms },
  };
}

function jobs(stack: Stack): { readonly jobs?: Jobs } {
  const asked = jobsOf(stack);
  return asked ? { jobs: asked } : {};
}

/** What whoever has deployed needs next. */
function tellWhatIsNext(
  stack: Stack,
  cluster: ICluster,
  entry: ISignalingEntry | undefined,
  isInZone: CfnCondition,
): void {
  new CfnOutput(stack, 'Url', {
    description: 'What clients and servers connect to, and where the page to try it is',
    value: cluster.url,
  });
  new CfnOutput(stack, 'ApiKeySecret', {
    description: 'Where the API key and its secret are: aws secretsmanager get-secret-value',
    value: cluster.apiKey.secretArn,
  });
  if (!(entry instanceof SignalingEntry)) return;
  const { loadBalancer } = entry;
  const record = new route53.CfnRecordSet(stack, 'Record', {
    name: cluster.domainName,
    type: 'A',
    hostedZoneId: Fn.ref('HostedZoneId'),
    aliasTarget: {
      dnsName: loadBalancer.loadBalancerDnsName,
      hostedZoneId: loadBalancer.loadBalancerCanonicalHostedZoneId,
    },
  });
  record.cfnOptions.condition = isInZone;
  new CfnOutput(stack, 'LoadBalancerName', {
    description: 'Where the domain has to point to, where no HostedZoneId was given',
    value: loadBalancer.loadBalancerDnsName,
  });
}

function tellGroups(stack: Stack, cluster: ElasticCluster | HighAvailabilityCluster): void {
  new CfnOutput(stack, 'MediaNodesGroup', {
    description: 'The Auto Scaling Group of the Media Nodes',
    value: cluster.mediaNodes.autoScalingGroupName,
  });
  new CfnOutput(stack, 'MasterNodesGroup', {
    description: 'The Auto Scaling Group of the Master Nodes',
    value: cluster.masterNodes.autoScalingGroupName,
  });
  new CfnOutput(stack, 'NoticesQueue', {
    description: 'Where the controller reads what AWS says of machines',
    value: cluster.mediaNodes.noticesQueueUrl,
  });
}

function tellRecordings(stack: Stack, { recordings }: { recordings?: RecordingsStore }): void {
  if (recordings === undefined) return;
  new CfnOutput(stack, 'RecordingsBucket', {
    description: 'Where recordings go whose request names no other place',
    value: recordings.bucket.bucketName,
  });
}
