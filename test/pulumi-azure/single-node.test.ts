import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { Domain, SingleNode } from '../../pulumi-azure';
import { at, bootOf, configOf, rulesOf, scriptOf } from './support/read';
import { failureOf, inWorld, type World } from './support/world';

describe('a Single Node', () => {
  let world: World;

  before(async () => {
    world = await inWorld(() => {
      new SingleNode('meet', {
        location: 'westeurope',
        domain: Domain.ownCertificate('meet.example.com', 'PEM of a certificate'),
      });
    });
  });

  const machine = () => world.only('azure-native:compute:VirtualMachine').inputs;

  test('is one machine with a public address and nothing else that scales', () => {
    assert.equal(at(machine(), 'hardwareProfile.vmSize'), 'Standard_F4s_v2');
    assert.deepEqual(world.all('azure-native:compute:VirtualMachineScaleSet'), []);
    assert.deepEqual(world.all('azure-native:network:LoadBalancer'), []);
    assert.deepEqual(world.all('azure-native:authorization:RoleDefinition'), []);
    assert.equal(world.all('azure-native:resources:ResourceGroup').length, 1);
  });

  test('takes clients, media and TURN, but no TURN on UDP 443 beside HAProxy', () => {
    assert.deepEqual(rulesOf(world.only('azure-native:network:NetworkSecurityGroup')), [
      'Allow tcp 443 from *',
      'Allow tcp 80 from *',
      'Allow udp 50000-50063 from *',
      'Allow tcp 7881-7944 from *',
      'Allow udp 3478 from *',
      'Allow tcp 3478 from *',
      'Deny * * from VirtualNetwork',
    ]);
  });

  test('is told who it is, and reads its certificate from the vault', () => {
    const boot = bootOf(scriptOf(machine()));
    assert.equal(boot['role'], 'single');
    assert.deepEqual(boot['secrets'], { api_key: 'api-key', certificate: 'certificate' });
    assert.deepEqual(boot['entry'], { tls: true, port: 443, redirect: true });
    const config = configOf(world, 'meet-node');
    assert.equal(config.sluice.role, 'single');
    assert.equal(config.sluice.cloud.kind, 'azure');
    assert.equal(config.turn.domain, 'meet.example.com');
    const secret = world.only('azure-native:keyvault:Secret', '-certificate').inputs;
    assert.equal(at(secret, 'properties.value'), 'PEM of a certificate');
  });

  test('says all that is wrong at once', async () => {
    const failure = await failureOf(
      () =>
        new SingleNode('meet', {
          domain: Domain.none(),
          vmSize: 'c7i.xlarge',
          zones: ['1', '1'],
          diskSizeGib: 5,
          creationTimeoutMinutes: 120,
        }),
    );
    assert.match(failure, /vmSize: got "c7i\.xlarge", allowed is a size of Azure/);
    assert.match(failure, /zones: got \["1","1"\]/);
    assert.match(failure, /diskSizeGib: got 5, allowed is a whole number from 10 to 4095/);
    assert.match(failure, /creationTimeoutMinutes: got 120.*Azure ends what waits/);
  });
});
