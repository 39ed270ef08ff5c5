/** What a client of a scale set must do, by the controller's, and by clients that each get one thing wrong. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { clientOf, GROUP_RULES, problemOfGroup } from './azure-group-rules';
import { type GroupMistake, NaiveGroup } from './naive-group';

const MOMENT = 'undoes nothing that somebody else has done in this moment';

/** Which rule finds each mistake out. */
const FOUND_BY: Readonly<Record<GroupMistake, string>> = {
  'lowers the capacity': 'ends exactly the machine that it is told',
  'reads the first page only': 'sees all machines',
  'takes the capacity for what is wanted': 'does not count as capacity what is being deleted',
  'asks again until it is gone': 'asks for a deletion once, although it takes long',
  'forgets what it has asked for': 'knows of a deletion before lists show it',
  'asks again at once': 'asks nothing while Azure has asked to wait',
  'raises the capacity whoever has changed it': MOMENT,
  'gives up where somebody else was quicker': MOMENT,
  'waits for a deletion to end': 'deletes the next machine while the deletion of another hangs',
};

describe('the group of the controller on Azure', () => {
  for (const rule of Object.keys(GROUP_RULES)) {
    it(rule, async () => {
      assert.equal(await problemOfGroup(rule, ({ group }) => clientOf(group)), undefined);
    });
  }
});

describe('a client of a scale set without a mistake', () => {
  for (const rule of new Set(Object.values(FOUND_BY))) {
    it(rule, async () => {
      assert.equal(await problemOfGroup(rule, (world) => new NaiveGroup(world)), undefined);
    });
  }
});

describe('a client of a scale set is found out that', () => {
  for (const [mistake, rule] of Object.entries(FOUND_BY) as [GroupMistake, string][]) {
    it(mistake, async () => {
      const problem = await problemOfGroup(rule, (world) => new NaiveGroup(world, mistake));
      assert.notEqual(problem, undefined, `"${rule}" finds nothing wrong`);
    });
  }
});
