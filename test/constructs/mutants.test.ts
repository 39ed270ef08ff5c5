/** The project's own rules find what is wrong on purpose; cfn-lint's share is a slow test. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readGolden } from './support/golden';
import { broken } from './support/invariants';
import { MUTANTS, mutated } from './support/mutants';

const template = readGolden('SluiceHighAvailability.template.yaml');

describe('the rules find', () => {
  for (const mutant of MUTANTS.filter(({ checker }) => checker === 'rules')) {
    test(mutant.what, () => {
      assert.deepEqual(broken(template), []);
      assert.equal(broken(mutated(template, mutant)).length, 1);
    });
  }
});
