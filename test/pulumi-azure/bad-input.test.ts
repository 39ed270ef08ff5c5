/** What is refused is told in words: no stack of calls comes with it. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import * as pulumi from '@pulumi/pulumi';
import { Domain, ElasticCluster, HighAvailabilityCluster, SingleNode } from '../../pulumi-azure';
import { checkedSecret, checkedText } from '../../pulumi-azure/private/validation';
import { programSettings } from '../../pulumi-azure/program/settings';
import { errorsOf, failureOf, inWorld } from './support/world';

const FOLDER = join(__dirname, '../../pulumi-azure');
const domain = Domain.none();

/** What is thrown, as it is: Pulumi shows the message alone of a RunError, and the stack of all else. */
function thrownBy(action: () => unknown): Error {
  try {
    action();
  } catch (error) {
    assert.ok(error instanceof Error);
    return error;
  }
  throw new assert.AssertionError({ message: 'nothing was thrown' });
}

/** By option, such as `mediaNodes.zones`: what is of no type that it takes. */
const WRONG: Readonly<Record<string, readonly unknown[]>> = {
  domain: [null, 'meet.example.com', 7, {}],
  network: [7, 'vnet', {}],
  existingNetwork: [7, 'vnet', []],
  'existingNetwork.mediaSubnetId': [7, null, {}],
  secrets: ['secret', 7],
  'secrets.apiKey': ['key', 7],
  'secrets.clusterSecret': [1234567],
  'secrets.existingVault': ['vault', true],
  turn: [null, 'turn', {}],
  image: ['debian', {}],
  settings: ['room', { room: {} }, 7],
  logGroup: ['logs', true, null],
  entry: ['lb', {}, true],
  redis: ['redis', {}, null],
  'redis.tls': ['yes', 1],
  'redis.password': [1234567],
  masterNodes: [null, 3, []],
  mediaNodes: [null, 3, []],
  'mediaNodes.image': ['debian'],
  'mediaNodes.identity': ['identity', {}],
  'mediaNodes.encryptionAtHost': ['true', 1],
  'mediaNodes.sshPublicKey': [7],
  'mediaNodes.networkSecurityGroupId': [7, {}],
  'mediaNodes.zones': ['1', [1], 1],
  'mediaNodes.spot': [true, 'yes'],
  'mediaNodes.drain': [15, true],
  'mediaNodes.scaling': [0.6],
  'mediaNodes.jobs': [true, 'builtIn', {}],
  'mediaNodes.minCapacity': ['1', true, 1.5],
  'mediaNodes.vmSize': [4, {}],
  'mediaNodes.architecture': [64],
  'mediaNodes.drain.patienceMinutes': ['15'],
  'mediaNodes.scaling.targetLoad': ['0.6'],
  'masterNodes.count': ['1'],
  dataVolume: [20, true],
  'dataVolume.retain': ['true', 1],
  'dataVolume.sizeGib': ['20'],
  resourceGroupName: [7, {}],
  location: [5, null],
  tags: ['team', { team: 7 }],
  mediaResourceGroupName: [7],
};

/** `a.b` with a value, as options; what a Redis has to have beside is there. */
function optionsWith(path: string, value: unknown): object {
  const [first = '', ...rest] = path.split('.');
  if (rest.length === 0) return { [first]: value };
  const base = first === 'redis' ? { host: 'redis.example.com' } : {};
  return { [first]: { ...base, ...optionsWith(rest.join('.'), value) } };
}

describe('a plain value of another type', () => {
  test('is refused at construction, by its name and without a stack of calls', async () => {
    await inWorld(() => {
      for (const [path, values] of Object.entries(WRONG)) {
        for (const [index, value] of values.entries()) {
          const options = { domain, ...optionsWith(path, value) };
          const name = `${path}-${index}`.replaceAll('.', '-');
          const error = thrownBy(() => new ElasticCluster(name, options as never));
          assert.ok(pulumi.RunError.isInstance(error), `${path} ${String(value)}: ${error.stack}`);
          const last = path.startsWith('mediaNodes.') || path.startsWith('masterNodes.');
          const shown = last ? path.replace(/^m\w+Nodes\.(?=drain\.|scaling\.)/, '') : path;
          const short = shown.replace(/^m\w+Nodes\./, '(?:m\\w+Nodes\\.)?');
          assert.match(error.message, new RegExp(`${short}: got .*allowed is .*; `), path);
          assert.ok(!error.message.includes('1234567'), 'a secret is shown');
        }
      }
    });
  });

  test('is told together with all else that is wrong', async () => {
    await inWorld(() => {
      const error = thrownBy(
        () =>
          new SingleNode('meet', {
            domain: 'meet.example.com',
            zones: '1',
            encryptionAtHost: 'yes',
            diskSizeGib: 5,
          } as never),
      );
      assert.deepEqual(
        error.message.split('\n').map((line) => /(\w+): got/.exec(line)?.[1]),
        ['domain', 'encryptionAtHost', 'zones', 'diskSizeGib'],
      );
      assert.match(
        thrownBy(() => new ElasticCluster('meet', undefined as never)).message,
        /domain/,
      );
    });
  });
});

describe('a value that comes later', () => {
  test('is refused without a stack of calls, where it is known', async () => {
    const caught = await errorsOf(() => {
      checkedText('location', Promise.resolve('?'), /^\w+$/, 'a region');
      checkedSecret('clusterSecret', Promise.resolve('short'), 32);
    });
    assert.ok(caught.length >= 2);
    for (const error of caught) assert.ok(pulumi.RunError.isInstance(error), String(error));
  });
});

describe('what Pulumi prints', () => {
  test('is the sentence alone, of the configuration too', async () => {
    await inWorld(() => {
      pulumi.runtime.setAllConfig({ 'sluice:knd': 'elastic' });
      assert.ok(pulumi.RunError.isInstance(thrownBy(() => programSettings())));
      pulumi.runtime.setAllConfig({});
      const error = thrownBy(
        () => new HighAvailabilityCluster('meet', { domain, masterNodes: { count: 1 } }),
      );
      assert.ok(pulumi.RunError.isInstance(error));
    });
    assert.match(
      await failureOf(() => new SingleNode('meet', { domain, diskSizeGib: 1 })),
      /^meet: diskSizeGib: got 1, allowed is a whole number from 10 to 4095; give [^\n]*$/,
    );
  });

  test('is never a stack of what is thrown here', () => {
    const files = readdirSync(FOLDER, { recursive: true, encoding: 'utf8' }).filter(
      (file) => file.endsWith('.ts') && !/^(?:dist|node_modules)\b/.test(file),
    );
    assert.ok(files.length > 40);
    for (const file of files) {
      const text = readFileSync(join(FOLDER, file), 'utf8');
      assert.doesNotMatch(text, /throw new (?!pulumi\.RunError\()/, file);
    }
  });
});
