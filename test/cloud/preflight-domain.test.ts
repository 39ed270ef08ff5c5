import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { covers } from '../../node-image/cloud/aws/preflight/certificate';
import { awsError } from '../support/aws/fake-clients';
import { bad } from './preflight-cases';
import { type Case, preflight, tells } from './preflight-world';

const certificate = (Certificate: object) => ({
  DescribeCertificateCommand: { Certificate: { DomainName: 'meet.example.com', ...Certificate } },
});
const zone = (Name: string, PrivateZone = false) => ({
  GetHostedZoneCommand: { HostedZone: { Name, Config: { PrivateZone } } },
});
const dnsError = (code: string): Error =>
  Object.assign(new Error(`queryNs ${code} example.com`), { code });
const fails = (code: string) => async (): Promise<string[]> => {
  throw dnsError(code);
};
const balancer = (one: object) => ({
  DescribeLoadBalancersCommand: {
    LoadBalancers: [
      { LoadBalancerName: 'mine', Type: 'network', SecurityGroups: ['sg-1'], ...one },
    ],
  },
});

const CASES: readonly Case[] = [
  {
    name: 'a certificate of another region',
    question: { certificate: 'arn:aws:acm:us-east-1:123456789012:certificate/1' },
    check: 'Certificate',
    found: /^it is in the region us-east-1, and the stack in eu-west-1$/,
    todo: /request-certificate --region eu-west-1/,
  },
  {
    name: 'a certificate of another account',
    question: { certificate: 'arn:aws:acm:eu-west-1:999999999999:certificate/1' },
    check: 'Certificate',
    found: /^it is in the account 999999999999, and the stack in 123456789012$/,
    todo: /in eu-west-1 of 123456789012/,
  },
  {
    name: 'a certificate that is not there',
    answers: { DescribeCertificateCommand: awsError('ResourceNotFoundException') },
    check: 'Certificate',
    found: /none of this ARN/,
    todo: /list-certificates/,
  },
  {
    name: 'a certificate that waits for a record',
    answers: certificate({
      Status: 'PENDING_VALIDATION',
      DomainValidationOptions: [
        { ResourceRecord: { Name: '_1.meet.example.com.', Type: 'CNAME', Value: '_2.aws.' } },
      ],
    }),
    check: 'Certificate',
    found: /^its status is PENDING_VALIDATION$/,
    todo: /Write into the DNS.*: _1\.meet\.example\.com\. CNAME _2\.aws\.$/,
  },
  {
    name: 'a certificate that waits for a mail',
    answers: certificate({ Status: 'PENDING_VALIDATION', DomainValidationOptions: [{}] }),
    check: 'Certificate',
    found: /PENDING_VALIDATION/,
    todo: /Answer the mail/,
  },
  {
    name: 'a certificate that has expired',
    answers: certificate({ Status: 'EXPIRED' }),
    check: 'Certificate',
    found: /^its status is EXPIRED$/,
    todo: /request-certificate .* meet\.example\.com$/,
  },
  {
    name: 'a certificate of another name',
    answers: certificate({
      Status: 'ISSUED',
      DomainName: '*.example.org',
      SubjectAlternativeNames: ['*.example.org', 'example.com'],
    }),
    check: 'Certificate',
    found: /^it is not for meet\.example\.com, but for \*\.example\.org, example\.com$/,
    todo: /request-certificate .* meet\.example\.com$/,
  },
  {
    name: 'a zone that is not there',
    answers: { GetHostedZoneCommand: awsError('NoSuchHostedZone') },
    check: 'Hosted zone',
    found: /none of this id/,
    todo: /list-hosted-zones/,
  },
  {
    name: 'a private zone',
    answers: zone('example.com.', true),
    check: 'Hosted zone',
    found: /^example\.com is a private zone/,
    todo: /public zone of example\.com/,
  },
  {
    name: 'a zone that the domain is not in',
    answers: zone('ample.com.'),
    check: 'Hosted zone',
    found: /^meet\.example\.com is not in it: it is of ample\.com$/,
    todo: /zone of meet\.example\.com, or a domain that ends with \.ample\.com/,
  },
  {
    name: 'a zone that the DNS knows nothing of',
    resolveNs: fails('ENOTFOUND'),
    check: 'Hosted zone',
    found: /^example\.com is not delegated/,
    todo: /name servers: ns-1\.awsdns-01\.org, ns-2\.awsdns-02\.com$/,
  },
  {
    name: 'a zone whose name has no name servers of its own',
    resolveNs: fails('ENODATA'),
    check: 'Hosted zone',
    found: /^example\.com is not delegated/,
    todo: /write as its name servers/,
  },
  {
    name: 'a zone that others serve',
    resolveNs: async () => ['ns.registrar.net', 'ns-1.awsdns-01.org.evil.net'],
    check: 'Hosted zone',
    found:
      /^example\.com is served by others: ns\.registrar\.net, ns-1\.awsdns-01\.org\.evil\.net$/,
    todo: /name servers: ns-1/,
  },
  {
    name: 'a zone that others serve too',
    resolveNs: async () => ['NS-1.awsdns-01.org.', 'ns.registrar.net'],
    check: 'Hosted zone',
    status: 'warning',
    found: /^example\.com is served by others too: ns\.registrar\.net$/,
    todo: /name servers: ns-1/,
  },
  {
    name: 'a zone where the DNS does not answer',
    resolveNs: fails('ETIMEOUT'),
    check: 'Hosted zone',
    status: 'unchecked',
    found: /the DNS does not say who serves example\.com: queryNs ETIMEOUT/,
    todo: /dig NS example\.com answers with ns-1/,
  },
  {
    name: 'a load balancer that is not there',
    answers: { DescribeLoadBalancersCommand: awsError('LoadBalancerNotFoundException') },
    check: 'Load balancer',
    found: /none of this ARN in the region/,
    todo: /describe-load-balancers/,
  },
  {
    name: 'a load balancer without a security group',
    answers: balancer({ SecurityGroups: [] }),
    check: 'Load balancer',
    found: /^mine has no security group, and can never get one$/,
    todo: /loadBalancerPeers/,
  },
  {
    name: 'a load balancer for HTTP',
    answers: balancer({ Type: 'application' }),
    check: 'Load balancer',
    found: /of the type application/,
    todo: /Network Load Balancer/,
  },
  {
    name: 'a load balancer that has failed',
    answers: balancer({ State: { Code: 'failed', Reason: 'no addresses' } }),
    check: 'Load balancer',
    found: /^mine has failed: no addresses$/,
    todo: /another one/,
  },
  {
    name: 'an internal load balancer',
    answers: balancer({ Scheme: 'internal' }),
    check: 'Load balancer',
    status: 'warning',
    found: /^mine is internal$/,
    todo: /faces the internet/,
  },
];

describe('sluice preflight aws tells of', () => {
  for (const one of CASES) it(one.name, () => tells(one));
});

describe('sluice preflight aws', () => {
  it('says what it was not asked for', async () => {
    const nothing = { domain: undefined, zone: undefined, certificate: undefined };
    const { findings } = await preflight({ question: { ...nothing, loadBalancer: undefined } });
    const of = (title: string) => findings.find(({ check }) => check === title);
    assert.match(of('Certificate')?.found ?? '', /no --certificate was given, and no --zone/);
    assert.match(of('Hosted zone')?.todo ?? '', /by hand/);
    assert.equal(of('Load balancer'), undefined);
  });

  it('leaves the certificate to the deployment where there is a zone', async () => {
    const { findings } = await preflight({ question: { certificate: undefined } });
    const one = findings.find(({ check }) => check === 'Certificate');
    assert.equal(one?.status, 'unchecked');
    assert.match(one?.found ?? '', /the deployment makes one/);
  });

  it('compares no names where there is no domain', async () => {
    const report = await preflight({ question: { domain: undefined } });
    assert.deepEqual(bad(report), []);
    const one = report.findings.find(({ check }) => check === 'Certificate');
    assert.match(one?.found ?? '', /no --domain was given/);
  });

  it('takes a zone of the very name, in any case of letters', async () => {
    assert.deepEqual(bad(await preflight({ question: { domain: 'EXAMPLE.com' } })), []);
  });

  it('names the right that is missing', async () => {
    const denied = awsError('AccessDeniedException', 'you may not');
    const { findings } = await preflight({
      answers: {
        DescribeCertificateCommand: denied,
        GetHostedZoneCommand: awsError('AccessDenied'),
        DescribeLoadBalancersCommand: denied,
      },
    });
    for (const [title, right] of [
      ['Certificate', 'acm:DescribeCertificate'],
      ['Hosted zone', 'route53:GetHostedZone'],
      ['Load balancer', 'elasticloadbalancing:DescribeLoadBalancers'],
    ]) {
      const one = findings.find(({ check }) => check === title);
      assert.equal(one?.status, 'unchecked');
      assert.equal(one?.todo, `Allow ${right} to whoever runs this, or look for yourself.`);
    }
  });
});

describe('a name of a certificate', () => {
  it('covers itself, and one label where it has a wildcard', () => {
    for (const [name, domain, expected] of [
      ['meet.example.com', 'meet.example.com', true],
      ['Meet.Example.com', 'meet.example.COM', true],
      ['*.example.com', 'meet.example.com', true],
      ['*.example.com', 'a.meet.example.com', false],
      ['*.example.com', 'example.com', false],
      ['*.example.com', '.example.com', false],
      ['example.com', 'meet.example.com', false],
    ] as const) {
      assert.equal(covers(name, domain), expected, `${name} ${domain}`);
    }
  });
});
