/** What the components tell machines is what machines take: boot.json and sluice.yaml. */
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { BOOT_PLAN_FILE, parseBootPlan } from '../../node-image/lifecycle/boot/boot-plan';
import { at, bootOf, configOf, scriptOf } from './support/read';
import { ALL_KINDS, shipped } from './support/shipped';
import type { World } from './support/world';

for (const kind of ALL_KINDS) {
  describe(kind, () => {
    let world: World;
    before(async () => {
      world = await shipped(kind);
    });

    test('writes a boot.json that sluice boot takes, with the role of its configuration', () => {
      const profiles = [
        ...world.all('azure-native:compute:VirtualMachine').map(({ inputs }) => inputs),
        ...world
          .all('azure-native:compute:VirtualMachineScaleSet')
          .map(({ inputs }) => inputs['virtualMachineProfile']),
      ];
      assert.ok(profiles.length > 0);
      for (const profile of profiles) {
        const script = scriptOf(profile);
        assert.ok(script.includes(BOOT_PLAN_FILE));
        const plan = parseBootPlan(JSON.stringify(bootOf(script)));
        assert.equal(plan.cloud, 'azure');
        assert.notEqual(plan.identity, undefined);
        const secrets = world.all('azure-native:keyvault:Secret');
        const config = secrets.find(({ inputs }) => inputs['secretName'] === plan.config?.secret);
        assert.ok(config, `${plan.config?.secret} is a secret of the vault`);
        const { sluice } = configOf(world, config.name.replace(/-config-secret$/, ''));
        assert.equal(sluice.role, plan.role);
        assert.equal(sluice.cloud.kind, 'azure');
        if (plan.role === 'master') {
          assert.equal(sluice.scaling.group, 'azure');
          const [media] = world
            .all('azure-native:compute:VirtualMachineScaleSet')
            .filter(({ inputs }) => at(inputs, 'tags.sluice:max-nodes') !== undefined);
          assert.ok(media, 'the scale set has its limits as tags');
        }
      }
    });
  });
}
