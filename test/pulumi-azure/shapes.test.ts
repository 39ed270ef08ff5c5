import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { ruleProblems } from './support/azure-rules';
import { AzureShapes } from './support/azure-shapes';
import { MUTANTS, mutated } from './support/mutants';
import { ALL_KINDS, shipped, watched } from './support/shipped';
import type { World } from './support/world';

const UNDESCRIBED = [
  // Not a resource of Azure's resource manager: Pulumi's provider puts the file into the account itself.
  'azure-native:storage:Blob',
  // Their packages have no serializers.
  'azure-native:monitor:ScheduledQueryRule',
  'azure-native:portal:Dashboard',
];

const shapes = new AzureShapes();

const problemsOf = (type: string, inputs: Readonly<Record<string, unknown>>) => [
  ...(shapes.problemsOf(type, inputs) ?? []),
  ...ruleProblems(type, inputs),
];

describe("Azure's own clients", () => {
  for (const [what, made] of [
    ...ALL_KINDS.map((kind) => [kind, () => shipped(kind)] as const),
    ['cluster that has all there is on request', watched] as const,
  ]) {
    test(`take every resource of a ${what}`, async () => {
      const { resources } = await made();
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
    world = await watched();
  });

  for (const mutant of MUTANTS) {
    test(mutant.what, () => {
      const { type, inputs } = world.only(mutant.type, mutant.ending);
      assert.equal(problemsOf(type, inputs).length, 0);
      assert.notEqual(problemsOf(type, mutated(inputs, mutant)).length, 0);
    });
  }
});
