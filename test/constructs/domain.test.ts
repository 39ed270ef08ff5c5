import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Stack } from 'aws-cdk-lib';
import * as acm from 'aws-cdk-lib/aws-certificatemanager';
import * as route53 from 'aws-cdk-lib/aws-route53';
import * as sm from 'aws-cdk-lib/aws-secretsmanager';
import { Domain } from '../../constructs/domain';
import { addRecords, type TlsEnd, urlOf } from '../../constructs/private/domain-config';
import { Problems, sentence } from '../../constructs/private/validation';
import { anyStack, templateOf, tokenText } from './support/stacks';

const CERTIFICATE = 'arn:aws:acm:eu-central-1:111122223333:certificate/1';

const zoneOf = (stack: Stack, zoneName = 'example.com') =>
  route53.HostedZone.fromHostedZoneAttributes(stack, 'Zone', { hostedZoneId: 'Z1', zoneName });
const certificateOf = (stack: Stack) =>
  acm.Certificate.fromCertificateArn(stack, 'Given', CERTIFICATE);

function bind(stack: Stack, domain: Domain, tls: TlsEnd) {
  const problems = new Problems(stack);
  const config = domain._bind(stack, tls, problems);
  return { config, problems: problems.found.map(sentence) };
}

describe('a domain in Route 53', () => {
  it('has a certificate of ACM that its zone validates, for a load balancer', () => {
    const stack = anyStack();
    const { config, problems } = bind(
      stack,
      Domain.route53('meet.example.com', zoneOf(stack)),
      'balancer',
    );
    assert.deepEqual(problems, []);
    assert.equal(config.tls, 'balancer');
    assert.equal(urlOf(config, 'unused'), 'https://meet.example.com');
    templateOf(stack).hasResourceProperties('AWS::CertificateManager::Certificate', {
      DomainName: 'meet.example.com',
      ValidationMethod: 'DNS',
      DomainValidationOptions: [{ DomainName: 'meet.example.com', HostedZoneId: 'Z1' }],
    });
  });

  it('takes a certificate that exists', () => {
    const stack = anyStack();
    const given = certificateOf(stack);
    const domain = Domain.route53('meet.example.com', zoneOf(stack), { certificate: given });
    assert.equal(bind(stack, domain, 'balancer').config.certificate, given);
    templateOf(stack).resourceCountIs('AWS::CertificateManager::Certificate', 0);
  });

  it("has one of Let's Encrypt on a machine", () => {
    const stack = anyStack();
    const domain = Domain.route53('meet.example.com', zoneOf(stack), { email: 'a@example.com' });
    const { config, problems } = bind(stack, domain, 'machine');
    assert.deepEqual(problems, []);
    assert.deepEqual(config.letsEncrypt, { email: 'a@example.com', directoryUrl: undefined });
    templateOf(stack).resourceCountIs('AWS::CertificateManager::Certificate', 0);
  });

  it('gets its records for addresses, kept for a minute', () => {
    const stack = anyStack();
    const { config } = bind(stack, Domain.route53('meet.example.com', zoneOf(stack)), 'machine');
    const target = (address: string) => route53.RecordTarget.fromIpAddresses(address);
    addRecords(stack, config, target('203.0.113.1'), target('2001:db8::1'));
    const template = templateOf(stack);
    for (const [Type, address] of [
      ['A', '203.0.113.1'],
      ['AAAA', '2001:db8::1'],
    ]) {
      template.hasResourceProperties('AWS::Route53::RecordSet', {
        Type,
        Name: 'meet.example.com.',
        HostedZoneId: 'Z1',
        TTL: '60',
        ResourceRecords: [address],
      });
    }
  });

  it('has the right name where that of the zone is a token', () => {
    const stack = anyStack();
    const zone = zoneOf(stack, tokenText(stack, 'ZoneName'));
    const { config, problems } = bind(stack, Domain.route53('meet.example.com', zone), 'machine');
    addRecords(stack, config, route53.RecordTarget.fromIpAddresses('203.0.113.1'));
    assert.deepEqual(problems, []);
    templateOf(stack).hasResourceProperties('AWS::Route53::RecordSet', {
      Name: 'meet.example.com.',
    });
  });
});

describe('other domains', () => {
  it('have a certificate that exists, for a load balancer', () => {
    const stack = anyStack();
    const given = certificateOf(stack);
    const { config, problems } = bind(
      stack,
      Domain.certificate('a.example.org', given),
      'balancer',
    );
    assert.deepEqual(problems, []);
    assert.equal(config.certificate, given);
    addRecords(stack, config, route53.RecordTarget.fromIpAddresses('203.0.113.1'));
    templateOf(stack).resourceCountIs('AWS::Route53::RecordSet', 0);
  });

  it('have one of their own, for a machine', () => {
    const stack = anyStack();
    const secret = sm.Secret.fromSecretNameV2(stack, 'Pem', 'pem');
    const domain = Domain.ownCertificate('a.example.com', secret, { zone: zoneOf(stack) });
    const { config, problems } = bind(stack, domain, 'machine');
    assert.deepEqual(problems, []);
    assert.equal(config.certificateSecret, secret);
    assert.ok(config.zone);
  });

  it("have one of Let's Encrypt, for a machine", () => {
    const stack = anyStack();
    const { config, problems } = bind(stack, Domain.letsEncrypt('a.example.com'), 'machine');
    assert.deepEqual(problems, []);
    assert.deepEqual(config.letsEncrypt, { email: undefined, directoryUrl: undefined });
  });

  it('are none, with plain HTTP', () => {
    const { config } = bind(anyStack(), Domain.none(), 'balancer');
    assert.equal(Domain.none().domainName, undefined);
    assert.equal(urlOf(config, 'lb.example.com'), 'http://lb.example.com');
  });

  it('may be tokens', () => {
    const stack = anyStack();
    const name = tokenText(stack, 'Name');
    for (const domain of [
      Domain.certificate(name, certificateOf(stack), { zone: zoneOf(stack) }),
      Domain.certificate(name, certificateOf(anyStack())),
    ]) {
      assert.deepEqual(bind(stack, domain, 'balancer').problems, []);
    }
    const email = tokenText(stack, 'Email');
    const encrypted = Domain.letsEncrypt(name, { email });
    assert.deepEqual(bind(stack, encrypted, 'machine').problems, []);
  });
});

describe('a domain that cannot be', () => {
  const stack = anyStack();
  const zone = zoneOf(stack);
  const certificate = certificateOf(stack);
  const secret = sm.Secret.fromSecretNameV2(stack, 'Secret', 'pem');
  const cases: readonly [string, Domain, TlsEnd, RegExp][] = [
    [
      'fails with a URL',
      Domain.letsEncrypt('https://a.example.com'),
      'machine',
      /^domain: got "https:\/\/a\.example\.com", allowed is a host name such as/,
    ],
    ['fails with a wildcard', Domain.certificate('*.example.com', certificate), 'balancer', /\*/],
    ['fails with a single label', Domain.letsEncrypt('localhost'), 'machine', /localhost/],
    ['fails with a label too long', Domain.letsEncrypt(`${'a'.repeat(64)}.com`), 'machine', /aaa/],
    [
      'fails with a name outside its zone',
      Domain.route53('meet.example.org', zone, { certificate }),
      'balancer',
      /meet\.example\.org in the zone example\.com, allowed is example\.com, or names/,
    ],
    [
      'fails with a name that only ends like its zone',
      Domain.route53('notexample.com', zone, { certificate }),
      'balancer',
      /notexample\.com in the zone/,
    ],
    [
      'fails with a certificate of ACM and no load balancer',
      Domain.certificate('a.example.com', certificate),
      'machine',
      /Domain\.certificate\(\) and no load balancer.*Domain\.letsEncrypt\(\)/,
    ],
    [
      'fails with a certificate of ACM in a zone and no load balancer',
      Domain.route53('a.example.com', zone, { certificate }),
      'machine',
      /a certificate of ACM, and no load balancer/,
    ],
    [
      "fails with Let's Encrypt and a load balancer",
      Domain.letsEncrypt('a.example.com'),
      'balancer',
      /Domain\.letsEncrypt\(\) and a load balancer.*Domain\.route53\(\)/,
    ],
    [
      'fails with an own certificate and a load balancer',
      Domain.ownCertificate('a.example.com', secret),
      'balancer',
      /Domain\.ownCertificate\(\) and a load balancer/,
    ],
    [
      'fails with an address that is none',
      Domain.letsEncrypt('a.example.com', { email: 'me' }),
      'machine',
      /^email: got "me"/,
    ],
    [
      'fails with an authority without TLS',
      Domain.letsEncrypt('a.example.com', { directoryUrl: 'http://ca.example.com/dir' }),
      'machine',
      /^directoryUrl: got "http:.*with https such as/,
    ],
  ];
  for (const [name, domain, tls, expected] of cases) {
    it(name, () => {
      const { problems } = bind(stack, domain, tls);
      assert.equal(problems.length, 1);
      assert.match(problems[0] ?? '', expected);
    });
  }
});
