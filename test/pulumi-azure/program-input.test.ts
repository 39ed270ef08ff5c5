/** What somebody may type after `pulumi config set sluice:KEY`, and is told then. */
import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import * as pulumi from '@pulumi/pulumi';
import { PROGRAM_KEYS, programSettings } from '../../pulumi-azure/program/settings';
import { deploy } from '../../pulumi-azure/program/stack';
import { failureOf } from './support/world';

const set = (config: Record<string, string>) =>
  pulumi.runtime.setAllConfig(
    Object.fromEntries(Object.entries(config).map(([key, value]) => [`sluice:${key}`, value])),
  );

/** What is refused, as Pulumi shows it: the message of a RunError, without a stack of calls. */
function refused(config: Record<string, string>): string {
  set(config);
  try {
    programSettings();
  } catch (error) {
    assert.ok(pulumi.RunError.isInstance(error), String(error));
    return error.message;
  }
  throw new assert.AssertionError({ message: `${JSON.stringify(config)} was taken` });
}

const NUMBERS = Object.keys(PROGRAM_KEYS).filter((key) =>
  /Capacity|TargetLoad|Rooms|Minutes|Days|AtCpu/.test(key),
);

afterEach(() => {
  pulumi.runtime.setAllConfig({});
});

describe('a configuration with something wrong', () => {
  for (const given of ['ten', '10x', '1,5', '0x10', '1e3', 'NaN', 'Infinity', '10 nodes', '--5']) {
    test(`is refused where ${given} is to be a number`, () => {
      for (const key of NUMBERS) {
        const text = refused({ [key]: given });
        const start = `configuration: sluice:${key}: got "${given}", allowed is a number such as 10`;
        assert.ok(text.startsWith(start), text);
        assert.ok(text.includes(`pulumi config rm sluice:${key}`), text);
      }
    });
  }

  test('is refused where a value is blank', () => {
    for (const key of Object.keys(PROGRAM_KEYS)) {
      for (const blank of ['', '  ']) {
        assert.match(
          refused({ [key]: blank }),
          new RegExp(`sluice:${key}: got "", allowed is a val`),
        );
      }
    }
  });

  test('is refused with all that is wrong in one text, each in a line', () => {
    const text = refused({
      kind: 'huge',
      mediaNodesMinCapacity: 'one',
      mediaNodesMaxCapacity: '4x',
      mediaNodesArchitecture: 'x86',
      drainOnDeadline: 'wait',
      letsEncryptTermsAgreed: 'yes',
      domainName: 'meet.example.com',
      zones: '{"a":1}',
      mediaNodeMaxCapacity: '10',
    });
    const lines = text.split('\n  ');
    const start = (line: string) => line.replace(/, allowed is .*/s, '');
    assert.deepEqual(lines.map(start).sort(), [
      'configuration: keys: got sluice:mediaNodeMaxCapacity',
      'sluice:drainOnDeadline: got "wait"',
      'sluice:kind: got "huge"',
      'sluice:letsEncryptTermsAgreed: got "yes"',
      'sluice:mediaNodesArchitecture: got "x86"',
      'sluice:mediaNodesMaxCapacity: got "4x"',
      'sluice:mediaNodesMinCapacity: got "one"',
      'sluice:zones: got {"a":1}',
    ]);
    for (const line of lines) assert.match(line, /, allowed is .+; correct it by `pulumi config /s);
  });

  test('is refused where what is of a name has none: clients would come by plain HTTP', () => {
    assert.match(
      refused({ dnsZone: 'example.com', letsEncryptTermsAgreed: 'true' }),
      /sluice:domainName: got none, and sluice:dnsZone, sluice:letsEncryptTermsAgreed, allowed is the name/,
    );
  });

  test('is refused where a Single Node is given what only clusters have', () => {
    const text = refused({
      kind: 'singleNode',
      mediaNodesMaxCapacity: '10',
      drainOnDeadline: 'keep',
    });
    assert.match(text, /sluice:mediaNodesMaxCapacity: got 10, allowed is a cluster/);
    assert.match(text, /sluice:drainOnDeadline: got keep, allowed is a cluster/);
    set({ kind: 'singleNode', mediaNodesVmSize: 'Standard_F8s_v2' });
    assert.equal(programSettings().mediaNodes.vmSize, 'Standard_F8s_v2');
  });

  test('tells of a long list what fits on a screen', async () => {
    const zones = JSON.stringify(Array.from({ length: 5000 }, (_, index) => `zone ${index}`));
    const text = await failureOf(() => {
      set({ zones, mediaNodesMinCapacity: '-3', mediaNodesMaxCapacity: '1000000' });
      deploy(programSettings());
    });
    assert.match(text, /zones: got \["zone 0",.*… \(\d+ characters\), allowed is zones of Azure/);
    assert.match(text, /minCapacity: got -3, allowed is a whole number from 1 to 1000/);
    assert.match(text, /maxCapacity: got 1000000, allowed is a whole number from 1 to 1000/);
    assert.ok(text.length < 4000, String(text.length));
    assert.doesNotMatch(text, /\n\s+at /);
  });

  test('takes zones as they are typed, and as `--path` writes them', () => {
    for (const zones of ['1,2', '1, 2', '["1","2"]', '[1,2]']) {
      set({ zones });
      assert.deepEqual(programSettings().zones, ['1', '2'], zones);
    }
  });
});
