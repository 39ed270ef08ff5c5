import {
  App,
  aws_certificatemanager as acm,
  aws_autoscaling as autoscaling,
  CfnOutput,
  CfnParameter,
  Duration,
  aws_ec2 as ec2,
  aws_elasticloadbalancingv2 as elb,
  aws_events as events,
  aws_iam as iam,
  Stack,
  aws_secretsmanager as secretsmanager,
  aws_sqs as sqs,
  aws_events_targets as targets,
} from 'aws-cdk-lib';

/**
 * What the lab itself is tried with: a group with hooks in its definition, behind a Network Load
 * Balancer with TLS, a secret, and a queue that gets the group's events.
 */
class SampleStack extends Stack {
  constructor(scope: App, id: string) {
    super(scope, id);
    const minimum = this.#number('Minimum', 1);
    const maximum = this.#number('Maximum', 4);
    const vpc = new ec2.Vpc(this, 'Vpc', {
      natGateways: 0,
      restrictDefaultSecurityGroup: false,
      subnetConfiguration: [{ name: 'public', subnetType: ec2.SubnetType.PUBLIC }],
    });
    const template = new ec2.LaunchTemplate(this, 'Template', {
      machineImage: ec2.MachineImage.fromSsmParameter(
        '/aws/service/debian/release/12/latest/amd64',
        { os: ec2.OperatingSystemType.LINUX },
      ),
      instanceType: new ec2.InstanceType('c7i.xlarge'),
      securityGroup: new ec2.SecurityGroup(this, 'Group', { vpc }),
      requireImdsv2: true,
      httpPutResponseHopLimit: 1,
      role: new iam.Role(this, 'Role', {
        assumedBy: new iam.ServicePrincipal('ec2.amazonaws.com'),
      }),
      userData: ec2.UserData.custom(
        `#!/bin/sh\necho ${this.node.tryGetContext('boot') ?? 'one'}\n`,
      ),
    });
    const balancer = new elb.NetworkLoadBalancer(this, 'Entry', { vpc, internetFacing: true });
    const group = new autoscaling.CfnAutoScalingGroup(this, 'Nodes', {
      minSize: minimum,
      maxSize: maximum,
      vpcZoneIdentifier: vpc.publicSubnets.map(({ subnetId }) => subnetId),
      launchTemplate: {
        launchTemplateId: template.launchTemplateId,
        version: template.latestVersionNumber,
      },
      newInstancesProtectedFromScaleIn: true,
      targetGroupArns: [this.#listener(balancer, vpc).targetGroupArn],
      instanceLifecyclePolicy: { retentionTriggers: { terminateHookAbandon: 'retain' } },
      lifecycleHookSpecificationList: [
        {
          lifecycleHookName: 'sample-terminating',
          lifecycleTransition: 'autoscaling:EC2_INSTANCE_TERMINATING',
          heartbeatTimeout: 600,
          defaultResult: 'ABANDON',
        },
      ],
    });
    if (this.node.tryGetContext('signal') !== undefined) {
      group.cfnOptions.creationPolicy = { resourceSignal: { count: 1, timeout: 'PT5M' } };
    }
    const queue = new sqs.Queue(this, 'Notices');
    new events.Rule(this, 'Terminating', {
      eventPattern: {
        source: ['aws.autoscaling'],
        detailType: ['EC2 Instance-terminate Lifecycle Action'],
        detail: { AutoScalingGroupName: [group.ref] },
      },
      targets: [new targets.SqsQueue(queue)],
    });
    const secret = new secretsmanager.Secret(this, 'Secret', {
      generateSecretString: { passwordLength: 43, excludePunctuation: true },
    });
    new CfnOutput(this, 'GroupName', { value: group.ref });
    new CfnOutput(this, 'QueueUrl', { value: queue.queueUrl });
    new CfnOutput(this, 'SecretArn', { value: secret.secretArn });
    new CfnOutput(this, 'Address', { value: balancer.loadBalancerDnsName });
  }

  #number(name: string, value: number): string {
    const options = { type: 'Number', default: value, minValue: 0, maxValue: 100 };
    return new CfnParameter(this, name, options).valueAsString;
  }

  #listener(balancer: elb.NetworkLoadBalancer, vpc: ec2.IVpc): elb.NetworkTargetGroup {
    const certificate = new acm.Certificate(this, 'Certificate', {
      domainName: 'sample.example.com',
      validation: acm.CertificateValidation.fromDns(),
    });
    const group = new elb.NetworkTargetGroup(this, 'Targets', {
      vpc,
      port: 7880,
      protocol: elb.Protocol.TCP,
      preserveClientIp: true,
      deregistrationDelay: Duration.seconds(60),
      healthCheck: { protocol: elb.Protocol.HTTP, path: '/health', interval: Duration.seconds(10) },
    });
    balancer.addListener('Tls', {
      port: 443,
      protocol: elb.Protocol.TLS,
      certificates: [certificate],
      sslPolicy: elb.SslPolicy.RECOMMENDED_TLS,
      defaultTargetGroups: [group],
    });
    return group;
  }
}

// Run by `cdk synth`, which says where the assembly goes.
const app = new App({ analyticsReporting: false });
new SampleStack(app, 'Sample');
app.synth();
