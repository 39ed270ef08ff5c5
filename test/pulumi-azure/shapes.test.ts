import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { ruleProblems } from './support/azure-rules';
import { AzureShapes } from './support/azure-shapes';
import { MUTANTS, mutated } from './support/mutants';
import { ALL_KINDS, shipped } from './support/shipped';
import type { World } from './support/world';

/** Not a resource of Azure's resource manager: Pulumi's provider puts the file into the account itself. */
const UNDESCRIBED = ['azure-native:storage:Blob'];

const shapes = new AzureShapes();

const problemsOf = (type: string, inputs: Readonly<Record<string, unknown>>) => [
  ...(shapes.problemsOf(type, inputs) ?? []),
  ...ruleProblems(type, inputs),
];

describe("Azure's own clients", () => {
  for (const kind of ALL_KINDS) {
    test(`take every resource of a ${kind}`, async () => {
      const { resources } = await shipped(kind);
      const undescribed = new Set<string>();
      for (const { type, name, inputs } of resources) {
        if (!type.startsWith('azure-native:')) continue;
        if (shapes.problemsOf(type, inputs) === undefined) undescribed.add(type);
        assert.deepEqual(problemsOf(type, inputs), [], `${type} ${name}`);
      }
      for (const type of undescribed) assert.ok(UNDESCRIBED.includes(type), type);
    });
  }
});

describe('what is wrong on purpose is found', () => {
  let world: World;

  before(async () => {
    world = await shipped('HighAvailabilityCluster');
  });

  for (const mutant of MUTANTS) {
    test(mutant.what, () => {
      const { type, inputs } = world.only(mutant.type, mutant.ending);
      assert.equal(problemsOf(type, inputs).length, 0);
      assert.notEqual(problemsOf(type, mutated(inputs, mutant)).length, 0);
    });
  }
});
