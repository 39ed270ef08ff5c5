import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { PreflightQuestion } from '../../node-image/cloud/azure/preflight/question';
import type { Finding } from '../../node-image/findings/finding';
import { sluice } from './run-sluice';

const SUBSCRIPTION = '00000000-0000-0000-0000-000000000000';
const CALLER = { subscription: SUBSCRIPTION, name: 'Calls', location: 'westeurope' };
const FINDINGS: readonly Finding[] = [
  { check: 'Credentials and region', status: 'ok', found: 'subscription Calls' },
  { check: 'Cores of the region', status: 'failed', found: '22 needed, 20 there', todo: 'Ask.' },
];
const id = (provider: string, path: string): string =>
  `/subscriptions/${SUBSCRIPTION}/resourceGroups/meet/providers/Microsoft.${provider}/${path}`;

async function run(argv: readonly string[], findings: readonly Finding[] = FINDINGS) {
  const asked: PreflightQuestion[] = [];
  const ran = await sluice(['preflight', 'azure', ...argv], {
    preflightAzure: async (question) => {
      asked.push(question);
      return { caller: CALLER, findings };
    },
  });
  return { ...ran, asked };
}

describe('sluice preflight azure', () => {
  it('shows a table, and below it what to do', async () => {
    const { code, output, errors } = await run([]);
    assert.deepEqual([code, errors], [1, '']);
    assert.match(output, /\| Cores of the region +\| FAILS +\| 22 needed, 20 there +\|/);
    assert.match(output, /What to do:\n- Cores of the region: Ask\.\n\n1 ok, 1 failed/);
  });

  it('ends with 0 where nothing fails', async () => {
    assert.equal((await run([], FINDINGS.slice(0, 1))).code, 0);
  });

  it('answers in JSON', async () => {
    const { code, output } = await run(['--json']);
    assert.equal(code, 1);
    assert.deepEqual(JSON.parse(output), {
      ok: false,
      subscription: SUBSCRIPTION,
      location: 'westeurope',
      findings: FINDINGS,
    });
  });

  it('asks for what the program takes for an Elastic cluster, unless it is said otherwise', async () => {
    assert.deepEqual((await run([])).asked, [
      {
        subscription: undefined,
        location: undefined,
        resourceGroup: undefined,
        mediaResourceGroup: undefined,
        domain: undefined,
        dnsZone: undefined,
        dnsZoneResourceGroup: undefined,
        vmSize: 'Standard_F4s_v2',
        masterVmSize: 'Standard_F2s_v2',
        maxMediaNodes: 4,
        masters: 1,
        zones: ['1', '2', '3'],
        spot: false,
        encryptionAtHost: false,
        observability: false,
        subnet: undefined,
        masterSubnet: undefined,
        publicAddress: undefined,
        loadBalancer: undefined,
        scaleSet: undefined,
        identities: [],
        image: undefined,
        vault: undefined,
      },
    ]);
    assert.equal((await run(['--masters', '0'])).asked[0]?.maxMediaNodes, 1);
    assert.deepEqual((await run(['--no-zones'])).asked[0]?.zones, []);
  });

  it('takes all that is said', async () => {
    const network = id('Network', 'virtualNetworks/net/subnets');
    const identity = id('ManagedIdentity', 'userAssignedIdentities/node');
    const { asked, errors } = await run([
      ...['--subscription', SUBSCRIPTION, '--location', 'West Europe', '--resource-group', 'meet'],
      ...['--media-resource-group', 'meet-media', '--domain', 'meet.example.com'],
      ...['--dns-zone', 'example.com', '--dns-zone-resource-group', 'dns'],
      ...['--vm-size', 'Standard_D4ps_v6', '--master-vm-size', 'Standard_D2ps_v6'],
      ...['--max-media-nodes', '10', '--masters', '3', '--zone', '2', '--zone', '3'],
      ...['--spot', '--encryption-at-host', '--observability', '--subnet', `${network}/media`],
      ...['--master-subnet', `${network}/masters`],
      ...['--public-address', id('Network', 'publicIPAddresses/entry')],
      ...['--load-balancer', id('Network', 'loadBalancers/entry')],
      ...['--scale-set', id('Compute', 'virtualMachineScaleSets/media')],
      ...['--identity', identity, '--identity', `${identity}2`],
      ...['--image', 'Debian:debian-12:12-arm64:latest', '--vault', id('KeyVault', 'vaults/v')],
    ]);
    assert.equal(errors, '');
    assert.deepEqual(asked, [
      {
        subscription: SUBSCRIPTION,
        location: 'West Europe',
        resourceGroup: 'meet',
        mediaResourceGroup: 'meet-media',
        domain: 'meet.example.com',
        dnsZone: 'example.com',
        dnsZoneResourceGroup: 'dns',
        vmSize: 'Standard_D4ps_v6',
        masterVmSize: 'Standard_D2ps_v6',
        maxMediaNodes: 10,
        masters: 3,
        zones: ['2', '3'],
        spot: true,
        encryptionAtHost: true,
        observability: true,
        subnet: `${network}/media`,
        masterSubnet: `${network}/masters`,
        publicAddress: id('Network', 'publicIPAddresses/entry'),
        loadBalancer: id('Network', 'loadBalancers/entry'),
        scaleSet: id('Compute', 'virtualMachineScaleSets/media'),
        identities: [identity, `${identity}2`],
        image: 'Debian:debian-12:12-arm64:latest',
        vault: id('KeyVault', 'vaults/v'),
      },
    ]);
  });

  it('ends with 2 for what cannot be, says what can, and asks nobody', async () => {
    for (const [argv, told] of [
      [['--subscription', 'Calls'], /the id of a subscription such as 0{8}-/],
      [['--location', 'eu_west_1'], /a region such as westeurope/],
      [['--resource-group', id('X', 'y/z')], /the name of a resource group, not its id/],
      [['--domain', 'meet'], /a host name such as meet\.example\.com/],
      [['--vm-size', 'c7i.large'], /a size such as Standard_F4s_v2/],
      [['--max-media-nodes', '0'], /a whole number, 1 or more/],
      [['--masters', '-1'], /a whole number, 0 or more/],
      [['--zone', 'westeurope-1'], /the number of a zone: 1, 2 or 3/],
      [['--subnet', 'media'], /virtualNetworks\/NAME\/subnets\/NAME/],
      [['--public-address', '203.0.113.9'], /Microsoft\.Network\/publicIPAddresses\/NAME/],
      [['--load-balancer', id('Network', 'publicIPAddresses/x')], /loadBalancers\/NAME/],
      [['--scale-set', 'media'], /Microsoft\.Compute\/virtualMachineScaleSets\/NAME/],
      [['--identity', 'node'], /userAssignedIdentities\/NAME/],
      [['--image', 'debian'], /or a URN such as Debian:debian-12:12-gen2:latest/],
      [['--vault', 'meet'], /Microsoft\.KeyVault\/vaults\/NAME/],
      [['--masters', '0', '--max-media-nodes', '2'], /--masters 0 is a Single Node/],
      [['--no-zones', '--zone', '1'], /--zone and --no-zones contradict/],
      [['extra'], /too many arguments/],
    ] as const) {
      const { code, errors, output, asked } = await run(argv);
      assert.deepEqual([code, output, asked], [2, '', []], argv.join(' '));
      assert.match(errors, told);
    }
  });
});
