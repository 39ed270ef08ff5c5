/** The same ports are open on both clouds, to the same peers. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as sm from 'aws-cdk-lib/aws-secretsmanager';
import * as aws from '../../constructs';
import { PORT_USES, PORTS } from '../../node-image/contract';
import * as azure from '../../pulumi-azure';
import { anyStack, templateOf } from '../constructs/support/stacks';
import { rulesOf } from '../pulumi-azure/support/read';
import { inWorld } from '../pulumi-azure/support/world';

const NAME = 'meet.example.com';
const image = aws.NodeImage.fromAmi(
  ec2.MachineImage.genericLinux({ 'eu-central-1': 'ami-0123456789abcdef0' }, {}),
);
const azureImage = azure.NodeImage.fromImage('/subscriptions/s/images/sluice');

interface Ingress {
  readonly CidrIp?: string;
  readonly IpProtocol: string;
  readonly FromPort: number;
  readonly ToPort: number;
}

/** What everybody may reach, `udp 50000-50063`, on AWS. */
function worldOnAws(define: (stack: ReturnType<typeof anyStack>) => void): string[] {
  const stack = anyStack();
  define(stack);
  const template = templateOf(stack);
  const inline = Object.values(template.findResources('AWS::EC2::SecurityGroup')).flatMap(
    ({ Properties }) => (Properties['SecurityGroupIngress'] ?? []) as Ingress[],
  );
  const apart = Object.values(template.findResources('AWS::EC2::SecurityGroupIngress')).map(
    ({ Properties }) => Properties as Ingress,
  );
  return sorted(
    [...inline, ...apart]
      .filter(({ CidrIp }) => CidrIp === '0.0.0.0/0')
      .map(({ IpProtocol, FromPort, ToPort }) => `${IpProtocol} ${range(FromPort, ToPort)}`),
  );
}

/** The same on Azure. */
async function worldOnAzure(define: () => void): Promise<string[]> {
  const world = await inWorld(define);
  return sorted(
    world
      .all('azure-native:network:NetworkSecurityGroup')
      .flatMap(rulesOf)
      .flatMap((rule) => /^Allow (.*) from \*$/.exec(rule)?.[1] ?? []),
  );
}

const range = (start: number, end: number) => (start === end ? `${start}` : `${start}-${end}`);
const sorted = (texts: readonly string[]) => [...new Set(texts)].sort();

describe('everybody reaches the same ports on both clouds', () => {
  test('of an Elastic cluster whose Master Node ends TLS', async () => {
    const there = worldOnAws((stack) => {
      new aws.ElasticCluster(stack, 'Meet', {
        domain: aws.Domain.ownCertificate(NAME, sm.Secret.fromSecretNameV2(stack, 'Pem', 'pem')),
        entry: aws.ClusterEntry.onMasterNode(),
        image,
      });
    });
    const here = await worldOnAzure(() => {
      new azure.ElasticCluster('meet', {
        domain: azure.Domain.ownCertificate(NAME, 'PEM'),
        image: azureImage,
      });
    });
    assert.deepEqual(here, there);
    const media = PORT_USES.filter(
      ({ roles, from }) => roles.includes('media') && from === 'clients',
    );
    for (const { protocol, start, end } of media) {
      assert.ok(here.includes(`${protocol} ${range(start, end)}`));
    }
    assert.ok(here.includes(`tcp ${PORTS.entry}`));
  });

  test('of a Single Node', async () => {
    const there = worldOnAws((stack) => {
      new aws.SingleNode(stack, 'Meet', {
        domain: aws.Domain.ownCertificate(NAME, sm.Secret.fromSecretNameV2(stack, 'Pem', 'pem')),
        image,
      });
    });
    const here = await worldOnAzure(() => {
      new azure.SingleNode('meet', {
        domain: azure.Domain.ownCertificate(NAME, 'PEM'),
        image: azureImage,
      });
    });
    assert.deepEqual(here, there);
  });

  for (const { what, tls, encoders } of [
    { what: 'with a certificate', tls: true, encoders: ['tcp 1935', 'tcp 1936'] },
    { what: 'without one', tls: false, encoders: ['tcp 1935'] },
  ]) {
    test(`of an Elastic cluster ${what} that takes encoders`, async () => {
      const there = worldOnAws((stack) => {
        const pem = sm.Secret.fromSecretNameV2(stack, 'Pem', 'pem');
        new aws.ElasticCluster(stack, 'Meet', {
          domain: tls ? aws.Domain.ownCertificate(NAME, pem) : aws.Domain.none(),
          entry: aws.ClusterEntry.onMasterNode(),
          mediaNodes: { jobs: aws.Jobs.builtIn({ rtmp: true }) },
          image,
        });
      });
      const here = await worldOnAzure(() => {
        new azure.ElasticCluster('meet', {
          domain: tls ? azure.Domain.ownCertificate(NAME, 'PEM') : azure.Domain.none(),
          mediaNodes: { jobs: azure.Jobs.builtIn({ rtmp: true }) },
          image: azureImage,
        });
      });
      assert.deepEqual(here, there);
      const found = here.filter((each) => /^tcp 193\d$/.test(each));
      assert.deepEqual(found, encoders);
    });
  }

  test("of a cluster with LiveKit's services that take encoders", async () => {
    const options = {
      ingressImage: 'registry.example.com/media/ingress:1.4',
      rtmpUrl: 'rtmp://rtmp.example.com/live',
    };
    const there = worldOnAws((stack) => {
      new aws.ElasticCluster(stack, 'Meet', {
        domain: aws.Domain.none(),
        entry: aws.ClusterEntry.onMasterNode(),
        mediaNodes: { jobs: aws.Jobs.liveKit(options) },
        image,
      });
    });
    const here = await worldOnAzure(() => {
      new azure.ElasticCluster('meet', {
        domain: azure.Domain.none(),
        mediaNodes: { jobs: azure.Jobs.liveKit(options) },
        image: azureImage,
      });
    });
    assert.deepEqual(here, there);
    assert.ok(here.includes('tcp 1935'));
    assert.ok(!here.includes('tcp 1936'));
  });
});
