/**
 * What becomes of a running Elastic cluster when its program changes, by the real command line and
 * engine of Pulumi, against a stand-in that refuses what Azure refuses.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { OwnProgram } from './support/engine/own-program';

/** What nothing but its own deletion may ever replace or delete. */
const WITH_STATE =
  /(?:-vault|-masters-data|-address|-interface|-secret|-cluster|-api-key|-suffix|-redis)$/;

/** A machine that is replaced, and the extension that waits until it serves. */
const MACHINE = ['replace meet-masters-machine', 'replace meet-masters-ready'];

const keyOf = (letter: string) => `sshPublicKey: 'ssh-ed25519 ${letter.repeat(68)} ops'`;

const imageOf = (version: string) =>
  `image: NodeImage.fromImage('/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/galleries/g/images/sluice/versions/${version}')`;

describe('a later deployment of an Elastic cluster', { timeout: 15 * 60_000 }, () => {
  let program: OwnProgram;
  let options: Record<string, string>;

  /** Changes options for good, deploys, and says what changed. */
  const change = (changes: Record<string, string>): string[] => {
    options = { ...options, ...changes };
    program.write('ElasticCluster', Object.values(options).join(', '));
    const steps = program.pulumi.up();
    const lost = steps.filter((step) => /^(?:replace|delete) /.test(step) && WITH_STATE.test(step));
    assert.deepEqual(lost, []);
    return steps;
  };

  before(() => {
    program = new OwnProgram();
    options = {
      domain: 'domain: Domain.none()',
      image: imageOf('1.0.0'),
      masters: `masterNodes: { ${keyOf('A')} }`,
    };
    const made = change({});
    assert.ok(made.includes('create meet-masters-data'), String(made));
  });

  after(() => program.close());

  test('with larger machines changes the Master Node in place, and the model of the set', () => {
    const masters = `masterNodes: { ${keyOf('A')}, vmSize: 'Standard_F4s_v2' }`;
    assert.deepEqual(change({ masters, media: "mediaNodes: { vmSize: 'Standard_F8s_v2' }" }), [
      'update meet-masters-machine',
      // Waits until a call works again.
      'update meet-masters-ready',
      'update meet-media-set',
    ]);
  });

  test('with another image replaces the Master Node, at its disk and its address', () => {
    const masters = `masterNodes: { ${keyOf('A')}, vmSize: 'Standard_D2ps_v6' }`;
    const image = imageOf('1.1.0');
    assert.deepEqual(change({ masters, image }), [...MACHINE, 'update meet-media-set']);
  });

  test('with another key for SSH, and other zones, replaces it where the disk is', () => {
    const masters = `masterNodes: { ${keyOf('B')}, zones: ['2', '3'] }`;
    assert.deepEqual(change({ masters }), MACHINE);
    const zones = Object.values(program.pulumi.azure.read())
      .filter(({ name }) => /^meet-(?:masters-data|masters-machine|entry-address)$/.test(name))
      .map(({ inputs }) => inputs['zones']);
    assert.deepEqual(zones.sort(), [['1'], ['1'], ['1', '2', '3']]);
  });

  test('with encryption at host replaces it too', () => {
    const masters = `masterNodes: { ${keyOf('B')}, encryptionAtHost: true }`;
    assert.deepEqual(change({ masters }), MACHINE);
  });

  test('with a name keeps the address that it points to', () => {
    const domain =
      "domain: Domain.dnsZone('meet.example.com', 'example.com', { termsAgreed: true })";
    const steps = change({ domain });
    assert.ok(steps.includes('create meet-entry-record'), String(steps));
    assert.ok(steps.includes('replace meet-masters-machine'), String(steps));
  });

  test('fails at what Azure does not take, and has then lost nothing', () => {
    // The disk, and the resource group that is there for it alone.
    const left = () =>
      Object.values(program.pulumi.azure.read())
        .map(({ name }) => name)
        .filter((name) => /^meet-(?:masters-)?data$/.test(name));
    assert.throws(() => change({ data: 'dataVolume: { sizeGib: 8 }' }), /Disk cannot be shrunk/);
    assert.equal(left().length, 2);
    // With a choice beside it that moves no disk to another resource group.
    const steps = change({ data: 'dataVolume: { sizeGib: 64, retain: false }' });
    assert.ok(steps.includes('update meet-masters-data'), String(steps));
    assert.ok(!steps.some((step) => step.endsWith('-machine')), String(steps));
    assert.equal(left().length, 2);
  });
});
