import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Stack } from 'aws-cdk-lib';
import * as route53 from 'aws-cdk-lib/aws-route53';
import * as sm from 'aws-cdk-lib/aws-secretsmanager';
import { Domain } from '../../constructs/domain';
import { SingleNode } from '../../constructs/single-node';
import { Turn } from '../../constructs/turn';
import { bootFileIn, configurations, userData } from './support/deployed';
import type { TemplateJson } from './support/golden';
import { broken } from './support/invariants';
import { anyStack, errorsOf, templateOf } from './support/stacks';

const zoneOf = (stack: Stack) =>
  route53.HostedZone.fromHostedZoneAttributes(stack, 'HostedZone', {
    hostedZoneId: 'Z0123456789ABCDEFGHIJ',
    zoneName: 'example.com',
  });

/** Ports that the world may reach, with their protocol. */
const openPorts = (template: ReturnType<typeof templateOf>): string[] =>
  Object.values(template.findResources('AWS::EC2::SecurityGroup'))
    .flatMap(({ Properties }) => Properties.SecurityGroupIngress ?? [])
    .filter(({ CidrIp }) => CidrIp === '0.0.0.0/0')
    .map(({ IpProtocol, FromPort }) => `${IpProtocol} ${FromPort}`);

describe('with a hosted zone', () => {
  const stack = anyStack();
  const node = new SingleNode(stack, 'Meet', {
    domain: Domain.route53('meet.example.com', zoneOf(stack)),
  });
  const template = templateOf(stack);

  test('there are no errors, and every rule is kept', () => {
    assert.deepEqual(errorsOf(stack), []);
    assert.deepEqual(broken(template.toJSON() as TemplateJson), []);
  });

  test('it is one machine, behind a load balancer that ends TLS', () => {
    template.resourceCountIs('AWS::AutoScaling::AutoScalingGroup', 1);
    template.hasResourceProperties('AWS::ElasticLoadBalancingV2::Listener', { Protocol: 'TLS' });
    template.resourceCountIs('AWS::Route53::RecordSet', 1);
    assert.ok(node.entry);
  });

  test('the server itself is open to nobody, media to everybody', () => {
    const ports = openPorts(template);
    assert.ok(!ports.includes('tcp 7880'));
    assert.ok(ports.includes('udp 50000'));
    assert.ok(ports.includes('udp 3478'));
  });

  test('it needs no Redis, and is told to be single', () => {
    template.resourceCountIs('AWS::ElastiCache::ReplicationGroup', 0);
    const [[, text] = ['', '']] = configurations(template.toJSON() as TemplateJson);
    assert.match(text, /role: single/);
    assert.doesNotMatch(text, /redis/);
    const [[, data] = ['', '']] = userData(template.toJSON() as TemplateJson);
    assert.deepEqual(Object.keys(JSON.parse(bootFileIn(data)).secrets), ['api_key']);
  });

  test('it has the key pair alone: there is nobody to share a secret with', () => {
    template.resourceCountIs('AWS::SecretsManager::Secret', 1);
    assert.equal(node.secrets.clusterSecret, undefined);
    assert.equal(node.secrets.apiKey, node.apiKey);
  });
});

test('a cluster secret for it is refused: nobody would read it', () => {
  const stack = anyStack();
  const clusterSecret = sm.Secret.fromSecretNameV2(stack, 'Mine', 'mine');
  new SingleNode(stack, 'Meet', { domain: Domain.none(), secrets: { clusterSecret } });
  const [error = '', ...others] = errorsOf(stack);
  assert.deepEqual(others, []);
  assert.match(error, /secrets\.clusterSecret.*a secret, for a SingleNode.*leave it out/s);
});

test("with Let's Encrypt the machine has an address that stays, and the record leads to it", () => {
  const stack = anyStack();
  const zone = zoneOf(stack);
  const directoryUrl = 'https://acme-staging-v02.api.letsencrypt.org/directory';
  const domain = Domain.letsEncrypt('meet.example.com', { zone, directoryUrl });
  new SingleNode(stack, 'Meet', { domain });
  const template = templateOf(stack);
  const [[, text] = ['', '']] = userData(template.toJSON() as TemplateJson);
  assert.deepEqual(JSON.parse(bootFileIn(text)).entry.lets_encrypt, {
    domain: 'meet.example.com',
    directory_url: directoryUrl,
    terms_agreed: true,
    awaited: true,
  });
  assert.deepEqual(errorsOf(stack), []);
  template.resourceCountIs('AWS::ElasticLoadBalancingV2::LoadBalancer', 0);
  template.resourceCountIs('AWS::EC2::EIP', 1);
  template.hasResourceProperties('AWS::Route53::RecordSet', { TTL: '60' });
  for (const port of ['tcp 443', 'tcp 80']) assert.ok(openPorts(template).includes(port), port);
});

test('with no domain it speaks plain HTTP on 80', () => {
  const stack = anyStack();
  const node = new SingleNode(stack, 'Meet', { domain: Domain.none() });
  const template = templateOf(stack);
  assert.deepEqual(errorsOf(stack), []);
  assert.match(node.url, /^http:/);
  assert.ok(openPorts(template).includes('tcp 80'));
  assert.ok(!openPorts(template).includes('tcp 443'));
  const [[, text] = ['', '']] = userData(template.toJSON() as TemplateJson);
  assert.equal(JSON.parse(bootFileIn(text)).entry.tls, false);
});

test('with no TURN its ports are closed', () => {
  const stack = anyStack();
  new SingleNode(stack, 'Meet', { domain: Domain.none(), turn: Turn.none() });
  const ports = openPorts(templateOf(stack));
  assert.ok(!ports.some((port) => port.endsWith(' 3478')), ports.join());
});
