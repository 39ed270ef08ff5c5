/** What the templates tell machines is what machines take: boot.json and sluice.yaml. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parse } from 'yaml';
import { configSchema } from '../../node-image/contract';
import { parseBootPlan } from '../../node-image/lifecycle/boot/boot-plan';
import { bootFileIn, configurations, userData } from './support/deployed';
import { readGolden } from './support/golden';
import { SHIPPED } from './support/shipped';

for (const name of SHIPPED) {
  describe(name, () => {
    const template = readGolden(`${name}.template.yaml`);

    for (const [id, text] of userData(template)) {
      test(`${id}: sluice boot takes its boot.json`, () => {
        const plan = parseBootPlan(bootFileIn(text));
        assert.equal(plan.cloud, 'aws');
        assert.ok(plan.signal?.resource);
        assert.ok(Object.hasOwn(template.Resources, plan.signal.resource), plan.signal.resource);
      });
    }

    for (const [id, text] of configurations(template)) {
      test(`${id}: the node takes its sluice.yaml`, () => {
        const { error } = configSchema.safeParse(parse(text));
        assert.deepEqual(error?.issues ?? [], []);
      });
    }
  });
}
