import { z } from 'zod';
import { type Finding, findingsOf } from '../../../findings/finding';
import { ask, uncheckedBy } from './ask';
import type { Check } from './context';

const TITLE = 'Resource groups';
const LOCK = z.object({
  id: z.string(),
  name: z.string(),
  properties: z.object({ level: z.string() }),
});

export const checkResourceGroups: Check = async ({ question, arm, root }) => {
  const { ok, failed, warning } = findingsOf(TITLE);
  const { resourceGroup, mediaResourceGroup = resourceGroup, masters } = question;
  const media = masters === 0 ? undefined : mediaResourceGroup;
  const names = [...new Set([resourceGroup, media])].filter((name) => name !== undefined);
  const findings: Finding[] = [];
  for (const name of names) {
    const path = `${root}/resourceGroups/${name}`;
    const asked = await ask(() => arm.find(z.object({ name: z.string() }), path, '2021-04-01'));
    if (!('answer' in asked)) {
      const permission = 'Microsoft.Resources/subscriptions/resourceGroups/read';
      findings.push(uncheckedBy(TITLE, asked, permission));
    } else if (asked.answer === undefined) {
      findings.push(
        failed(
          `there is no ${name} in the subscription`,
          `Make it, az group create --name ${name} --location REGION, or leave it out: the deployment makes one.`,
        ),
      );
    }
  }
  const locks = await ask(() =>
    arm.list(LOCK, `${root}/providers/Microsoft.Authorization/locks`, '2020-05-01'),
  );
  if (!('answer' in locks)) {
    findings.push(uncheckedBy(TITLE, locks, 'Microsoft.Authorization/locks/read'));
  } else {
    for (const { id, name, properties } of locks.answer) {
      const scope = id.split(/\/providers\/Microsoft\.Authorization\/locks\//i)[0] ?? '';
      const where = scope.slice(root.length + 1).replace(/^resourceGroups\//i, '');
      const isOf = (group: string | undefined): boolean => {
        return (
          scope === root || (group !== undefined && where.toLowerCase() === group.toLowerCase())
        );
      };
      const todo = `Take it away, or use other resource groups: az lock delete --ids ${id}`;
      const place = where === '' ? 'the subscription' : where;
      if (properties.level === 'ReadOnly' && (isOf(resourceGroup) || isOf(media))) {
        findings.push(failed(`the lock ${name} lets nothing be made in ${place}`, todo));
      } else if (masters > 0 && isOf(media)) {
        findings.push(
          failed(
            `by the lock ${name} on ${place} the controller can delete no machine that is empty`,
            todo,
          ),
        );
      } else if (isOf(resourceGroup)) {
        findings.push(
          warning(`by the lock ${name} on ${place} nothing can be replaced or taken away`, todo),
        );
      }
    }
  }
  if (findings.length > 0) return findings;
  return [ok(names.length === 0 ? 'the deployment makes them' : `${names.join(', ')}, not locked`)];
};
