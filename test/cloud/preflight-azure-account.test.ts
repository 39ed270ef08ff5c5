import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { environmentOf } from '../../node-image/cloud/azure/preflight/environment';
import { preflightAzure } from '../../node-image/cloud/azure/preflight/preflight-azure';
import { isAllowed } from '../../node-image/cloud/azure/preflight/rights';
import { AzureFault } from '../support/fake-azure/azure-fault';
import { PATHS, preflight, QUESTION, SUBSCRIPTION, subnet } from './preflight-azure-world';
import { bad } from './preflight-cases';

const denied = () => new AzureFault('AuthorizationFailed', 'you may not', 403);
const subscription = (state: string) => ({
  [PATHS.subscriptions]: [{ subscriptionId: SUBSCRIPTION, displayName: 'Calls', state }],
});

describe('sluice preflight azure', () => {
  it('finds nothing in a subscription that is in order, and says what nobody can know', async () => {
    const report = await preflight();
    assert.deepEqual(bad(report), []);
    const unchecked = report.findings.filter(({ status }) => status === 'unchecked');
    assert.deepEqual(
      unchecked.map(({ check }) => check),
      ['Free capacity', 'Policies', 'Roles that are new', 'Ports in between'],
    );
    assert.deepEqual(report.caller, {
      subscription: SUBSCRIPTION,
      name: 'Calls',
      location: 'westeurope',
    });
  });

  it('only reads, also where the deployment makes everything', async () => {
    const { calls } = await preflight();
    assert.ok(new Set(calls).size > 20);
    for (const call of calls) assert.match(call, /^GET /);
  });

  it('finds nothing in order where a deployment with its defaults would work', async () => {
    for (const masters of [0, 1, 3]) {
      const report = await preflight({
        question: {
          masters,
          maxMediaNodes: masters === 0 ? 1 : 4,
          resourceGroup: undefined,
          mediaResourceGroup: undefined,
          dnsZone: undefined,
          subnet: undefined,
          masterSubnet: undefined,
          publicAddress: undefined,
          loadBalancer: undefined,
          scaleSet: undefined,
          identities: [],
          image: undefined,
          vault: undefined,
          encryptionAtHost: false,
        },
      });
      assert.deepEqual(bad(report), []);
      const image = report.findings.find(({ check }) => check === 'Image');
      assert.match(image?.found ?? '', /^Debian:debian-12:12-gen2:latest, without a plan$/);
    }
  });

  it('looks for Debian of each processor that the sizes have', async () => {
    const { findings } = await preflight({
      question: { image: undefined, vmSize: 'Standard_D4ps_v6' },
    });
    const found = findings.flatMap((each) => (each.check === 'Image' ? [each.found] : []));
    assert.deepEqual(found, [
      'Debian:debian-12:12-arm64:latest, without a plan',
      'Debian:debian-12:12-gen2:latest, without a plan',
    ]);
  });

  it('holds a NAT gateway, and a firewall, to be a way out of masters', async () => {
    for (const rest of [{ natGateway: { id: '/nat' } }, { routeTable: { id: PATHS.routes } }]) {
      const report = await preflight({
        answers: {
          [PATHS.balancer]: {
            location: 'westeurope',
            sku: { name: 'Standard' },
            properties: {
              frontendIPConfigurations: [{ properties: { publicIPAddress: {} } }],
              loadBalancingRules: [
                {
                  name: 'https',
                  properties: {
                    protocol: 'All',
                    frontendPort: 443,
                    idleTimeoutInMinutes: 30,
                    enableTcpReset: true,
                  },
                },
              ],
            },
          },
          [PATHS.masterSubnet]: subnet('masters', rest),
          [PATHS.routes]: {
            properties: {
              routes: [
                { properties: { addressPrefix: '0.0.0.0/0', nextHopType: 'VirtualAppliance' } },
              ],
            },
          },
        },
      });
      assert.deepEqual(bad(report), []);
    }
  });

  it('says that it knows nothing where nothing may be asked, and holds none of it to be bad', async () => {
    const shut = Object.values(PATHS).filter((path) => {
      return path !== PATHS.subscriptions && path !== PATHS.locations;
    });
    const report = await preflight({
      answers: Object.fromEntries(shut.map((path) => [path, denied()])),
    });
    assert.deepEqual(bad(report), []);
    for (const [title, right] of [
      ['Master Node size', 'Microsoft.Compute/skus/read'],
      ['Public addresses', 'Microsoft.Network/locations/usages/read'],
      ['Media Node subnet', 'Microsoft.Network/virtualNetworks/subnets/read'],
      ['DNS zone', 'Microsoft.Network/dnsZones/read'],
      ['Load balancer', 'Microsoft.Network/loadBalancers/read'],
      ['Scale set', 'Microsoft.Compute/virtualMachineScaleSets/read'],
      ['Identities', 'Microsoft.ManagedIdentity/userAssignedIdentities/read'],
      ['Key Vault', 'Microsoft.KeyVault/vaults/read'],
      ['Rights to write roles', 'Microsoft.Authorization/permissions/read'],
    ] as const) {
      const one = report.findings.find(({ check }) => check === title);
      assert.equal(one?.status, 'unchecked', title);
      assert.ok(one.todo?.startsWith(`Allow ${right} to whoever runs this`), one.todo);
    }
    const cores = report.findings.find(({ check }) => check === 'Cores');
    assert.equal(cores?.status, 'unchecked');
  });

  it('asks nothing more where it is not known who asks, or where', async () => {
    for (const [options, found, todo] of [
      [{ token: 'of nobody' }, /^Azure knows nobody: .*AuthenticationFailed/, /az login/],
      [
        { question: { subscription: undefined } },
        /^several subscriptions are seen: Another \(another\), Calls/,
        /--subscription, or ARM_SUBSCRIPTION_ID/,
      ],
      [
        { answers: { [PATHS.subscriptions]: [] } },
        /^no subscription 0{8}-.* is seen: there is none$/,
        /az login --tenant/,
      ],
      [{ answers: subscription('Disabled') }, /^the subscription Calls is Disabled/, /enabled/],
      [{ question: { location: undefined } }, /^no region was given$/, /ARM_LOCATION/],
      [
        { question: { location: 'Middle Earth' } },
        /^the subscription has no region Middle Earth$/,
        /az account list-locations/,
      ],
    ] as const) {
      const { caller, findings, calls } = await preflight(options);
      assert.equal(caller, undefined);
      assert.equal(findings.length, 1);
      assert.equal(findings[0]?.status, 'failed');
      assert.match(findings[0]?.found ?? '', found);
      assert.match(findings[0]?.todo ?? '', todo);
      assert.ok(calls.every((call) => /subscriptions(\/[^/]+\/locations)?$/.test(call)));
    }
  });

  it('takes the only subscription that is seen', async () => {
    const { caller } = await preflight({
      question: { subscription: undefined },
      answers: subscription('Enabled'),
    });
    assert.equal(caller?.subscription, SUBSCRIPTION);
  });

  it('goes on where one check itself fails, and says so', async () => {
    const { findings } = await preflight({ answers: { [PATHS.balancer]: { sku: 3 } } });
    const one = findings.find(({ check }) => check === 'Load balancer');
    assert.equal(one?.status, 'unchecked');
    assert.equal(findings.at(-1)?.check, 'Ports in between');
  });
});

describe('the cloud that is asked', () => {
  it('is the public one, or that of ARM_ENVIRONMENT', () => {
    for (const name of [undefined, '', 'public', 'Public']) {
      assert.equal(environmentOf(name).endpoint, 'https://management.azure.com');
    }
    assert.equal(environmentOf('usgovernment').endpoint, 'https://management.usgovcloudapi.net');
    assert.match(environmentOf('china').authorityHost, /chinacloudapi\.cn$/);
  });

  it('is told of where there is none of that name, and nobody is asked', async () => {
    const env = { ARM_ENVIRONMENT: 'mars' };
    const { caller, findings } = await preflightAzure({ question: QUESTION, env });
    assert.equal(caller, undefined);
    assert.equal(findings.length, 1);
    assert.equal(findings[0]?.status, 'failed');
    assert.match(findings[0]?.found ?? '', /^ARM_ENVIRONMENT: got "mars", allowed is public, us/);
    assert.match(findings[0]?.todo ?? '', /unset it/);
  });
});

describe('what somebody may do', () => {
  it('is what one entry gives, whatever another takes away', () => {
    const all = { actions: ['*'], notActions: ['Microsoft.Authorization/*/Write'] };
    const roles = { actions: ['Microsoft.Authorization/roleAssignments/*'], notActions: [] };
    const write = 'Microsoft.Authorization/roleAssignments/write';
    assert.equal(isAllowed(write, [all]), false);
    assert.equal(isAllowed(write, [all, roles]), true);
    assert.equal(isAllowed('Microsoft.Compute/virtualMachines/write', [roles]), false);
    assert.equal(
      isAllowed('Microsoft-Compute/x', [{ actions: ['Microsoft.Compute/*'], notActions: [] }]),
      false,
    );
  });
});
